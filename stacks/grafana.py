"""The stack `grafana`: the cost of all clusters on one screen; there only when enabled."""

from constructs import Construct

from architectures.overlay import Overlay, amp_home, tell_amp_role_trust
from modules.amp_workspace import AmpWorkspace
from modules.cluster_lookup import ClusterLookup
from modules.grafana import Grafana as GrafanaRelease
from modules.placement import Placement
from settings import ClusterTarget, Needs, Settings
from stacks.on_cluster import connect
from stacks.stack import Stack


class Grafana(Stack):
    """A Grafana on the hub that reads the workspace of each architecture with AMP."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        target: ClusterTarget,
        *,
        overlays: list[type[Overlay]],
    ) -> None:
        super().__init__(
            scope,
            "grafana",
            state=settings.state,
            region=target.region,
            role_arn=target.role_arn,
            tags=settings.tags,
        )
        cluster = ClusterLookup(self, "cluster", target, needs=Needs())
        connect(self, cluster, auth=settings.kubernetes_auth)
        place = Placement(
            self,
            "place",
            architecture="grafana",
            cluster=cluster,
            hub=True,
            prefix=f"{settings.name}-grafana",
            slot=0,
        )
        workspaces = {
            overlay.architecture: AmpWorkspace(
                self,
                f"workspace_{overlay.architecture}",
                settings.amp,
                cluster=cluster,
                home=amp_home(self, settings, target, overlay.architecture, makes=False),
            )
            for overlay in overlays
            if overlay.needs.amp
        }
        GrafanaRelease(self, "grafana", settings.kubecost, at=place, workspaces=workspaces)
        if settings.amp.role_arn:
            tell_amp_role_trust(self)
