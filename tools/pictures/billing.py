"""What the bill's picture shows: a report, who may query it, and the spot data feed.

The settings are those in billing.yaml; the rest of a cluster is in its architecture's picture.
"""

import json
from collections.abc import Iterator, Mapping

from diagrams.aws.analytics import Athena, GlueDataCatalog
from diagrams.aws.compute import EC2SpotInstance
from diagrams.aws.cost import CostAndUsageReport
from diagrams.aws.storage import SimpleStorageServiceS3Bucket

from modules.policy import ROLE_ANNOTATION
from tools.pictures import frames
from tools.pictures.components import components
from tools.pictures.left_out import LEFT_OUT, LEFT_OUT_OF_BILLING, LEFT_OUT_OF_FLEET
from tools.pictures.marks import KUBECOST
from tools.pictures.picture import (
    DELIVER,
    QUERY,
    ROLE,
    Box,
    Flow,
    Item,
    Part,
    Picture,
    Text,
    true_items,
)
from tools.synthesis import Stack

HUB, FOREIGN = "prom", "prom-data"
DEFINITION = "billing:aws_cur_report_definition.report_definition"
FILES = "billing:aws_s3_bucket.report_files"
RESULTS = "billing:aws_s3_bucket.report_results"
TABLE = "billing:aws_glue_catalog_table.report_table"
DATABASE = "billing:aws_glue_catalog_database.report_database"
WORKGROUP = "billing:aws_athena_workgroup.report_workgroup"
PAYER_ROLE, PAYER_POLICY = (
    "billing:aws_iam_role.reader",
    "billing:aws_iam_role_policy.reader_policy",
)
FEED, FEED_FILES = "billing:aws_spot_datafeed_subscription.spot", "billing:aws_s3_bucket.spot_files"

HEIGHT = 560
TOP = 166


def picture(stacks: Mapping[str, Stack]) -> Picture:
    """Draw the bill.

    Raises:
        PictureError: the stacks have what the picture does not account for.
    """
    found = components(stacks)
    summary = "Kubecost reconciles what it measured with what AWS charged."
    items = [
        *_places(found, stacks),
        *_report(found),
        *_feed(),
        *_readers(found),
    ]
    left_out = LEFT_OUT | LEFT_OUT_OF_FLEET | LEFT_OUT_OF_BILLING
    return Picture(
        "billing", summary, HEIGHT, true_items(items, found, left_out), icons={ROLE: "IAM role"}
    )


def _places(found: Mapping[str, str], stacks: Mapping[str, Stack]) -> Iterator[Item]:
    (terraform,) = stacks[FOREIGN]["provider"]["aws"][0]["assume_role"]
    other = f"AWS account {terraform['role_arn'].split(':')[4]}"
    for corner, size, title in (
        ((14, 76), (802, 330), "the payer's AWS account"),
        ((590, 414), (226, 100), other),
    ):
        yield Box(
            corner,
            size,
            frames.ACCOUNT,
            title,
        )
    for stack, corner, size in ((HUB, (600, 104), (206, 292)), (FOREIGN, (600, 440), (206, 66))):
        cluster = f"{stack}:data.aws_eks_cluster.cluster"
        yield Box(
            corner,
            size,
            frames.CLUSTER,
            json.loads(found[cluster])["name"],
            shows=(cluster,),
        )


def _report(found: Mapping[str, str]) -> Iterator[Item]:
    bucket = SimpleStorageServiceS3Bucket
    name = json.loads(found[DEFINITION])["report_name"]
    yield Part(
        "report", CostAndUsageReport, (70, TOP), shows=(DEFINITION,), title="report", note=name
    )
    yield Part("files", bucket, (190, TOP), shows=(FILES,), title="files", note="Parquet, by month")
    yield Part(
        "table",
        GlueDataCatalog,
        (330, TOP),
        shows=(TABLE, DATABASE),
        names=((TABLE, DATABASE),),
        title="table",
        note="no crawler",
    )
    yield Part("workgroup", Athena, (470, TOP), shows=(WORKGROUP,), title="workgroup")
    yield Part("results", bucket, (470, 104), shows=(RESULTS,), size=28, aside="results")
    for kind, start, end, points, shows, names in (
        (DELIVER, "report", "files", ((92, TOP), (168, TOP)), DEFINITION, FILES),
        (QUERY, "table", "files", ((308, TOP), (212, TOP)), TABLE, "s3://"),
        (QUERY, "workgroup", "table", ((448, TOP), (352, TOP)), WORKGROUP, "enforce"),
        (DELIVER, "workgroup", "results", ((470, 144), (470, 118)), WORKGROUP, RESULTS),
    ):
        yield Flow(kind, start, end, points, shows=(shows,), names=((shows, names),))


def _feed() -> Iterator[Item]:
    bucket = SimpleStorageServiceS3Bucket
    yield Part("feed", EC2SpotInstance, (70, 330), shows=(FEED,), title="spot data feed")
    yield Part("feed_files", bucket, (190, 330), shows=(FEED_FILES,), title="files", note="hourly")
    yield Flow(
        DELIVER,
        "feed",
        "feed_files",
        ((92, 330), (168, 330)),
        shows=(FEED,),
        names=((FEED, FEED_FILES),),
    )
    config = f"{HUB}:helm_release.kubecost_release/kubecostProductConfigs.awsSpotDataBucket"
    yield Flow(
        QUERY,
        f"{HUB} kubecost",
        "feed_files",
        ((742, TOP), (784, TOP), (784, 330), (212, 330)),
        shows=(config,),
    )


def _readers(found: Mapping[str, str]) -> Iterator[Item]:
    for stack, at in ((HUB, (720, TOP)), (FOREIGN, (720, 480))):
        release = f"{stack}:helm_release.kubecost_release"
        config = f"{release}/kubecostProductConfigs.cloudIntegrationJSON"
        role = f"{stack}:aws_iam_role.kubecost_reader"
        policy = f"{role.replace('iam_role', 'iam_role_policy')}_policy"
        annotation = f"{release}/serviceAccount.annotations.{ROLE_ANNOTATION}"
        hub = stack == HUB
        yield Part(
            f"{stack} kubecost",
            KUBECOST,
            at,
            shows=(release,),
            size=44 if hub else 32,
            title="Kubecost" if hub else "",
            aside="" if hub else "Kubecost",
        )
        yield Part(
            f"{stack} role",
            ROLE,
            (660, at[1]),
            shows=(role, policy, annotation),
            names=(
                (annotation, role),
                (policy, role),
                (policy, "athena:StartQueryExecution" if hub else "bill-reader"),
            ),
            size=20,
        )
        points = (
            ((698, TOP), (492, TOP))
            if hub
            else ((704, 480), (560, 480), (560, TOP + 14), (492, TOP + 14))
        )
        yield Flow(
            QUERY,
            f"{stack} kubecost",
            "workgroup",
            points,
            shows=(config,),
            names=((config, json.loads(found[WORKGROUP])["name"]),),
        )
    yield Part(
        "payer role",
        ROLE,
        (560, 384),
        shows=(PAYER_ROLE, PAYER_POLICY),
        names=(
            (PAYER_POLICY, PAYER_ROLE),
            (PAYER_POLICY, "athena:StartQueryExecution"),
            (PAYER_ROLE, "reader"),
        ),
        size=20,
    )
    yield Text(
        (542, 384),
        f"{json.loads(found[PAYER_ROLE])['name']}: other accounts assume it",
        shows=(PAYER_ROLE,),
        align="right",
    )
