"""Ring 1: what alerts read, say and lead to."""

import re
from typing import Any

import pytest

from metrics.alerts import Bounds, Budget, alert_rules
from metrics.names import COST_ONLY
from metrics.notifications import PagerDuty, alertmanager
from metrics.rules import FLEET_RULES
from tests.conftest import ROOT
from tests.unit.markdown import Page

BOUNDS = Bounds(15, 50, 60, 7, 100)
BUDGETS = (
    Budget(1234567.5, (50, 100)),
    Budget(10, (80,), cluster="blue", namespace="shop"),
    Budget(10, (80,), namespace="shop"),
    Budget(10, (80,), cluster="blue", label=("example.com/team", "payments")),
)
METRIC = re.compile(r"[a-z_]{2,}(?::[a-z0-9_]+)+|\b(?:container|kube|kubecost|node|pod|pv)_\w+")


def rules(*budgets: Budget) -> list[dict[str, Any]]:
    made = alert_rules(["blue", "green"], BOUNDS, budgets, runbooks="docs/alerts.md")
    return [rule for group in made["groups"] for rule in group["rules"]]


ALERTS = [rule for rule in rules(*BUDGETS) if "alert" in rule]


def test_alerts_need_nothing_but_costs() -> None:
    recorded = {rule["record"] for group in FLEET_RULES["groups"] for rule in group["rules"]}
    known = set(COST_ONLY) | recorded | {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        read = set(METRIC.findall(rule["expr"]))
        assert read, rule
        assert read <= known, rule


def test_a_label_is_all_that_needs_more() -> None:
    for budget in BUDGETS:
        assert ("kube_namespace_labels" in budget.usd_per_hour) == (budget.label is not None)
    assert 'label_example_com_team="payments"' in BUDGETS[-1].usd_per_hour


def test_budgets_are_told_apart_and_written_in_full() -> None:
    assert len({budget.name for budget in BUDGETS}) == len(BUDGETS)
    limits = [rule["expr"] for rule in rules(*BUDGETS) if rule.get("record") == "budget:limit:usd"]
    assert limits == ["vector(1234567.5)", "vector(10)", "vector(10)", "vector(10)"]


def test_without_budgets_nothing_is_said_of_them() -> None:
    assert not [rule for rule in rules() if "budget" in str(rule).lower()]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_what_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["alert"].startswith("Kubecost")
    assert alert["annotations"]["summary"].endswith(".")
    page, _, heading = alert["annotations"]["runbook_url"].partition("#")
    assert heading in Page(ROOT / page).anchors
    severity = alert.get("labels", {}).get("severity")
    assert severity in ("critical", "warning", "info") or alert["alert"] == "KubecostBudget"
    # The subject of a message: the name in words, about something, of a number of alerts.
    words = re.sub("([a-z])([A-Z])", r"\1 \2", alert["alert"])
    assert len(f"Over: {words}: {'x' * 45} (1000)") <= 100


def test_the_highest_percentage_reached_silences_the_others() -> None:
    made = alertmanager(topic_arn="t", region="r", percents=[100, 50, 80, 50], pagerduty=None)
    silenced = {
        rule["source_matchers"][1]: rule["target_matchers"][1] for rule in made["inhibit_rules"]
    }
    assert silenced == {'percent="80"': 'percent=~"50"', 'percent="100"': 'percent=~"50|80"'}
    assert all(rule["equal"] == ["budget"] for rule in made["inhibit_rules"])


def test_only_what_is_critical_pages() -> None:
    secret = PagerDuty("arn", "key")
    made = alertmanager(topic_arn="t", region="r", percents=[], pagerduty=secret)
    pagers = [each["name"] for each in made["receivers"] if "pagerduty_configs" in each]
    assert [route["receiver"] for route in made["route"]["routes"]] == pagers
    assert made["route"]["routes"][0]["matchers"] == ['severity="critical"']
    assert made["route"]["receiver"] not in pagers
    assert all("sns_configs" in each for each in made["receivers"])
