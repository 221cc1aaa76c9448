"""Ring 4: a real API server takes Ingresses and policies; a second judge agrees on who gets in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import requests
import trustme

from tests.conftest import Stack
from tests.lab.apiserver import ApiServer, JsonObject
from tests.lab.conftest import NewPath
from tests.lab.process import BINARIES
from tests.unit import test_reach
from tools import reach
from tools.objects import kubernetes_object
from tools.reach import Party

Stacks = Callable[[str], dict[str, Stack]]
NETWORKING = "/apis/networking.k8s.io/v1/namespaces"
PLURALS = {
    "kubernetes_network_policy_v1": "networkpolicies",
    "kubernetes_ingress_v1": "ingresses",
}


@pytest.fixture(scope="module")
def api(ca: trustme.CA, new_path: NewPath) -> Iterator[ApiServer]:
    with closing(ApiServer(new_path(), 9, ca)) as server:
        yield server


@pytest.mark.parametrize("settings", ["exposed", "existing", "turned"])
def test_the_api_server_takes_what_is_declared(
    api: ApiServer, stacks: Stacks, settings: str
) -> None:
    taken = 0
    for stack in stacks(settings).values():
        for namespace in stack.get("resource", {}).get("kubernetes_namespace_v1", {}).values():
            name = f"{settings}-{namespace['metadata']['name']}"
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            api.call("POST", "/api/v1/namespaces", body)
        for kind, plural in PLURALS.items():
            for resource in stack.get("resource", {}).get(kind, {}).values():
                wanted = kubernetes_object(kind, resource)
                space = f"{settings}-{wanted['metadata']['namespace']}"
                wanted["metadata"] = wanted["metadata"] | {"namespace": space}
                found = api.call("POST", f"{NETWORKING}/{space}/{plural}", wanted)
                # As declared, without a default that verify would take for a difference.
                assert found["spec"] == wanted["spec"]
                taken += 1
    assert taken > (5 if settings != "existing" else 3)


def test_the_api_server_refuses_what_is_no_policy(api: ApiServer) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "refused"}}
    api.call("POST", "/api/v1/namespaces", body)
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "bad"},
        "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/99"}}]}]},
    }
    with pytest.raises(requests.HTTPError, match=r"10\.0\.0\.0/99"):
        api.call("POST", f"{NETWORKING}/refused/networkpolicies", policy)


def judged(
    policies: list[JsonObject], connections: list[tuple[Party, Party, int, str]]
) -> list[bool]:
    """Ask cyclonus's matcher (v0.5.6), the evaluator that the network policy API grew from."""

    def party(each: Party) -> JsonObject:
        return {
            "Address": each.address,
            "Namespace": each.namespace,
            "Labels": dict(each.labels),
            "NamespaceLabels": dict(each.namespace_labels),
        }

    question = {
        "Policies": [
            each | {"spec": each["spec"] | {"policyTypes": reach.policy_types(each["spec"])}}
            for each in policies
        ],
        "Connections": [
            {
                "Source": party(source),
                "Target": party(target),
                "Port": port,
                "PortName": next((n for n, p in target.ports.items() if p == port), ""),
                "Protocol": protocol,
            }
            for source, target, port, protocol in connections
        ],
    }
    answer = subprocess.run(
        [BINARIES / "policies"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[bool] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize("place", reach.places(), ids=lambda place: place.namespace)
def test_a_second_judge_says_the_same_of_every_connection(place: reach.Place) -> None:
    parties = [*place.pods, *reach.OUTSIDERS]
    connections = [
        (source, target, port, protocol)
        for source in parties
        for target in parties
        if source != target
        for port in test_reach.PORTS
        for protocol in ("TCP", "UDP")
    ]
    ours = [reach.reaches(place.policies, *each) for each in connections]
    assert any(ours)
    assert not all(ours)
    assert judged(place.policies, connections) == ours


@pytest.mark.parametrize(("spec", "source", "target", "port", "passes"), test_reach.CASES)
def test_a_second_judge_reads_the_semantics_alike(
    spec: str, source: Party, target: Party, port: int, passes: bool
) -> None:
    assert judged(test_reach.policy(spec), [(source, target, port, "TCP")]) == [passes]
