"""Ring 1: the policy gate on what the real providers cannot plan here, and on our own stacks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Stack
from tools import gate

Stacks = Callable[[str], dict[str, Stack]]


def creates(stack: Stack) -> dict[str, Any]:
    """A plan that makes all of a stack, every argument known."""
    return {
        "format_version": "1.2",
        "resource_changes": [
            {
                "address": f"{kind}.{name}",
                "type": kind,
                "name": name,
                "change": {"actions": ["create"], "before": None, "after": arguments},
            }
            for kind, named in stack["resource"].items()
            for name, arguments in named.items()
        ],
    }


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ("defaults", []),
        ("exposed", []),
        ("turned", ["load balancer that faces the internet (internet-facing)"]),
    ],
)
def test_our_own_stacks(settings: str, found: list[str], stacks: Stacks) -> None:
    risks = {
        finding.partition(": ")[2]
        for stack in stacks(settings).values()
        for finding in gate.findings(creates(stack), stack)
    }
    assert sorted(risks) == found


def service(annotations: dict[str, str], **spec: Any) -> Stack:
    metadata = {"name": "ui", "annotations": annotations}
    spec = {"type": "LoadBalancer", **spec}
    return {"resource": {"kubernetes_service_v1": {"ui": {"metadata": metadata, "spec": spec}}}}


def values(document: str) -> Stack:
    return {"resource": {"helm_release": {"kubecost": {"values": [document]}}}}


SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"


@pytest.mark.parametrize(
    ("stack", "found"),
    [
        (service({}), ["load balancer without a scheme, which may face the internet"]),
        (service({SCHEME: "internal"}), []),
        (
            service({SCHEME: "internal"}, load_balancer_source_ranges=["0.0.0.0/0"]),
            ["load balancer for the whole internet"],
        ),
        (service({}, type="ClusterIP"), []),
        (
            values("service:\n  type: LoadBalancer\n"),
            ["a Service of type LoadBalancer in Helm values"],
        ),
        (
            values('{"service": {"type": "LoadBalancer"}}'),
            ["a Service of type LoadBalancer in Helm values"],
        ),
        (values("service: {type: ClusterIP}"), []),
    ],
)
def test_exposure_by_kubernetes(stack: Stack, found: list[str]) -> None:
    assert [f.partition("`: ")[2] for f in gate.findings(creates(stack), stack)] == found


def test_deferred_changes_are_judged_too() -> None:
    plan = creates(service({}))
    changes = plan.pop("resource_changes")
    plan["deferred_changes"] = [
        {"reason": "provider_config_unknown", "resource_change": changes[0]}
    ]
    assert len(gate.findings(plan, {})) == 1


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = service({})
    files = [tmp_path / "plan.json", tmp_path / "cdk.tf.json"]
    for file, data in zip(files, (creates(stack), stack), strict=True):
        file.write_text(json.dumps(data))
    named = [str(file) for file in files]
    assert gate.main(named) == 1
    assert "`kubernetes_service_v1.ui`: load balancer without a scheme" in capsys.readouterr().out
    assert gate.main([*named, "--labels", gate.OVERRIDE_LABEL]) == 0
    files[0].write_text(json.dumps({"format_version": "2.0"}))
    with pytest.raises(ValueError, match=r"2\.0"):
        gate.main(named)
