"""The stack `load_balancer`: what an exposed UI needs; exists only if a UI is exposed."""

from constructs import Construct

from modules.load_balancer_controller import LoadBalancerController
from modules.user_pool import UserPool
from settings import Cluster, Settings
from stacks.on_cluster import OnCluster


class LoadBalancer(OnCluster):
    """The AWS Load Balancer Controller and the user pool for all UIs of a cluster."""

    def __init__(self, scope: Construct, settings: Settings, cluster: Cluster) -> None:
        super().__init__(scope, "load_balancer", settings, cluster)
        if not cluster.has_load_balancer_controller:
            LoadBalancerController(
                self,
                "controller",
                cluster=self.cluster,
                role_name=self.prefix("load_balancer"),
                tags=settings.tags,
                workloads=settings.workloads,
            )
        login = settings.kubecost.expose.login if settings.kubecost.expose else None
        if login and login.cognito and login.cognito.create:
            UserPool(
                self,
                "user_pool",
                login.cognito,
                name=self.prefix("users"),
                account_id=self.cluster.account_id,
            )
