"""What the overlays share: the cluster, the way to it, and a place of their own in it."""

from abc import abstractmethod
from typing import ClassVar

from constructs import Construct

from metrics.scrape_jobs import scrape_jobs
from modules.cluster_lookup import ClusterLookup
from modules.cluster_providers import connect
from modules.node_exporter import NodeExporter
from modules.placement import Placement
from modules.stack import Stack
from settings import ClusterTarget, Settings


class Overlay(Stack):
    """One answer to the question where Kubecost's metrics live, as a stack on one cluster.

    A subclass names its `architecture`, takes a `slot` that no other has (host ports are counted
    from it), says whether it writes to AMP, and composes modules.
    """

    architecture: ClassVar[str]
    slot: ClassVar[int]
    writes_to_amp: ClassVar[bool] = True

    def __init__(self, scope: Construct, settings: Settings, target: ClusterTarget) -> None:
        super().__init__(
            scope,
            self.architecture,
            state=settings.state,
            region=target.region,
            tags=settings.tags,
        )
        self.settings = settings
        cluster = ClusterLookup(self, "cluster", target)
        connect(self, cluster, auth=settings.kubernetes_auth)
        name = self.architecture.replace("_", "-")
        self.place = Placement(
            self,
            "place",
            cluster=cluster,
            release=f"kubecost-{name}",
            prefix=f"{settings.name}-{name}",
            slot=self.slot,
        )
        if settings.kubecost.node_exporter:
            NodeExporter(self, "node_exporter", at=self.place)
        self.scrape_jobs = scrape_jobs(self.place.targets(settings.kubecost))
        self.compose()

    @abstractmethod
    def compose(self) -> None:
        """Put the modules together that make this architecture."""
