"""What a synthesized stack would run on a cluster: its Terraform evaluated, its chart rendered."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import Stack
from tests.lab.amp import REGION, Role, host, workspace_arn
from tests.lab.inventory import Release

_TEMPLATES = {
    "variable": {
        "templates": {"type": "map(string)"},
        # What Terraform would know only after apply.
        "resources": {"type": "any"},
    }
}


SCRAPER = "aws_prometheus_scraper.scraper"
_CONFIG = "kubernetes_config_map_v1.kubecost_prometheus_config/"
PROMETHEUS = f"{_CONFIG}prometheus.yml"


def evaluate(stack: Stack, workspace_id: str, directory: Path) -> dict[str, str]:
    """Let Terraform evaluate the texts that reach Helm, Kubernetes, AMP and IAM.

    They go by resource address, those of a ConfigMap with its file behind a slash. Roles get the
    ARNs that AWS would give them, the workspace the id and endpoint.
    """
    resources = stack["resource"]
    texts = {
        f"{kind}.{name}": body[argument] if argument != "values" else body[argument][0]
        for kind, argument in {
            "helm_release": "values",
            "aws_prometheus_scraper": "scrape_configuration",
            "aws_prometheus_rule_group_namespace": "data",
            "aws_iam_role_policy": "policy",
        }.items()
        for name, body in resources.get(kind, {}).items()
    }
    config_maps = resources.get("kubernetes_config_map_v1", {})
    texts |= {
        f"kubernetes_config_map_v1.{name}/{file}": text
        for name, body in config_maps.items()
        for file, text in body["data"].items()
    }
    workspace = {
        "workspace": {
            "id": workspace_id,
            "arn": workspace_arn(workspace_id),
            "prometheus_endpoint": f"https://{host(REGION)}/workspaces/{workspace_id}/",
        }
    }
    known = {
        # The hub makes it, other clusters look it up.
        "aws_prometheus_workspace": workspace,
        "data": {"aws_prometheus_workspace": workspace},
        "aws_iam_role": {
            name: {"arn": _arn(role["name"])}
            for name, role in resources.get("aws_iam_role", {}).items()
        },
        # Helm gets a digest of it only.
        "kubernetes_config_map_v1": config_maps,
    }
    (directory / "main.tf.json").write_text(json.dumps(_TEMPLATES))
    (directory / "terraform.tfvars.json").write_text(
        json.dumps({"templates": texts, "resources": known})
    )
    evaluated = subprocess.run(
        ["terraform", "console"],
        input="jsonencode({for at, _ in var.templates :"
        " at => templatestring(var.templates[at], var.resources)})",
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, str] = json.loads(json.loads(evaluated.stdout))
    return result


def _arn(role: str) -> str:
    return f"arn:aws:iam::111122223333:role/{role}"


class Overlay:
    """One architecture on one cluster.

    Attributes:
        texts: see `evaluate`.
    """

    def __init__(self, stack: Stack, workspace_id: str, directory: Path) -> None:
        self._resources = stack["resource"]
        self.texts = evaluate(stack, workspace_id, directory)

    @cached_property
    def values(self) -> dict[str, Any]:
        """Kubecost's values."""
        values: dict[str, Any] = yaml.safe_load(self.texts["helm_release.kubecost_release"])
        return values

    @cached_property
    def release(self) -> Release:
        """Kubecost with these values, as the chart would lay it out."""
        exporter = self.texts.get("helm_release.node_exporter_release")
        return Release(
            self._resources["helm_release"]["kubecost_release"]["name"],
            network_costs_port=self.values["networkCosts"]["port"],
            sigv4_proxy="sigV4Proxy" in self.values,
            prometheus=self.values["global"]["prometheus"]["enabled"],
            agent=self.values.get("federatedETL", {}).get("agentOnly", False),
            node_exporter_port=yaml.safe_load(exporter)["service"]["port"] if exporter else None,
        )

    @cached_property
    def collector(self) -> dict[str, Any]:
        """The values of the collector's chart."""
        values: dict[str, Any] = yaml.safe_load(self.texts["helm_release.collector_release"])
        return values

    @property
    def scraper(self) -> str:
        """The managed scraper's configuration."""
        return self.texts[SCRAPER]

    @property
    def prometheus_files(self) -> dict[str, str]:
        """The files in /etc/config of the Prometheus that Kubecost's chart brings."""
        return {
            address.removeprefix(_CONFIG): text
            for address, text in self.texts.items()
            if address.startswith(_CONFIG)
        }

    def edit(self, address: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Let `change` alter what a text says, such as SCRAPER or PROMETHEUS."""
        document = yaml.safe_load(self.texts[address])
        change(document)
        self.texts[address] = yaml.safe_dump(document)

    @property
    def rules(self) -> dict[str, Any]:
        """The recording rules that the workspace evaluates, of all its namespaces."""
        namespaces = [
            yaml.safe_load(text)
            for address, text in self.texts.items()
            if address.startswith("aws_prometheus_rule_group_namespace.")
        ]
        return {"groups": [group for rules in namespaces for group in rules["groups"]]}

    @cached_property
    def roles(self) -> dict[str, Role]:
        """The IAM roles by ARN, with what their policies allow."""
        roles = {}
        for name, role in self._resources.get("aws_iam_role", {}).items():
            policy = json.loads(self.texts[f"aws_iam_role_policy.{name}_policy"])
            (statement,) = policy["Statement"]
            actions = frozenset(statement["Action"])
            roles[_arn(role["name"])] = Role(role["name"], actions, statement["Resource"])
        return roles

    def role(self, service_account: dict[str, Any]) -> Role:
        """Return the role with which a service account, as in Helm values, is annotated."""
        return self.roles[service_account["annotations"]["eks.amazonaws.com/role-arn"]]
