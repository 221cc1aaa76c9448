"""Each alert fires, does not fire, and resolves, in `promtool test rules`.

Series are hand-written for clusters that share all names. promtool's clock begins on 1 January
1970, a Thursday, at midnight UTC.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from metrics import alerts
from metrics.alerts import Bounds, Budget, alert_rules
from metrics.rules import ALLOCATED_COST, CLUSTER_COST, NAMESPACE_COST
from tests.conftest import ROOT
from tests.lab.process import BINARIES

PROMTOOL = BINARIES / "promtool"
pytestmark = pytest.mark.skipif(not PROMTOOL.exists(), reason="promtool is not built: make lab")

CLUSTERS = ("blue", "green")
BOUNDS = Bounds(
    silent_minutes=15, jump_percent=50, idle_percent=60, unmounted_days=7, usd_per_month=73
)
BUDGETS = (
    Budget(744, (50, 80, 100)),
    Budget(400, (100,), cluster="blue"),
    Budget(100, (80,), cluster="green", namespace="shop"),
    Budget(50, (100,), label=("app.example.com/team", "payments")),
)
RUNBOOKS = "https://example.com/docs/alerts.md"
RULES = alert_rules(CLUSTERS, BOUNDS, BUDGETS, runbooks=RUNBOOKS)
ALERTS = {
    rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule
}
INFO = "kubecost_cluster_info"


class At(NamedTuple):
    """What must fire at a time: the labels beside name and severity, and the summary, of each."""

    time: str
    alert: str
    firing: Sequence[tuple[Mapping[str, str], str]] = ()


def over(*parts: tuple[float | None, int]) -> str:
    """Write values in promtool's notation: each one for so many steps, None for no sample."""
    return " ".join(
        f"_x{steps}" if value is None else f"{value:g}x{steps - 1}" for value, steps in parts
    )


def none(alert: str, *times: str) -> list[At]:
    return [At(time, alert) for time in times]


def check(
    folder: Path,
    series: Mapping[str, str],
    expected: Sequence[At],
    *,
    step: str = "1m",
    every: str = "1m",
    values: Mapping[tuple[str, str], Mapping[str, float]] | None = None,
    rules: Mapping[str, Any] = RULES,
) -> None:
    """Evaluate `rules` on `series` and compare what fires.

    A series has a value for each `step`, in promtool's notation. Rules are evaluated `every` so
    often. `values` are those of each series that a query gives at a time.
    """
    tests = {
        "interval": step,
        "input_series": [{"series": name, "values": v} for name, v in series.items()],
        "alert_rule_test": [
            {
                "eval_time": at.time,
                "alertname": at.alert,
                "exp_alerts": [_expected(at.alert, *each) for each in at.firing],
            }
            for at in expected
        ],
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": time,
                "exp_samples": [{"labels": name, "value": value} for name, value in found.items()],
            }
            for (time, query), found in (values or {}).items()
        ],
    }
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": every,
        # Without it promtool takes the groups in another order at each run.
        "group_eval_order": [group["name"] for group in rules["groups"]],
        "fuzzy_compare": True,
        "tests": [tests],
    }
    for name, content in {"rules.yaml": rules, "test.yaml": document}.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    done = subprocess.run(
        [PROMTOOL, "test", "rules", folder / "test.yaml"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _expected(alert: str, labels: Mapping[str, str], summary: str) -> dict[str, Any]:
    severity = ALERTS[alert].get("labels", {})
    return {
        "exp_labels": {**severity, **labels},
        "exp_annotations": {"summary": summary, "runbook_url": f"{RUNBOOKS}#{alert.lower()}"},
    }


def info(cluster: str) -> str:
    return f'{INFO}{{cluster_id="{cluster}",id="{cluster}",provider="AWS"}}'


def silent(cluster: str, since: str) -> tuple[dict[str, str], str]:
    return (
        {"cluster_id": cluster},
        f"Cluster {cluster} has sent no costs for {since}. They are missing from every report.",
    )


def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(RULES))
    command: list[str | Path] = [PROMTOOL, "check", "rules", "--lint-fatal", file]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("end", ["_x300", "stale _x299"], ids=["without a word", "marked as gone"])
def test_a_silent_cluster_is_named(tmp_path: Path, end: str) -> None:
    """After 15 minutes, for as long as it lasts, and not when it is back; others go on."""
    name = "KubecostClusterSilent"
    check(
        tmp_path,
        {info("blue"): "1x500", info("green"): f"1x60 {end} 1x60"},
        [
            *none(name, "60m", "75m"),
            At("76m", name, [silent("green", "16m 0s")]),
            At("300m", name, [silent("green", "4h 0m 0s")]),
            *none(name, "362m", "410m"),
        ],
    )


def test_a_restart_is_no_silence(tmp_path: Path) -> None:
    name = "KubecostClusterSilent"
    restart = "1x30 _x14 1x30"
    check(tmp_path, {info("blue"): restart}, none(name, *(f"{m}m" for m in range(28, 60))))


def test_rules_that_stop_for_a_while_do_not_forget(tmp_path: Path) -> None:
    """AMP evaluates nothing for half an hour, in which the cluster's series end."""
    name = "KubecostClusterSilent"
    check(
        tmp_path,
        {info("blue"): "1x30 _x200"},
        [*none(name, "30m"), At("60m", name, [silent("blue", "30m 0s")])],
        every="30m",
    )


def test_a_cluster_destroyed_on_purpose_is_forgotten(tmp_path: Path) -> None:
    """kubecost.yaml does not list it any more, but its last time is still on record."""
    name = "KubecostClusterSilent"
    record = f'{alerts.REPORTED}{{cluster_id="green"}}'
    rules = alert_rules(["blue"], BOUNDS, (), runbooks=RUNBOOKS)
    series = {info("blue"): "1x100", record: "0x20"}
    check(tmp_path, series, none(name, "26m", "60m"), rules=rules)
    check(tmp_path, series, [At("26m", name, [silent("green", "26m 0s")])])


def test_costs_of_unknown_clusters(tmp_path: Path) -> None:
    name = "KubecostUnknownCluster"

    def unknown(which: str) -> str:
        return (
            f"Costs arrive from the cluster {which}, which kubecost.yaml does not list."
            " They count in the fleet's totals."
        )

    check(
        tmp_path,
        {
            info("blue"): "1x100",
            info("cluster-one"): "_x10 1x50",
            f'{INFO}{{id="somewhere"}}': "_x10 1x20",
            info("blue2"): "_x10 1x2 _x50",
        },
        [
            *none(name, "12m"),
            At(
                "20m",
                name,
                [
                    ({"cluster_id": "cluster-one"}, unknown('"cluster-one"')),
                    ({}, unknown("without a name")),
                ],
            ),
            At("50m", name, [({"cluster_id": "cluster-one"}, unknown('"cluster-one"'))]),
            *none(name, "70m"),
        ],
    )


def test_what_has_no_price(tmp_path: Path) -> None:
    name = "KubecostNoPrice"
    node = 'node_total_hourly_cost{{cluster_id="{}",node="{}",instance="{}"}}'
    volume = 'pv_hourly_cost{{cluster_id="{}",persistentvolume="pv1"}}'
    balancer = (
        'kubecost_load_balancer_cost{{cluster_id="{}",namespace="shop",service_name="web",'
        'ingress_ip="{}"}}'
    )

    def without(count: int, what: str, cluster: str) -> tuple[dict[str, str], str]:
        return (
            {"cluster_id": cluster, "resource": what},
            f"{count} {what} of cluster {cluster} have no price and count as free.",
        )

    check(
        tmp_path,
        {
            node.format("blue", "n1", "a"): "0x600",
            node.format("blue", "n1", "b"): "0x10 _x600",  # the pod before a restart
            node.format("blue", "n2", "a"): "0x600",
            node.format("blue", "n3", "a"): "0.1x600",
            node.format("green", "n1", "a"): "0.1x600",
            volume.format("blue"): "0.0001x600",
            volume.format("green"): "0.0001x30 0x300 0.0001x270",
            balancer.format("green", "1.2.3.4"): "0.02x600",
        },
        [
            *none(name, "59m"),
            At("90m", name, [without(2, "nodes", "blue")]),
            At("180m", name, [without(2, "nodes", "blue"), without(1, "volumes", "green")]),
            At("9h", name, [without(2, "nodes", "blue")]),
        ],
        # promtool's notation knows no NaN.
        values={("1m", "count (vector(NaN) > bool 0 == 0)"): {"{}": 1}},
    )


DAY = 144  # steps of ten minutes
WEEK = 7 * DAY


def cost(cluster: str, resource: str = "nodes") -> str:
    return f'{CLUSTER_COST}{{cluster_id="{cluster}",resource="{resource}"}}'


def spends(cluster: str, namespace: str, resource: str = "cpu") -> str:
    return (
        f'{NAMESPACE_COST}{{cluster_id="{cluster}",namespace="{namespace}",resource="{resource}"}}'
    )


def cluster_costs(name: str, more: str) -> tuple[dict[str, str], str]:
    said = f"Cluster {name} costs {more} more than at the same hours a week ago."
    return {"cluster_id": name}, said


def namespace_costs(cluster: str, name: str, more: str) -> tuple[dict[str, str], str]:
    said = f"Namespace {name} of cluster {cluster} costs {more} more"
    labels = {"cluster_id": cluster, "namespace": name}
    return labels, f"{said} than at the same hours a week ago."


def test_a_cost_that_jumps(tmp_path: Path) -> None:
    """Against the same hours a week ago, and until that is what it cost then, too."""
    cluster, namespace = "KubecostClusterCostJump", "KubecostNamespaceCostJump"
    after = WEEK + DAY
    check(
        tmp_path,
        {
            cost("blue"): over((1, WEEK), (3.4, after)),
            cost("blue", "storage"): over((1, WEEK + after)),
            # Every day the same ups and downs.
            cost("green"): over(*[(1, DAY // 2), (3, DAY // 2)] * 15),
            # Worth less than 73 US$ a month.
            cost("tiny"): over((0.01, WEEK), (0.1, after)),
            # Restarts, and a day without data in the week before.
            cost("gap"): over((1, 20), (None, DAY), (1, WEEK - DAY - 20), (None, 3), (1.2, after)),
            # Nothing to compare with.
            cost("new"): over((None, WEEK), (9, after)),
            spends("blue", "shop"): over((1, WEEK), (1.4, after)),
            spends("green", "shop"): over((1, WEEK + after)),
            spends("green", "shop", "gpu"): over((None, WEEK), (1, after)),
        },
        [
            *none(cluster, "167h"),
            *none(namespace, "167h"),
            At("172h", cluster, [cluster_costs("blue", "120%")]),
            At("172h", namespace, [namespace_costs("green", "shop", "100%")]),
            At("13d", cluster, [cluster_costs("blue", "120%")]),
            *none(cluster, "341h"),
            *none(namespace, "341h"),
        ],
        step="10m",
        every="10m",
    )


def test_idle_nodes(tmp_path: Path) -> None:
    """For three days, a restart and a gap included, and still now; not of a young cluster."""
    name = "KubecostIdleNodes"
    gaps = [(1.0, 100), (None, 5), (1.0, 100), (None, 30), (1.0, 5 * DAY)]
    idle = [(value and 0.3, steps) for value, steps in gaps[:-1]]

    def allocated(cluster: str) -> str:
        return f'{ALLOCATED_COST}{{cluster_id="{cluster}"}}'

    def average(cluster: str) -> str:
        return f'{alerts.IDLE}{{cluster_id="{cluster}"}}'

    said = "{} of what the nodes of cluster {} cost was idle in the last three days."
    check(
        tmp_path,
        {
            cost("blue"): over(*gaps),
            allocated("blue"): over(*idle, (0.3, 263), (0.8, 4 * DAY)),  # from the 83rd hour on
            cost("blue", "storage"): over((9, 6 * DAY)),
            cost("green"): over((1, 6 * DAY)),
            allocated("green"): over((0.5, 6 * DAY)),
            cost("tiny"): over((0.1, 6 * DAY)),
            allocated("tiny"): over((0.01, 6 * DAY)),
        },
        [
            *none(name, "48h"),
            At("72h", name, [({"cluster_id": "blue"}, said.format("70%", "blue"))]),
            *none(name, "84h"),
        ],
        step="10m",
        every="10m",
        # The average is still high. Six full hours lack.
        values={
            ("84h", f"{alerts.IDLE} > 0.6"): {
                average("blue"): (64 * 0.7 + 2 * 0.2) / 66,
                average("tiny"): 0.9,
            }
        },
    )


def test_a_volume_that_nobody_mounts(tmp_path: Path) -> None:
    name = "KubecostVolumeUnmounted"

    def price(cluster: str, volume: str) -> str:
        return (
            f'pv_hourly_cost{{cluster_id="{cluster}",persistentvolume="{volume}",'
            f'volumename="{volume}",provider_id="vol-1"}}'
        )

    def mounted(cluster: str, volume: str, pod: str) -> str:
        return (
            f'pod_pvc_allocation{{cluster_id="{cluster}",namespace="shop",pod="{pod}",'
            f'persistentvolumeclaim="data",persistentvolume="{volume}"}}'
        )

    def unmounted(cluster: str, volume: str, since: str) -> tuple[dict[str, str], str]:
        return (
            {"cluster_id": cluster, "persistentvolume": volume},
            f"No pod has mounted the volume {volume} of cluster {cluster} for {since}."
            " It is still paid for.",
        )

    half_a_day = (None, DAY // 2)
    check(
        tmp_path,
        {
            price("blue", "pv1"): over((1, 14 * DAY)),
            mounted("blue", "pv1", "db-0"): over((1, DAY), (None, 1), (1, DAY)),
            mounted("blue", "pv1", "db-1"): over((None, 10 * DAY), (1, 1)),
            # The same name, in use; half a day without data.
            price("green", "pv1"): over((1, 5 * DAY), half_a_day, (1, 8 * DAY)),
            mounted("green", "pv1", "db-0"): over((1, 5 * DAY), half_a_day, (1, 8 * DAY)),
            price("green", "deleted"): over((1, 8 * DAY)),
            price("green", "never"): over((None, 4 * DAY), (1, DAY), half_a_day, (1, 8 * DAY)),
        },
        [
            *none(name, "7d"),
            At("7d12h", name, [unmounted("green", "deleted", "7d 12h 0m 0s")]),
            At("9d12h", name, [unmounted("blue", "pv1", "7d 12h 0m 0s")]),
            *none(name, "10d12h"),
            At("12d", name, [unmounted("green", "never", "8d 0h 0m 0s")]),
        ],
        step="10m",
        every="10m",
    )


# US$ per hour in February.
RATES = {"all": 0.5, "blue": 0.5, "shop": 0.1, "team": 0.1}


def test_a_budget_and_the_month_s_turn(tmp_path: Path) -> None:
    """Blue costs 12 US$ a day; green 19.20 from the 11th to the 20th, five hours of which lack."""
    name = "KubecostBudget"
    shop = "namespace shop in cluster green"
    team = "namespaces with app.example.com/team=payments in all clusters"
    names = {"all": "all clusters", "blue": "cluster blue", "shop": shop, "team": team}

    def label(cluster: str, namespace: str, value: str) -> str:
        return (
            f'kube_namespace_labels{{cluster_id="{cluster}",namespace="{namespace}",'
            f'label_app_example_com_team="{value}"}}'
        )

    def heading(key: str, to: int, percent: int, usd: int) -> tuple[dict[str, str], str]:
        return (
            {
                "budget": names[key],
                "percent": str(percent),
                "usd": str(usd),
                "severity": "warning" if percent >= 100 else "info",
            },
            f"The month is heading for US$ {to} for {names[key]}: {percent} % or more of the budget"
            f" of US$ {usd}.",
        )

    def recorded(record: str, **by: float) -> dict[str, float]:
        return {f'{record}{{budget="{names[key]}"}}': value for key, value in by.items()}

    def steps(usd_per_hour: float, days: float) -> float:
        """Give what is spent in days; the sample at their beginning counts, too."""
        return usd_per_hour * (days * DAY + 1) / 6

    always = (1, 40 * DAY)
    green_by_20 = 0.8 * (10 * 24 - 5)
    # At the beginning of the 11th, green's first step of ten minutes counts, and is expected again
    # on each of 21 days; at the end of the 20th, the last day has a step less.
    check(
        tmp_path,
        {
            cost("blue"): over((0.4, 40 * DAY)),
            cost("blue", "storage"): over((0.1, 40 * DAY)),
            cost("green"): over((None, 10 * DAY), (0.8, 600), (None, 30), (0.8, 10 * DAY - 630)),
            spends("green", "shop"): over((0.1, 40 * DAY)),
            spends("blue", "shop"): over((7, 40 * DAY)),
            spends("green", "pay"): over((None, 5 * DAY), (0.1, 40 * DAY)),
            label("green", "pay", "payments"): over(always),
            label("blue", "pay", "payments"): over(always),
            label("green", "shop", "web"): over(always),
        },
        [
            *none(name, "12h"),
            At("10d", name, [heading("all", 375, 50, 744), heading("team", 62, 100, 50)]),
            At(
                "20d",
                name,
                [
                    *(heading("all", 770, percent, 744) for percent in (50, 80, 100)),
                    heading("team", 62, 100, 50),
                ],
            ),
            At("22d", name, [heading("all", 560, 50, 744), heading("team", 62, 100, 50)]),
            At("746h", name, [heading("team", 67, 100, 50)]),
            At("32d", name, [heading("team", 67, 100, 50)]),
        ],
        step="10m",
        every="10m",
        values={
            ("10d", alerts.LIMIT): recorded(alerts.LIMIT, all=744, blue=400, shop=100, team=50),
            ("10d", alerts.SPENT): recorded(
                alerts.SPENT,
                all=steps(0.5, 10) + 0.8 / 6,
                blue=steps(0.5, 10),
                shop=steps(0.1, 10),
                team=steps(0.1, 5),
            ),
            ("10d", f'{alerts.FORECAST}{{budget!="all clusters"}}'): recorded(
                alerts.FORECAST,
                blue=steps(0.5, 10) + 21 * 12,
                shop=steps(0.1, 10) + 21 * 2.4,
                team=steps(0.1, 5) + 21 * 2.4,
            ),
            ("22d", alerts.SPENT): recorded(
                alerts.SPENT,
                all=steps(0.5, 22) + green_by_20,
                blue=steps(0.5, 22),
                shop=steps(0.1, 22),
                team=steps(0.1, 17),
            ),
            ("744h", alerts.SPENT): recorded(
                alerts.SPENT,
                **{key: steps(rate, 0) for key, rate in RATES.items()},
            ),
            ("744h", alerts.FORECAST): recorded(
                alerts.FORECAST,
                **{key: steps(rate, 0) + rate * 24 * 28 for key, rate in RATES.items()},
            ),
            ("32d", alerts.SPENT): recorded(
                alerts.SPENT, **{key: steps(rate, 1) for key, rate in RATES.items()}
            ),
        },
    )


def panel(dashboard: str, title: str) -> list[str]:
    """Give the queries of a panel, for all clusters."""
    read = json.loads((ROOT / f"dashboards/json/{dashboard}.json").read_text())
    (found,) = (each for each in read["panels"] if each["title"] == title)
    return [target["expr"].replace("$cluster", ".+") for target in found["targets"]]


def test_the_dashboards_show_alerts_and_budgets(tmp_path: Path) -> None:
    silent_one = '{alertname="KubecostClusterSilent",severity="critical",alertstate="firing",'
    silent_one += 'cluster_id="green"}'
    unknown = '{alertname="KubecostUnknownCluster",severity="warning",alertstate="pending"}'
    (now,), (over_time,) = panel("pipeline", "Alerts"), panel("pipeline", "Alerts over time")
    share, spent, forecast, limit = panel("fleet", "Budgets")
    used = 29 * 0.5 / 6  # US$ in 29 steps of ten minutes, all on the first day
    heading = used + used * (31 - 29 / 144)
    everything = '{budget="all clusters"}'
    check(
        tmp_path,
        {
            info("blue"): over((1, 30)),
            info("green"): over((1, 26)),
            f'{INFO}{{id="somewhere"}}': over((None, 29), (1, 1)),
            cost("blue"): over((None, 1), (0.5, 29)),
        },
        [],
        step="10m",
        every="10m",
        rules=alert_rules(CLUSTERS, BOUNDS, [Budget(100, (80,))], runbooks=RUNBOOKS),
        values={
            ("290m", now): {silent_one: 1, unknown: 1},
            ("290m", over_time): {silent_one: 1},
            ("290m", limit): {everything: 100},
            ("290m", spent): {everything: used},
            ("290m", forecast): {everything: heading},
            ("290m", share): {everything: heading / 100},
        },
    )


def test_every_alert_is_tested() -> None:
    text = Path(__file__).read_text()
    assert {name for name in ALERTS if f'"{name}"' in text} == set(ALERTS)
