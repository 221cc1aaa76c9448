"""The base class of the overlays: a stack on a cluster, with its own namespace in it."""

from abc import abstractmethod
from importlib import import_module
from typing import ClassVar

from constructs import Construct

from architectures import ARCHITECTURES
from metrics.rules import FLEET_RULES
from metrics.scrape_jobs import scrape_jobs
from modules.alerts import Alerts
from modules.amp_workspace import AmpWorkspace
from modules.node_exporter import NodeExporter
from modules.placement import KubecostPlacement
from settings import Cluster, Settings
from stacks.bill_reader import bill_for
from stacks.on_cluster import OnCluster


class Overlay(OnCluster):
    """An architecture as a stack on one cluster of a fleet.

    A subclass names its `architecture`, as `ARCHITECTURES` does, and composes modules.

    Attributes:
        settings: all settings.
        cluster: the cluster that the stack is for.
        placement: the architecture's namespace in it.
        scrape_jobs: the scrape jobs, for the architecture's collector.
        bill: the parts of AWS's bill that Kubecost reads.
    """

    architecture: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Refuse a class that could not be synthesized.

        Raises:
            TypeError: it has no `compose`, its architecture is not in the registry, or it is in
                another architecture's module. jsii's metaclass disables `@abstractmethod`.
        """
        super().__init_subclass__()
        if cls.compose is Overlay.compose:
            raise TypeError(f"{cls.__name__} has no method compose()")
        name = getattr(cls, "architecture", None)
        if name not in ARCHITECTURES:
            raise TypeError(
                f"{cls.__name__}: the architecture {name} is not in architectures/__init__.py,"
                f" which has {', '.join(ARCHITECTURES)}"
            )
        if cls.__module__ != f"architectures.{name}":
            raise TypeError(
                f"{cls.__name__} composes {name}; it belongs in architectures/{name}.py"
            )

    def __init__(self, scope: Construct, settings: Settings, cluster: Cluster) -> None:
        described = ARCHITECTURES[self.architecture]
        super().__init__(
            scope, described.name, settings, cluster, managed_scraper=described.scraped_by_amp
        )
        self._workspace: AmpWorkspace | None = None
        self.placement = KubecostPlacement(
            self,
            "place",
            architecture=described.name,
            cluster=self.cluster,
            hub=cluster.hub,
            prefix=self.prefix(described.name),
            workloads=settings.workloads,
            volumes_key=settings.kms.volumes,
            blocks=settings.blocks(cluster),
            exposure=self.exposure(described.name),
            slot=described.slot,
            settings=settings.kubecost,
        )
        if settings.kubecost.node_exporter:
            NodeExporter(self, "node_exporter", at=self.placement)
        self.scrape_jobs = scrape_jobs(self.placement.targets)
        self.bill = bill_for(self, cluster, has_ui=described.has_ui(hub=cluster.hub))
        self.compose()
        if self._workspace:
            self.output_role_trust(self._workspace)

    def workspace(self) -> AmpWorkspace:
        """Add the AMP workspace that all clusters share, and the rules for the dashboards.

        The hub also adds the alerts for all clusters.
        """
        self._workspace = self.amp_workspace("workspace", self.architecture, made_here=True)
        self._workspace.record("fleet", FLEET_RULES)
        amp, alerts = self.settings.amp, self.settings.alerts
        described = ARCHITECTURES[self.architecture]
        if alerts.enabled and self.placement.hub:
            Alerts(
                self,
                "alerts",
                alerts,
                workspace=self._workspace,
                name=self.prefix(self.architecture),
                cluster_ids=[each.id for each in self.settings.fleet],
                budgets=[
                    each
                    for each in alerts.budgets
                    if not each.label_name
                    or described.sends_label(each.label_name, amp.namespace_labels)
                ],
                max_series=None if amp.workspace_id else amp.max_series_per_cluster,
            )
        return self._workspace

    @abstractmethod
    def compose(self) -> None:
        """Compose the modules of this architecture."""


def overlay(architecture: str) -> type[Overlay]:
    """Find the class of an architecture, in the module of its name."""
    module = import_module(f"architectures.{architecture}")
    (found,) = (
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, Overlay)
        and each.__module__ == module.__name__
    )
    return found
