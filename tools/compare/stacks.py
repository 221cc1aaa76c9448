"""What the synthesized stacks run in a cluster beside Kubecost: a Prometheus, a collector, none.

Read from the stacks of the user's own settings, so that `kubecost.values` counts.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes.utils.quantity import parse_quantity

from architectures import ARCHITECTURES
from architectures.synthesis import synthesize
from settings import Settings
from settings.kubecost import SizeSettings
from tools.documents import unescaped

GIB = 1024**3
Requests = Mapping[str, Mapping[str, str]]

# Defaults in values.yaml of the chart cost-analyzer 2.8.7.
PROMETHEUS_VOLUME = "32Gi"  # prometheus.server.persistentVolume.size
KUBECOST_VOLUME = "32Gi"  # persistentVolume.size
PROMETHEUS_RETENTION = "97h"  # prometheus.server.retention
KUBECOST_DAYS = 91  # kubecostModel.etlDailyStoreDurationDays
# Requests of Kubecost's containers, by the path of their `resources`.
COST_MODEL = {"kubecostModel": {"cpu": "200m", "memory": "55Mi"}}
SIGNING_PROXY: Requests = {"sigV4Proxy": {}}
NETWORK_COSTS = {"networkCosts": {"cpu": "50m", "memory": "20Mi"}}
# What an agent, which has no UI, does without (templates, federatedETL.agentOnly).
OF_THE_UI: Requests = {
    "kubecostFrontend": {"cpu": "10m", "memory": "55Mi"},
    "kubecostAggregator": {},
    "kubecostAggregator.cloudCost": {},
    "forecasting": {"cpu": "200m", "memory": "300Mi"},
}


@dataclass(frozen=True)
class Workload:
    """A Prometheus or a collector in one cluster.

    Attributes:
        cpu_cores, memory_gib: what it requests; None where it requests nothing.
        disk_gib: its volume.
    """

    name: str
    cpu_cores: float | None
    memory_gib: float | None
    disk_gib: float = 0


@dataclass(frozen=True)
class Kubecost:
    """Kubecost itself in one cluster.

    Attributes:
        whole: with a UI.
        agent: without one.
        on_each_node: what measures the network.
    """

    whole: Workload
    agent: Workload
    on_each_node: Workload


@dataclass(frozen=True)
class InCluster:
    """What of an architecture is in each cluster.

    Attributes:
        workloads: what collects metrics, in place of Kubecost itself.
        prometheus_retention: how long Prometheus keeps samples, as Helm values say it; None
            where there is no Prometheus.
        kubecost_days: how many days of costs Kubecost keeps on its own volume.
    """

    workloads: tuple[Workload, ...]
    prometheus_retention: str | None
    kubecost_days: int
    kubecost: Kubecost


def read(settings: Settings, *, nodes: int, pods: int) -> dict[str, InCluster]:
    """Synthesize every architecture on one cluster of a size, and say what it would run there."""
    size = SizeSettings(nodes=max(nodes, 1), pods=max(pods, 1))
    one_of_all = settings.model_copy(
        update={
            "architectures": None,
            "clusters": settings.clusters[:1] if settings.clusters else None,
            "amp": settings.amp.model_copy(update={"workspace_id": None}),
            "kubecost": settings.kubecost.model_copy(update={"sized_for": size}),
        }
    )
    with tempfile.TemporaryDirectory() as out:
        synthesize(one_of_all, Path(out))
        stacks = {
            name: json.loads(Path(out, "stacks", name, "cdk.tf.json").read_text("utf-8"))
            for name in ARCHITECTURES
        }
    return {name: in_cluster(stack) for name, stack in stacks.items()}


def in_cluster(stack: Mapping[str, Any]) -> InCluster:
    """Read an overlay's stack."""
    charts = {
        release["chart"]: yaml.safe_load(unescaped(release["values"][0]))
        for release in stack["resource"]["helm_release"].values()
    }
    kubecost = charts.pop("cost-analyzer")
    server = _at(kubecost, "prometheus", "server")
    has_prometheus = bool(_at(kubecost, "global", "prometheus").get("enabled", True))
    return InCluster(
        workloads=tuple(_workloads(server if has_prometheus else None, charts)),
        prometheus_retention=server.get("retention", PROMETHEUS_RETENTION)
        if has_prometheus
        else None,
        kubecost_days=_at(kubecost, "kubecostModel").get(
            "etlDailyStoreDurationDays", KUBECOST_DAYS
        ),
        kubecost=_kubecost(kubecost),
    )


def _kubecost(values: Mapping[str, Any]) -> Kubecost:
    volume = _at(values, "persistentVolume")
    disk = volume.get("size", KUBECOST_VOLUME) if volume.get("enabled", True) else "0"
    ui = {
        path: requests
        for path, requests in OF_THE_UI.items()
        if path != "forecasting" or _at(values, path).get("enabled", True)
    }
    agent = {**COST_MODEL, **(SIGNING_PROXY if _at(values, "global", "amp").get("enabled") else {})}
    measured = NETWORK_COSTS if _at(values, "networkCosts").get("enabled", True) else {}
    return Kubecost(
        whole=_sum("Kubecost", values, {**agent, **ui}, disk),
        agent=_sum("Kubecost's agent", values, agent, disk),
        on_each_node=_sum("network-costs", values, measured),
    )


def _sum(name: str, values: Mapping[str, Any], containers: Requests, disk: str = "0") -> Workload:
    """Add what containers request, where the values say nothing what the chart does."""
    given = [
        {**requests, **_at(values, *path.split("."), "resources", "requests")}
        for path, requests in containers.items()
    ]
    return Workload(
        name,
        cpu_cores=sum(_quantity(each.get("cpu", 0)) for each in given),
        memory_gib=sum(_quantity(each.get("memory", 0)) for each in given) / GIB,
        disk_gib=_quantity(disk) / GIB,
    )


def _workloads(server: Mapping[str, Any] | None, charts: Mapping[str, Any]) -> Iterator[Workload]:
    if server is not None:
        volume = _at(server, "persistentVolume")
        size = volume.get("size", PROMETHEUS_VOLUME) if volume.get("enabled", True) else "0"
        yield _workload("Prometheus", server, disk=size)
    for chart, values in charts.items():
        # A DaemonSet that is the same in every architecture, and off by default.
        if chart != "prometheus-node-exporter":
            yield _workload(chart, values)


def _workload(name: str, values: Mapping[str, Any], disk: str = "0") -> Workload:
    requests = _at(values, "resources", "requests")
    cpu, memory = requests.get("cpu"), requests.get("memory")
    return Workload(
        name,
        cpu_cores=None if cpu is None else _quantity(cpu),
        memory_gib=None if memory is None else _quantity(memory) / GIB,
        disk_gib=_quantity(disk) / GIB,
    )


def _quantity(text: object) -> float:
    """Read a Kubernetes quantity; raises ValueError when it is none."""
    return float(parse_quantity(text))  # type: ignore[no-untyped-call]


def _at(values: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Give the mapping at a path, an empty one where there is none."""
    for key in path:
        values = values.get(key) or {}
    return values
