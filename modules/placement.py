"""The namespace of an architecture in a cluster, and the names in it."""

from collections.abc import Sequence

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_kubernetes.namespace_v1 import NamespaceV1, NamespaceV1Metadata
from constructs import Construct

from metrics.scrape_jobs import Targets
from modules import network_policy_rules as rules
from modules.cluster_lookup import ClusterLookup
from modules.network_policies import network_policies
from modules.network_policy_rules import Policy
from modules.ui_ingress import Exposure
from settings.kubecost import KubecostSettings
from settings.network import Blocks
from settings.workloads import WorkloadsSettings


class Placement(Construct):
    """A namespace, with names that no other architecture on the cluster has.

    Attributes:
        architecture: the architecture's name.
        cluster: the cluster.
        hub: whether it is the first of a fleet, with the workspace and the UI over all clusters.
        release: the name of the Helm release, which is unique, and of the namespace.
        prefix: the prefix of the names of AWS resources.
        workloads: the settings of all workloads.
        blocks: the addresses for NetworkPolicies; None: the namespace has no policies.
        exposure: how its UI is exposed; None: by kubectl port-forward only.
        namespace: the namespace as a resource.
        ready: what a release waits for: the namespace, and the policies of all pods in it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        architecture: str,
        cluster: ClusterLookup,
        hub: bool,
        prefix: str,
        workloads: WorkloadsSettings,
        blocks: Blocks | None,
        exposure: Exposure | None,
    ) -> None:
        super().__init__(scope, id)
        self.architecture = architecture
        self.cluster = cluster
        self.hub = hub
        self.release = f"kubecost-{architecture.replace('_', '-')}"
        self.prefix = prefix
        self.workloads = workloads
        self.blocks = blocks
        self.exposure = exposure
        self.namespace = NamespaceV1(
            self,
            "namespace",
            metadata=NamespaceV1Metadata(
                name=self.release, labels=dict(workloads.namespace_labels) or None
            ),
        )
        self.ready: list[ITerraformDependable] = [self.namespace]
        if blocks:
            self.ready += self.allow(self, rules.namespace())

    def allow(self, scope: Construct, policies: Sequence[Policy]) -> list[ITerraformDependable]:
        """Add NetworkPolicies to the namespace; return what workloads must wait for."""
        return network_policies(scope, policies, namespace=self.release, after=self.namespace)


class KubecostPlacement(Placement):
    """A namespace for a Kubecost, with host ports that no other one on the cluster has.

    Attributes:
        targets: what there is to scrape.
        network_costs_port: the port of network-costs, which runs on the nodes' network. It is
            never 3001, the chart's default, because the cluster may have another Kubecost.
        volumes_key: the KMS key for encrypted volumes; None: AWS's own key.
        node_exporter_port: the port of node-exporter; never 9100, for the same reason.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        architecture: str,
        cluster: ClusterLookup,
        hub: bool,
        prefix: str,
        workloads: WorkloadsSettings,
        volumes_key: str | None,
        blocks: Blocks | None,
        exposure: Exposure | None,
        slot: int,
        settings: KubecostSettings,
    ) -> None:
        super().__init__(
            scope,
            id,
            architecture=architecture,
            cluster=cluster,
            hub=hub,
            prefix=prefix,
            workloads=workloads,
            blocks=blocks,
            exposure=exposure,
        )
        self.volumes_key = volumes_key
        self.network_costs_port = 3101 + slot
        self.node_exporter_port = 9101 + slot
        self.targets = Targets(
            release=self.release,
            namespace=self.release,
            network_costs_port=self.network_costs_port if settings.network_costs else None,
            node_exporter_port=self.node_exporter_port if settings.node_exporter else None,
            dropped_labels=settings.dropped_labels,
        )

    @property
    def host_ports(self) -> list[int]:
        """The ports that are scraped on the nodes' own addresses."""
        ports = (self.targets.network_costs_port, self.targets.node_exporter_port)
        return [port for port in ports if port]
