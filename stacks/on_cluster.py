"""A stack on an existing EKS cluster: find it, and connect the Kubernetes and Helm providers."""

from functools import cached_property

from cdktf import TerraformOutput
from cdktf_cdktf_provider_aws.data_aws_eks_cluster_auth import DataAwsEksClusterAuth
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_helm.provider import (
    HelmProvider,
    HelmProviderKubernetes,
    HelmProviderKubernetesExec,
)
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider, KubernetesProviderExec
from constructs import Construct

from modules.amp_workspace import AmpWorkspace
from modules.cluster_lookup import ClusterLookup
from modules.ui_ingress import Exposure
from settings import Cluster, Settings
from stacks.stack import Stack

_EXEC_API = "client.authentication.k8s.io/v1beta1"
# Ignore labels and annotations that others put on our objects. Those in the configuration are still
# set and kept (terraform-provider-kubernetes v2.38, kubernetes/structures.go, `removeKeys`).
_OF_OTHERS = [".*"]


class OnCluster(Stack):
    """A stack for one cluster of a fleet.

    The first cluster of a fleet is the hub, whose stack has the plain name. The stack of each other
    cluster is `<name>-<cluster id>`.

    Attributes:
        settings: all settings.
        cluster: the cluster as EKS describes it.
    """

    providers = ("aws", "kubernetes", "helm")

    def __init__(
        self,
        scope: Construct,
        name: str,
        settings: Settings,
        cluster: Cluster,
        *,
        managed_scraper: bool = False,
    ) -> None:
        super().__init__(
            scope,
            name if cluster.hub else f"{name}-{cluster.id}",
            state=settings.state,
            region=cluster.region,
            role_arn=cluster.role_arn,
            tags=settings.tags,
        )
        self.settings = settings
        self._entry = cluster
        self.cluster = ClusterLookup(
            self,
            "cluster",
            cluster,
            pod_identity=settings.workloads.identity == "pod_identity",
            managed_scraper=managed_scraper,
        )
        self._connect()

    def prefix(self, name: str) -> str:
        """Return the prefix of the names of AWS resources for this cluster."""
        return self.settings.prefix(name, self._entry)

    def amp_workspace(self, id: str, architecture: str, *, made_here: bool) -> AmpWorkspace:
        """Add the workspace that an architecture's clusters share.

        It is in the hub's account, so every stack reaches it by the hub's role. Of the stacks with
        `made_here`, the hub's creates it.
        """
        return AmpWorkspace(
            self,
            id,
            self.settings.amp,
            architecture=architecture,
            alias=self.settings.prefix(architecture, self.settings.hub),
            region=self.settings.amp_region,
            provider=self._amp_provider,
            cluster=self.cluster,
            makes=made_here and self._entry.hub,
            cluster_ids=[each.id for each in self.settings.fleet],
        )

    def exposure(self, ui: str) -> Exposure | None:
        """Describe how a UI on the cluster is exposed: `grafana`, or an architecture's; or None."""
        expose, host = self.settings.kubecost.expose, self.settings.ui_host(ui, self._entry)
        if not (expose and host):
            return None
        return Exposure(
            settings=expose,
            host=host,
            group=self.settings.name.lower(),
            pool=self.prefix("users"),
            pool_stack="load_balancer" if self._entry.hub else f"load_balancer-{self._entry.id}",
            zone_provider=self._zone_provider if expose.hosted_zone else None,
        )

    def output_role_trust(self, workspace: AmpWorkspace) -> None:
        """Add the trust policy that lets the stack assume the role in a workspace's account."""
        if workspace.role_trust:
            TerraformOutput(
                self,
                "amp_role_trust",
                value=workspace.role_trust,
                description="What the trust policy of amp.role_arn needs for this stack",
            )

    @cached_property
    def _amp_provider(self) -> AwsProvider | None:
        """The provider for the workspaces' region and account; None for the stack's own."""
        region, role_arn = self.settings.amp_region, self.settings.hub.role_arn
        if (region, role_arn) == (self._entry.region, self._entry.role_arn):
            return None
        return self.aws_provider("aws_amp", alias="amp", region=region, role_arn=role_arn)

    @property
    def _zone_provider(self) -> AwsProvider | None:
        """The provider for the hosted zone, in the hub's account; None for the stack's own."""
        role_arn = self.settings.hub.role_arn
        if role_arn == self._entry.role_arn:
            return None
        return self.aws_provider(
            "aws_zone", alias="zone", region=self._entry.region, role_arn=role_arn
        )

    def _connect(self) -> None:
        """Connect the Kubernetes and Helm providers to the cluster.

        `exec` gets a fresh token from the aws command line at every connection. `token` needs no
        command line, as in Terraform Cloud; it is valid for 15 minutes from the start of the plan.
        """
        host, ca_certificate = self.cluster.endpoint, self.cluster.ca_certificate
        if self.settings.kubernetes_auth == "token":
            token = DataAwsEksClusterAuth(self, "cluster_token", name=self.cluster.name).token
            KubernetesProvider(
                self,
                "kubernetes",
                host=host,
                cluster_ca_certificate=ca_certificate,
                token=token,
                ignore_labels=_OF_OTHERS,
                ignore_annotations=_OF_OTHERS,
            )
            kubernetes = HelmProviderKubernetes(
                host=host, cluster_ca_certificate=ca_certificate, token=token
            )
        else:
            command = "aws"
            args = ["eks", "get-token", "--cluster-name", self.cluster.name]
            args += ["--region", self.cluster.region]
            if self.cluster.role_arn:
                args += ["--role-arn", self.cluster.role_arn]
            KubernetesProvider(
                self,
                "kubernetes",
                host=host,
                cluster_ca_certificate=ca_certificate,
                exec=[KubernetesProviderExec(api_version=_EXEC_API, command=command, args=args)],
                ignore_labels=_OF_OTHERS,
                ignore_annotations=_OF_OTHERS,
            )
            kubernetes = HelmProviderKubernetes(
                host=host,
                cluster_ca_certificate=ca_certificate,
                exec=HelmProviderKubernetesExec(api_version=_EXEC_API, command=command, args=args),
            )
        HelmProvider(self, "helm", kubernetes=kubernetes)
