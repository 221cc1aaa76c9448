"""How large what is compared is: from kubecost.yaml, or as given on the command line."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from settings import Settings
from tools.compare.bill import Bill, bill_of

# As in the made-up cluster in which metrics/volumes.py was measured.
PODS_PER_NODE = 20


@dataclass(frozen=True)
class Fleet:
    """Clusters of one size, whose metrics go to one AMP workspace in `region`.

    Attributes:
        nodes, pods: of each cluster.
        retention_days: how long AMP keeps samples.
        budgets: of the alerts; None without alerts.
        bill: what Kubecost reads of AWS's bill; None for nothing.
        notes: what had to be assumed, or is not as it was measured; for a person.
    """

    clusters: int
    nodes: int
    pods: int
    region: str
    retention_days: int
    budgets: int | None = None
    bill: Bill | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.clusters == 1:
            return f"1 cluster of {self.nodes} nodes and {self.pods:,} pods"
        return f"{self.clusters} clusters, each of {self.nodes} nodes and {self.pods:,} pods"


def fleet_of(
    settings: Settings,
    *,
    clusters: int | None = None,
    nodes: int | None = None,
    pods: int | None = None,
    region: str | None = None,
) -> Fleet:
    """Take from the settings what is not given."""
    nodes_assumed = nodes is None
    nodes = settings.base.nodes.desired if nodes is None else nodes
    fleet = Fleet(
        clusters=len(settings.fleet) if clusters is None else clusters,
        nodes=nodes,
        pods=nodes * PODS_PER_NODE if pods is None else pods,
        region=region or settings.amp_region,
        retention_days=settings.amp.retention_days,
        budgets=len(settings.alerts.budgets) if settings.alerts.enabled else None,
        bill=bill_of(settings),
    )
    notes = tuple(_notes(settings, fleet, nodes_assumed=nodes_assumed, pods_assumed=pods is None))
    return replace(fleet, notes=notes)


def _notes(
    settings: Settings, fleet: Fleet, *, nodes_assumed: bool, pods_assumed: bool
) -> Iterator[str]:
    if nodes_assumed:
        elsewhere = (
            ""
            if all(cluster.made_by_base for cluster in settings.fleet)
            else (", which may not be so in clusters that base does not create")
        )
        yield (
            f"{fleet.nodes} nodes per cluster are base.nodes.desired{elsewhere}; give yours "
            "with --nodes"
        )
    if pods_assumed:
        yield (
            f"{fleet.pods:,} pods per cluster are assumed, {PODS_PER_NODE} on each node; give "
            "yours with --pods"
        )
    if settings.kubecost.node_exporter:
        yield "kubecost.node_exporter is on, which adds samples that are not counted here"
    if not settings.kubecost.network_costs:
        yield "kubecost.network_costs is off: less is sent than is counted here"
    if any(cluster.region != settings.amp_region for cluster in settings.fleet):
        yield f"clusters in other regions are priced as if they were in {fleet.region}"
