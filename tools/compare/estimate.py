"""What an architecture takes each month on a fleet, and what that costs.

Sums are sums of what is shown, which is rounded to cents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from architectures import Architecture
from metrics.sizes import prometheus
from metrics.units import HOURS_PER_MONTH
from metrics.volumes import ALERT_READS, RULE_READS, VOLUMES
from tools.compare.fees import BILLION, INGESTION_UNIT, Part, fee, ingestion
from tools.compare.fleet import Fleet
from tools.compare.prices import FreeTier, NodePrice, Price, Prices, RegionPrices
from tools.compare.stacks import GIB, InCluster, Kubecost, Workload

MINUTES = HOURS_PER_MONTH * 60

# "typically 1 or 2 bytes", of GB that are 2^30 bytes (aws.amazon.com/prometheus/pricing). Names
# and labels come on top, in a size that AWS does not say.
BYTES_PER_SAMPLE = 2

# Assumed, for Kubecost's code is closed: while an hour lasts, its costs are computed again and
# again, from averages and maxima of the same samples (OpenCost, pkg/costmodel/allocation.go).
KUBECOST_READS = 10

# How Kubecost splits a node's price (OpenCost, configs/default.json: US$ per vCPU and per GiB).
VCPU_WEIGHT, GIB_WEIGHT = 0.031611, 0.004237


class Size(NamedTuple):
    """What a workload takes of one cluster."""

    name: str
    cpu_cores: float
    memory_gib: float
    disk_gib: float


@dataclass(frozen=True)
class Amounts:
    """What a month's fees are for, in all clusters together."""

    samples: float
    stored_gb: float
    query_samples: float
    collector_hours: int
    cpu_cores: float
    memory_gib: float
    disk_gib: float


@dataclass(frozen=True)
class Estimate:
    """An architecture on a fleet, as if nothing else of the payer's used AMP.

    Attributes:
        samples_formula: how amounts.samples comes about, with its numbers put in.
        query_formula: the same for amounts.query_samples.
        sizes: what the workloads take of each cluster.
        parts: the fees by column of the table.
        kubecost: what Kubecost itself requests, in no column and in no total.
    """

    architecture: Architecture
    in_cluster: InCluster
    amounts: Amounts
    samples_formula: str
    query_formula: str
    sizes: tuple[Size, ...]
    parts: Mapping[str, Part]
    kubecost: Part

    @property
    def total(self) -> Part:
        """All items of all columns."""
        return sum(self.parts.values(), start=Part())


def estimate(
    architecture: Architecture, in_cluster: InCluster, fleet: Fleet, prices: Prices
) -> Estimate:
    """Estimate an architecture; prices that are not known leave their items without a sum."""
    volume, rules = VOLUMES[architecture.name], RULE_READS[architecture.name]
    samples = fleet.clusters * volume.samples_per_minute(fleet.nodes, fleet.pods) * MINUTES
    # The hub's Kubecost queries all clusters, those of the others query their own.
    kubecosts = 2 * fleet.clusters - 1 if architecture.queries_amp else 0
    kubecost = KUBECOST_READS * kubecosts / fleet.clusters
    reads = [f"{rules:g} by rules"] if rules else []
    if kubecosts:
        reads.append(f"{KUBECOST_READS} x {kubecosts} / {fleet.clusters} by Kubecost")
    query_samples = samples * (rules + kubecost)
    query_formula = f"samples x ({' + '.join(reads) or 0})"
    if architecture.sends_to_amp and fleet.budgets is not None:
        pods = fleet.clusters * fleet.pods
        query_samples += ALERT_READS.samples_per_minute(pods, fleet.budgets) * MINUTES
        query_formula += (
            f" + ({ALERT_READS.per_pod:g} x {pods:,} pods + {ALERT_READS.per_budget:g} x"
            f" {fleet.budgets} budgets) a minute by alerts"
        )
    sizes = tuple(_sized(workload, fleet) for workload in in_cluster.workloads)
    amounts = Amounts(
        samples=samples,
        stored_gb=samples * fleet.retention_days * 24 / HOURS_PER_MONTH * BYTES_PER_SAMPLE / GIB,
        query_samples=query_samples,
        collector_hours=HOURS_PER_MONTH * fleet.clusters if architecture.scraped_by_amp else 0,
        cpu_cores=fleet.clusters * sum(size.cpu_cores for size in sizes),
        memory_gib=fleet.clusters * sum(size.memory_gib for size in sizes),
        disk_gib=fleet.clusters * sum(size.disk_gib for size in sizes),
    )
    return Estimate(
        architecture,
        in_cluster,
        amounts,
        samples_formula=f"{fleet.clusters} x ({volume.per_node:g} x {fleet.nodes} nodes + "
        f"{volume.per_pod:g} x {fleet.pods:,} pods) a minute x {MINUTES:,} minutes",
        query_formula=query_formula,
        sizes=sizes,
        parts=_parts(amounts, prices.of(fleet.region), prices.free_tier),
        kubecost=_kubecost(architecture, in_cluster.kubecost, fleet, prices.of(fleet.region)),
    )


def _sized(workload: Workload, fleet: Fleet) -> Size:
    """Take for a workload what it requests, or else what a Prometheus needs."""
    needed = prometheus(fleet.nodes, fleet.pods)
    return Size(
        workload.name,
        needed.cores if workload.cpu_cores is None else workload.cpu_cores,
        needed.memory / GIB if workload.memory_gib is None else workload.memory_gib,
        workload.disk_gib,
    )


def _parts(amounts: Amounts, prices: RegionPrices, free: FreeTier) -> dict[str, Part]:
    collected = amounts.samples if amounts.collector_hours else 0
    return {
        "ingestion": ingestion(
            amounts.samples, prices.ingestion_per_10_million_samples, free=free.samples
        ),
        "storage": fee(
            amounts.stored_gb, prices.storage_per_gb_month, unit="GB", free=free.storage_gb
        ),
        "query": fee(
            amounts.query_samples,
            prices.query_per_billion_samples,
            unit="samples read",
            per=BILLION,
            free=free.query_samples,
        ),
        "collector": fee(amounts.collector_hours, prices.collector_per_hour, unit="hours")
        + fee(
            collected,
            prices.collector_per_10_million_samples,
            unit="samples collected",
            per=INGESTION_UNIT,
        ),
        "in_cluster": _in_cluster(
            amounts.cpu_cores,
            amounts.memory_gib,
            amounts.disk_gib,
            prices.node_per_hour,
            prices.gp3_per_gb_month,
        ),
    }


def _kubecost(
    architecture: Architecture, each: Kubecost, fleet: Fleet, prices: RegionPrices
) -> Part:
    """Price Kubecost itself: agents in all clusters but the first where it queries AMP."""
    agents = fleet.clusters - 1 if architecture.queries_amp else 0
    all_of = [
        *[each.whole] * (fleet.clusters - agents),
        *[each.agent] * agents,
        *[each.on_each_node] * (fleet.clusters * fleet.nodes),
    ]
    return _in_cluster(
        sum(one.cpu_cores or 0 for one in all_of),
        sum(one.memory_gib or 0 for one in all_of),
        sum(one.disk_gib for one in all_of),
        prices.node_per_hour,
        prices.gp3_per_gb_month,
    )


def _in_cluster(
    cpu_cores: float, memory_gib: float, disk_gib: float, node: NodePrice | None, disk: Price | None
) -> Part:
    per_vcpu = per_gib = None
    if node:
        weight = node.vcpus * VCPU_WEIGHT + node.memory_gib * GIB_WEIGHT
        per_vcpu = node.model_copy(update={"usd": node.usd * VCPU_WEIGHT / weight})
        per_gib = node.model_copy(update={"usd": node.usd * GIB_WEIGHT / weight})
    return (
        fee(cpu_cores * HOURS_PER_MONTH, per_vcpu, unit="vCPU hours")
        + fee(memory_gib * HOURS_PER_MONTH, per_gib, unit="GiB hours of memory")
        + fee(disk_gib, disk, unit="GiB of disk")
    )
