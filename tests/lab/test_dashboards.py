"""Every query of every panel, in Prometheus's own engine, on clusters that share all names.

promtool evaluates the fleet's recording rules on hand-written series and then the queries, as
Grafana would send them. What must come out is computed here from the same tables by arithmetic.
"""

import json
import math
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import ascii_uppercase
from typing import Any, NamedTuple

import pytest
import yaml

from metrics.names import COST_ONLY, GPU_ALLOCATION, NAMESPACE_LABELS
from metrics.rules import FLEET_RULES
from tests.conftest import ROOT

PROMTOOL = ROOT / ".lab/bin/promtool"
GIB, MONTH = 2**30, 730
NOW = 180  # minutes since the first sample
HOURS = (0, 60, 120, 180)  # minutes at which hours begin; 1970-01-01 is in a month of 31 days
DAYS_LEFT = 31 - 3 / 24
RANGE = 60  # minutes that the time picker shows
LIMIT = 1000
PARTS = 1_000_000  # the last digits depend on the order of the additions


class Node(NamedTuple):
    cluster: str
    name: str
    type: str
    cores: int
    core: float  # USD per hour, as the following two
    gib: float
    gpu: float
    spot: int
    since: int = 0
    memory_gib: int = 16
    gpus: int = 0

    @property
    def price(self) -> float:
        return self.cores * self.core + self.memory_gib * self.gib + self.gpus * self.gpu


class Container(NamedTuple):
    cluster: str
    namespace: str
    pod: str
    node: str
    cores: float
    gib: float
    gpus: int = 0


class Volume(NamedTuple):
    cluster: str
    namespace: str
    pods: tuple[str, ...]
    name: str
    gib: int
    price: float  # USD per GiB and hour


class Balancer(NamedTuple):
    cluster: str
    namespace: str
    service: str
    price: float


class Egress(NamedTuple):
    cluster: str
    namespace: str
    pod: str
    gib_per_hour: int
    to: str


NODES = [
    Node("a", "n1", "m7i.xlarge", 4, 0.03, 0.004, 0, 0),
    Node("a", "n2", "m7i.xlarge", 4, 0.03, 0.004, 0, 0, since=150),
    Node("b", "n1", "c7i.2xlarge", 8, 0.02, 0.003, 0, 1),
    Node("b", "n2", "g6.xlarge", 4, 0.025, 0.002, 0.5, 0, gpus=1),
    Node("c", "n1", "m7i.xlarge", 4, 0.04, 0.005, 0, 0),
]
CONTAINERS = [
    Container("a", "web", "web-0", "n1", 2, 4),
    Container("a", "web", "web-1", "n2", 1, 2),
    Container("a", "ops", "ops-0", "n1", 0.5, 1),
    Container("b", "web", "web-0", "n1", 3, 8),
    Container("b", "web", "web-1", "n2", 0.5, 2, gpus=1),
    Container("b", "ops", "ops-0", "n1", 1, 4),
    Container("c", "web", "web-0", "n1", 1, 6),
]
VOLUMES = [
    Volume("a", "web", ("web-0", "web-1", "web-2", "web-3"), "pv1", 100, 0.0001),
    Volume("b", "web", ("web-0",), "pv1", 50, 0.0002),
    Volume("b", "ops", ("unmounted-pvs",), "pv2", 10, 0.0002),
]
BALANCERS = [Balancer("a", "web", "web", 0.0225), Balancer("c", "web", "web", 0.025)]
EGRESS = [
    Egress("a", "web", "web-0", 6, "internet"),
    Egress("a", "web", "web-1", 3, "zone"),
    Egress("b", "web", "web-0", 12, "region"),
    Egress("b", "ops", "ops-0", 9, "internet"),
]
TO = {
    "internet": {"internet": "true", "same_region": "false", "same_zone": "false"},
    "region": {"internet": "false", "same_region": "false", "same_zone": "false"},
    "zone": {"internet": "false", "same_region": "true", "same_zone": "false"},
}
# Of cluster and namespace; b's ops has none.
TEAMS = {
    ("a", "web"): "shop",
    ("a", "ops"): "platform",
    ("b", "web"): "shop",
    ("b", "ops"): None,
    ("c", "web"): "lab",
}
EGRESS_PRICE = {"internet": 0.126, "region": 0.02, "zone": 0.01}  # USD per GiB
MANAGEMENT = {"a": 0.1, "b": 0.1, "c": 0.6}
CLUSTERS = list(MANAGEMENT)
# c's last sample is 2 minutes old, and d has sent nothing for 2 hours.
LAST_SAMPLE = {"a": NOW, "b": NOW, "c": NOW - 2, "d": NOW - 120}

# As Grafana fills them in; $__rate_interval is 4 scrape intervals at least.
PICKED = {
    "fleet": {"cluster": ".+", "label": "team"},
    "cluster": {"cluster": "(a|b)", "namespace": ".+"},
    "namespace": {"cluster": ".+", "namespace": "web"},
    "pipeline": {"cluster": ".+", "series_limit": str(LIMIT)},
}
MACROS = {"__range": f"{RANGE * 60}s", "__rate_interval": "4m"}

RESOURCES = ("cpu", "memory", "gpu", "storage", "network", "load_balancer")

needs_promtool = pytest.mark.skipif(not PROMTOOL.exists(), reason="promtool is not built: make lab")

Labels = tuple[tuple[str, str], ...]
Values = dict[Labels, float]


def labels(**values: str) -> Labels:
    return tuple(sorted(values.items()))


def series() -> Iterable[tuple[str, Labels, str]]:
    """Give name, labels and values; gauges twice, as if two collectors scraped them."""
    for name, each, values in gauges():
        for job in ("kubecost", "kubecost-again"):
            yield name, labels(**dict(each), job=job), values
    for flow in EGRESS:
        who = {"cluster_id": flow.cluster, "namespace": flow.namespace, "pod_name": flow.pod}
        step = flow.gib_per_hour * GIB / 60
        name = "kubecost_pod_network_egress_bytes_total"
        yield name, labels(**who, **TO[flow.to]), f"0+{step}x{NOW}"


def gauges() -> Iterable[tuple[str, Labels, str]]:
    for cluster, last in LAST_SAMPLE.items():
        yield "kubecost_cluster_info", labels(cluster_id=cluster), f"1x{last}"
    for cluster, fee in MANAGEMENT.items():
        name = "kubecost_cluster_management_cost"
        yield name, labels(cluster_id=cluster, provisioner_name="EKS"), f"{fee}x{NOW}"
        for to, price in EGRESS_PRICE.items():
            yield f"kubecost_network_{to}_egress_cost", labels(cluster_id=cluster), f"{price}x{NOW}"
    for (cluster, namespace), team in TEAMS.items():
        of_team = {"label_team": team} if team else {}
        who = labels(cluster_id=cluster, namespace=namespace, **of_team)
        yield NAMESPACE_LABELS, who, f"1x{NOW}"
    for node in NODES:
        missing = f"_x{node.since} " if node.since else ""
        for name, value in {
            "node_cpu_hourly_cost": node.core,
            "node_ram_hourly_cost": node.gib,
            "node_gpu_hourly_cost": node.gpu,
            "node_gpu_count": node.gpus,
            "node_total_hourly_cost": node.price,
            "kubecost_node_is_spot": node.spot,
        }.items():
            where = labels(cluster_id=node.cluster, node=node.name, instance_type=node.type)
            yield name, where, f"{missing}{value}x{NOW - node.since}"
    for each in CONTAINERS:
        inside = labels(
            cluster_id=each.cluster,
            namespace=each.namespace,
            pod=each.pod,
            container="main",
            node=each.node,
        )
        yield "container_cpu_allocation", inside, f"{each.cores}x{NOW}"
        yield "container_memory_allocation_bytes", inside, f"{each.gib * GIB}x{NOW}"
        if each.gpus:
            yield GPU_ALLOCATION, inside, f"{each.gpus}x{NOW}"
    for volume in VOLUMES:
        which = {"cluster_id": volume.cluster, "persistentvolume": volume.name}
        yield "pv_hourly_cost", labels(**which, volumename=volume.name), f"{volume.price}x{NOW}"
        yield "kubecost_pv_info", labels(**which, storageclass="gp3"), f"1x{NOW}"
        for pod in volume.pods:
            claim = labels(
                **which, namespace=volume.namespace, pod=pod, persistentvolumeclaim="data"
            )
            share = volume.gib * GIB / len(volume.pods)
            yield "pod_pvc_allocation", claim, f"{share}x{NOW}"
    for balancer in BALANCERS:
        where = labels(
            cluster_id=balancer.cluster,
            namespace=balancer.namespace,
            service_name=balancer.service,
            ingress_ip="lb.example",
        )
        yield "kubecost_load_balancer_cost", where, f"{balancer.price}x{NOW}"


def add_up(amounts: Iterable[tuple[tuple[str, ...], float]], *names: str) -> Values:
    """Add up amounts by what names them."""
    total: Values = defaultdict(float)
    for keys, amount in amounts:
        total[labels(**dict(zip(names, keys, strict=True)))] += amount
    return dict(total)


def node_of(each: Container) -> Node:
    (found,) = (node for node in NODES if (node.cluster, node.name) == (each.cluster, each.node))
    return found


def allocated(each: Container) -> dict[str, float]:
    node = node_of(each)
    return {
        "cpu": each.cores * node.core,
        "memory": each.gib * node.gib,
        **({"gpu": each.gpus * node.gpu} if each.gpus else {}),
    }


def namespace_costs(minute: int = NOW) -> Iterable[tuple[tuple[str, str, str], float]]:
    """Give USD per hour by cluster, namespace and resource; at first, no traffic is known."""
    for each in CONTAINERS:
        priced = node_of(each).since <= minute
        for resource, usd in allocated(each).items() if priced else ():
            yield (each.cluster, each.namespace, resource), usd
    for volume in VOLUMES:
        yield (volume.cluster, volume.namespace, "storage"), volume.gib * volume.price
    for flow in EGRESS if minute else ():
        yield (flow.cluster, flow.namespace, "network"), flow.gib_per_hour * EGRESS_PRICE[flow.to]
    for balancer in BALANCERS:
        yield (balancer.cluster, balancer.namespace, "load_balancer"), balancer.price


def cluster_costs(minute: int = NOW) -> Iterable[tuple[tuple[str, str], float]]:
    """Give USD per hour by cluster and resource."""
    for node in NODES:
        if node.since <= minute:
            yield (node.cluster, "nodes"), node.price
    for cluster, fee in MANAGEMENT.items():
        yield (cluster, "management"), fee
    for volume in VOLUMES:
        yield (volume.cluster, "storage"), volume.gib * volume.price
    for (cluster, _, resource), usd in namespace_costs(minute):
        if resource in ("network", "load_balancer"):
            yield (cluster, resource), usd


def month(values: Values) -> Values:
    return {key: value * MONTH for key, value in values.items()}


def total(values: Values) -> Values:
    return {(): sum(values.values())}


def added(*several: Values) -> Values:
    keys = [key for values in several for key in values]
    return {key: sum(values.get(key, 0) for values in several) for key in keys}


def foreseen(spent: Values) -> Values:
    """Give what a month costs of which these first hours are spent."""
    return {key: value + value / len(HOURS) * 24 * DAYS_LEFT for key, value in spent.items()}


def ratio(part: Values, whole: Values) -> Values:
    return {key: part[key] / whole[key] for key in part}


def minus(one: Values, other: Values) -> Values:
    return {key: one[key] - other[key] for key in one}


def rest(values: Values) -> Values:
    return {key: 1 - value for key, value in values.items()}


def growth(values: Values, before: Values) -> Values:
    return {key: values[key] / before[key] - 1 for key in values}


def of(values: Values, **wanted: str) -> Values:
    """Keep what has these labels, and drop them."""
    return {
        tuple(pair for pair in key if pair not in wanted.items()): value
        for key, value in values.items()
        if wanted.items() <= set(key)
    }


def expected() -> dict[tuple[str, str, str], Values]:
    """Give what each query must answer, by dashboard, panel and query."""
    by_namespace = add_up(namespace_costs(), "cluster_id", "namespace", "resource")
    namespaces = add_up(
        (((cluster, ns), usd) for (cluster, ns, _), usd in namespace_costs()),
        "cluster_id",
        "namespace",
    )
    by_resource = add_up(cluster_costs(), "cluster_id", "resource")
    cost = add_up((((cluster,), usd) for (cluster, _), usd in cluster_costs()), "cluster_id")
    before = add_up(
        (((cluster,), usd) for (cluster, _), usd in cluster_costs(NOW - RANGE)), "cluster_id"
    )
    nodes = of(by_resource, resource="nodes")
    used = add_up((((c.cluster,), sum(allocated(c).values())) for c in CONTAINERS), "cluster_id")
    idle = minus(nodes, used)

    def picked(values: Values) -> Values:
        return {key: value for key, value in values.items() if dict(key)["cluster_id"] in "ab"}

    typed = add_up(
        (((node.cluster, node.name, node.type), node.price) for node in NODES),
        "cluster_id",
        "node",
        "instance_type",
    )
    node_price = add_up(
        (((node.cluster, node.name), node.price) for node in NODES), "cluster_id", "node"
    )
    used_of_node = add_up(
        (((c.cluster, c.node), sum(allocated(c).values())) for c in CONTAINERS),
        "cluster_id",
        "node",
    )
    volumes = {
        labels(
            cluster_id=volume.cluster,
            namespace=volume.namespace,
            persistentvolumeclaim="data",
            persistentvolume=volume.name,
        ): volume
        for volume in VOLUMES
    }
    balancers = add_up(
        (((b.cluster, b.namespace, b.service, "lb.example"), b.price) for b in BALANCERS),
        "cluster_id",
        "namespace",
        "service_name",
        "ingress_ip",
    )
    flows = [
        add_up(
            (((f.cluster,), f.gib_per_hour * GIB / 3600) for f in EGRESS if f.to == to),
            "cluster_id",
        )
        for to in TO
    ]
    spent = added(
        *(
            add_up((((cluster,), usd) for (cluster, _), usd in cluster_costs(minute)), "cluster_id")
            for minute in HOURS
        )
    )
    web_spent = added(
        *(
            add_up(
                (
                    ((cluster,), usd)
                    for (cluster, ns, _), usd in namespace_costs(minute)
                    if ns == "web"
                ),
                "cluster_id",
            )
            for minute in HOURS
        )
    )
    by_team = add_up(
        (((TEAMS[cluster, ns] or "no label",), usd) for (cluster, ns, _), usd in namespace_costs()),
        "owner",
    )
    team_total = sum(by_team.values())
    web = of(by_namespace, namespace="web")
    web_cost = of(namespaces, namespace="web")
    pods = add_up(
        (
            ((c.cluster, c.pod), sum(allocated(c).values()))
            for c in CONTAINERS
            if c.namespace == "web"
        ),
        "cluster_id",
        "pod",
    )
    age = {labels(cluster_id=c): (NOW - last) * 60.0 for c, last in LAST_SAMPLE.items()}
    reporting = {labels(cluster_id=cluster): 1.0 for cluster in CLUSTERS}
    # Recorded series count, too: costs by namespace and by cluster, and what is allocated.
    sent = add_up((((dict(who)["cluster_id"],), 1) for _, who, _ in series()), "cluster_id")
    recorded = add_up(
        (((dict(key)["cluster_id"],), 1) for key in [*by_namespace, *by_resource]), "cluster_id"
    )
    count = {key: sent[key] + recorded[key] + 1 for key in recorded}
    share = {key: value / LIMIT for key, value in count.items()}

    def number(rows: Iterable[Any]) -> Values:
        return add_up((((row.cluster,), 1) for row in rows), "cluster_id")

    answers: dict[str, dict[str, list[Values]]] = {
        "fleet": {
            "Spent this month": [total(spent)],
            "Forecast": [total(foreseen(spent))],
            "Cost per month": [total(month(cost))],
            "Change": [growth(total(cost), total(before))],
            "Idle share": [rest(ratio(total(used), total(nodes)))],
            "Idle cost per month": [total(month(idle))],
            "Clusters": [
                month(cost),
                spent,
                foreseen(spent),
                growth(cost, before),
                month(nodes),
                month(idle),
                rest(ratio(used, nodes)),
            ],
            "Cost per month by cluster": [month(cost)],
            "Idle share by cluster": [rest(ratio(used, nodes))],
            "Most expensive namespaces": [month(namespaces)],
            "Cost by label": [
                month(by_team),
                {key: value / team_total for key, value in by_team.items()},
                add_up((((team or "no label",), 1) for team in TEAMS.values()), "owner"),
            ],
            "Cost per month by label": [month(by_team)],
        },
        "cluster": {
            "Cost per month": [picked(month(cost))],
            "Spent this month": [picked(spent)],
            "Forecast": [picked(foreseen(spent))],
            "Idle share": [picked(rest(ratio(used, nodes)))],
            "Cost per month by resource": [picked(month(by_resource))],
            "Nodes": [
                picked(month(typed)),
                picked(rest(ratio(used_of_node, node_price))),
                picked(
                    add_up((((n.cluster, n.name), n.spot) for n in NODES), "cluster_id", "node")
                ),
            ],
            "Node cost per month by type": [
                picked(
                    month(
                        add_up(
                            (((n.cluster, n.type), n.price) for n in NODES),
                            "cluster_id",
                            "instance_type",
                        )
                    )
                )
            ],
            "Nodes by type": [
                picked(
                    add_up((((n.cluster, n.type), 1) for n in NODES), "cluster_id", "instance_type")
                )
            ],
            "Namespaces": [
                picked(month(namespaces)),
                *(picked(month(of(by_namespace, resource=each))) for each in RESOURCES),
            ],
            "Cost per month by namespace": [picked(month(namespaces))],
            "Volumes": [
                month({key: volume.gib * volume.price for key, volume in volumes.items()}),
                {key: volume.gib * GIB for key, volume in volumes.items()},
            ],
            "Egress cost per month by namespace": [
                picked(month(of(by_namespace, resource="network")))
            ],
            "Egress by destination": flows,
            "Load balancers": [picked(month(balancers))],
        },
        "namespace": {
            "Cost per month": [total(month(web_cost))],
            "Spent this month": [total(web_spent)],
            "Forecast": [total(foreseen(web_spent))],
            "Share of the clusters' cost": [ratio(total(web_cost), total(cost))],
            "Clusters": [
                month(web_cost),
                *(month(of(web, resource=each)) for each in RESOURCES),
                ratio(web_cost, cost),
            ],
            "Cost per month by cluster": [month(web_cost)],
            "Cost per month by resource": [month(web)],
            "Most expensive pods": [month(pods)],
        },
        "pipeline": {
            "Clusters that report": [{(): 3}],
            "Silent clusters": [{(): 1}],
            "Oldest data": [{(): 7200}],
            "Nearest to the limit": [{(): max(share.values())}],
            "Clusters": [
                age,
                count,
                share,
                number(NODES),
                number(CONTAINERS),
                number(VOLUMES),
                number(EGRESS),
            ],
            "Reports": [reporting],
            "Age of data": [{key: age[key] for key in reporting}],
            "Series by cluster": [count],
        },
    }
    return {
        (name, panel, ref_id): values
        for name, panels in answers.items()
        for panel, each in panels.items()
        for ref_id, values in zip(ascii_uppercase, each, strict=False)
    }


def filled_in(expr: str, values: Mapping[str, str]) -> str:
    """Put values in the place of variables and macros, as Grafana does."""
    for variable, value in values.items():
        expr = expr.replace(f"${variable}", value)
    assert "$" not in expr.replace('"$1"', "")
    return expr


def queries() -> dict[tuple[str, str, str], str]:
    """Give the query of every panel, with variables and macros filled in."""
    found = {}
    for name, picked in PICKED.items():
        dashboard = json.loads((ROOT / "dashboards/json" / f"{name}.json").read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                expr = filled_in(target["expr"], MACROS | picked)
                if "ALERTS" in expr or "budget:" in expr:
                    continue  # tests/lab/test_alerts.py
                found[name, panel["title"], target["refId"]] = expr
    return found


def selector(name: str, values: Labels) -> str:
    return f"{name}{{{','.join(f'{label}={json.dumps(value)}' for label, value in values)}}}"


def asked(query: str) -> str:
    return f"round({query}, {1 / PARTS})"


def rounded(value: float) -> float:
    """Do what PromQL's round() does."""
    return math.floor(value * PARTS + 0.5) / PARTS


def promtool(folder: Path, answers: dict[tuple[str, str, str], Values]) -> str:
    """Give what promtool finds wrong, which is nothing when every query gives its answer."""
    filled_in = queries()
    test = {
        "interval": "1m",
        "input_series": [
            {"series": selector(name, who), "values": values} for name, who, values in series()
        ],
        "promql_expr_test": [
            {
                "expr": asked(filled_in[key]),
                "eval_time": f"{NOW}m",
                "exp_samples": [
                    {"labels": selector("", who), "value": rounded(value)}
                    for who, value in values.items()
                ],
            }
            for key, values in answers.items()
        ],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump(FLEET_RULES))
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m"}
    (folder / "test.yaml").write_text(yaml.safe_dump({**document, "tests": [test]}))
    run = subprocess.run(
        [PROMTOOL, "test", "rules", "test.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    output = run.stdout + run.stderr
    assert run.returncode or "SUCCESS" in output, output
    return output if run.returncode else ""


def test_every_query_has_an_answer() -> None:
    assert queries().keys() == expected().keys()
    assert all(expected().values())


def test_the_series_are_those_that_cost_only_sends() -> None:
    assert {name for name, _, _ in series()} == {*COST_ONLY, NAMESPACE_LABELS}


@needs_promtool
def test_every_query_gives_the_value_known_by_hand(tmp_path: Path) -> None:
    assert promtool(tmp_path, expected()) == ""


@needs_promtool
def test_no_other_value_passes(tmp_path: Path) -> None:
    wrong = {
        key: {who: value * 1.001 + 0.001 for who, value in values.items()}
        for key, values in expected().items()
    }
    failed = promtool(tmp_path, wrong)
    for key, query in queries().items():
        assert json.dumps(asked(query)) in failed, key
