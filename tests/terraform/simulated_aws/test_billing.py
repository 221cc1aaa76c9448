"""What this package adds to moto for a bill: reports, cost allocation tags, spot feed, Athena."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from . import ACCOUNT, SimulatedAws
from .test_simulated_aws import RAW, refused

pytestmark = pytest.mark.slow

BUCKET = "reports"
REPORT = {
    "ReportName": "kubecost",
    "TimeUnit": "DAILY",
    "Format": "Parquet",
    "Compression": "Parquet",
    "AdditionalSchemaElements": ["RESOURCES"],
    "AdditionalArtifacts": ["ATHENA"],
    "ReportVersioning": "OVERWRITE_REPORT",
    "S3Bucket": BUCKET,
    "S3Prefix": "bill",
    "S3Region": "us-east-1",
}


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatedAws]:
    with SimulatedAws(lose_scraper_answer=False) as running:
        yield running


@pytest.fixture
def aws(server: SimulatedAws) -> SimulatedAws:
    server.reset()
    return server


def open_bucket(aws: SimulatedAws, *, account: str = ACCOUNT, actions: int = 3) -> None:
    """Make a bucket that lets AWS deliver for an account, by so many of the three rights."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    rights = ["s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:PutObject"][:actions]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "billingreports.amazonaws.com"},
        "Action": rights,
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)


def test_a_report_is_defined_changed_and_deleted(aws: SimulatedAws) -> None:
    open_bucket(aws)
    cur = aws.client("cur", config=RAW)
    cur.put_report_definition(ReportDefinition=REPORT, Tags=[{"Key": "team", "Value": "a"}])
    assert refused(cur.put_report_definition, ReportDefinition=REPORT)[0] == (
        "DuplicateReportNameException"
    )
    cur.modify_report_definition(
        ReportName="kubecost", ReportDefinition={**REPORT, "RefreshClosedReports": True}
    )
    (report,) = cur.describe_report_definitions()["ReportDefinitions"]
    assert report["RefreshClosedReports"] is True
    cur.untag_resource(ReportName="kubecost", TagKeys=["team"])
    cur.tag_resource(ReportName="kubecost", Tags=[{"Key": "owner", "Value": "b"}])
    assert cur.list_tags_for_resource(ReportName="kubecost")["Tags"] == [
        {"Key": "owner", "Value": "b"}
    ]
    assert "cur:kubecost" in aws.leftovers()
    cur.delete_report_definition(ReportName="kubecost")
    assert cur.describe_report_definitions()["ReportDefinitions"] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"S3Region": "eu-west-1"}, "not in eu-west-1"),
        ({"S3Bucket": "another"}, "does not exist or is another account's"),
        ({"ReportVersioning": "CREATE_NEW_REPORT"}, "OVERWRITE_REPORT"),
        ({"TimeUnit": "YEARLY"}, "enum value set"),
        ({"S3Region": "mars-1"}, "enum value set"),
    ],
)
def test_a_report_that_aws_could_not_deliver_is_refused(
    aws: SimulatedAws, change: dict[str, str], says: str
) -> None:
    open_bucket(aws)
    cur = aws.client("cur", config=RAW)
    code, message = refused(cur.put_report_definition, ReportDefinition={**REPORT, **change})
    assert code == "ValidationException"
    assert says in message


@pytest.mark.parametrize("rights", [{"actions": 2}, {"account": "111122223333"}])
def test_a_bucket_that_does_not_let_aws_in_is_refused(
    aws: SimulatedAws, rights: dict[str, Any]
) -> None:
    open_bucket(aws, **rights)
    cur = aws.client("cur", config=RAW)
    _, message = refused(cur.put_report_definition, ReportDefinition=REPORT)
    assert message.startswith("Failed to verify customer bucket permission.")


def test_a_tag_is_activated_after_a_resource_had_it(aws: SimulatedAws) -> None:
    ce, ec2 = aws.client("ce", config=RAW), aws.client("ec2")
    wanted = [{"TagKey": "team", "Status": "Active"}, {"TagKey": "never", "Status": "Active"}]
    ec2.create_volume(
        AvailabilityZone="us-east-1a",
        Size=1,
        TagSpecifications=[
            {"ResourceType": "volume", "Tags": [{"Key": "team", "Value": "platform"}]}
        ],
    )
    (error,) = ce.update_cost_allocation_tags_status(CostAllocationTagsStatus=wanted)["Errors"]
    assert (error["TagKey"], error["Code"]) == ("never", "TagKeysNotFound")
    (tag,) = ce.list_cost_allocation_tags(Status="Active")["CostAllocationTags"]
    assert (tag["TagKey"], tag["Type"]) == ("team", "UserDefined")
    ce.update_cost_allocation_tags_status(
        CostAllocationTagsStatus=[{"TagKey": "team", "Status": "Inactive"}]
    )
    assert ce.list_cost_allocation_tags(Status="Active")["CostAllocationTags"] == []


def test_an_account_has_one_spot_data_feed(aws: SimulatedAws) -> None:
    ec2, s3 = aws.client("ec2", config=RAW), aws.client("s3")
    assert refused(ec2.describe_spot_datafeed_subscription)[0] == "InvalidSpotDatafeed.NotFound"
    s3.create_bucket(Bucket="spot")
    assert refused(ec2.create_spot_datafeed_subscription, Bucket="spot")[0] == (
        "InvalidParameterValue"
    )
    s3.put_bucket_ownership_controls(
        Bucket="spot",
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    )
    ec2.create_spot_datafeed_subscription(Bucket="spot", Prefix="a")
    feed = ec2.describe_spot_datafeed_subscription()["SpotDatafeedSubscription"]
    assert (feed["Bucket"], feed["Prefix"], feed["OwnerId"]) == ("spot", "a", ACCOUNT)
    ec2.delete_spot_datafeed_subscription()
    assert refused(ec2.describe_spot_datafeed_subscription)[0] == "InvalidSpotDatafeed.NotFound"


def test_a_workgroup_is_changed_and_deleted_with_its_history_only_if_asked(
    aws: SimulatedAws,
) -> None:
    athena = aws.client("athena", config=RAW)
    assert refused(athena.get_work_group, WorkGroup="bill")[0] == "InvalidRequestException"
    athena.create_work_group(Name="bill", Configuration={"BytesScannedCutoffPerQuery": 10_000_000})
    query = {"QueryString": "SELECT 1", "WorkGroup": "bill"}
    assert "No output location" in refused(athena.start_query_execution, **query)[1]
    athena.update_work_group(
        WorkGroup="bill",
        ConfigurationUpdates={
            "RemoveBytesScannedCutoffPerQuery": True,
            "ResultConfigurationUpdates": {"OutputLocation": "s3://results/"},
        },
    )
    configuration = athena.get_work_group(WorkGroup="bill")["WorkGroup"]["Configuration"]
    assert "BytesScannedCutoffPerQuery" not in configuration
    athena.start_query_execution(**query)
    assert "not empty" in refused(athena.delete_work_group, WorkGroup="bill")[1]
    athena.delete_work_group(WorkGroup="bill", RecursiveDeleteOption=True)
    assert refused(athena.get_work_group, WorkGroup="bill")[0] == "InvalidRequestException"
