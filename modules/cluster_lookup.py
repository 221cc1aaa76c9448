"""An existing EKS cluster, found by its name."""

from functools import cached_property

from cdktf import Fn, Postcondition, Precondition, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_eks_cluster import DataAwsEksCluster
from cdktf_cdktf_provider_aws.data_aws_eks_clusters import DataAwsEksClusters
from cdktf_cdktf_provider_aws.data_aws_iam_openid_connect_provider import (
    DataAwsIamOpenidConnectProvider,
)
from constructs import Construct

from modules.policy import IdentityProvider, PodIdentity
from settings import Cluster


class ClusterLookup(Construct):
    """Read a cluster when Terraform plans, so that no stack depends on the one that created it.

    If the cluster does not exist, or AMP's managed scraper must reach it and cannot, the plan ends
    with a message that says what to do.

    Attributes:
        name, region, account_id: the cluster's.
        role_arn: the role that Terraform assumes to reach it, if any.
        cluster_id: the label of that name on every metric of the cluster.
        endpoint, ca_certificate: those of the API server; the certificate is PEM.
        pod_identity: whether pods get roles by associations, not by an OIDC provider.
        ip_address_type: the type for load balancers in front of its pods: ipv4 or dualstack.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        entry: Cluster,
        *,
        pod_identity: bool,
        managed_scraper: bool = False,
    ) -> None:
        super().__init__(scope, id)
        all_clusters = DataAwsEksClusters(self, "all")
        cluster = DataAwsEksCluster(
            self,
            "this",
            name=entry.name,
            lifecycle=TerraformResourceLifecycle(
                precondition=[
                    Precondition(
                        condition=Fn.contains(all_clusters.names, entry.name),
                        error_message=f"There is no EKS cluster {entry.name} in {entry.region}. "
                        + (
                            "Create it with: cdktf deploy base. Or name an existing cluster in "
                            "kubecost.yaml under clusters."
                            if entry.made_by_base
                            else "Correct its name, region or role in kubecost.yaml under clusters."
                        ),
                    )
                ],
                postcondition=_scraper_conditions(entry.name) if managed_scraper else None,
            ),
        )
        self.account_id = DataAwsCallerIdentity(self, "account").account_id
        self.role_arn = entry.role_arn
        self.name = entry.name
        self.region = entry.region
        self.cluster_id = entry.id
        self.endpoint = cluster.endpoint
        # A path takes one message to Node.js, typed calls take one for each of its parts.
        certificate = cluster.get_string_attribute("certificate_authority[0].data")
        self.ca_certificate = Fn.base64decode(certificate)
        family = f"{cluster.fqn}.kubernetes_network_config[0].ip_family"
        self.ip_address_type = f'${{{family} == "ipv6" ? "dualstack" : "ipv4"}}'
        self.pod_identity = pod_identity
        self._cluster = cluster

    # Properties that few stacks use are read lazily: each costs some messages to Node.js.
    @cached_property
    def arn(self) -> str:
        """ARN of the cluster."""
        return self._cluster.arn

    @cached_property
    def vpc_id(self) -> str:
        """The VPC of the control plane's network interfaces."""
        return self._cluster.vpc_config.get(0).vpc_id

    @cached_property
    def subnet_ids(self) -> list[str]:
        """The subnets of the control plane's network interfaces."""
        return self._cluster.vpc_config.get(0).subnet_ids

    @cached_property
    def security_group_id(self) -> str:
        """The security group that EKS puts on those interfaces and on managed nodes."""
        return self._cluster.vpc_config.get(0).cluster_security_group_id

    @cached_property
    def identities(self) -> IdentityProvider | PodIdentity:
        """What WorkloadRole trusts; if the OIDC provider is missing, the plan names its issuer."""
        if self.pod_identity:
            return PodIdentity(self.name, self.arn)
        issuer = self._cluster.get_string_attribute("identity[0].oidc[0].issuer")
        provider = DataAwsIamOpenidConnectProvider(self, "identity_provider", url=issuer)
        return IdentityProvider(arn=provider.arn, issuer=Fn.replace(issuer, "https://", ""))


def _scraper_conditions(name: str) -> list[Postcondition]:
    """Require what AMP's managed scraper needs.

    Source: AMP user guide, "Setting up managed collectors".
    """
    return [
        Postcondition(
            condition="${self.vpc_config[0].endpoint_private_access}",
            error_message=f"AMP's managed scraper reaches cluster {name} through its private "
            "endpoint, which is off. Turn it on: aws eks update-cluster-config --name "
            f"{name} --resources-vpc-config endpointPrivateAccess=true",
        ),
        Postcondition(
            condition='${self.access_config[0].authentication_mode != "CONFIG_MAP"}',
            error_message=f"AMP's managed scraper needs an access entry in cluster {name}, which "
            "the authentication mode CONFIG_MAP does not support. Change it, which is permanent: "
            f"aws eks update-cluster-config --name {name} --access-config "
            "authenticationMode=API_AND_CONFIG_MAP",
        ),
    ]
