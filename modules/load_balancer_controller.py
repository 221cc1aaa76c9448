"""The AWS Load Balancer Controller, which makes network load balancers for Services."""

from pathlib import Path

from constructs import Construct

from modules import policy, versions
from modules.cluster_lookup import ClusterLookup
from modules.helm_release import helm_release
from modules.workload_role import WorkloadRole

_NAMESPACE = "kube-system"
_NAME = "aws-load-balancer-controller"

# docs/install/iam_policy.json of kubernetes-sigs/aws-load-balancer-controller v3.5.0
_POLICY = Path(__file__).with_name("load_balancer_controller_policy.json")


class LoadBalancerController(Construct):
    """The controller with a role of its own, for Services that name its load balancer class.

    Nodes answer pods no metadata (IMDSv2, one hop), so it is told region and VPC.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ClusterLookup,
        role_name: str,
        tags: dict[str, str],
    ) -> None:
        super().__init__(scope, id)
        role = WorkloadRole(
            self,
            "role",
            name=role_name,
            identities=cluster.identities,
            namespace=_NAMESPACE,
            service_account=_NAME,
            statements=policy.read(_POLICY),
        )
        helm_release(
            self,
            "release",
            versions.LOAD_BALANCER_CONTROLLER,
            name=_NAME,
            namespace=_NAMESPACE,
            values={
                "clusterName": cluster.name,
                "region": cluster.region,
                "vpcId": cluster.vpc_id,
                "serviceAccount": {"name": _NAME, "annotations": role.annotations},
                "defaultTags": tags,
                # While the controller is down it would refuse every new Service of the cluster;
                # ours name their load balancer class themselves.
                "enableServiceMutatorWebhook": False,
            },
            depends_on=role.grants,
        )
