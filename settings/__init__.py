"""The settings: every key of kubecost.yaml with its type, default, limits and meaning.

`settings.file` reads them from the file; `tools.reference` writes docs/settings.md and the JSON
Schema from them. Nothing here knows CDKTF or an architecture.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from settings.alerts import AlertsSettings
from settings.billing import BillingSettings
from settings.expose import Subject, ui_host
from settings.kinds import (
    AllOrListed,
    AsTuple,
    Bucket,
    Cidr,
    ClusterId,
    ClusterName,
    Count,
    Hostname,
    InstanceType,
    KeyPrefix,
    LabelKey,
    Name,
    NotEmpty,
    Organization,
    PrincipalArn,
    Project,
    Region,
    RoleArn,
    TagKey,
    TagValue,
    WorkspaceId,
    WorkspacePrefix,
)
from settings.kubecost import KubecostSettings
from settings.network import Blocks, NetworkPolicySettings, Subnets
from settings.organization import IamSettings, KmsSettings
from settings.section import Section
from settings.workloads import WorkloadsSettings


class NodesSettings(Section):
    """The managed node group of the base cluster: EC2 instances of one CPU architecture."""

    instance_types: Annotated[tuple[InstanceType, ...], AsTuple, NotEmpty] = ("m7i.large",)
    """EC2 instance types, all of one CPU architecture. Of several types, EKS uses those that are
    available. Graviton types such as m7g.large work too, but not beside others."""
    min: Count = 2
    """Smallest number of nodes in the group, at most `desired`."""
    desired: Count = 3
    """Number of nodes in the group. Each deployment sets it again, also after an autoscaler changed
    it."""
    max: Count = 5
    """Largest number of nodes in the group, at least `desired`."""
    disk_gib: Annotated[int, Field(ge=20, le=16384)] = 50
    """Size of each node's root volume in GiB. A change rolls the nodes."""

    @property
    def cpu_architectures(self) -> frozenset[str]:
        """`arm64` for Graviton types (a g behind the generation, or a1), else `x86_64`."""
        graviton = re.compile(r"a1\.|[a-z]+\d+g")
        return frozenset("arm64" if graviton.match(t) else "x86_64" for t in self.instance_types)


class BaseSettings(Section):
    """The shared cluster that the stack `base` creates.

    The stack is left out when `clusters` names no cluster of base's name, region and account.
    """

    # The versions in EKS standard support; modules/versions.py has the dates when it ends.
    kubernetes_version: Literal["1.34", "1.35", "1.36"] = "1.35"
    """Kubernetes minor version, in quotes. Raise it by one at a time. Kubecost's vendor tests 2.8
    up to 1.34, which AWS supports until 2 December 2026."""
    vpc_cidr: Cidr = "10.0.0.0/16"
    """Addresses of the VPC: a private block from /16 to /22. Choose it at the start, so that it
    does not overlap with networks that you peer with. A later change replaces everything."""
    availability_zones: Annotated[int, Field(ge=2, le=3)] = 3
    """Number of zones for the nodes; EKS needs two. Choose it at the start: EKS cannot move to
    other zones."""
    nat_gateways: Literal["one", "per_zone"] = "one"
    """Number of NAT gateways. With `per_zone`, all nodes stay connected when a zone is lost; it
    costs two or three times as much."""
    nodes: NodesSettings = NodesSettings()
    """The managed node group."""
    api_access_cidrs: Annotated[tuple[Cidr, ...], AsTuple] = ()
    """Public addresses that may reach the Kubernetes API, for example `[203.0.113.7/32]`. If empty,
    you can reach the API, and deploy overlays, only from inside the VPC."""
    admins: Annotated[tuple[PrincipalArn, ...], AsTuple] = ()
    """ARNs of IAM roles or users with cluster admin: everyone who deploys overlays or uses kubectl.
    The identity that creates the cluster has it already."""
    amp_endpoint: bool = True
    """Creates an interface endpoint from the VPC to AMP, billed by the hour and zone. Without it,
    samples go through the NAT gateway."""
    network_policies: bool = True
    """Lets the VPC CNI enforce NetworkPolicies, and adds them to the overlays. Pods of other
    namespaces then cannot reach a UI or anything behind it."""


class ClusterSettings(Section):
    """An EKS cluster that gets the overlays.

    With more than one, the first is the hub: it creates the workspaces, and its Kubecost shows
    all clusters in AMP.
    """

    name: ClusterName
    """Name of the EKS cluster."""
    id: ClusterId | None = None
    """The label `cluster_id` on every metric of the cluster; null: its name. If two clusters have
    the same name, set it: it tells them apart in AMP."""
    region: Region | None = None
    """AWS region of the cluster; null: `region`."""
    role_arn: RoleArn | None = None
    """Role that Terraform assumes for a cluster in another account; null: the identity that
    deploys."""
    load_balancer_controller: Literal["install", "exists"] = "install"
    """Who installs the AWS Load Balancer Controller. `exists`: the cluster already has one, so an
    exposed UI needs no stack `load_balancer`."""
    network_policies: NetworkPolicySettings | None = None
    """NetworkPolicies for an existing cluster; null: none."""


class AmpSettings(Section):
    """Amazon Managed Service for Prometheus: where the metrics of four architectures go."""

    workspace_id: WorkspaceId | None = None
    """An existing workspace, for one architecture with AMP; null: the hub's overlays create one for
    each architecture with AMP."""
    region: Region | None = None
    """AWS region of the workspaces; null: `region`. With the architecture `amp`, the clusters must
    be in the same region."""
    role_arn: RoleArn | None = None
    """Role in the workspaces' account that writers and readers assume; required if a cluster is in
    another account than the hub."""
    retention_days: Annotated[int, Field(ge=1, le=1095)] = 150
    """Days that AMP keeps samples. AMP bills the storage."""
    max_series_per_cluster: Annotated[int, Field(ge=1, le=1_500_000_000)] = 500_000
    """Active series that AMP accepts for one `cluster_id`; it refuses more. So one cluster cannot
    use up the workspace, whose quota is 50 million unless you raised it."""
    namespace_labels: Annotated[tuple[LabelKey, ...], AsTuple] = ()
    """Labels of namespaces, such as `[team]`, that `prom_amp_cost` sends to AMP with the costs:
    one more series for each namespace. Dashboards and budgets by label need them. The other
    architectures with AMP send all labels anyway."""


class GrafanaSettings(Section):
    """A Grafana with the fleet's cost dashboards beside the first cluster's Kubecost."""

    enabled: bool = False
    """Adds the stack `grafana`. It needs an architecture with AMP. `kubecost.expose` applies to it
    too."""
    admin: Subject | None = None
    """Grafana's administrator among those who log in by `kubecost.expose.login`, by the claim
    `sub`; all others can only view. null: nobody."""


class S3Settings(Section):
    """State in an S3 bucket, one object for each stack, locked by a lock file."""

    bucket: Bucket | None = None
    """An existing bucket; required with the backend `s3`."""
    region: Region | None = None
    """AWS region of the bucket; required with the backend `s3`."""
    prefix: KeyPrefix = "kubecost"
    """Prefix of the objects' keys. Give each settings file its own."""


class CloudSettings(Section):
    """State and runs in Terraform Cloud, one workspace for each stack."""

    organization: Organization | None = None
    """An existing organization; required with the backend `cloud`."""
    hostname: Hostname = "app.terraform.io"
    """Host of Terraform Cloud; change it for Terraform Enterprise."""
    project: Project | None = None
    """Project that the workspaces belong to; null: the organization's default project."""
    workspace_prefix: WorkspacePrefix = ""
    """Prefix of the workspaces' names; the stack's name follows."""


class StateSettings(Section):
    """Where Terraform keeps its state."""

    backend: Literal["local", "s3", "cloud"] = "local"
    """Where the state is. `local`: files in this folder, for one person. `s3` and `cloud`
    (Terraform Cloud): for teams and for CI."""
    s3: S3Settings = S3Settings()
    """For the backend `s3`."""
    cloud: CloudSettings = CloudSettings()
    """For the backend `cloud`."""


@dataclass(frozen=True)
class Cluster:
    """An entry of `clusters` with its defaults filled in; the first one is the hub.

    Attributes:
        name: the EKS cluster's name.
        id: the label `cluster_id` on every metric.
        region: AWS region.
        role_arn: the role that Terraform assumes to reach it, if any.
        hub: whether it is the first, which has the workspaces and the UI over all clusters.
        made_by_base: whether the stack `base` creates it.
        has_load_balancer_controller: whether the AWS Load Balancer Controller runs there already.
    """

    name: str
    id: str
    region: str
    role_arn: str | None
    hub: bool
    made_by_base: bool
    has_load_balancer_controller: bool


class Settings(Section):
    """Everything that a user decides, with runnable defaults (see kubecost.yaml)."""

    name: Name = "kubecost"
    """Prefix of all names, and the name of the cluster that `base` creates."""
    region: Region = "ap-northeast-2"
    """AWS region of `base` and of the overlays."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=45)] = {}
    """Tags of every AWS resource, for example `{team: platform, cost-center: "4711"}`. At most 45:
    AWS accepts 50."""
    architectures: Annotated[tuple[str, ...] | None, AllOrListed] = None
    """Architectures to synthesize: `all`, or a list. Synth deploys nothing and costs nothing. List
    those that you deploy, so that nobody deploys the others by mistake."""
    base: BaseSettings = BaseSettings()
    """The shared cluster that the stack `base` creates."""
    clusters: Annotated[tuple[ClusterSettings, ...], AsTuple, NotEmpty] | None = None
    """The EKS clusters that get the overlays; the first one is the hub. null: the one that `base`
    creates. If you name only existing clusters, you need no `base`."""
    amp: AmpSettings = AmpSettings()
    """Amazon Managed Service for Prometheus."""
    kubecost: KubecostSettings = KubecostSettings()
    """The Helm release of the chart cost-analyzer, and access to its UI."""
    grafana: GrafanaSettings = GrafanaSettings()
    """Dashboards of all clusters in AMP."""
    alerts: AlertsSettings = AlertsSettings()
    """Messages when costs stop arriving, jump, or exceed a budget."""
    workloads: WorkloadsSettings = WorkloadsSettings()
    """What everything on the clusters has in common."""
    iam: IamSettings = IamSettings()
    """What every IAM role of this project has."""
    kms: KmsSettings = KmsSettings()
    """Customer managed keys."""
    billing: BillingSettings = BillingSettings()
    """Costs as AWS bills them, from a Cost and Usage Report, in place of list prices."""
    state: StateSettings = StateSettings()
    """Where Terraform keeps its state."""
    kubernetes_auth: Literal["exec", "token"] = "exec"
    """How Terraform logs in to the clusters. `exec`: the aws command line gives a token whenever
    one is needed. `token`: the AWS provider gives one, valid for 15 minutes from the start of the
    plan. It needs no aws command line, as in Terraform Cloud."""

    def chosen(self, architectures: Iterable[str]) -> list[str]:
        """List the architectures to synthesize; `architectures` are all that exist."""
        return list(architectures if self.architectures is None else self.architectures)

    def prefix(self, name: str, cluster: "Cluster") -> str:
        """Return the prefix of the names of AWS resources in a stack for a cluster."""
        alias = f"{self.name}-{name.replace('_', '-')}"
        # A dot, which neither part has, so that prom_amp on a cluster `cost` is not prom_amp_cost.
        return alias if cluster.hub else f"{alias}.{cluster.id}"

    @property
    def fleet(self) -> tuple[Cluster, ...]:
        """The clusters that get the overlays, defaults filled in."""
        return tuple(self._cluster(index) for index in range(len(self._listed)))

    @property
    def hub(self) -> Cluster:
        """The first cluster of the fleet: its stacks create what all clusters share."""
        return self._cluster(0)

    @property
    def _listed(self) -> tuple[ClusterSettings, ...]:
        return self.clusters or (ClusterSettings(name=self.name),)

    def _cluster(self, index: int) -> Cluster:
        entry = self._listed[index]
        return Cluster(
            name=entry.name,
            id=entry.id or entry.name,
            region=entry.region or self.region,
            role_arn=entry.role_arn,
            hub=index == 0,
            made_by_base=entry.name == self.name
            and entry.region in (None, self.region)
            and entry.role_arn is None,
            has_load_balancer_controller=entry.load_balancer_controller == "exists",
        )

    def needs_load_balancer_stack(self, cluster: Cluster) -> bool:
        """Tell whether exposed UIs on a cluster need a controller or a user pool."""
        expose = self.kubecost.expose
        cognito = expose.login.cognito if expose and expose.login else None
        makes_pool = bool(cognito and cognito.create)
        return bool(expose) and (makes_pool or not cluster.has_load_balancer_controller)

    def ui_host(self, ui: str, cluster: Cluster) -> str | None:
        """Return the host name of `grafana` or of an architecture's Kubecost; None: not exposed."""
        expose = self.kubecost.expose
        if not expose:
            return None
        alone = self.architectures is not None and len(self.architectures) == 1
        return ui_host(expose, ui, alone=alone, cluster_id=None if cluster.hub else cluster.id)

    def blocks(self, cluster: Cluster) -> Blocks | None:
        """Return the blocks for a cluster's NetworkPolicies; None: it gets no policies."""
        if cluster.made_by_base:
            if not self.base.network_policies:
                return None
            internet = bool(self.kubecost.expose and self.kubecost.expose.scheme == "internet")
            subnets = Subnets.of(self.base.vpc_cidr, self.base.availability_zones)
            return subnets.blocks(internet=internet)
        (entry,) = (each for each in self.clusters or () if (each.id or each.name) == cluster.id)
        given = entry.network_policies
        return Blocks(given.control_plane, given.nodes, given.load_balancers) if given else None

    @property
    def amp_region(self) -> str:
        """The region of the workspaces."""
        return self.amp.region or self.region
