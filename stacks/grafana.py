"""The stack `grafana`: dashboards with the costs of all clusters; exists only if enabled."""

from collections.abc import Iterable

from constructs import Construct

from modules.grafana import Grafana as GrafanaRelease
from modules.placement import Placement
from settings import Settings
from stacks.on_cluster import OnCluster


class Grafana(OnCluster):
    """A Grafana on the hub that reads the workspace of each architecture with AMP."""

    def __init__(
        self, scope: Construct, settings: Settings, *, architectures: Iterable[str]
    ) -> None:
        hub = settings.hub
        super().__init__(scope, "grafana", settings, hub)
        placement = Placement(
            self,
            "place",
            architecture="grafana",
            cluster=self.cluster,
            hub=hub.hub,
            prefix=self.prefix("grafana"),
            workloads=settings.workloads,
            blocks=settings.blocks(hub),
            exposure=self.exposure("grafana"),
        )
        workspaces = {
            architecture: self.amp_workspace(
                f"workspace_{architecture}", architecture, made_here=False
            )
            for architecture in architectures
        }
        GrafanaRelease(self, "grafana", settings.grafana, at=placement, workspaces=workspaces)
        for workspace in list(workspaces.values())[:1]:
            self.output_role_trust(workspace)
