"""Icons and frames of the architectures' pictures, and what in the stacks they stand for.

The same thing has the same place in every picture, so that the eye sees what differs.
"""

import json
from collections.abc import Iterator, Mapping

from diagrams.aws.compute import ElasticKubernetesService
from diagrams.aws.general import SslPadlock, User
from diagrams.aws.management import AmazonManagedPrometheus
from diagrams.aws.network import VPC, Endpoint, VPCElasticNetworkInterface
from diagrams.k8s.compute import DaemonSet, Deploy, Pod
from diagrams.k8s.group import Namespace
from diagrams.k8s.infra import Node as KubernetesNode
from diagrams.onprem.monitoring import Prometheus

from tools.pictures.picture import (
    AMP,
    EKS,
    KUBERNETES,
    MUTED,
    NETWORK,
    VOLUME,
    Box,
    Item,
    Part,
    Text,
)

VPC_OF_BASE = "base:aws_vpc.network_vpc"
CLUSTER = "base:aws_eks_cluster.eks_cluster"
NODES = "base:aws_eks_node_group.eks_nodes"
EBS_DRIVER = "base:aws_eks_addon.eks_aws_ebs_csi_driver"
ENDPOINT = "base:aws_vpc_endpoint.network_amp_endpoint"
FOUND_CLUSTER = "overlay:data.aws_eks_cluster.cluster"
IDENTITIES = "overlay:data.aws_iam_openid_connect_provider.cluster_identity_provider"
NAMESPACE = "overlay:kubernetes_namespace_v1.place_namespace"
STORAGE = "overlay:data.kubernetes_resources.kubecost_storage_classes"
UI = "overlay:output.kubecost_ui"
KUBECOST = "overlay:helm_release.kubecost_release"
PROMETHEUS_CONFIG = "overlay:kubernetes_config_map_v1.kubecost_prometheus_config/prometheus.yml"
PROMETHEUS = f"{KUBECOST}/global.prometheus.enabled"
PROXY = f"{KUBECOST}/global.amp.enabled"
QUERIES = f"{KUBECOST}/global.amp.prometheusServerEndpoint"
NETWORK_COSTS = f"{KUBECOST}/networkCosts.enabled"
COLLECTOR = "overlay:helm_release.collector_release"
RECEIVER = f"{COLLECTOR}/alternateConfig.receivers.prometheus.config"
SCRAPER = "overlay:aws_prometheus_scraper.scraper"
WORKSPACE = "overlay:aws_prometheus_workspace.workspace"
CONFIGURATION = "overlay:aws_prometheus_workspace_configuration.workspace_configuration"

# Where columns and rows are.
LEFT, CENTER, BORDER, RIGHT = 200, 400, 612, 756
TOP, MIDDLE, LOWER, BOTTOM = 188, 270, 354, 424
SCRAPE_LANE = MIDDLE + 10


def parts(found: Mapping[str, str]) -> Iterator[Item]:
    """Give all that can be in a picture, but for arrows."""
    yield from _places(found)
    yield from _kubecost()
    yield from _who_scrapes()
    yield from _amp(found)


def _places(found: Mapping[str, str]) -> Iterator[Item]:
    yield Box(
        shows=(VPC_OF_BASE,),
        corner=(104, 76),
        size=(BORDER - 104, 412),
        title="VPC",
        icon=VPC,
        border=NETWORK,
        fill="#faf8ff",
    )
    yield Box(
        shows=(CLUSTER, FOUND_CLUSTER),
        corner=(114, 102),
        size=(470, 376),
        title="EKS cluster",
        icon=ElasticKubernetesService,
        border=EKS,
        fill="#fffdf9",
    )
    name = json.loads(found[NAMESPACE])["metadata"]["name"]
    yield Box(
        shows=(NAMESPACE,),
        corner=(124, 128),
        size=(452, 270),
        title=f"namespace {name}",
        icon=Namespace,
        border=KUBERNETES,
        fill="#f3f7ff",
        dashed=True,
    )
    yield Part(shows=(NODES,), id="nodes", icon=KubernetesNode, at=(LEFT, BOTTOM), size=38)
    yield Text(shows=(NODES,), at=(LEFT, BOTTOM + 32), text="nodes: kubelet, cAdvisor")
    yield Text(
        unless=(WORKSPACE,),
        at=(715, MIDDLE - 8),
        text="No metric leaves\nthe cluster.",
        size=14,
        color=MUTED,
    )


def _kubecost() -> Iterator[Item]:
    yield Box(
        shows=(PROXY,),
        corner=(142, 150),
        size=(116, 182),
        icon=Pod,
        border=KUBERNETES,
    )
    yield Part(shows=(PROXY,), id="proxy", icon=SslPadlock, at=(LEFT, TOP + 1), size=28)
    yield Text(shows=(PROXY,), at=(LEFT + 6, TOP - 24), text="SigV4 proxy")
    yield Part(shows=(KUBECOST,), id="kubecost", icon=Deploy, at=(LEFT, MIDDLE))
    yield Text(shows=(KUBECOST,), at=(LEFT, MIDDLE + 33), text="Kubecost", bold=True, size=13)
    yield Text(shows=(KUBECOST,), at=(LEFT, MIDDLE + 49), text="UI, cost-model")
    yield _volume("kubecost_volume", KUBECOST, LEFT)
    yield Part(
        shows=(NETWORK_COSTS,), id="network_costs", icon=DaemonSet, at=(LEFT, LOWER), size=38
    )
    yield Text(
        shows=(NETWORK_COSTS,), at=(LEFT, LOWER + 30), text="network-costs", bold=True, size=13
    )
    yield Part(shows=(UI,), id="person", icon=User, at=(52, MIDDLE))
    yield Text(shows=(UI,), at=(52, MIDDLE + 34), text="kubectl\nport-forward")


def _who_scrapes() -> Iterator[Item]:
    yield Part(shows=(PROMETHEUS,), id="prometheus", icon=Prometheus, at=(CENTER, MIDDLE))
    yield Text(shows=(PROMETHEUS,), at=(CENTER, MIDDLE + 33), text="Prometheus", bold=True, size=13)
    yield _volume("prometheus_volume", PROMETHEUS, CENTER)
    yield Part(shows=(COLLECTOR,), id="collector", icon=Deploy, at=(CENTER, MIDDLE))
    yield Text(
        shows=(COLLECTOR,), at=(CENTER, MIDDLE + 33), text="ADOT Collector", bold=True, size=13
    )
    yield Part(shows=(SCRAPER,), id="scraper", icon=AmazonManagedPrometheus, at=(RIGHT, LOWER))
    yield Text(shows=(SCRAPER,), at=(RIGHT, LOWER + 34), text="managed scraper", bold=True, size=13)
    # The network interfaces by which it reaches the cluster.
    yield Part(
        shows=(SCRAPER,),
        names=((SCRAPER, FOUND_CLUSTER), (SCRAPER, "subnet_ids")),
        id="interfaces",
        icon=VPCElasticNetworkInterface,
        at=(BORDER, LOWER),
        size=34,
    )
    yield Text(shows=(SCRAPER,), at=(636, LOWER + 15), text="network\ninterfaces", align="left")


def _volume(id: str, whose: str, x: float) -> Item:
    """A volume of the cluster's StorageClass, which the release asks for."""
    return Part(
        shows=(whose, STORAGE, EBS_DRIVER), id=id, icon=VOLUME, at=(x + 29, MIDDLE - 21), size=18
    )


def _amp(found: Mapping[str, str]) -> Iterator[Item]:
    yield Box(shows=(WORKSPACE,), corner=(694, 150), size=(124, 146), border=AMP, fill="#fff6fa")
    yield Part(
        shows=(WORKSPACE,), id="workspace", icon=AmazonManagedPrometheus, at=(RIGHT, 196), size=56
    )
    yield Text(shows=(WORKSPACE,), at=(RIGHT, 236), text="AMP workspace", bold=True, size=13)
    if CONFIGURATION in found:
        days = json.loads(found[CONFIGURATION])["retention_period_in_days"]
        yield Text(
            shows=(CONFIGURATION,),
            names=((CONFIGURATION, WORKSPACE),),
            at=(RIGHT, 255),
            text=f"keeps {days} days",
        )
    way = (WORKSPACE, ENDPOINT)
    yield Box(
        shows=way, corner=(BORDER - 18, TOP - 16), size=(36, MIDDLE - TOP + 32), border=NETWORK
    )
    yield Part(
        shows=way,
        names=((ENDPOINT, "aps-workspaces"), (ENDPOINT, '"private_dns_enabled": true')),
        id="endpoint",
        icon=Endpoint,
        at=(BORDER, (TOP + MIDDLE) / 2),
        size=32,
    )
    yield Text(shows=way, at=(636, (TOP + MIDDLE) / 2 - 8), text="VPC\nendpoint", align="left")
