"""The stack `load_balancer`: what exposing a UI needs; there only when one is exposed."""

from constructs import Construct

from modules.cluster_lookup import ClusterLookup
from modules.load_balancer_controller import LoadBalancerController
from settings import ClusterTarget, Needs, Settings
from stacks.on_cluster import connect
from stacks.stack import Stack


class LoadBalancer(Stack):
    """The AWS Load Balancer Controller, one for all overlays of a cluster."""

    def __init__(self, scope: Construct, settings: Settings, target: ClusterTarget) -> None:
        super().__init__(
            scope,
            "load_balancer" if target.hub else f"load_balancer-{target.id}",
            state=settings.state,
            region=target.region,
            role_arn=target.role_arn,
            tags=settings.tags,
        )
        cluster = ClusterLookup(self, "cluster", target, needs=Needs(amp=False, queries=False))
        connect(self, cluster, auth=settings.kubernetes_auth)
        LoadBalancerController(
            self, "controller", cluster=cluster, prefix=settings.name, tags=settings.tags
        )
