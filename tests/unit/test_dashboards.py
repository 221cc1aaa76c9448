"""Ring 1: the committed dashboards are what the code makes, and ask only for what is there."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from dashboards import DASHBOARDS, panels
from dashboards.expressions import SERIES_LIMIT
from dashboards.files import files
from metrics.alerts import FORECAST, LIMIT, MONTH, SPENT
from metrics.names import COST_ONLY, NAMESPACE_LABELS
from metrics.rules import FLEET_RULES
from settings import AmpSettings
from settings.alerts import AlertsSettings
from tests.conftest import ROOT

FILES = files()
RECORDED = {rule["record"] for group in FLEET_RULES["groups"] for rule in group["rules"]}
ALERTED = {"ALERTS", SPENT, FORECAST, LIMIT}
METRIC = r"\bALERTS\b|[a-z_]+(?::[a-z_]+)+|\b(?:container|kube|kubecost|node|pod|pv)_\w+"
Dashboard = dict[str, Any]


@pytest.fixture(params=DASHBOARDS)
def dashboard(request: pytest.FixtureRequest) -> Dashboard:
    read: Dashboard = json.loads(FILES[f"{request.param}.json"])
    return read


def queries(dashboard: Dashboard) -> list[str]:
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", [])]
    pickers = [each for each in dashboard["templating"]["list"] if each["type"] == "query"]
    return [each["expr"] for each in targets] + [each["query"]["query"] for each in pickers]


def test_the_committed_files_are_current() -> None:
    committed = {file.name: file.read_text() for file in (ROOT / "dashboards/json").iterdir()}
    assert committed == FILES, "run `make dashboards`"


def test_dashboards_have_an_address_but_no_number_of_one_grafana(dashboard: Dashboard) -> None:
    assert re.fullmatch("kubecost-[a-z]+", dashboard["uid"])
    assert not {"id", "version", "gnetId"} & dashboard.keys()


def test_panels_have_ids_titles_and_descriptions(dashboard: Dashboard) -> None:
    panels = dashboard["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    graphs = [panel for panel in panels if panel["type"] != "row"]
    assert len({panel["title"] for panel in graphs}) == len(graphs)
    assert all(panel["description"] for panel in graphs)


def test_panels_do_not_overlap(dashboard: Dashboard) -> None:
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


def test_every_query_goes_to_the_chosen_data_source(dashboard: Dashboard) -> None:
    asked = [
        *(panel for panel in dashboard["panels"] if panel["type"] != "row"),
        *(target for panel in dashboard["panels"] for target in panel.get("targets", [])),
        *(each for each in dashboard["templating"]["list"] if each["type"] == "query"),
    ]
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert all(each["datasource"] == chosen for each in asked)
    assert dashboard["templating"]["list"][0]["name"] == "datasource"


def test_queries_read_cost_metrics_and_recorded_ones_only(dashboard: Dashboard) -> None:
    for query in queries(dashboard):
        read = set(re.findall(METRIC, query))
        assert read, query
        assert read <= RECORDED | ALERTED | {*COST_ONLY, NAMESPACE_LABELS}, query


def test_the_rules_read_cost_metrics_only() -> None:
    for group in FLEET_RULES["groups"]:
        for rule in group["rules"]:
            read = set(re.findall(METRIC, rule["expr"]))
            assert read <= RECORDED | set(COST_ONLY), rule


def test_the_cluster_id_stays_in_every_join_and_aggregation(dashboard: Dashboard) -> None:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            check_cluster_id(target["expr"], fleet_wide=panel["type"] == "stat")


def test_the_cluster_id_stays_in_every_rule_of_the_fleet() -> None:
    for group in FLEET_RULES["groups"]:
        for rule in group["rules"]:
            check_cluster_id(rule["expr"])


def check_cluster_id(query: str, *, fleet_wide: bool = False) -> None:
    """A stat may aggregate clusters, though only what has one value for each.

    So may a value of a label, which namespaces of several clusters can have.
    """
    for calendar in ("on () group_left (month)", "on (month) group_left ()"):
        query = query.replace(f" * {calendar} {MONTH}", "")
    query = re.sub(r"sum \((?=sum by \(owner\))|\w+ by \(owner\) \((?=\w+ by )", "(", query)
    query = query.replace("on () group_left () (", "(")
    if fleet_wide:
        value = r"(?=\(*(?:time\(\) - )?(?:sum|max) by \(cluster_id\))"
        query = re.sub(rf"\b(?:sum|count|max) ?\({value}", "(", query)
    aggregations = re.findall(r"\b(?<!:)(?:sum|avg|count|min|max)\b(?: by \(([^)]*)\))?", query)
    joins = re.findall(r"\bon \(([^)]*)\)", query)
    assert aggregations + joins, query
    # A budget may be for several clusters.
    kept = "budget" if "budget:" in query else "cluster_id"
    assert all(labels.split(", ")[0] == kept for labels in aggregations + joins), query


def test_every_query_keeps_to_the_chosen_clusters(dashboard: Dashboard) -> None:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            if "budget:" in target["expr"]:
                continue
            selectors = re.findall(r"\{[^{}]*\}", target["expr"])
            assert selectors
            assert all('cluster_id=~"$cluster' in selector for selector in selectors), target


def test_the_limit_is_that_of_the_settings() -> None:
    assert AmpSettings().max_series_per_cluster == SERIES_LIMIT


def test_red_begins_where_alerts_speak_up() -> None:
    alerts = AlertsSettings()
    assert alerts.idle_percent / 100 == panels.IDLE[1]
    assert alerts.jump_percent / 100 == panels.JUMP[1]
    assert alerts.series_percent / 100 == panels.OF_LIMIT[1]
    assert alerts.silent_minutes * 60 == panels.SILENT[1]


def test_what_alerts_watch_turns_red() -> None:
    watched = {"Change", "Idle share", "Oldest data", "Nearest to the limit"}
    found = set()
    for name in DASHBOARDS:
        for panel in json.loads(FILES[f"{name}.json"])["panels"]:
            if panel["type"] == "stat" and panel["title"] in watched:
                found.add(panel["title"])
                assert panel["options"]["colorMode"] == "value"
                assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["color"] == "red"
    assert found == watched


def test_every_line_has_a_legend_of_words(dashboard: Dashboard) -> None:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []) if panel["type"] == "timeseries" else []:
            assert "=" not in target["legendFormat"]
            assert panel["options"]["legend"]["calcs"]
