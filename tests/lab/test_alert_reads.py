"""How many samples the alerts read: AMP bills them, and `compare` counts on them.

A Prometheus holds a month of what the rules read, for a cluster as in templates/inventory.yaml.j2,
and counts what each query takes, as AMP does (stats=all).
"""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from metrics import alerts
from metrics.alerts import Bounds, Budget, alert_rules
from metrics.rules import ALLOCATED_COST, CLUSTER_COST, NAMESPACE_COST
from metrics.volumes import ALERT_READS
from tests.lab.process import BINARIES, Process, private_network, wait_until

pytestmark = pytest.mark.skipif(
    not (BINARIES / "promtool").exists(), reason="promtool is not built: make lab"
)

END = 1_767_225_600  # seconds since the epoch: a whole hour, a month after the first sample
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
NODES, PODS = 3, 62
NAMESPACES = ("shop", "data", "batch", "kube-system", "kubecost-prom-amp-cost")
RESOURCES = {  # of namespaces, whichever they are
    "cpu": 5,
    "memory": 5,
    "gpu": 1,
    "storage": 2,
    "network": 3,
    "load_balancer": 1,
}
VOLUMES = 8


def series() -> Iterator[tuple[str, dict[str, str], int, int]]:
    """Give name, labels, seconds between samples, and since when, of all that is read."""
    for resource, count in RESOURCES.items():
        for namespace in NAMESPACES[:count]:
            labels = {"namespace": namespace, "resource": resource}
            yield NAMESPACE_COST, labels, 2 * MINUTE, 4 * DAY
    for resource in ("nodes", "storage", "management", "network", "load_balancer"):
        yield CLUSTER_COST, {"resource": resource}, 2 * MINUTE, 4 * DAY
    yield ALLOCATED_COST, {}, 2 * MINUTE, 4 * DAY
    for namespace in NAMESPACES:
        yield alerts.NAMESPACE_COST_3H, {"namespace": namespace}, 10 * MINUTE, 8 * DAY
    yield alerts.CLUSTER_COST_3H, {}, 10 * MINUTE, 8 * DAY
    yield alerts.IDLE, {}, 10 * MINUTE, DAY
    yield "kubecost_cluster_info", {}, MINUTE, HOUR
    yield alerts.REPORTED, {}, MINUTE, 2 * HOUR
    for number in range(NODES):
        yield "node_total_hourly_cost", {"node": str(number)}, MINUTE, HOUR
    for number in range(VOLUMES):
        which = {"persistentvolume": str(number)}
        yield "pv_hourly_cost", which, MINUTE, HOUR
        yield "pod_pvc_allocation", which, MINUTE, HOUR
        yield alerts.MOUNTED, which, 10 * MINUTE, 2 * DAY
    yield "kubecost_load_balancer_cost", {"service_name": "web"}, MINUTE, HOUR
    budget = {"budget": "all clusters"}
    yield alerts.BUDGET_COST, {**budget, "month": "12"}, 10 * MINUTE, 32 * DAY
    for record in (alerts.SPENT, alerts.FORECAST):
        yield record, budget, 10 * MINUTE, HOUR
    for percent in ("50", "80", "100"):
        yield alerts.LEVEL, {**budget, "percent": percent}, 10 * MINUTE, HOUR


def open_metrics() -> Iterator[str]:
    for name, labels, step, since in series():
        where = labels if "budget" in labels else {"cluster_id": "blue", **labels}
        text = ",".join(f'{key}="{value}"' for key, value in where.items())
        for at in range(END - since, END + 1, step):
            yield f"{name}{{{text}}} 1 {at}\n"
    yield "# EOF\n"


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[str]:
    """Give the URL of a Prometheus that holds the series."""
    samples, data = tmp_path / "samples", tmp_path / "data"
    with samples.open("w") as file:
        file.writelines(open_metrics())
    subprocess.run(
        [
            *(str(BINARIES / "promtool"), "tsdb", "create-blocks-from", "openmetrics"),
            *("--max-block-duration=31d", str(samples), str(data)),
        ],
        check=True,
        capture_output=True,
    )
    config, address = tmp_path / "prometheus.yml", "10.254.4.1:9090"
    config.write_text("{}")
    with private_network():
        process = Process(
            "prometheus",
            [
                BINARIES / "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address={address}",
            ],
            tmp_path,
        )
        with closing(process):
            url = f"http://{address}"
            wait_until(lambda: requests.get(f"{url}/-/ready", timeout=5).ok, 60, url, process)
            yield url


def test_what_alerts_read(prometheus: str, capsys: pytest.CaptureFixture[str]) -> None:
    bounds = Bounds(15, 50, 60, 7, 100)
    rules = alert_rules(["blue"], bounds, [Budget(5000, (50, 80, 100))], runbooks="docs/alerts.md")
    a_minute = {"per_pod": 0.0, "per_budget": 0.0}
    for group in rules["groups"]:
        for rule in group["rules"]:
            query = {"query": rule["expr"], "time": str(END), "stats": "all"}
            answer = requests.get(f"{prometheus}/api/v1/query", query, timeout=60).json()["data"]
            read = answer["stats"]["samples"]["totalQueryableSamples"]
            minutes = int(group["interval"].removesuffix("m"))
            name = rule.get("alert", rule.get("record"))
            # All is well: every cluster is known, and everything has a price.
            well = name in ("KubecostUnknownCluster", "KubecostNoPrice")
            assert (read == 0) == (well or "vector(" in rule["expr"]), name
            for_budgets = group["name"] == "KubecostBudgets" or name == "KubecostBudget"
            a_minute["per_budget" if for_budgets else "per_pod"] += read / minutes
    a_minute["per_pod"] /= PODS
    with capsys.disabled():
        print(f"\nsamples that alerts read a minute: {a_minute}")
    assert a_minute == pytest.approx(ALERT_READS._asdict(), rel=0.05)
