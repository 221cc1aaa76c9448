"""Icons and frames of the architectures' pictures, and what in the stacks they stand for.

The same thing has the same place in every picture, so that the eye sees what differs.
"""

import json
from collections.abc import Iterator, Mapping

from diagrams.aws.general import SslPadlock, User
from diagrams.aws.management import AmazonManagedPrometheus
from diagrams.aws.network import Endpoint, VPCElasticNetworkInterface
from diagrams.k8s.compute import DaemonSet
from diagrams.k8s.infra import Node as KubernetesNode
from diagrams.onprem.monitoring import Prometheus

from tools.canvas import MUTED
from tools.pictures import frames
from tools.pictures.marks import ADOT
from tools.pictures.marks import KUBECOST as KUBECOST_MARK
from tools.pictures.picture import (
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
        (104, 76),
        (BORDER - 104, 412),
        frames.VPC,
        "VPC",
        shows=(VPC_OF_BASE,),
    )
    yield Box(
        (114, 102),
        (470, 376),
        frames.CLUSTER,
        "EKS cluster",
        shows=(CLUSTER, FOUND_CLUSTER),
    )
    name = json.loads(found[NAMESPACE])["metadata"]["name"]
    yield Box(
        (124, 128),
        (452, 270),
        frames.NAMESPACE,
        f"namespace {name}",
        shows=(NAMESPACE,),
    )
    yield Part(
        "nodes",
        KubernetesNode,
        (LEFT, BOTTOM),
        shows=(NODES,),
        size=38,
        note="nodes: kubelet, cAdvisor",
    )
    yield Text(
        (715, MIDDLE - 8),
        "No metric leaves\nthe cluster.",
        unless=(WORKSPACE,),
        size=14,
        color=MUTED,
    )


def _kubecost() -> Iterator[Item]:
    yield Box((142, 150), (116, 182), frames.POD, shows=(PROXY,))
    yield Part("proxy", SslPadlock, (LEFT, TOP + 1), shows=(PROXY,), size=28)
    yield Text((LEFT + 6, TOP - 24), "SigV4 proxy", shows=(PROXY,))
    yield Part(
        "kubecost",
        KUBECOST_MARK,
        (LEFT, MIDDLE),
        shows=(KUBECOST,),
        title="Kubecost",
        note="UI, cost-model",
    )
    yield _volume("kubecost_volume", KUBECOST, LEFT)
    yield Part(
        "network_costs",
        DaemonSet,
        (LEFT, LOWER),
        shows=(NETWORK_COSTS,),
        size=38,
        title="network-costs",
    )
    yield Part("person", User, (52, MIDDLE), shows=(UI,), note="kubectl\nport-forward")


def _who_scrapes() -> Iterator[Item]:
    for shows, id, icon, at, title in (
        (PROMETHEUS, "prometheus", Prometheus, (CENTER, MIDDLE), "Prometheus"),
        (COLLECTOR, "collector", ADOT, (CENTER, MIDDLE), "ADOT Collector"),
        (SCRAPER, "scraper", AmazonManagedPrometheus, (RIGHT, LOWER), "managed scraper"),
    ):
        yield Part(id, icon, at, shows=(shows,), title=title)
    yield _volume("prometheus_volume", PROMETHEUS, CENTER)
    # The network interfaces by which it reaches the cluster.
    yield Part(
        "interfaces",
        VPCElasticNetworkInterface,
        (BORDER, LOWER),
        shows=(SCRAPER,),
        names=((SCRAPER, FOUND_CLUSTER), (SCRAPER, "subnet_ids")),
        size=34,
    )
    yield Text((636, LOWER + 15), "network\ninterfaces", shows=(SCRAPER,), align="left")


def _volume(id: str, whose: str, x: float) -> Item:
    """A volume of the cluster's StorageClass, which the release asks for."""
    return Part(id, VOLUME, (x + 29, MIDDLE - 21), shows=(whose, STORAGE, EBS_DRIVER), size=18)


def _amp(found: Mapping[str, str]) -> Iterator[Item]:
    yield Box((694, 150), (124, 146), frames.WORKSPACE, shows=(WORKSPACE,))
    yield Part(
        "workspace",
        AmazonManagedPrometheus,
        (RIGHT, 196),
        shows=(WORKSPACE,),
        size=56,
        title="AMP workspace",
    )
    if CONFIGURATION in found:
        days = json.loads(found[CONFIGURATION])["retention_period_in_days"]
        yield Text(
            (RIGHT, 255),
            f"keeps {days} days",
            shows=(CONFIGURATION,),
            names=((CONFIGURATION, WORKSPACE),),
        )
    way = (WORKSPACE, ENDPOINT)
    yield Box((BORDER - 18, TOP - 16), (36, MIDDLE - TOP + 32), frames.ENDPOINT, shows=way)
    yield Part(
        "endpoint",
        Endpoint,
        (BORDER, (TOP + MIDDLE) / 2),
        shows=way,
        names=((ENDPOINT, "aps-workspaces"), (ENDPOINT, '"private_dns_enabled": true')),
        size=32,
    )
    yield Text((636, (TOP + MIDDLE) / 2 - 8), "VPC\nendpoint", shows=way, align="left")
