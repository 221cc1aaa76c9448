"""Ring 2: every Helm key that is set exists in the chart's own values, and every one is known.

`CHART_VALUES` names a folder with `<chart>-<version>/values.yaml` of each pinned chart; without it
there is nothing to compare with. `.ci/run` sets it.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modules.kubecost_values import RESPONSE_HEADERS
from stacks.chart_keys import FILE, ChartKeys
from tests.synth.documents import Stack, helm_values, resources

pytestmark = pytest.mark.skipif(
    "CHART_VALUES" not in os.environ, reason="CHART_VALUES names no folder with charts' values"
)

# What the templates read although values.yaml has it commented out, or leaves it open.
OPEN = {
    "cost-analyzer": {
        "forecasting.nodeSelector": "labels of nodes",
        "kubecostAggregator.cloudCost.resources": "of the container",
        "kubecostAggregator.resources": "of the container",
        "kubecostDeployment.deploymentStrategy": "read by cost-analyzer-deployment-template.yaml",
        "networkCosts.nodeSelector": "labels of nodes",
        "networkCosts.updateStrategy.rollingUpdate": "of Kubernetes",
        "nodeSelector": "labels of nodes",
        "prometheus.server.nodeSelector": "labels of nodes",
        "prometheus.server.resources": "of the container",
        "sigV4Proxy.resources": "of the container",
        "kubecostModel.extraEnv": "commented out in values.yaml",
        "kubecostProductConfigs.clusterName": "commented out in values.yaml",
        "persistentVolume.storageClass": "commented out in values.yaml",
        "prometheus.server.persistentVolume.storageClass": "commented out in values.yaml",
        "prometheus.server.podAnnotations": "annotations of the user",
        "serviceAccount.annotations": "labels of the user",
        "prometheus.serviceAccounts.server.annotations": "labels of the user",
    },
    "opentelemetry-collector": {
        "alternateConfig": "the collector's configuration",
        "clusterRole.rules": "rules of RBAC",
        "nodeSelector": "labels of nodes",
        "resources": "of the pod",
        "securityContext": "of the container",
        "serviceAccount.annotations": "labels of the user",
        "rollout.strategy": "read by deployment.yaml",
        "service.enabled": "read by service.yaml",
    },
    "prometheus-node-exporter": {
        "nodeSelector": "labels of nodes",
        "resources": "of the container",
    },
    "grafana": {
        "dashboardProviders": "files of Grafana",
        "dashboards": "files of Grafana",
        "datasources": "files of Grafana",
        "fullnameOverride": "read by _helpers.tpl",
        "nodeSelector": "labels of nodes",
        "resources": "of the container",
        "grafana.ini": "Grafana's own configuration",
        "serviceAccount.annotations": "labels of the user",
    },
    "aws-load-balancer-controller": {
        "additionalLabels": "labels of the user",
        "nodeSelector": "labels of nodes",
        "resources": "of the container",
        "serviceAccount.annotations": "labels of the user",
        "defaultTags": "labels of the user",
    },
}


def paths(data: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from paths(value, f"{prefix}.{key}")
    else:
        yield prefix.lstrip(".")


def values_file(chart: str) -> Path:
    (file,) = Path(os.environ["CHART_VALUES"]).glob(f"{chart}-*/values.yaml")
    return file


def chart_keys(chart: str) -> set[str]:
    keys = set()
    for path in paths(yaml.safe_load(values_file(chart).read_text())):
        parts = path.split(".")
        keys |= {".".join(parts[: length + 1]) for length in range(len(parts))}
    return keys


@pytest.mark.parametrize("settings", ["defaults", "exposed", "turned"])
def test_every_key_exists(settings: str, stacks: Callable[[str], dict[str, Stack]]) -> None:
    checked = 0
    for name, stack in stacks(settings).items():
        for address, release in resources(stack, "helm_release").items():
            chart = release["chart"]
            keys = chart_keys(chart)
            for path in paths(helm_values(stack, address.split(".")[1])):
                if any(re.match(re.escape(known) + r"(\.|$)", path) for known in OPEN[chart]):
                    continue
                assert path in keys, f"{name} {chart}: {path}"
                checked += 1
    assert checked > 40


def test_kubecosts_response_headers_are_the_charts_less_those_for_other_sites() -> None:
    headers = yaml.safe_load(values_file("cost-analyzer").read_text())["kubecostFrontend"][
        "nginxHeaders"
    ]["server"]
    kept = [each for each in headers if "Access-Control-Allow-" not in each]
    assert len(headers) == len(kept) + 2
    assert kept == RESPONSE_HEADERS


@pytest.mark.parametrize("chart", OPEN)
def test_no_key_of_a_chart_s_own_values_is_warned_of(chart: str) -> None:
    values = yaml.safe_load(values_file(chart).read_text())
    known = ChartKeys.of(chart, json.loads(FILE.read_text())[chart])
    assert [*known.warnings("values", values)] == []
