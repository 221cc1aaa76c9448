"""The AWS Load Balancer Controller, which makes application load balancers for Ingresses."""

from pathlib import Path

from cdktf import Precondition
from cdktf_cdktf_provider_kubernetes.data_kubernetes_resources import DataKubernetesResources
from constructs import Construct

from metrics import sizes
from modules import policy, versions
from modules.cluster_lookup import ClusterLookup
from modules.helm_release import helm_release
from modules.pods import LINUX, requests
from modules.workload_role import WorkloadRole, bounded_name
from settings.workloads import WorkloadsSettings

NAMESPACE = "kube-system"
SERVICE_ACCOUNT = "aws-load-balancer-controller"
_OURS = {"app.kubernetes.io/part-of": "eks-kubecost"}

# docs/install/iam_policy.json of kubernetes-sigs/aws-load-balancer-controller v3.5.0
_POLICY = Path(__file__).with_name("load_balancer_controller_policy.json")


class LoadBalancerController(Construct):
    """The controller with its own role, for Ingresses of the class alb.

    Pods cannot read a node's metadata (IMDSv2, one hop), so its values name region and VPC.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ClusterLookup,
        role_name: str,
        tags: dict[str, str],
        workloads: WorkloadsSettings,
    ) -> None:
        super().__init__(scope, id)
        role = WorkloadRole(
            self,
            "role",
            name=role_name,
            identities=cluster.identities,
            namespace=NAMESPACE,
            service_account=SERVICE_ACCOUNT,
            statements=policy.read(_POLICY),
        )
        helm_release(
            self,
            "release",
            versions.LOAD_BALANCER_CONTROLLER,
            name=SERVICE_ACCOUNT,
            namespace=NAMESPACE,
            values={
                "clusterName": cluster.name,
                "region": cluster.region,
                "vpcId": cluster.vpc_id,
                "serviceAccount": {"name": SERVICE_ACCOUNT, "annotations": role.annotations},
                "defaultTags": tags,
                "additionalLabels": _OURS,
                "nodeSelector": LINUX,
                "resources": requests(sizes.LOAD_BALANCER_CONTROLLER),
                # The webhook refuses every new Service of the cluster while the controller is down.
                # Our Services do not need it.
                "enableServiceMutatorWebhook": False,
            },
            user_values=workloads.values.load_balancer_controller,
            workloads=workloads,
            depends_on=role.grants,
            preconditions=[self._is_ours(cluster.name, role_name)],
        )

    def _is_ours(self, cluster_name: str, role_name: str) -> Precondition:
        """Refuse a cluster with somebody else's controller, because Helm would upgrade it."""
        found = DataKubernetesResources(
            self,
            "existing",
            api_version="v1",
            kind="ServiceAccount",
            namespace=NAMESPACE,
            field_selector=f"metadata.name={SERVICE_ACCOUNT}",
        ).fqn
        ((label, value),) = _OURS.items()
        ours = (
            f'try(each.metadata.labels["{label}"], "") == "{value}"'
            ' || endswith(try(each.metadata.annotations["eks.amazonaws.com/role-arn"], ""),'
            f' "/{bounded_name(role_name)}")'
        )
        return Precondition(
            condition=f"${{alltrue([for each in {found}.objects : {ours}])}}",
            error_message=f"Cluster {cluster_name} has an AWS Load Balancer Controller that this "
            "project did not install. To keep it, set load_balancer_controller to exists for this "
            "cluster in kubecost.yaml under clusters.",
        )
