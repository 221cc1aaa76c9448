"""Ring 2: who makes alerts, and where CloudWatch's alarms lead."""

from collections.abc import Callable
from pathlib import Path

from tests.conftest import ROOT, read_stacks, synthesize_into
from tests.synth.documents import Stack, resources
from tests.unit.markdown import Page

Stacks = Callable[[str], dict[str, Stack]]
KINDS = ("aws_sns", "aws_cloudwatch_metric_alarm", "aws_prometheus_alert_manager_definition")


def alerting(stack: Stack) -> list[str]:
    return [address for address in resources(stack) if address.startswith(KINDS)]


def test_the_hub_alone_makes_alerts_for_each_architecture_with_amp(stacks: Stacks) -> None:
    found = {name: bool(alerting(stack)) for name, stack in stacks("alerts").items()}
    assert found == {
        "base": False,
        "prom_amp_cost": True,
        "amp": True,
        "prom_amp_cost-shop": False,
        "amp-shop": False,
    }


def test_without_the_section_there_are_none(stacks: Stacks) -> None:
    assert not [address for stack in stacks("defaults").values() for address in alerting(stack)]


def test_budgets_for_labels_are_where_labels_are(tmp_path: Path) -> None:
    file = tmp_path / "kubecost.yaml"
    file.write_text(
        "{architectures: [prom_amp_cost, amp], amp: {namespace_labels: [team]},"
        " alerts: {emails: [finops@example.com], budgets: [{label: team=a, usd_per_month: 1},"
        " {label: unit=b, usd_per_month: 1}]}}"
    )
    stacks = read_stacks(synthesize_into(tmp_path / "out", file))
    for name, expected in (("prom_amp_cost", {"team=a"}), ("amp", {"team=a", "unit=b"})):
        rules = resources(stacks[name], "aws_prometheus_rule_group_namespace")
        text = rules["aws_prometheus_rule_group_namespace.workspace_rules_alerts"]["data"]
        assert {label for label in ("team=a", "unit=b") if f"with {label} in" in text} == expected


def test_alarms_lead_to_what_to_do(stacks: Stacks) -> None:
    headings = Page(ROOT / "docs/alerts.md").anchors
    alarms = resources(stacks("alerts")["prom_amp_cost"], "aws_cloudwatch_metric_alarm")
    assert len(alarms) == 4
    for alarm in alarms.values():
        assert alarm["alarm_description"].partition("#")[2] in headings


def test_alerts_are_where_the_workspace_is(tmp_path: Path) -> None:
    """AMP sends to its own region and account only."""
    file = tmp_path / "kubecost.yaml"
    file.write_text(
        "{region: eu-west-1, amp: {region: eu-central-1}, architectures: [prom_amp_cost],"
        " alerts: {emails: [finops@example.com], encrypted: true}}"
    )
    stack = read_stacks(synthesize_into(tmp_path / "out", file))["prom_amp_cost"]
    made = {
        **resources(stack, "aws_kms"),
        **{name: resources(stack)[name] for name in alerting(stack)},
    }
    assert len(made) == 9
    assert {each["provider"] for each in made.values()} == {"aws.amp"}
    assert "region: eu-central-1" in str(made)
    looked_up = {name: each for kind in stack["data"].values() for name, each in kind.items()}
    assert {looked_up[f"alerts_{name}"]["provider"] for name in ("account", "partition")} == {
        "aws.amp"
    }
