"""Read from a synthesized stack what it declares, for the checks in a cluster and in AWS."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from tools.common import Json, read_stack
from tools.documents import unescaped

_SEARCH = re.compile(r"data\.aws_prometheus_workspaces\.(\w+)")
_SERVICE_ACCOUNT = re.compile(r":sub\"?: *\"system:serviceaccount:([^:\"]+):([^:\"]+)\"")
_ASSOCIATED = re.compile(
    r'/kubernetes-namespace": "([^"]+)", "aws:RequestTag/kubernetes-service-account": "([^"]+)"'
)


@dataclass(frozen=True)
class Release:
    """A Helm release and its values, with Terraform's expressions in them."""

    name: str
    namespace: str
    values: Json


@dataclass(frozen=True)
class Role:
    """An IAM role; the documents have Terraform's expressions in them.

    Attributes:
        service_account: namespace and name of the service account that may assume it, if any.
        policies: inline policies by name.
        attachments: ARNs of attached policies.
    """

    name: str
    path: str
    trust: str
    service_account: tuple[str, str] | None
    policies: dict[str, str]
    attachments: set[str]


@dataclass(frozen=True)
class Workspace:
    """An AMP workspace, known by its id, or else by its alias."""

    id: str | None
    alias: str | None
    region: str
    role_arn: str | None
    """The role that Terraform assumes to reach it."""


class Declared:
    """One stack.

    Attributes:
        name: of the stack.
    """

    def __init__(self, name: str, stack: Json) -> None:
        self.name = name
        self._stack = stack

    @classmethod
    def read(cls, name: str) -> "Declared":
        """Read a stack that was synthesized. Raises NoStackError if there is none."""
        return cls(name, read_stack(name))

    def resources(self, kind: str) -> Json:
        """Return the resources of a kind by name."""
        found: Json = self._stack.get("resource", {}).get(kind, {})
        return found

    def data(self, kind: str) -> Json:
        """Return the data sources of a kind by name."""
        found: Json = self._stack.get("data", {}).get(kind, {})
        return found

    @property
    def makes_cluster(self) -> bool:
        """Whether this is the stack `base`."""
        return bool(self.resources("aws_eks_cluster"))

    @property
    def is_on_cluster(self) -> bool:
        """Whether the stack makes a cluster or looks one up."""
        return bool(self.resources("aws_eks_cluster") or self.data("aws_eks_cluster"))

    @cached_property
    def cluster_name(self) -> str:
        """The cluster that the stack makes, or looks up."""
        clusters = self.resources("aws_eks_cluster") or self.data("aws_eks_cluster")
        return str(next(iter(clusters.values()))["name"])

    def provider_of(self, kind: str, name: str) -> tuple[str, str | None]:
        """Return region and role of the AWS provider of a data source."""
        return self._provider(_alias(self.data(kind).get(name, {})))

    def _provider(self, alias: str | None) -> tuple[str, str | None]:
        """Return region and role of an AWS provider."""
        (block,) = (each for each in self._stack["provider"]["aws"] if each.get("alias") == alias)
        roles = block.get("assume_role") or [{}]
        return block["region"], roles[0].get("role_arn")

    @cached_property
    def region_and_role(self) -> tuple[str, str | None]:
        """Region of the cluster, and the role by which it is reached, if any."""
        return self._provider(None)

    @cached_property
    def namespace(self) -> str | None:
        """The namespace that the stack makes."""
        for each in self.resources("kubernetes_namespace_v1").values():
            return str(each["metadata"]["name"])
        return None

    @cached_property
    def releases(self) -> list[Release]:
        """The Helm releases."""
        return [
            Release(each["name"], each["namespace"], yaml.safe_load(unescaped(each["values"][0])))
            for each in self.resources("helm_release").values()
        ]

    @cached_property
    def kubecost(self) -> Release | None:
        """Kubecost's release."""
        return next(
            (each for each in self.releases if "kubecostProductConfigs" in each.values), None
        )

    @property
    def prometheus_service(self) -> str | None:
        """The Service of the bundled Prometheus; None if the chart installs none."""
        if self.kubecost and self.kubecost.values["global"]["prometheus"]["enabled"]:
            return f"{self.kubecost.name}-prometheus-server"
        return None

    @property
    def query_proxy(self) -> tuple[int, str] | None:
        """Port and path by which Kubecost reaches AMP in its own pod, if it queries AMP."""
        amp = self.kubecost.values["global"].get("amp", {}) if self.kubecost else {}
        if not amp.get("enabled"):
            return None
        scheme_and_host, _, rest = amp["prometheusServerEndpoint"].rpartition(":")
        assert scheme_and_host == "http://localhost"
        port, _, path = rest.partition("/")
        return int(port), f"/{path}"

    @property
    def cloud_integration(self) -> str | None:
        """Kubecost's cloud-integration.json, with Terraform's expressions in it."""
        configs = self.kubecost.values["kubecostProductConfigs"] if self.kubecost else {}
        text = configs.get("cloudIntegrationJSON")
        return str(text) if text else None

    @property
    def has_ui(self) -> bool:
        """Whether Kubecost has a UI here; an agent has none."""
        federated = self.kubecost.values.get("federatedETL", {}) if self.kubecost else {}
        return bool(self.kubecost) and not federated.get("agentOnly")

    @cached_property
    def _documents(self) -> list[Any]:
        scrapers = self.resources("aws_prometheus_scraper").values()
        config_maps = self.resources("kubernetes_config_map_v1").values()
        texts = [
            *(each["scrape_configuration"] for each in scrapers),
            *(text for each in config_maps for text in each["data"].values()),
        ]
        values = [each.values for each in self.releases]
        return values + [yaml.safe_load(unescaped(text)) for text in texts]

    @cached_property
    def cluster_id(self) -> str | None:
        """The label of that name on every metric."""
        found = [labels["cluster_id"] for labels in _find(self._documents, "external_labels")]
        return str(found[0]) if found else None

    @cached_property
    def jobs(self) -> list[Json]:
        """The scrape jobs of the stack's collector."""
        return [job for jobs in _find(self._documents, "scrape_configs") for job in jobs]

    @property
    def writes_from_prometheus(self) -> bool:
        """Whether the bundled Prometheus sends samples to AMP."""
        return bool(self.prometheus_service) and any(_find(self._documents, "remote_write"))

    @cached_property
    def roles(self) -> list[Role]:
        """The IAM roles."""
        inline, attached = (
            list(self.resources(kind).values())
            for kind in ("aws_iam_role_policy", "aws_iam_role_policy_attachment")
        )

        def of(role: str, each: Json) -> bool:
            return bool(each["role"] == f"${{aws_iam_role.{role}.name}}")

        roles = []
        for address, role in self.resources("aws_iam_role").items():
            trust = role["assume_role_policy"]
            account = _SERVICE_ACCOUNT.search(trust) or _ASSOCIATED.search(trust)
            roles.append(
                Role(
                    role["name"],
                    role.get("path", "/"),
                    trust,
                    (account[1], account[2]) if account else None,
                    {each["name"]: each["policy"] for each in inline if of(address, each)},
                    {each["policy_arn"] for each in attached if of(address, each)},
                )
            )
        return roles

    @property
    def pod_identity(self) -> bool:
        """Whether pods get their roles by associations in EKS."""
        return bool(self.resources("aws_eks_pod_identity_association"))

    @cached_property
    def workspaces(self) -> dict[str, Workspace]:
        """The AMP workspaces by resource name, without workspaces of other accounts."""
        found, searches = {}, self.data("aws_prometheus_workspaces")
        for name, each in self.resources("aws_prometheus_workspace").items():
            found[name] = Workspace(None, each["alias"], *self._provider(_alias(each)))
        for name, each in self.data("aws_prometheus_workspace").items():
            by_alias = _SEARCH.search(each["workspace_id"])
            found[name] = Workspace(
                None if by_alias else each["workspace_id"],
                searches[by_alias[1]]["alias_prefix"] if by_alias else None,
                *self._provider(_alias(each)),
            )
        return found

    @cached_property
    def query_url(self) -> str | None:
        """The address for queries of the workspace, or an expression; None without AMP."""
        outputs = [each["value"] for each in self._stack.get("output", {}).values()]
        return next((each for each in outputs if str(each).endswith("api/v1/query")), None)

    @cached_property
    def amp_role_arn(self) -> str | None:
        """The role in the workspace's account that this stack's roles assume, if any."""
        bill = self.cloud_integration or ""
        for role in self.roles:
            for policy in role.policies.values():
                for statement in json.loads(policy)["Statement"]:
                    arn = str(statement["Resource"])
                    # Kubecost's role may also assume a role for the bill.
                    if statement["Action"] == ["sts:AssumeRole"] and arn not in bill:
                        return arn
        return None

    @property
    def series_limit(self) -> int | None:
        """The limit of active series of this cluster; None if another stack sets it."""
        for each in self.resources("aws_prometheus_workspace_configuration").values():
            for limit in each["limits_per_label_set"]:
                if limit["label_set"] == {"cluster_id": self.cluster_id}:
                    return int(limit["limits"][0]["max_series"])
        return None


def _alias(block: Json) -> str | None:
    """Return the alias of a block's provider, such as amp in aws.amp."""
    return str(block["provider"]).partition(".")[2] or None if "provider" in block else None


def _find(data: Any, key: str) -> Iterator[Any]:
    """Find every value of a key, at any depth."""
    if isinstance(data, dict):
        if data.get(key):
            yield data[key]
        for each in data.values():
            yield from _find(each, key)
    elif isinstance(data, list):
        for each in data:
            yield from _find(each, key)
