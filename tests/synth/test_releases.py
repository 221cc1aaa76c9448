"""Ring 2: what every Helm release needs to be deployed again and again, on any cluster."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import SETTINGS_FILES
from tests.synth.documents import Stack, helm_values, resources

Stacks = Callable[[str], dict[str, Stack]]


def releases(stacks: dict[str, Stack]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Give each release of these stacks: where it is, the resource, and its values."""
    for name, stack in stacks.items():
        for address, release in resources(stack, "helm_release").items():
            yield f"{name}/{address}", release, helm_values(stack, address.split(".")[1])


def must_be_ready(strategy: dict[str, Any], nodes: int) -> int:
    """Count the pods of a DaemonSet that Helm v3.18 waits for (pkg/kube/ready.go)."""
    if strategy["type"] != "RollingUpdate":
        return 0
    bound = strategy.get("rollingUpdate", {}).get("maxUnavailable", 1)
    if isinstance(bound, str):
        bound = math.ceil(int(bound.removesuffix("%")) * nodes / 100)
    return max(0, nodes - int(bound))


@pytest.mark.parametrize("settings", SETTINGS_FILES)
def test_a_release_that_failed_at_first_can_be_deployed_again(
    settings: str, stacks: Stacks
) -> None:
    for where, release, _ in releases(stacks(settings)):
        assert release["upgrade_install"] is True, where
        assert release["wait"] is True, where


@pytest.mark.parametrize("nodes", [2, 3, 4, 100])
def test_no_release_waits_for_a_pod_on_every_node(nodes: int, stacks: Stacks) -> None:
    seen = set()
    for settings in ("defaults", "turned"):
        for where, release, values in releases(stacks(settings)):
            chart = release["chart"]
            if chart == "prometheus-node-exporter":
                strategy = values["updateStrategy"]
            elif chart == "cost-analyzer" and values["networkCosts"]["enabled"]:
                strategy = values["networkCosts"]["updateStrategy"]
            else:
                continue
            seen.add(chart)
            assert must_be_ready(strategy, nodes) == 0, where
    assert seen == {"prometheus-node-exporter", "cost-analyzer"}
