"""The values in images/dashboard.png: what the dashboard's own queries give in the lab.

A Prometheus holds nine days of the three clusters in templates/inventory.yaml.j2: by day all of
the shop runs, by night the batch, and since the sixth day green has its last node. Traffic is a
twentieth: all of it, day and night, would hide every other cost. A minute lasts twenty here, so
that nine days are few samples; Prometheus evaluates the recording rules.

`pytest --update-golden` writes the values that `make images` draws.
"""

import copy
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from dashboards.files import FOLDER
from metrics.alerts import Bounds, Budget, alert_rules
from metrics.names import COST_ONLY, GPU_ALLOCATION, NAMESPACE_LABELS
from metrics.rules import FLEET_RULES
from tests.lab.inventory import Inventory, Pod, Release
from tests.lab.process import BINARIES, Process, private_network, wait_until
from tests.lab.render import render
from tests.lab.test_dashboards import filled_in
from tools.pictures.dashboard import VALUES

pytestmark = pytest.mark.skipif(
    not (BINARIES / "promtool").exists(), reason="promtool is not built: make lab"
)

START = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
END = int(datetime(2026, 11, 9, 12, tzinfo=UTC).timestamp())
MINUTE, HOUR, DAY = 1200, 3600, 24 * 3600
GROWN = START + 5 * DAY  # since when green has its last node
RANGE, STEP = 7 * DAY, 2 * HOUR  # of the picture
PICKED = {"cluster": ".+", "label": "team", "__range": f"{RANGE}s"}
CLUSTERS = ("blue", "green", "red")
RELEASE = Release("kubecost-prom-amp-cost", 3102, False, True, False, None)
BUDGETS = (
    Budget(16000, (80, 100)),
    Budget(3600, (80, 100), label=("team", "storefront")),
    Budget(2200, (80, 100), label=("team", "research")),
)
TRAFFIC = 1 / 20
RULE_STEP = 600  # that of budgets, in seconds


class Moment(NamedTuple):
    """What differs over time: the hour is a shop's or a batch's, and green has grown."""

    day: bool
    night: bool
    grown: bool


def moment(at: int) -> Moment:
    hour = at % DAY // HOUR
    return Moment(day=7 <= hour < 21, night=hour < 6, grown=at >= GROWN)


def runs(pod: Pod, now: Moment) -> bool:
    number = int(pod.name.rpartition("-")[2])
    if pod.namespace == "shop":
        return now.day or number < pod.workload.replicas / 3
    return now.night or pod.namespace != "batch" or pod.workload.shared_gib == 0


@cache
def inventory(cluster_id: str, now: Moment) -> Inventory:
    made = copy.copy(Inventory(cluster_id, CLUSTERS.index(cluster_id) + 1, [RELEASE]))
    if cluster_id == "green" and not now.grown:
        made.nodes = made.nodes[:-1]
    made.pods = [pod for pod in made.pods if pod.node in made.nodes and runs(pod, now)]
    return made


@cache
def costs(cluster_id: str, now: Moment) -> Sequence[tuple[str, str]]:
    """Give the series that a cluster sends, with labels, and their values."""
    made = inventory(cluster_id, now)
    text = render("cost_model.prom.j2", inventory=made, age=0)
    found = []
    for line in text.splitlines():
        series, _, value = line.rpartition(" ")
        name, _, labels = series.partition("{")
        if name == "container_gpu_allocation" and value != "0":
            name = GPU_ALLOCATION
        if name in COST_ONLY or name == NAMESPACE_LABELS:
            labels = ",".join(filter(None, [f'cluster_id="{cluster_id}"', labels.rstrip("}")]))
            found.append((f"{name}{{{labels}}}", value))
    return found


@cache
def egress(cluster_id: str, now: Moment) -> Sequence[tuple[str, float]]:
    """Give the counters of egress that has a price, and bytes per second."""
    text = render("network_costs.prom.j2", pods=inventory(cluster_id, now).pods, age=1)
    return [
        (series.replace("{", f'{{cluster_id="{cluster_id}",'), float(value) * TRAFFIC)
        for series, _, value in (line.rpartition(" ") for line in text.splitlines())
        if "egress_bytes" in series and 'same_zone="true"' not in series
    ]


def samples() -> Iterator[str]:
    for at in range(START, END + 1, MINUTE):
        now = moment(at)
        for cluster_id in CLUSTERS:
            for series, value in costs(cluster_id, now):
                yield f"{series} {value} {at}\n"
            for series, per_second in egress(cluster_id, now):
                yield f"{series} {per_second * (at - START)} {at}\n"


def levels() -> Iterator[list[dict[str, Any]]]:
    """Give the recording rules in steps: each needs what the former record, and nothing else."""
    alerts = alert_rules(CLUSTERS, Bounds(15, 50, 60, 7, 100), BUDGETS, runbooks="")
    groups = [
        *(group for group in FLEET_RULES["groups"] if group["name"] != "FleetSeries"),
        *(group for group in alerts["groups"] if group["name"] == "KubecostBudgets"),
    ]
    rest = [rule for group in groups for rule in group["rules"]]
    while rest:
        missing = {rule["record"] for rule in rest}
        ready = [rule for rule in rest if not any(name in rule["expr"] for name in missing)]
        yield ready
        rest = [rule for rule in rest if rule not in ready]


class Store:
    """A Prometheus with blocks of samples, begun anew for each of its blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._data = folder, folder / "data"

    def add(self, lines: Iterator[str]) -> None:
        file = self._folder / "samples"
        with file.open("w") as written:
            written.writelines(lines)
            written.write("# EOF\n")
        promtool = [BINARIES / "promtool", "tsdb", "create-blocks-from", "openmetrics"]
        subprocess.run(
            [*map(str, promtool), "--max-block-duration=31d", str(file), str(self._data)],
            check=True,
            capture_output=True,
        )

    def ask(self, queries: Sequence[tuple[str, int | None]]) -> list[list[dict[str, Any]]]:
        """Answer queries: at the end, or every so many seconds of all that there is."""
        (self._folder / "prometheus.yml").write_text("{}")
        address = "10.254.5.1:9090"
        arguments: list[str | Path] = [
            BINARIES / "prometheus",
            f"--config.file={self._folder}/prometheus.yml",
            f"--storage.tsdb.path={self._data}",
            "--storage.tsdb.retention.time=100y",
            f"--query.lookback-delta={MINUTE + 60}s",
            f"--web.listen-address={address}",
        ]
        url = f"http://{address}"
        with closing(Process("prometheus", arguments, self._folder)) as process:
            wait_until(lambda: requests.get(f"{url}/-/ready", timeout=5).ok, 60, url, process)
            return [self._answer(url, query, step) for query, step in queries]

    @staticmethod
    def _answer(url: str, query: str, step: int | None) -> list[dict[str, Any]]:
        span: dict[str, Any] = {"start": START, "end": END, "step": step} if step else {"time": END}
        path = "query_range" if step else "query"
        asked = {"query": query, **span}
        answer = requests.post(f"{url}/api/v1/{path}", asked, timeout=120).json()
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


def recorded(rule: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for series in found:
        labels = {**series["metric"], **rule.get("labels", {})}
        labels.pop("__name__", None)
        where = ",".join(f"{label}={json.dumps(value)}" for label, value in labels.items())
        for at, value in series["values"]:
            yield f"{rule['record']}{{{where}}} {value} {at}\n"


def measured(folder: Path) -> Iterator[dict[str, Any]]:
    """Give what each query of the dashboard answers, as the picture's file has it."""
    store = Store(folder)
    store.add(samples())
    for rules in levels():
        # Five minutes of the rules are five of this clock.
        exprs = [rule["expr"].replace("[5m]", f"[{5 * MINUTE}s]") for rule in rules]
        answers = store.ask([(expr, RULE_STEP) for expr in exprs])
        store.add(
            line
            for rule, found in zip(rules, answers, strict=True)
            for line in recorded(rule, found)
        )
    targets = [
        (panel, target)
        for panel in json.loads((FOLDER / "fleet.json").read_text())["panels"]
        for target in panel["targets"]
    ]
    answers = store.ask(
        [
            (filled_in(target["expr"], PICKED), None if target.get("instant") else STEP)
            for _, target in targets
        ]
    )
    for (panel, target), found in zip(targets, answers, strict=True):
        yield {
            "panel": panel["title"],
            "query": target["refId"],
            "expr": target["expr"],
            "found": [
                {
                    "labels": {k: v for k, v in series["metric"].items() if k != "__name__"},
                    "values": values_of(series),
                }
                for series in sorted(found, key=lambda each: sorted(each["metric"].items()))
            ],
        }


def values_of(series: Mapping[str, Any]) -> list[float | None]:
    if "value" in series:
        return [short(series["value"][1])]
    by_time = {int(at): short(value) for at, value in series["values"]}
    return [by_time.get(at) for at in range(END - RANGE, END + 1, STEP)]


def facts(answer: Mapping[str, Any]) -> list[Any]:
    """Give all of an answer but its numbers."""
    return [
        answer["panel"],
        answer["query"],
        answer["expr"],
        [
            (series["labels"], [value is None for value in series["values"]])
            for series in answer["found"]
        ],
    ]


def short(value: str) -> float:
    return float(f"{float(value):.5g}")


def test_the_picture_shows_what_prometheus_answers(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with private_network():
        answers = list(measured(tmp_path))
    assert all(answer["found"] for answer in answers), answers
    if request.config.getoption("--update-golden"):
        lines = ",\n".join(f"  {json.dumps(answer)}" for answer in answers)
        head = {"measured": f"{date.today():%Y-%m-%d}", "from": END - RANGE, "step": STEP}
        start = json.dumps(head).removesuffix("}")
        VALUES.write_text(f'{start}, "answers": [\n{lines}\n]}}\n')
    committed = json.loads(VALUES.read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", committed["measured"])
    assert (committed["from"], committed["step"]) == (END - RANGE, STEP)
    # The last digits depend on the order of the additions.
    assert [facts(answer) for answer in answers] == [
        facts(answer) for answer in committed["answers"]
    ], f"{VALUES.name}: see --update-golden"
    for one, other in zip(answers, committed["answers"], strict=True):
        for series, known in zip(one["found"], other["found"], strict=True):
            assert series["values"] == pytest.approx(known["values"], rel=1e-3, nan_ok=True)
