"""Ring 3, slow: alerts of a fleet are made by the hub, changed, and gone without a trace."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import SETTINGS_FILES, Stack, read_stacks, synthesize_into
from tests.terraform.clusters import make_cluster, session
from tests.terraform.roots import Root
from tests.terraform.scan import failed_checks, justified
from tests.terraform.simulated_aws import ACCOUNT, SimulatedAws
from tests.terraform.simulated_aws.iam import is_allowed

pytestmark = pytest.mark.slow
Stacks = Callable[[str], dict[str, Stack]]
REGION = "ap-northeast-2"
HUB, MEMBER = "prom_amp_cost", "prom_amp_cost-shop"


def written(folder: Path, **alerts: Any) -> dict[str, Stack]:
    """Synthesize the settings `alerts` with other values in their section `alerts`."""
    content = yaml.safe_load(SETTINGS_FILES["alerts"].read_text())
    content["alerts"] = {**content["alerts"], **alerts}
    folder.mkdir()
    file = folder / "kubecost.yaml"
    file.write_text(yaml.safe_dump(content))
    return read_stacks(synthesize_into(folder / "out", file))


def may_publish(document: dict[str, Any], service: str, topic: str, source: str) -> bool:
    return is_allowed(
        document,
        action="sns:Publish",
        resource=topic,
        principal=("Service", f"{service}.amazonaws.com"),
        context={"aws:SourceArn": source, "aws:SourceAccount": source.split(":")[4]},
    )


def test_alerts_from_apply_to_destroy(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    with SimulatedAws(region=REGION) as aws:
        for name in ("kubecost", "shop-production"):
            make_cluster(session(aws, REGION), name)
        before = set(aws.leftovers())
        found = stacks("alerts")
        hub, member = (
            Root(tmp_path / name, found[name], aws, missing_providers) for name in (HUB, MEMBER)
        )
        for root in (hub, member):
            root.init()
            root.apply()
            root.assert_nothing_to_do()

        # One of each, whatever the number of clusters.
        sns, amp = aws.client("sns"), aws.client("amp")
        (topic,) = [each["TopicArn"] for each in sns.list_topics()["Topics"]]
        subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert {(each["Protocol"], each["Endpoint"]) for each in subscriptions} == {
            ("email", "finops@example.com"),
            ("email", "platform+kubecost@example.com"),
        }
        (workspace,) = amp.list_workspaces()["workspaces"]
        where = {"workspaceId": workspace["workspaceId"]}
        rules = amp.list_rule_groups_namespaces(**where)["ruleGroupsNamespaces"]
        assert sorted(each["name"] for each in rules) == ["alerts", "fleet"]
        definition = amp.describe_alert_manager_definition(**where)["alertManagerDefinition"]
        assert topic in definition["data"].decode()
        alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        assert len(alarms) == 4
        for alarm in alarms:
            assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
            assert workspace["workspaceId"] in alarm["Metrics"][0]["Expression"]

        _assert_only_this_workspace_publishes(aws, topic, workspace["arn"], alarms[0]["AlarmArn"])
        key = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"]
        policy = aws.client("kms").get_key_policy(KeyId=key, PolicyName="default")
        document = json.loads(policy["Policy"])
        for service, allowed in (("aps", True), ("cloudwatch", True), ("events", False)):
            principal = ("Service", f"{service}.amazonaws.com")
            for action in ("kms:GenerateDataKey", "kms:Decrypt"):
                assert allowed == is_allowed(
                    document, action=action, resource=key, principal=principal
                )

        # The key goes; who is told, a bound and a budget change: nothing is made anew.
        encrypted = failed_checks([hub], tmp_path)
        changed = written(
            tmp_path / "changed",
            emails=["finops@example.com", "cfo@example.com"],
            encrypted=False,
            silent_minutes=30,
            budgets=[{"usd_per_month": 6000, "at": [90]}],
        )
        hub.write(changed[HUB])
        gone, new = "platform+kubecost@example.com", "cfo@example.com"
        assert hub.planned() == {
            f'aws_sns_topic_subscription.alerts_email["{gone}"]': "delete",
            f'aws_sns_topic_subscription.alerts_email["{new}"]': "create",
            "aws_sns_topic.alerts_topic": "update",
            "aws_kms_key.alerts_key": "delete",
            "aws_prometheus_rule_group_namespace.workspace_rules_alerts": "update",
            "aws_prometheus_alert_manager_definition.alerts_manager": "update",
        }
        hub.apply()
        hub.assert_nothing_to_do()
        member.assert_nothing_to_do()
        added = failed_checks([hub], tmp_path) - encrypted
        assert added == set(justified("alerts.py"))
        assert encrypted <= set(justified())

        for root in (member, hub):
            root.destroy()
        assert set(aws.leftovers()) == before


def _assert_only_this_workspace_publishes(
    aws: SimulatedAws, topic: str, workspace: str, alarm: str
) -> None:
    attributes = aws.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    document = json.loads(attributes["Policy"])
    assert may_publish(document, "aps", topic, workspace)
    assert may_publish(document, "cloudwatch", topic, alarm)
    for service, source in (
        ("aps", f"{workspace}x"),
        ("aps", workspace.replace(ACCOUNT, "999999999999")),
        ("aps", workspace.replace(REGION, "eu-west-1")),
        ("cloudwatch", alarm.replace("kubecost-prom-amp-cost", "kubecost-prom-amp")),
        ("cloudwatch", alarm.replace(ACCOUNT, "999999999999")),
        ("cloudwatch", workspace),
        ("events", workspace),
    ):
        assert not may_publish(document, service, topic, source), (service, source)
    somebody = ("AWS", "arn:aws:iam::999999999999:role/somebody")
    assert not is_allowed(document, action="sns:Publish", resource=topic, principal=somebody)


def test_a_topic_of_the_user_s_own(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    with SimulatedAws(region=REGION) as aws:
        for name in ("kubecost", "shop-production"):
            make_cluster(session(aws, REGION), name)
        topic = aws.client("sns").create_topic(Name="finops")["TopicArn"]
        own = {"emails": [], "encrypted": False, "sns_topic_arn": topic}
        stack = written(tmp_path / "own", **own)[HUB]
        hub = Root(tmp_path / "hub", stack, aws, missing_providers)
        hub.init()
        hub.apply()
        hub.assert_nothing_to_do()
        document = json.loads(hub.outputs()["alerts_topic_policy"])
        (workspace,) = aws.client("amp").list_workspaces()["workspaces"]
        assert may_publish(document, "aps", topic, workspace["arn"])
        assert not may_publish(document, "aps", topic, f"{workspace['arn']}x")
        secret = json.loads(hub.outputs()["alerts_pagerduty_policy"])
        assert is_allowed(
            secret,
            action="secretsmanager:GetSecretValue",
            resource="arn:aws:secretsmanager:any",
            principal=("Service", "aps.amazonaws.com"),
            context={"aws:SourceArn": workspace["arn"], "aws:SourceAccount": ACCOUNT},
        )

        elsewhere = {**own, "sns_topic_arn": topic.replace(ACCOUNT, "999999999999")}
        hub.write(written(tmp_path / "elsewhere", **elsewhere)[HUB])
        assert "alerts.sns_topic_arn in kubecost.yaml is in another account" in hub.apply(expect=1)
        hub.destroy()


def test_the_simulated_amp_refuses_what_aws_does(stacks: Stacks) -> None:
    with SimulatedAws(region=REGION) as aws:
        amp = aws.client("amp")
        workspace = amp.create_workspace()["workspaceId"]
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
        resources = stacks("alerts")[HUB]["resource"]
        text = resources["aws_prometheus_alert_manager_definition"]["alerts_manager"]["definition"]
        good = text.replace("${aws_sns_topic.alerts_topic.arn}", topic)

        def refusal(definition: str) -> str:
            with pytest.raises(amp.exceptions.ValidationException) as error:
                amp.create_alert_manager_definition(workspaceId=workspace, data=definition)
            return str(error.value)

        subject = "subject: '{{ template \"kubecost.subject\" . }}'"
        assert subject in good
        for old, new, said in (
            (topic, f"{topic}.fifo", "topic_arn must be a standard topic"),
            (topic, topic.replace(REGION, "eu-west-1"), "topic_arn must be a standard topic"),
            (f"region: {REGION}\n", "{}\n", "sigv4 must have this region"),
            (subject, "api_url: https://example.com", "api_url is not supported"),
            (subject, "http_config: {}", "http_config is not supported"),
            ("pagerduty_configs:", "slack_configs:", "slack_configs is not supported"),
            ("  kubecost.tmpl: |", "  other.tmpl: |", "kubecost.tmpl is not in template_files"),
            ("aws_secrets_manager:", "file:", "the key must be in a secret"),
        ):
            assert said in refusal(good.replace(old, new)), new
        amp.create_alert_manager_definition(workspaceId=workspace, data=good)
