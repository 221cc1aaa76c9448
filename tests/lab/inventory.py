"""What runs on a made-up cluster, as templates/inventory.yaml.j2 lists it, and what that costs."""

from __future__ import annotations

import itertools
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import yaml

from tests.lab.render import (
    GIB,
    INTERNET_EGRESS_COST,
    PV_HOURLY_COST,
    ZONE_EGRESS,
    ZONE_EGRESS_COST,
    render,
)


class Release(NamedTuple):
    """A Kubecost, in the namespace of the same name."""

    name: str
    network_costs_port: int
    sigv4_proxy: bool
    prometheus: bool
    agent: bool
    node_exporter_port: int | None


@dataclass(frozen=True)
class Node:
    name: str
    address: str
    cores: int
    memory_gib: int
    core_hourly_cost: float
    gib_hourly_cost: float
    gpu_hourly_cost: float
    labels: Mapping[str, str]

    @property
    def hourly_cost(self) -> float:
        cpu = self.cores * self.core_hourly_cost
        return cpu + self.memory_gib * self.gib_hourly_cost + self.gpu_hourly_cost


class Container(NamedTuple):
    name: str
    cores: float
    memory_gib: float
    ports: Mapping[str, int]


@dataclass(frozen=True)
class Workload:
    namespace: str
    name: str
    kind: str
    containers: Mapping[str, Sequence[float]]
    replicas: int = 1
    volume_gib: int = 0
    shared_gib: int = 0
    gpus: int = 0
    internet_egress: float = 0
    host_network: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pod:
    workload: Workload
    name: str
    node: Node
    address: str

    @property
    def namespace(self) -> str:
        return self.workload.namespace

    @property
    def labels(self) -> Mapping[str, str]:
        return {"app.kubernetes.io/name": self.workload.name, **self.workload.labels}

    @cached_property
    def uid(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.{self.namespace}"))

    @property
    def containers(self) -> list[Container]:
        return [
            Container(name, cores, memory_gib, self.workload.ports.get(name, {}))
            for name, (cores, memory_gib) in self.workload.containers.items()
        ]

    @property
    def cores(self) -> float:
        return sum(container.cores for container in self.containers)

    @property
    def memory_gib(self) -> float:
        return sum(container.memory_gib for container in self.containers)


class Inventory:
    """Nodes and pods of one cluster, with addresses in 10.<index>.0.0/16."""

    def __init__(self, cluster_id: str, index: int, releases: Sequence[Release]) -> None:
        self.cluster_id = cluster_id
        self.index = index
        self.releases = releases
        rows: Any = yaml.safe_load(render("inventory.yaml.j2", index=index, releases=releases))
        self.nodes = [Node(**row) for row in rows["nodes"]]
        self.workloads = [Workload(**row) for row in rows["workloads"]]
        self.namespaces = sorted({workload.namespace for workload in self.workloads})
        self.teams: Mapping[str, str] = rows["teams"]
        self.pods: list[Pod] = []
        nodes = itertools.cycle(self.nodes)
        for workload in self.workloads:
            daemons = workload.kind == "DaemonSet"
            on = self.nodes if daemons else itertools.islice(nodes, workload.replicas)
            for n, node in enumerate(on):
                own = f"10.{index}.2.{len(self.pods) + 1}"
                address = node.address if workload.host_network else own
                self.pods.append(Pod(workload, f"{workload.name}-{n}", node, address))

    def namespace_hourly_cost(self) -> dict[str, float]:
        """Return $/h per namespace: CPU, memory and GPUs at the node's prices, and volumes."""
        costs: defaultdict[str, float] = defaultdict(float)
        for pod in self.pods:
            costs[pod.namespace] += pod.cores * pod.node.core_hourly_cost
            costs[pod.namespace] += pod.memory_gib * pod.node.gib_hourly_cost
            costs[pod.namespace] += pod.workload.volume_gib * PV_HOURLY_COST
            gpus = pod.workload.gpus * len(pod.containers)
            costs[pod.namespace] += gpus * pod.node.gpu_hourly_cost
        for workload in self.workloads:
            costs[workload.namespace] += workload.shared_gib * PV_HOURLY_COST
        return dict(costs)

    def hourly_cost(self) -> float:
        """Return $/h of all nodes."""
        return sum(node.hourly_cost for node in self.nodes)

    def egress_hourly_cost(self) -> dict[str, float]:
        """Return $/h per namespace: traffic to the internet and to other zones."""
        costs: defaultdict[str, float] = defaultdict(float)
        for pod in self.pods:
            if not pod.workload.host_network:
                per_second = pod.workload.internet_egress * INTERNET_EGRESS_COST
                per_second += ZONE_EGRESS * ZONE_EGRESS_COST
                costs[pod.namespace] += per_second * 3600 / GIB
        return dict(costs)
