"""Where in a cluster an architecture lives."""

from cdktf_cdktf_provider_kubernetes.namespace_v1 import NamespaceV1, NamespaceV1Metadata
from constructs import Construct

from metrics.scrape_jobs import Targets
from modules.cluster_lookup import ClusterLookup
from settings import KubecostSettings
from settings.workloads import WorkloadsSettings


class Placement(Construct):
    """A namespace, with names that no other architecture on the cluster has.

    Attributes:
        architecture: its name.
        cluster: the cluster.
        hub: whether it is the first of a fleet, with the workspace and the UI over all clusters.
        release: the Helm release and, being unique, the name of the namespace.
        prefix: what the names of AWS resources begin with.
        workloads: what everything that runs there has in common.
        namespace: the resource, before which nothing can run there.
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
    ) -> None:
        super().__init__(scope, id)
        self.architecture = architecture
        self.cluster = cluster
        self.hub = hub
        self.release = f"kubecost-{architecture.replace('_', '-')}"
        self.prefix = prefix
        self.workloads = workloads
        self.namespace = NamespaceV1(
            self,
            "namespace",
            metadata=NamespaceV1Metadata(
                name=self.release, labels=dict(workloads.namespace_labels) or None
            ),
        )


class KubecostPlacement(Placement):
    """A namespace for a Kubecost, with host ports that no other one on the cluster has.

    Attributes:
        network_costs_port: of network-costs, which runs on the nodes' network. Nobody gets 3001,
            the chart's default: the cluster may have a Kubecost of its own.
        volumes_key: KMS key that encrypts its volumes, if they are encrypted and AWS's is not to.
        node_exporter_port: of node-exporter. Nobody gets 9100, for the same reason.
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
        slot: int,
    ) -> None:
        super().__init__(
            scope,
            id,
            architecture=architecture,
            cluster=cluster,
            hub=hub,
            prefix=prefix,
            workloads=workloads,
        )
        self.volumes_key = volumes_key
        self.network_costs_port = 3101 + slot
        self.node_exporter_port = 9101 + slot

    def targets(self, settings: KubecostSettings) -> Targets:
        """What there is to scrape."""
        return Targets(
            release=self.release,
            namespace=self.release,
            network_costs_port=self.network_costs_port if settings.network_costs else None,
            node_exporter_port=self.node_exporter_port if settings.node_exporter else None,
            dropped_labels=settings.dropped_labels,
        )
