"""Who reaches whom past NetworkPolicies, and the tables of docs/security.md that say so.

The semantics are those of the Kubernetes documentation, "Network Policies", and of the API
reference of networking.k8s.io/v1. What it leaves to the implementation is as Amazon VPC CNI does
it: pods have addresses of the VPC, so a block that holds one admits that pod.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

from modules import network_policy_rules as rules
from modules.kubecost_values import SIGV4_PROXY_PORT
from settings.network import Blocks, Subnets
from tools.common import ROOT, Json, command_line


@dataclass(frozen=True)
class Party:
    """Who sends or receives packets.

    Attributes:
        name: what the tables call it.
        address: its IP address.
        namespace: of a pod; None is an address that is no pod's own, such as a node's.
        labels: of the pod.
        namespace_labels: of the pod's namespace.
        ports: names of the pod's ports.
    """

    name: str
    address: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


def reaches(
    policies: Sequence[Json], source: Party, target: Party, port: int, protocol: str = "TCP"
) -> bool:
    """Tell whether NetworkPolicies (Kubernetes objects) let a connection through."""
    if source == target:
        return True
    return all(
        _lets(policies, direction, party, peer, target, port, protocol)
        for direction, party, peer in (("Egress", source, target), ("Ingress", target, source))
    )


def _lets(
    policies: Sequence[Json],
    direction: str,
    party: Party,
    peer: Party,
    target: Party,
    port: int,
    protocol: str,
) -> bool:
    specs = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["namespace"] == party.namespace
        and direction in policy_types(policy["spec"])
        and _selects(policy["spec"].get("podSelector", {}), party.labels)
    ]
    peers = "to" if direction == "Egress" else "from"
    return not specs or any(
        _fits_port(rule.get("ports"), target, port, protocol)
        and _fits_peer(rule.get(peers), peer, party.namespace)
        for spec in specs
        for rule in spec.get(direction.lower()) or ()
    )


def policy_types(spec: Json) -> list[str]:
    """Give the types of a policy, with the default that the API server writes."""
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _fits_port(ports: list[Json] | None, target: Party, port: int, protocol: str) -> bool:
    if not ports:
        return True
    for each in ports:
        if each.get("protocol", "TCP") != protocol:
            continue
        first = each.get("port")
        if first is None:
            return True
        number = target.ports.get(first, -1) if isinstance(first, str) else int(first)
        if number <= port <= int(each.get("endPort", number)):
            return True
    return False


def _fits_peer(peers: list[Json] | None, peer: Party, namespace: str | None) -> bool:
    return not peers or any(_is(each, peer, namespace) for each in peers)


def _is(rule: Json, peer: Party, namespace: str | None) -> bool:
    if block := rule.get("ipBlock"):
        address = ip_address(peer.address)
        within = address in ip_network(block["cidr"])
        return within and not any(address in ip_network(each) for each in block.get("except") or ())
    if peer.namespace is None:
        return False
    if "namespaceSelector" in rule:
        here = _selects(rule["namespaceSelector"] or {}, peer.namespace_labels)
    else:
        here = peer.namespace == namespace
    return here and _selects(rule.get("podSelector") or {}, peer.labels)


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """Match a label selector; an empty one matches everything."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    for each in selector.get("matchExpressions") or ():
        value, values = labels.get(each["key"]), each.get("values") or ()
        fits = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[each["operator"]]
        if not fits:
            return False
    return True


PAGE = Path("docs/security.md")
MARKS = ("<!-- begin: written by make reach -->", "<!-- end -->")

_SUBNETS = Subnets.of("10.0.0.0/16", 3)
BLOCKS = _SUBNETS.blocks(internet=True)
NODE_PORTS = (3003, 9103)


def _host(blocks: Sequence[str]) -> str:
    return str(ip_network(blocks[0])[10])


def _party(name: str, last: int, namespace: str, labels: Mapping[str, str]) -> Party:
    return Party(
        name,
        f"10.0.1.{last}",
        namespace,
        labels,
        {"kubernetes.io/metadata.name": namespace},
    )


LOAD_BALANCER = Party("load balancer", _host(BLOCKS.load_balancers))
CONTROL_PLANE = Party("API server or AMP's scraper", _host(BLOCKS.control_plane))
NODE = Party("node", _host(BLOCKS.nodes))
INTERNET = Party("internet", "203.0.113.7")
AGENT = Party("EKS Pod Identity Agent", "169.254.170.23")
DNS = _party("DNS", 1, "kube-system", {"k8s-app": "kube-dns"})
TENANT = _party("pod of another namespace", 2, "shop", {"app": "shop"})
# Labels are no secret: whoever has a namespace can give its pods ours.
IMPOSTORS = [
    _party(TENANT.name, number, "shop", labels)
    for number, labels in enumerate(
        (
            rules.COST_ANALYZER,
            rules.FORECASTING,
            rules.PROMETHEUS,
            rules.COLLECTOR,
            rules.GRAFANA,
        ),
        start=3,
    )
]
OUTSIDERS = [LOAD_BALANCER, CONTROL_PLANE, NODE, INTERNET, DNS, TENANT, *IMPOSTORS]


@dataclass(frozen=True)
class Place:
    """A namespace of ours: its policies as Kubernetes objects, and the pods in it."""

    namespace: str
    policies: list[Json]
    pods: list[Party]


def _place(namespace: str, policies: list[rules.Policy], pods: Mapping[str, rules.Labels]) -> Place:
    named = {**pods, "other pod of the namespace": {"app": "other"}}
    return Place(
        namespace,
        [
            {"metadata": {"name": each.name, "namespace": namespace}, "spec": each.spec}
            for each in [*rules.namespace(), *policies]
        ],
        [
            _party(name, number, namespace, labels)
            for number, (name, labels) in enumerate(named.items(), start=20)
        ],
    )


def places(blocks: Blocks = BLOCKS) -> list[Place]:
    """Lay out what the architectures differ in, and Grafana; everything is exposed."""
    common = {"Kubecost": rules.COST_ANALYZER, "forecasting": rules.FORECASTING}
    return [
        _place(
            "kubecost-prom-amp",
            [
                *rules.kubecost(
                    blocks, bundled_prometheus=True, proxy_port=SIGV4_PROXY_PORT, exposed=True
                ),
                *rules.prometheus(blocks, NODE_PORTS),
            ],
            {**common, "Prometheus": rules.PROMETHEUS},
        ),
        _place(
            "kubecost-adot-amp",
            [
                *rules.kubecost(
                    blocks, bundled_prometheus=False, proxy_port=SIGV4_PROXY_PORT, exposed=True
                ),
                *rules.collector(blocks, NODE_PORTS),
            ],
            {**common, "ADOT collector": rules.COLLECTOR},
        ),
        _place("kubecost-grafana", rules.grafana(blocks, exposed=True), {"Grafana": rules.GRAFANA}),
    ]


# What there is to reach: pod, what it is called, port.
TARGETS = (
    ("Kubecost", "UI", rules.UI_PORT),
    ("Kubecost", "cost-model, metrics and API", rules.MODEL_PORT),
    ("Kubecost", "aggregator", rules.AGGREGATOR_PORT),
    ("Kubecost", "cloud costs", rules.CLOUD_COST_PORT),
    ("Kubecost", "proxy that signs for AMP", SIGV4_PROXY_PORT),
    ("forecasting", "API", rules.FORECASTING_PORT),
    ("Prometheus", "API", rules.PROMETHEUS_PORT),
    ("ADOT collector", "health check", 13133),
    ("Grafana", "UI", rules.GRAFANA_PORT),
)
# What else our pods may want to reach.
DESTINATIONS = (
    ("DNS", DNS, 53, "UDP"),
    ("any address by HTTPS", INTERNET, 443, "TCP"),
    ("EKS Pod Identity Agent", AGENT, 80, "TCP"),
    ("any address by other ports", INTERNET, 8080, "TCP"),
    ("network-costs and node-exporter on nodes", NODE, NODE_PORTS[0], "TCP"),
    ("pods of other namespaces", TENANT, 8080, "TCP"),
)


def who_reaches(pod: str, port: int) -> list[str]:
    """Name who reaches a port of a pod, in any of the places that have one."""
    return _names(
        source.name
        for place in places()
        for target in place.pods
        if target.name == pod
        for source in [*place.pods, *OUTSIDERS]
        if source != target and reaches(place.policies, source, target, port)
    )


def what_is_reached(pod: str) -> list[str]:
    """Name what a pod reaches, in any of the places that have one."""
    return _names(
        name
        for place in places()
        for source in place.pods
        if source.name == pod
        for name, target, port, protocol in (
            *DESTINATIONS,
            *(
                (f"{each.name} ({what})", each, port, "TCP")
                for each in place.pods
                for of, what, port in TARGETS
                if of == each.name
            ),
        )
        if source != target and reaches(place.policies, source, target, port, protocol)
    )


def _names(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def tables() -> str:
    """Write who reaches what, and what is reached from where."""
    lines = ["| what | port | who reaches it |", "|---|---|---|"]
    for pod, what, port in TARGETS:
        lines.append(
            f"| {pod}: {what} | {port} | {', '.join(who_reaches(pod, port)) or 'nobody'} |"
        )
    lines += ["", "| who | what it reaches |", "|---|---|"]
    for pod in dict.fromkeys(pod for pod, _, _ in TARGETS):
        lines.append(f"| {pod} | {', '.join(what_is_reached(pod)) or 'nothing'} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """Put the tables into the page, between their marks."""
    begin, end = MARKS
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{tables()}\n{end}{after}"


def main(arguments: list[str]) -> int:
    """Write the tables into their page."""
    command_line("reach", __doc__).parse_args(arguments)
    file = ROOT / PAGE
    file.write_text(page(file.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE)
    return 0
