"""An existing EKS cluster, found by its name."""

from cdktf import Fn, Precondition, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_eks_cluster import DataAwsEksCluster
from cdktf_cdktf_provider_aws.data_aws_eks_clusters import DataAwsEksClusters
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from constructs import Construct

from modules.policy import IdentityProvider
from settings import ClusterTarget


class ClusterLookup(Construct):
    """Reads a cluster when Terraform plans; no stack depends on the one that made it.

    A plan for a cluster that is not there ends with a sentence that says how to get one.

    Attributes:
        name, region, account_id: of the cluster.
        role_arn: the role that Terraform assumes to reach it, if any.
        cluster_id: the label of that name on every metric of the cluster.
        arn, endpoint, vpc_id: as EKS tells them.
        ca_certificate: of the API server, PEM.
        subnet_ids, security_group_id: of the control plane's network interfaces.
        identities: the OIDC provider for WorkloadRole.
    """

    def __init__(self, scope: Construct, id: str, target: ClusterTarget) -> None:
        super().__init__(scope, id)
        all_clusters = DataAwsEksClusters(self, "all")
        cluster = DataAwsEksCluster(
            self,
            "this",
            name=target.name,
            lifecycle=TerraformResourceLifecycle(
                precondition=[
                    Precondition(
                        condition=Fn.contains(all_clusters.names, target.name),
                        error_message=f"There is no EKS cluster {target.name} in {target.region}. "
                        + (
                            "Create it with: cdktf deploy base. Or name an existing cluster in "
                            "kubecost.yaml under clusters."
                            if target.made_by_base
                            else "Correct its name, region or role in kubecost.yaml under clusters."
                        ),
                    )
                ]
            ),
        )
        account = DataAwsCallerIdentity(self, "account").account_id
        partition = DataAwsPartition(self, "partition").partition
        self.account_id = account
        self.role_arn = target.role_arn
        self.name = target.name
        self.region = target.region
        self.cluster_id = target.id
        self.arn = cluster.arn
        self.endpoint = cluster.endpoint
        self.ca_certificate = Fn.base64decode(cluster.certificate_authority.get(0).data)
        network = cluster.vpc_config.get(0)
        self.vpc_id = network.vpc_id
        self.subnet_ids = network.subnet_ids
        self.security_group_id = network.cluster_security_group_id
        issuer = Fn.replace(cluster.identity.get(0).oidc.get(0).issuer, "https://", "")
        self.identities = IdentityProvider(
            arn=f"arn:{partition}:iam::{account}:oidc-provider/{issuer}", issuer=issuer
        )
