"""Ring 2: who reads the bill in each architecture, by which rights, and who does not."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from architectures import ARCHITECTURES
from tests.conftest import read_stacks, synthesize_into
from tests.synth.documents import Stack, helm_values, policies

THREE_LINES = """\
billing:
  report:
    create: true
"""
FLEET = """\
clusters:
  - {name: kubecost}
  - {name: shop, region: eu-west-1}
  - {name: data, role_arn: "arn:aws:iam::444455556666:role/terraform"}
architectures: [prom, prom_amp_cost, prom_amp, adot_amp]
amp: {role_arn: "arn:aws:iam::111122223333:role/kubecost-amp"}
"""
PAYER = "arn:aws:iam::999900001111:role/terraform"


@pytest.fixture(scope="module")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Any:
    @cache
    def run(text: str) -> dict[str, Stack]:
        folder: Path = tmp_path_factory.mktemp("billing")
        file = folder / "kubecost.yaml"
        file.write_text(text)
        return read_stacks(synthesize_into(folder / "out", file))

    return run


def product_configs(stack: Stack) -> dict[str, Any]:
    configs: dict[str, Any] = helm_values(stack, "kubecost_release")["kubecostProductConfigs"]
    return configs


def integration(stack: Stack) -> list[dict[str, str]]:
    read: list[dict[str, str]] = json.loads(product_configs(stack)["cloudIntegrationJSON"])["aws"]
    return read


def rights(stack: Stack) -> list[dict[str, Any]]:
    found = {where.split(".")[1]: document for where, document in policies(stack)}
    statements: list[dict[str, Any]] = found["kubecost_reader_policy"]["Statement"]
    return statements


def actions(stack: Stack) -> set[str]:
    return {action for statement in rights(stack) for action in statement["Action"]}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_three_lines_give_every_architecture_the_bill(architecture: str, synthesize: Any) -> None:
    stacks = synthesize(THREE_LINES)
    (report,) = integration(stacks[architecture])
    assert report["athenaDatabase"] == "kubecost_bill"
    assert report["athenaBucketName"].startswith("s3://kubecost-bill-results-$")
    assert "masterPayerARN" not in report
    queries = {action for action in actions(stacks[architecture]) if action.startswith("aps:")}
    assert bool(queries) is ARCHITECTURES[architecture].queries_amp
    assert "athena:StartQueryExecution" in actions(stacks[architecture])
    annotations = helm_values(stacks[architecture], "kubecost_release")["serviceAccount"]
    assert "kubecost_reader.arn" in json.dumps(annotations)


def test_what_kubecost_is_told_is_what_the_stack_makes(synthesize: Any) -> None:
    stacks = synthesize(THREE_LINES)
    made = stacks["billing"]["resource"]
    (report,) = integration(stacks["prom"])
    database = made["aws_glue_catalog_database"]["report_database"]["name"]
    workgroup = made["aws_athena_workgroup"]["report_workgroup"]
    results = made["aws_s3_bucket"]["report_results"]["bucket"]
    # The payer's account is the cluster's own, told by another data source there.
    here = results.replace("aws_caller_identity.deployer", "aws_caller_identity.cluster_account")
    assert report["athenaBucketName"] == f"s3://{here}"
    assert report["athenaDatabase"] == database
    assert report["athenaTable"] == made["aws_glue_catalog_table"]["report_table"]["name"]
    assert report["athenaWorkgroup"] == workgroup["name"]
    assert report["athenaRegion"] == stacks["billing"]["provider"]["aws"][0]["region"]


def test_nobody_reads_a_bill_unless_it_is_asked_for(synthesize: Any) -> None:
    stacks = synthesize("name: kubecost")
    assert "billing" not in stacks
    for architecture in ARCHITECTURES:
        assert set(product_configs(stacks[architecture])) == {"clusterName"}


def test_agents_get_nothing(synthesize: Any) -> None:
    stacks = synthesize(FLEET + THREE_LINES)
    agents = [
        f"{name}-{cluster}" for name in ("prom_amp", "adot_amp") for cluster in ("shop", "data")
    ]
    for agent in agents:
        assert set(product_configs(stacks[agent])) == {"clusterName"}
        assert actions(stacks[agent]) == {"sts:AssumeRole"}
        assert "deployer" not in json.dumps(stacks[agent])


def test_a_cluster_in_the_payers_account_needs_no_role_and_others_need_one(synthesize: Any) -> None:
    stacks = synthesize(FLEET + THREE_LINES)
    assert "masterPayerARN" not in integration(stacks["prom-shop"])[0]
    (remote,) = integration(stacks["prom-data"])
    assert remote["masterPayerARN"].endswith(":role/kubecost-bill-reader")
    assert rights(stacks["prom-data"]) == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Resource": remote["masterPayerARN"],
        }
    ]
    role = stacks["billing"]["resource"]["aws_iam_role"]["reader"]
    (trust,) = json.loads(role["assume_role_policy"])["Statement"]
    assert trust["Condition"]["ArnEquals"]["aws:PrincipalArn"] == [
        "arn:aws:iam::444455556666:role/kubecost-prom.data-reader",
        "arn:aws:iam::444455556666:role/kubecost-prom-amp-cost.data-reader",
    ]


def test_the_readers_that_the_payer_trusts_are_the_roles_that_there_are(synthesize: Any) -> None:
    billing = f"billing: {{account_role_arn: '{PAYER}', report: {{create: true}}}}"
    stacks = synthesize(FLEET + billing)
    trusted = stacks["billing"]["resource"]["aws_iam_role"]["reader"]["assume_role_policy"]
    (statement,) = json.loads(trusted)["Statement"]
    names = {arn.split("/")[1] for arn in statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]}
    readers = {
        stack["resource"]["aws_iam_role"]["kubecost_reader"]["name"]
        for name, stack in stacks.items()
        if name.startswith(("prom", "adot")) and "cloudIntegrationJSON" in product_configs(stack)
    }
    assert names == readers
    assert len(names) == 8
    for provider in stacks["billing"]["provider"]["aws"][:2]:
        assert provider["assume_role"] == [{"role_arn": PAYER}]
    for name in ("prom", "prom-shop", "prom-data"):
        (report,) = integration(stacks[name])
        assert report["projectID"] == "999900001111"
        assert report["masterPayerARN"] == "arn:aws:iam::999900001111:role/kubecost-bill-reader"


def test_a_path_and_pod_identity_are_known_on_both_sides(synthesize: Any) -> None:
    rules = "iam: {path: /platform/}\nworkloads: {identity: pod_identity}\n"
    stacks = synthesize(FLEET + rules + THREE_LINES)
    (remote,) = integration(stacks["prom-data"])
    assert remote["masterPayerARN"].endswith(":role/platform/kubecost-bill-reader")
    assert actions(stacks["prom-data"]) == {"sts:AssumeRole", "sts:TagSession"}
    role = stacks["billing"]["resource"]["aws_iam_role"]["reader"]
    assert role["path"] == "/platform/"
    (trust,) = json.loads(role["assume_role_policy"])["Statement"]
    assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    arn = "arn:aws:iam::444455556666:role/platform/kubecost-prom.data-reader"
    assert arn in trust["Condition"]["ArnEquals"]["aws:PrincipalArn"]


def test_the_report_is_defined_in_us_east_1_whatever_the_region(synthesize: Any) -> None:
    billing = synthesize(THREE_LINES)["billing"]
    definition = billing["resource"]["aws_cur_report_definition"]["report_definition"]
    aliases = {each.get("alias"): each["region"] for each in billing["provider"]["aws"]}
    assert aliases[definition["provider"].removeprefix("aws.")] == "us-east-1"
    assert definition["s3_region"] == aliases[None] == "ap-northeast-2"


def test_several_payers_are_one_document(synthesize: Any) -> None:
    text = yaml.safe_dump(
        {
            "architectures": ["prom"],
            "billing": {
                "existing_reports": [
                    {
                        "database": "mine",
                        "table": "cur",
                        "region": "us-east-1",
                        "results_bucket": "results",
                        "report_bucket": "files",
                    },
                    {
                        "database": "theirs",
                        "table": "cur",
                        "region": "us-east-1",
                        "results_bucket": "their-results",
                        "role_arn": "arn:aws:iam::777788889999:role/bill",
                    },
                ]
            },
        }
    )
    stacks = synthesize(text)
    assert "billing" not in stacks
    mine, theirs = integration(stacks["prom"])
    assert mine["athenaDatabase"] == "mine"
    assert theirs["projectID"] == "777788889999"
    allowed = {
        statement["Resource"]
        for statement in rights(stacks["prom"])
        if statement["Action"] in (["sts:AssumeRole"], ["s3:GetObject"])
    }
    assert allowed == {"arn:aws:iam::777788889999:role/bill", "arn:aws:s3:::files/*"}
    trust = stacks["prom"]["output"]["kubecost_bill_role_trust"]["value"]
    assert "aws_iam_role.kubecost_reader.arn" in trust


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_rights_name_the_partition_of_the_region(
    region: str, partition: str, synthesize: Any
) -> None:
    report = f"""\
region: {region}
architectures: [prom]
billing:
  spot_data_feed: {{bucket: spot}}
  existing_reports:
    - database: mine
      table: cur
      region: {region}
      results_bucket: results
      report_bucket: files
"""
    arns = re.findall(r"arn:[\w-]+:\w+:", json.dumps(rights(synthesize(report)["prom"])))
    assert {arn.split(":")[2] for arn in arns} == {"athena", "glue", "s3"}
    assert {arn.split(":")[1] for arn in arns} == {partition}


def test_a_spot_data_feed_is_for_the_clusters_of_its_account(synthesize: Any) -> None:
    text = "billing: {spot_data_feed: {create: true}, spot_label: managed_node_groups}\n"
    stacks = synthesize(FLEET + text)
    hub, abroad = product_configs(stacks["prom"]), product_configs(stacks["prom-data"])
    assert hub["awsSpotDataBucket"].startswith("kubecost-spot-$")
    assert "awsSpotDataBucket" not in abroad
    assert abroad["spotLabel"] == "eks.amazonaws.com/capacityType"
    made = stacks["billing"]["resource"]
    assert set(made["aws_spot_datafeed_subscription"]) == {"spot"}
    assert "aws_cur_report_definition" not in made
