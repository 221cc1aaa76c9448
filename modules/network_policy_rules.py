"""Write the NetworkPolicies of our namespaces as plain data: which pods may reach which.

Labels and ports are those of the charts cost-analyzer 2.8.7, opentelemetry-collector 0.170.0 and
grafana 12.11.1. A NetworkPolicy cannot select pods on the nodes' network (network-costs,
node-exporter). It also cannot forbid that a node reaches its own pods (probes, kubectl
port-forward), or that answers pass.

Amazon VPC CNI checks the port of the Service in a packet to a Service. So rules have both ports if
Service and pod differ (EKS user guide, "Limit pod traffic with Kubernetes network policies",
considerations).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from settings.network import Blocks

UI_PORT = 9090
MODEL_PORT = 9003
AGGREGATOR_PORT = 9004
CLOUD_COST_PORT = 9005
FORECASTING_PORT = 5000
PROMETHEUS_PORT = 9090
PROMETHEUS_SERVICE_PORT = 80
GRAFANA_PORT = 3000

_HTTPS = 443
# NodeLocal DNSCache listens on this address, if the cluster has it.
_NODE_LOCAL_DNS = "169.254.20.10/32"
_POD_IDENTITY_AGENT = "169.254.170.23/32"

Labels = dict[str, str]
Peer = dict[str, Any]
Rule = dict[str, Any]

COST_ANALYZER = {"app": "cost-analyzer"}
FORECASTING = {"app": "forecasting"}
PROMETHEUS = {"app": "prometheus", "component": "server"}
COLLECTOR = {"app.kubernetes.io/name": "opentelemetry-collector"}
GRAFANA = {"app.kubernetes.io/name": "grafana"}


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy: its name, and its spec as Kubernetes writes it."""

    name: str
    spec: dict[str, Any]


def namespace() -> list[Policy]:
    """Deny everything to every pod of a namespace except the cluster's DNS."""
    dns = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    both = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return [
        Policy("deny-all", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        Policy(
            "dns",
            {
                "podSelector": {},
                "policyTypes": ["Egress"],
                "egress": [{"to": [dns, *_blocks([_NODE_LOCAL_DNS])], "ports": both}],
            },
        ),
    ]


def kubecost(
    blocks: Blocks, *, bundled_prometheus: bool, proxy_port: int | None, exposed: bool
) -> list[Policy]:
    """Allow what Kubecost needs.

    The web server in Kubecost's pod reaches the other containers of the pod through Services.

    Args:
        blocks: the addresses of control plane, nodes and load balancers.
        bundled_prometheus: whether the chart's Prometheus scrapes; if not, a collector may. AMP's
            managed scraper comes from the control plane's subnets, which may always scrape.
        proxy_port: the port of the proxy in Kubecost's pod that signs queries for AMP, if there is
            one. Only the API server reaches it, for users of its proxy (`make verify`).
        exposed: whether the load balancer leads to the UI.
    """
    control_plane = _blocks(blocks.control_plane)
    callers = control_plane + (_blocks(blocks.load_balancers) if exposed else [])
    scraper = PROMETHEUS if bundled_prometheus else COLLECTOR
    own = [MODEL_PORT, AGGREGATOR_PORT, CLOUD_COST_PORT]
    to_prometheus = (
        [_to([_pods(PROMETHEUS)], PROMETHEUS_PORT, PROMETHEUS_SERVICE_PORT)]
        if bundled_prometheus
        else []
    )
    return [
        _policy(
            "cost-analyzer",
            COST_ANALYZER,
            ingress=[
                _from(_distinct(callers), UI_PORT),
                _from([_pods(scraper), *control_plane], MODEL_PORT),
                _from([_pods(COST_ANALYZER)], *own),
                _from([_pods(FORECASTING)], AGGREGATOR_PORT),
                *([_from(control_plane, proxy_port)] if proxy_port else []),
            ],
            egress=[
                _to([_pods(COST_ANALYZER)], *own),
                _to([_pods(FORECASTING)], FORECASTING_PORT),
                *to_prometheus,
                *_aws(),
            ],
        ),
        _policy(
            "forecasting",
            FORECASTING,
            ingress=[_from([_pods(COST_ANALYZER)], FORECASTING_PORT)],
            egress=[_to([_pods(COST_ANALYZER)], AGGREGATOR_PORT)],
        ),
    ]


def prometheus(blocks: Blocks, host_ports: Sequence[int]) -> list[Policy]:
    """Allow what the bundled Prometheus needs; it scrapes `host_ports` on the nodes."""
    callers = [_pods(COST_ANALYZER), *_blocks(blocks.control_plane)]
    return [
        _policy(
            "prometheus",
            PROMETHEUS,
            ingress=[_from(callers, PROMETHEUS_PORT)],
            egress=_scraping(blocks, host_ports),
        )
    ]


def collector(blocks: Blocks, host_ports: Sequence[int]) -> list[Policy]:
    """Allow what a collector in the cluster needs; nobody connects to it."""
    return [_policy("collector", COLLECTOR, ingress=[], egress=_scraping(blocks, host_ports))]


def grafana(blocks: Blocks, *, exposed: bool) -> list[Policy]:
    """Allow what Grafana needs: its callers, AMP, and the site that has its plugin."""
    control_plane = _blocks(blocks.control_plane)
    callers = control_plane + (_blocks(blocks.load_balancers) if exposed else [])
    return [
        _policy(
            "grafana",
            GRAFANA,
            ingress=[_from(_distinct(callers), GRAFANA_PORT)],
            egress=_aws(),
        )
    ]


def _scraping(blocks: Blocks, host_ports: Sequence[int]) -> list[Rule]:
    """Reach Kubecost, the nodes' ports, and by HTTPS the API server, STS and AMP.

    The nodes' blocks need HTTPS too, because an interface endpoint may have an address in them, and
    for VPC CNI the longest block that contains an address decides.
    """
    nodes = [_to(_blocks(blocks.nodes), *host_ports, _HTTPS)] if host_ports else []
    return [_to([_pods(COST_ANALYZER)], MODEL_PORT), *nodes, *_aws()]


def _policy(name: str, labels: Labels, *, ingress: list[Rule], egress: list[Rule]) -> Policy:
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": labels},
        "policyTypes": ["Ingress", "Egress"],
    }
    spec |= {"ingress": ingress} if ingress else {}
    return Policy(name, spec | {"egress": egress})


def _aws() -> list[Rule]:
    """Reach the API server, AWS's APIs and price lists, and the EKS Pod Identity Agent.

    A policy cannot list AWS's addresses, so this allows every address. The agent on each node gives
    a pod its credentials (EKS user guide, "Learn how EKS Pod Identity works").
    """
    return [_to(_blocks(["0.0.0.0/0"]), _HTTPS), _to(_blocks([_POD_IDENTITY_AGENT]), 80)]


def _from(peers: list[Peer], *ports: int) -> Rule:
    return {"from": peers, "ports": _tcp(ports)}


def _to(peers: list[Peer], *ports: int) -> Rule:
    return {"to": peers, "ports": _tcp(ports)}


def _tcp(ports: Sequence[int]) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _pods(labels: Labels) -> Peer:
    return {"podSelector": {"matchLabels": labels}}


def _blocks(cidrs: Sequence[str]) -> list[Peer]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _distinct(peers: list[Peer]) -> list[Peer]:
    return [peer for index, peer in enumerate(peers) if peer not in peers[:index]]
