"""Ring 3, slow: a bill in the payer's account, read by Kubecosts of a fleet in two others."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import yaml

from tests.conftest import Stack, read_stacks, synthesize_into
from tests.terraform.clusters import make_cluster, session
from tests.terraform.deployment import Deployment
from tests.terraform.roots import Root
from tests.terraform.scan import failed_checks, justified
from tests.terraform.simulated_aws import ACCOUNT, SimulatedAws
from tests.terraform.simulated_aws.iam import is_allowed
from tools.verify import bill
from tools.verify.aws import Aws
from tools.verify.bill import Payer
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import Status
from tools.verify.kube import Kube

pytestmark = pytest.mark.slow

REGION = "ap-northeast-2"
PAYER, OTHER = "999900001111", "444455556666"
FILES, RESULTS = f"kubecost-bill-{PAYER}", f"kubecost-bill-results-{PAYER}"
WORKGROUP = f"arn:aws:athena:{REGION}:{PAYER}:workgroup/kubecost-bill"
GLUE = f"arn:aws:glue:{REGION}:{PAYER}"
READER = f"arn:aws:iam::{PAYER}:role/kubecost-bill-reader"
SETTINGS: dict[str, Any] = {
    "clusters": [
        {"name": "kubecost"},
        {"name": "data", "role_arn": f"arn:aws:iam::{OTHER}:role/terraform"},
    ],
    "architectures": ["prom", "prom_amp_cost"],
    "amp": {"role_arn": "arn:aws:iam::111122223333:role/kubecost-amp"},
    "billing": {
        "report": {"create": True},
        "account_role_arn": f"arn:aws:iam::{PAYER}:role/terraform",
        "cost_allocation_tags": ["team"],
    },
}
VOLUME_TAGS = (
    "kubernetes.io/created-for/pvc/name",
    "kubernetes.io/created-for/pvc/namespace",
    "kubernetes.io/created-for/pv/name",
)
STACKS = ("billing", "prom", "prom-data")


def synthesized(folder: Path, **billing: Any) -> dict[str, Stack]:
    settings = {**SETTINGS, "billing": {**SETTINGS["billing"], **billing}}
    folder.mkdir()
    file = folder / "kubecost.yaml"
    file.write_text(yaml.safe_dump(settings))
    return read_stacks(synthesize_into(folder / "out", file))


def tag_a_volume(aws: SimulatedAws, *keys: str) -> None:
    """Let AWS see tags, as the EBS driver and people set them."""
    aws.client("ec2").create_volume(
        AvailabilityZone=f"{REGION}a",
        Size=1,
        TagSpecifications=[
            {"ResourceType": "volume", "Tags": [{"Key": key, "Value": "x"} for key in keys]}
        ],
    )


@pytest.fixture(scope="module")
def aws() -> Iterator[SimulatedAws]:
    with SimulatedAws(region=REGION) as running:
        make_cluster(session(running, REGION), "kubecost")
        make_cluster(session(running, REGION, OTHER), "data")
        tag_a_volume(running, "team", "CostCenter", *VOLUME_TAGS)
        yield running


@pytest.fixture(scope="module")
def payer(aws: SimulatedAws) -> Callable[[str], Any]:
    return session(aws, REGION, PAYER)


@pytest.fixture(scope="module")
def fleet(
    aws: SimulatedAws, missing_providers: set[str], tmp_path_factory: pytest.TempPathFactory
) -> Deployment:
    folder = tmp_path_factory.mktemp("billing")
    made = synthesized(folder / "synthesized")
    stacks = {name: made[name] for name in STACKS}
    deployment = Deployment(folder / "roots", stacks, aws, missing_providers)
    deployment.apply()
    return deployment


def role_policies(iam: Any, role: str) -> list[dict[str, Any]]:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]


def test_one_apply_makes_all_and_a_second_plan_is_empty(
    fleet: Deployment, payer: Callable[[str], Any], aws: SimulatedAws
) -> None:
    fleet.assert_nothing_to_do()
    reports = session(aws, "us-east-1", PAYER)("cur").describe_report_definitions()
    (report,) = reports["ReportDefinitions"]
    assert (report["S3Bucket"], report["S3Region"], report["TimeUnit"]) == (FILES, REGION, "DAILY")
    table = payer("glue").get_table(DatabaseName="kubecost_bill", Name="costs")["Table"]
    # As Athena reads it, with Terraform's escape undone.
    assert table["Parameters"]["storage.location.template"] == (
        f"s3://{FILES}/bill/kubecost/kubecost/year=${{year}}/month=${{month}}"
    )
    assert [key["Name"] for key in table["PartitionKeys"]] == ["year", "month"]
    active = payer("ce").list_cost_allocation_tags(Status="Active")["CostAllocationTags"]
    assert {tag["TagKey"] for tag in active} == {"aws:eks:cluster-name", "team", *VOLUME_TAGS}


def test_the_payers_role_is_for_the_readers_of_this_fleet(
    fleet: Deployment, payer: Callable[[str], Any]
) -> None:
    role = payer("iam").get_role(RoleName="kubecost-bill-reader")["Role"]

    def admitted(arn: str) -> bool:
        return is_allowed(
            role["AssumeRolePolicyDocument"],
            action="sts:AssumeRole",
            principal=("AWS", arn),
            context={"aws:PrincipalArn": arn},
        )

    readers = {
        ACCOUNT: ["kubecost-prom-reader", "kubecost-prom-amp-cost-reader"],
        OTHER: ["kubecost-prom.data-reader", "kubecost-prom-amp-cost.data-reader"],
    }
    for account, names in readers.items():
        for name in names:
            assert admitted(f"arn:aws:iam::{account}:role/{name}")
        assert not admitted(f"arn:aws:iam::{account}:role/admin")
        assert not admitted(f"arn:aws:iam::{account}:root")
    assert not admitted("arn:aws:iam::121212121212:role/kubecost-prom-reader")


def test_a_reader_may_assume_the_payers_role_and_nothing_else(
    fleet: Deployment, aws: SimulatedAws
) -> None:
    accounts = {"kubecost-prom-reader": ACCOUNT, "kubecost-prom.data-reader": OTHER}
    for name, account in accounts.items():
        iam = session(aws, REGION, account)("iam")
        assert iam.get_role(RoleName=name)["Role"]["Arn"] == f"arn:aws:iam::{account}:role/{name}"
        policies = role_policies(iam, name)
        assert is_allowed(*policies, action="sts:AssumeRole", resource=READER)
        other = READER.replace("kubecost-bill-reader", "admin")
        assert not is_allowed(*policies, action="sts:AssumeRole", resource=other)
        assert not is_allowed(*policies, action="athena:StartQueryExecution", resource=WORKGROUP)


ALLOWED = [
    ("athena:StartQueryExecution", WORKGROUP),
    ("athena:GetQueryResults", WORKGROUP),
    ("glue:GetTable", f"{GLUE}:table/kubecost_bill/costs"),
    ("glue:GetPartitions", f"{GLUE}:table/kubecost_bill/costs"),
    ("glue:GetDatabase", f"{GLUE}:database/kubecost_bill"),
    ("s3:ListBucket", f"arn:aws:s3:::{FILES}"),
    ("s3:GetObject", f"arn:aws:s3:::{FILES}/bill/kubecost/kubecost/year=2026/month=11/a.parquet"),
    ("s3:PutObject", f"arn:aws:s3:::{RESULTS}/1.csv"),
    ("s3:GetObject", f"arn:aws:s3:::{RESULTS}/1.csv"),
]
REFUSED = [
    ("s3:PutObject", f"arn:aws:s3:::{FILES}/bill/kubecost/kubecost/year=2026/month=11/a.parquet"),
    ("s3:DeleteObject", f"arn:aws:s3:::{FILES}/bill/a.parquet"),
    ("s3:DeleteObject", f"arn:aws:s3:::{RESULTS}/1.csv"),
    ("s3:GetObject", "arn:aws:s3:::payroll/november.csv"),
    ("s3:ListBucket", "arn:aws:s3:::payroll"),
    ("athena:StartQueryExecution", WORKGROUP.replace("kubecost-bill", "primary")),
    ("athena:UpdateWorkGroup", WORKGROUP),
    ("glue:GetTable", f"{GLUE}:table/kubecost_bill/other"),
    ("glue:GetTable", f"{GLUE}:table/default/other"),
    ("glue:GetDatabase", f"{GLUE}:database/payroll"),
    ("glue:UpdateTable", f"{GLUE}:table/kubecost_bill/costs"),
    ("cur:DescribeReportDefinitions", f"arn:aws:cur:us-east-1:{PAYER}:definition/kubecost"),
    ("ce:GetCostAndUsage", f"arn:aws:ce:us-east-1:{PAYER}:/GetCostAndUsage"),
]


@pytest.mark.parametrize(("action", "resource"), ALLOWED)
def test_the_payers_role_may_query(
    fleet: Deployment, payer: Callable[[str], Any], action: str, resource: str
) -> None:
    policies = role_policies(payer("iam"), "kubecost-bill-reader")
    assert is_allowed(*policies, action=action, resource=resource)


@pytest.mark.parametrize(("action", "resource"), REFUSED)
def test_the_payers_role_may_nothing_else(
    fleet: Deployment, payer: Callable[[str], Any], action: str, resource: str
) -> None:
    policies = role_policies(payer("iam"), "kubecost-bill-reader")
    assert not is_allowed(*policies, action=action, resource=resource)


@pytest.mark.parametrize("bucket", [FILES, RESULTS])
def test_a_bucket_is_private_and_reached_by_tls_only(
    fleet: Deployment, payer: Callable[[str], Any], bucket: str
) -> None:
    s3 = payer("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    principal = ("AWS", READER)
    for secure in ("true", "false"):
        open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
        assert is_allowed(
            {"Statement": [*policy["Statement"], open_to_all]},
            action="s3:GetObject",
            resource=f"arn:aws:s3:::{bucket}/a",
            principal=principal,
            context={"aws:SecureTransport": secure},
        ) is (secure == "true")
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values())
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_kubecosts_query_runs_in_the_workgroup_and_its_results_go_where_the_workgroup_says(
    fleet: Deployment, payer: Callable[[str], Any]
) -> None:
    athena = payer("athena")
    group = athena.get_work_group(WorkGroup="kubecost-bill")["WorkGroup"]["Configuration"]
    assert group["EnforceWorkGroupConfiguration"] is True
    assert group["BytesScannedCutoffPerQuery"] == 50 * 2**30
    assert group["ResultConfiguration"]["OutputLocation"] == f"s3://{RESULTS}/"
    # A history of queries; it must not keep the workgroup from being destroyed.
    athena.start_query_execution(QueryString="SELECT 1", WorkGroup="kubecost-bill")


class Frontend:
    """Kubecost's frontend, which is in the cluster: it reads every report."""

    def service(self, *_: str) -> str:
        return json.dumps({"data": [{"connectionStatus": "Connection Successful"}]})


def test_verify_reads_the_bill_in_the_payers_account(
    fleet: Deployment, aws: SimulatedAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    written = synthesized(tmp_path / "synthesized")
    payer = Payer(Declared("billing", written["billing"]), SETTINGS["billing"]["account_role_arn"])
    monkeypatch.setattr(Payer, "find", lambda: payer)
    # moto runs no query: it answers with what is queued (docs, "Athena").
    rows = [[{"VarCharValue": text} for text in row] for row in (["_col0", "_col1"], ["40", "30"])]
    result = {"rows": [{"Data": row} for row in rows], "column_info": []}
    queue = {"account_id": PAYER, "region": REGION, "results": [result]}
    requests.post(
        f"{aws.url}/moto-api/static/athena/query-results", json=queue, timeout=10
    ).raise_for_status()
    context = Context(Declared("prom", written["prom"]), Aws(REGION), {}, cast(Kube, Frontend()))

    delivered, has_rows, tags, connected = bill.check(context)

    # The report was just made.
    assert delivered.status == Status.FAIL
    assert delivered.seen == "no delivery yet"
    assert "40 rows, 30 of clusters" in has_rows.what
    assert [each.status for each in (has_rows, tags, connected)] == [Status.OK] * 3


def test_what_checkov_finds_has_a_reason(fleet: Deployment, tmp_path: Path) -> None:
    found = failed_checks([fleet.roots["billing"]], tmp_path)
    assert found == {*justified("cost_report.py"), *justified("private_bucket.py")}


def test_a_tag_more_and_a_shorter_retention_are_updates(
    fleet: Deployment, payer: Callable[[str], Any], tmp_path: Path
) -> None:
    changed = synthesized(
        tmp_path / "changed",
        report={"create": True, "retention_days": 400, "query_limit_gib": 10},
        cost_allocation_tags=["team", "CostCenter"],
    )
    billing = fleet.roots["billing"]
    billing.write(changed["billing"])
    assert billing.planned() == {
        "aws_athena_workgroup.report_workgroup": "update",
        "aws_ce_cost_allocation_tag.tag_user_cost_center": "create",
        "aws_glue_catalog_table.report_table": "update",
        "aws_s3_bucket_lifecycle_configuration.report_files_lifecycle": "update",
    }
    billing.apply()
    fleet.assert_nothing_to_do()
    table = payer("glue").get_table(DatabaseName="kubecost_bill", Name="costs")["Table"]
    names = [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
    assert names[-1] == "resource_tags_user_cost_center"


def test_a_destroy_keeps_what_aws_delivered(
    fleet: Deployment, payer: Callable[[str], Any], aws: SimulatedAws
) -> None:
    key = "bill/kubecost/kubecost/year=2026/month=11/kubecost-00001.snappy.parquet"
    s3, billing = payer("s3"), fleet.roots["billing"]
    for bucket in (FILES, RESULTS):
        # moto takes every denial for one without a condition.
        s3.delete_bucket_policy(Bucket=bucket)
    s3.put_object(Bucket=FILES, Key=key, Body=b"PAR1")
    s3.put_object(Bucket=RESULTS, Key="1.csv", Body=b"1")
    printed = billing.run("apply", "-destroy", "-auto-approve", "-input=false", expect=1)
    assert "BucketNotEmpty" in printed
    assert FILES in printed
    assert s3.get_object(Bucket=FILES, Key=key)["Body"].read() == b"PAR1"
    assert "aws_s3_bucket.report_files" in billing.run("state", "list").split()
    s3.delete_object(Bucket=FILES, Key=key)
    fleet.destroy()
    assert s3.list_buckets()["Buckets"] == []
    assert (
        session(aws, "us-east-1", PAYER)("cur").describe_report_definitions()["ReportDefinitions"]
        == []
    )
    assert payer("glue").get_databases()["DatabaseList"] == []
    assert payer("iam").list_roles()["Roles"] == []


def test_what_is_there_already_is_told_and_a_later_apply_ends_it(
    missing_providers: set[str], tmp_path: Path
) -> None:
    stacks = synthesized(tmp_path / "synthesized", account_role_arn=None)
    with SimulatedAws(region=REGION) as aws:
        # A bucket of that name is another owner's, and nothing was ever tagged.
        taken = f"kubecost-bill-{ACCOUNT}"
        thief = session(aws, REGION, OTHER)("s3")
        thief.create_bucket(Bucket=taken, CreateBucketConfiguration={"LocationConstraint": REGION})
        root = Root(tmp_path / "root", stacks["billing"], aws, missing_providers)
        root.init()
        printed = root.apply(expect=1)
        assert "BucketAlreadyExists" in printed
        assert taken in printed
        told = "reading Cost Explorer Cost Allocation Tag (aws:eks:cluster-name): empty result"
        assert told in printed
        # Without its bucket there is no report, and without that no table that would be empty.
        assert aws.client("cur").describe_report_definitions()["ReportDefinitions"] == []
        assert aws.client("glue").get_tables(DatabaseName="kubecost_bill")["TableList"] == []

        thief.delete_bucket(Bucket=taken)
        make_cluster(session(aws, REGION), "kubecost")
        tag_a_volume(aws, "team", *VOLUME_TAGS)
        root.apply()
        root.assert_nothing_to_do()

        # A second settings file with the same name.
        second = Root(tmp_path / "second", stacks["billing"], aws, missing_providers)
        second.init()
        printed = second.apply(expect=1)
        assert "BucketAlreadyOwnedByYou" in printed
        (report,) = aws.client("cur").describe_report_definitions()["ReportDefinitions"]
        assert report["ReportName"] == "kubecost"


def test_a_report_of_that_name_is_told(missing_providers: set[str], tmp_path: Path) -> None:
    stacks = synthesized(tmp_path / "synthesized", account_role_arn=None, activate_tags=False)
    with SimulatedAws(region=REGION) as aws:
        root = Root(tmp_path / "root", stacks["billing"], aws, missing_providers)
        root.init()
        root.apply()
        root.run("state", "rm", "aws_cur_report_definition.report_definition")
        printed = root.apply(expect=1)
        assert "DuplicateReportNameException" in printed
        assert "kubecost" in printed


def test_a_spot_data_feed_is_in_the_account_of_the_clusters(
    missing_providers: set[str], tmp_path: Path
) -> None:
    stacks = synthesized(tmp_path / "synthesized", spot_data_feed={"create": True})
    with SimulatedAws(region=REGION) as aws:
        make_cluster(session(aws, REGION), "kubecost")
        tag_a_volume(aws, "team", *VOLUME_TAGS)
        before = aws.leftovers()
        root = Root(tmp_path / "root", stacks["billing"], aws, missing_providers)
        root.init()
        root.apply()
        root.assert_nothing_to_do()
        described = aws.client("ec2").describe_spot_datafeed_subscription()
        feed = described["SpotDatafeedSubscription"]
        assert (feed["Bucket"], feed["OwnerId"]) == (f"kubecost-spot-{ACCOUNT}", ACCOUNT)
        root.destroy()
        assert aws.leftovers() == before
