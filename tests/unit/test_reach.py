"""Ring 1: NetworkPolicies let through what is needed, and nothing else."""

from ipaddress import ip_network
from typing import Any

import pytest
import yaml

from modules import network_policy_rules as rules
from settings.network import Blocks, Subnets
from tools import reach
from tools.common import ROOT
from tools.reach import Party, reaches

PORTS = sorted({port for _, _, port in reach.TARGETS} | {22, 53, 80, 443, 4317, 8888, 10250})

A = Party("a", "10.0.1.1", "one", {"app": "a", "tier": "web"}, {"team": "x"}, {"http": 8080})
B = Party("b", "10.0.1.2", "one", {"app": "b"}, {"team": "x"})
C = Party("c", "10.0.1.3", "two", {"app": "b"}, {"team": "y"})
NODE = Party("node", "10.0.2.1")


def policy(text: str, namespace: str = "one") -> list[dict[str, Any]]:
    return [{"metadata": {"name": "p", "namespace": namespace}, "spec": yaml.safe_load(text)}]


# spec of a policy in namespace one; source, target, port; what Kubernetes lets through.
CASES = [
    ("{podSelector: {}, policyTypes: [Ingress]}", B, A, 80, False),
    ("{podSelector: {}, policyTypes: [Ingress]}", A, C, 80, True),
    ("{podSelector: {}, policyTypes: [Egress]}", A, C, 80, False),
    ("{podSelector: {}, policyTypes: [Egress]}", C, A, 80, True),
    ("{podSelector: {}}", B, A, 80, False),  # Ingress is the default type
    ("{podSelector: {}}", A, C, 80, True),
    ("{podSelector: {}, egress: [{}]}", B, A, 80, False),  # and stays with egress rules
    ("{podSelector: {}, ingress: [{}]}", C, A, 80, True),  # a rule without peers: everyone
    ("{podSelector: {matchLabels: {app: z}}}", B, A, 80, True),  # not selected, not isolated
    ("{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}", B, A, 80, True),
    ("{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}", C, A, 80, False),
    ("{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}", C, A, 80, True),
    ("{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}", NODE, A, 80, False),
    (
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: y}},"
        " podSelector: {matchLabels: {app: a}}}]}]}",
        C,
        A,
        80,
        False,
    ),
    (
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: y}}},"
        " {podSelector: {matchLabels: {app: a}}}]}]}",
        C,
        A,
        80,
        True,
    ),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.2.0/24}}]}]}", NODE, A, 80, True),
    (
        "{podSelector: {}, ingress: [{from:"
        " [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.2.0/24]}}]}]}",
        NODE,
        A,
        80,
        False,
    ),
    ("{podSelector: {}, ingress: [{ports: [{port: 80}]}]}", B, A, 80, True),
    ("{podSelector: {}, ingress: [{ports: [{port: 80}]}]}", B, A, 81, False),
    ("{podSelector: {}, ingress: [{ports: [{port: 80, protocol: UDP}]}]}", B, A, 80, False),
    ("{podSelector: {}, ingress: [{ports: [{protocol: TCP}]}]}", B, A, 81, True),
    ("{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 90}]}]}", B, A, 85, True),
    ("{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 90}]}]}", B, A, 91, False),
    ("{podSelector: {}, ingress: [{ports: [{port: http}]}]}", B, A, 8080, True),
    ("{podSelector: {}, ingress: [{ports: [{port: http}]}]}", A, B, 8080, False),
    *(
        (f"{{podSelector: {{matchExpressions: [{{key: tier, {text}}}]}}}}", B, A, 80, not selected)
        for text, selected in (
            ("operator: In, values: [web]", True),
            ("operator: NotIn, values: [web]", False),
            ("operator: Exists", True),
            ("operator: DoesNotExist", False),
        )
    ),
]


@pytest.mark.parametrize(("spec", "source", "target", "port", "passes"), CASES)
def test_the_semantics_of_kubernetes(
    spec: str, source: Party, target: Party, port: int, passes: bool
) -> None:
    assert reaches(policy(spec), source, target, port) is passes


def test_policies_add_up() -> None:
    both = policy("{podSelector: {}}") + policy(
        "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}"
    )
    assert reaches(both, B, A, 80)
    assert not reaches(both, B, A, 81)


AWS = ("any address by HTTPS", "EKS Pod Identity Agent")
STRANGERS = [*reach.IMPOSTORS, reach.TENANT, reach.NODE, reach.INTERNET, reach.DNS]


@pytest.mark.parametrize("place", reach.places(), ids=lambda place: place.namespace)
def test_no_pod_of_another_namespace_and_no_address_gets_in(place: reach.Place) -> None:
    stray = [pod for pod in place.pods if pod.name.startswith("other")]
    assert stray
    for target in place.pods:
        for source in [*STRANGERS, *(pod for pod in stray if pod != target)]:
            for port in PORTS:
                assert not reaches(place.policies, source, target, port), (source, target, port)


@pytest.mark.parametrize("place", reach.places(), ids=lambda place: place.namespace)
def test_the_load_balancer_reaches_the_ui_alone(place: reach.Place) -> None:
    reached = {
        (target.name, port)
        for target in place.pods
        for port in PORTS
        if reaches(place.policies, reach.LOAD_BALANCER, target, port)
    }
    grafana = place.namespace == "kubecost-grafana"
    assert reached == ({("Grafana", 3000)} if grafana else {("Kubecost", 9090)})


def test_nobody_comes_by_the_load_balancer_where_nothing_is_exposed() -> None:
    policies = [
        {"metadata": {"name": each.name, "namespace": "n"}, "spec": each.spec}
        for each in [
            *rules.namespace(),
            *rules.kubecost(reach.BLOCKS, bundled_prometheus=True, proxy_port=8005, exposed=False),
        ]
    ]
    kubecost = Party("Kubecost", "10.0.1.1", "n", rules.COST_ANALYZER)
    assert not any(reaches(policies, reach.LOAD_BALANCER, kubecost, port) for port in PORTS)
    assert reaches(policies, reach.CONTROL_PLANE, kubecost, 9090)


@pytest.mark.parametrize(
    ("pod", "port", "callers"),
    [
        ("Kubecost", 9090, {"load balancer", "API server or AMP's scraper"}),
        ("Kubecost", 9003, {"Prometheus", "ADOT collector", "API server or AMP's scraper"}),
        ("Kubecost", 9004, {"forecasting"}),
        ("Kubecost", 9005, set()),
        ("Kubecost", 8005, {"API server or AMP's scraper"}),
        ("forecasting", 5000, {"Kubecost"}),
        ("Prometheus", 9090, {"Kubecost", "API server or AMP's scraper"}),
        ("ADOT collector", 13133, set()),
        ("Grafana", 3000, {"load balancer", "API server or AMP's scraper"}),
    ],
)
def test_who_reaches_whom(pod: str, port: int, callers: set[str]) -> None:
    assert set(reach.who_reaches(pod, port)) == callers


@pytest.mark.parametrize(
    ("pod", "reached"),
    [
        ("Kubecost", {"DNS", *AWS, "forecasting (API)", "Prometheus (API)"}),
        ("forecasting", {"DNS", "Kubecost (aggregator)"}),
        (
            "Prometheus",
            {
                "DNS",
                *AWS,
                "network-costs and node-exporter on nodes",
                "Kubecost (cost-model, metrics and API)",
            },
        ),
        ("Grafana", {"DNS", *AWS}),
        ("other pod of the namespace", {"DNS"}),
    ],
)
def test_what_a_pod_reaches(pod: str, reached: set[str]) -> None:
    assert set(reach.what_is_reached(pod)) == reached


def test_kubecost_reaches_its_neighbours_in_the_pod_by_their_services() -> None:
    # VPC CNI sees the Service's address; the chart's nginx asks <release>-cost-analyzer:9003 etc.
    place = reach.places()[0]
    (kubecost,) = [pod for pod in place.pods if pod.name == "Kubecost"]
    service = Party("its Service", "10.0.1.99", place.namespace, kubecost.labels)
    for port in (rules.MODEL_PORT, rules.AGGREGATOR_PORT, rules.CLOUD_COST_PORT):
        assert reaches(place.policies, kubecost, service, port)
    prometheus = Party("its Service", "10.0.1.98", place.namespace, rules.PROMETHEUS)
    egress_only = [each for each in place.policies if each["metadata"]["name"] != "prometheus"]
    egress_only = [each for each in egress_only if each["metadata"]["name"] != "deny-all"]
    assert reaches(egress_only, kubecost, prometheus, rules.PROMETHEUS_SERVICE_PORT)


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "172.20.0.0/20", "192.168.0.0/22"])
@pytest.mark.parametrize("zones", [2, 3])
def test_no_pod_of_base_has_the_address_of_a_load_balancer_or_the_control_plane(
    cidr: str, zones: int
) -> None:
    cut = Subnets.of(cidr, zones)
    blocks = [ip_network(each) for each in (*cut.private, *cut.public, *cut.entry)]
    assert len(blocks) == 3 * zones
    for index, block in enumerate(blocks):
        assert block.subnet_of(ip_network(cidr))  # type: ignore[arg-type]
        assert not any(block.overlaps(other) for other in blocks[:index])
    assert cut.blocks(internet=True) == Blocks(cut.entry, cut.private, cut.public)
    assert cut.blocks(internet=False) == Blocks(cut.entry, cut.private, cut.entry)


def test_the_page_has_the_tables() -> None:
    text = (ROOT / reach.PAGE).read_text()
    assert text.count(reach.MARKS[0]) == 1
    assert reach.page(text) == text, "run: make reach"
