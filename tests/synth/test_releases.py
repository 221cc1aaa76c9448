"""Ring 2: what every Helm release needs to be deployed again and again, on any cluster."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import SETTINGS_FILES, read_stacks, synthesize_into
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


# Where each chart takes the labels of nodes for a pod that we install.
POD_SELECTORS = {
    "cost-analyzer": ("nodeSelector", "forecasting.nodeSelector"),
    "opentelemetry-collector": ("nodeSelector",),
    "prometheus-node-exporter": ("nodeSelector",),
    "grafana": ("nodeSelector",),
    "aws-load-balancer-controller": ("nodeSelector",),
}


def at(values: dict[str, Any], path: str) -> Any:
    for key in path.split("."):
        values = values.get(key) or {}
    return values


@pytest.mark.parametrize("settings", ["defaults", "turned", "exposed", "fleet"])
def test_no_pod_is_put_on_a_windows_node(settings: str, stacks: Stacks) -> None:
    for where, release, values in releases(stacks(settings)):
        selectors = [*POD_SELECTORS[release["chart"]]]
        if at(values, "networkCosts.enabled"):
            selectors.append("networkCosts.nodeSelector")
        if at(values, "global.prometheus.enabled"):
            selectors.append("prometheus.server.nodeSelector")
        for path in selectors:
            assert at(values, path)["kubernetes.io/os"] == "linux", f"{where} {path}"


@pytest.mark.parametrize("settings", ["defaults", "turned", "fleet"])
def test_every_container_asks_for_what_it_takes(settings: str, stacks: Stacks) -> None:
    # Pods that ask for nothing are evicted first; without Prometheus the costs have gaps.
    for where, release, values in releases(stacks(settings)):
        paths = {
            "cost-analyzer": [
                "kubecostAggregator.resources",
                "kubecostAggregator.cloudCost.resources",
            ],
        }.get(release["chart"], ["resources"])
        if at(values, "global.prometheus.enabled"):
            paths.append("prometheus.server.resources")
        if at(values, "global.amp.enabled"):
            paths.append("sigV4Proxy.resources")
        for path in paths:
            assert at(values, path)["requests"].keys() == {"cpu", "memory"}, f"{where} {path}"


def test_requests_grow_with_the_cluster(tmp_path: Path) -> None:
    def memory(nodes: int, pods: int) -> dict[str, float]:
        file = tmp_path / f"{pods}.yaml"
        size = {"nodes": nodes, "pods": pods}
        file.write_text(
            yaml.safe_dump({"architectures": ["prom"], "kubecost": {"sized_for": size}})
        )
        stack = read_stacks(synthesize_into(tmp_path / f"{pods}", file))["prom"]
        values = helm_values(stack, "kubecost_release")
        return {
            path: float(at(values, path)["requests"]["memory"].removesuffix("Mi"))
            for path in ("prometheus.server.resources", "kubecostAggregator.resources")
        }

    small, large = memory(3, 62), memory(300, 10_000)
    # Measured: 8 KiB for each series, of which a pod has 40 and a node 70.
    series = 70.0 * 300 + 39.9 * 10_000
    assert large["prometheus.server.resources"] == pytest.approx(400 + series / 128, rel=0.05)
    assert all(small[path] < large[path] / 5 for path in small)


def test_kubecost_gives_up_its_volume_before_the_next_pod_takes_it(stacks: Stacks) -> None:
    for where, release, values in releases(stacks("defaults")):
        if release["chart"] == "cost-analyzer":
            strategy = values["kubecostDeployment"]["deploymentStrategy"]
            assert strategy == {"type": "Recreate"}, where


def storage_messages(values: str, folder: Path) -> list[str]:
    file = folder / "kubecost.yaml"
    file.write_text(f"architectures: [prom]\nkubecost: {{{values}}}\n")
    stack = read_stacks(synthesize_into(folder / "out", file))["prom"]
    release = stack["resource"]["helm_release"]["kubecost_release"]
    conditions = release.get("lifecycle", {}).get("precondition", [])
    return [condition["error_message"] for condition in conditions]


def test_no_storage_class_is_demanded_without_volumes(tmp_path: Path) -> None:
    off = "persistentVolume: {enabled: false}"
    assert storage_messages(f"values: {{{off}, prometheus: {{server: {{{off}}}}}}}", tmp_path) == []


def test_a_storage_class_is_demanded_where_a_value_names_one(tmp_path: Path) -> None:
    named = "storage_class: fast, values: {persistentVolume: {storageClass: slow}}"
    said = storage_messages(named, tmp_path)
    assert [message.split(".")[0] for message in said] == [
        "Cluster kubecost has no StorageClass fast",
        "Cluster kubecost has no StorageClass slow",
        "The volume kubecost-prom-cost-analyzer has another StorageClass than slow, and Kubernetes"
        " cannot change that",
        "The volume kubecost-prom-prometheus-server has another StorageClass than fast, and"
        " Kubernetes cannot change that",
    ]


def test_a_mirror_has_every_chart_and_every_image(stacks: Stacks) -> None:
    seen = set()
    for where, release, values in releases(stacks("mirror")):
        seen.add(release["chart"])
        assert release["repository"] == "oci://registry.example:5000/charts", where
        mirror = "registry.example:5000/mirror"
        images = {
            "aws-load-balancer-controller": ["image.repository"],
            "cost-analyzer": [
                "forecasting.image.repository",
                "kubecostFrontend.image",
                "kubecostModel.image",
                "networkCosts.image.repository",
                "prometheus.server.image.repository",
                "sigV4Proxy.image",
            ],
            "opentelemetry-collector": ["image.repository"],
        }.get(release["chart"], ["global.imageRegistry"])
        for path in images:
            assert at(values, path).startswith(mirror), f"{where} {path}"
        assert "public.ecr.aws" not in str(values), where
    assert seen == {*POD_SELECTORS}


def test_every_release_takes_the_users_values_last_and_literally(stacks: Stacks) -> None:
    found = {release["chart"]: values for _, release, values in releases(stacks("mirror"))}
    for chart, values in found.items():
        assert values["tolerations"], chart
    exporter = found["prometheus-node-exporter"]["resources"]["requests"]
    assert exporter == {"cpu": "20m", "memory": "32Mi"}
    (proxy,) = found["opentelemetry-collector"]["extraEnvs"]
    assert proxy["value"] == "http://${proxy}:3128"
