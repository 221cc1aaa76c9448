"""What the checks read: the stack, its cluster, its AWS account, and what was found there."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import jmespath

from tools.common import Json
from tools.verify.aws import Aws, explained
from tools.verify.declared import Declared, Workspace
from tools.verify.finding import CannotCheckError, MissingError
from tools.verify.kube import Kube, NotFoundError
from tools.verify.promql import Source

# An expression of Terraform; `$${` in a text is not one, but means `${`.
_EXPRESSION = re.compile(r"(?<!\$)\$\{([^}]*)\}")


@dataclass
class Context:
    """One round of checks of a stack. It caches what it reads, so a new round needs a new context.

    Attributes:
        declared: what the stack declares.
        aws: the account and region of the cluster.
        cluster: the cluster as eks:DescribeCluster returns it.
        kube: the cluster's API.
        max_age: seconds after which a metric is stale.
    """

    declared: Declared
    aws: Aws
    cluster: Json
    kube: Kube
    max_age: int = 300

    @classmethod
    def connect(cls, declared: Declared, context: str | None, max_age: int) -> "Context":
        """Find the stack's cluster, first in AWS and then in the kubeconfig.

        Raises:
            CannotCheckError: the cluster does not exist, is not ready, or cannot be reached.
        """
        region, role = declared.region_and_role
        name = declared.cluster_name
        aws = Aws(region, role)
        with explained(f"describe the EKS cluster {name} in {region}"):
            eks = aws.client("eks")
            try:
                cluster: Json = eks.describe_cluster(name=name)["cluster"]
            except eks.exceptions.ResourceNotFoundException:
                raise CannotCheckError(
                    f"there is no EKS cluster {name} in {region}; create it with: cdktf deploy "
                    "base, or correct its name, region or role in kubecost.yaml under clusters"
                ) from None
        if "endpoint" not in cluster:
            raise CannotCheckError(f"the EKS cluster {name} is {cluster['status']}")
        command = f"aws eks update-kubeconfig --name {name} --region {region}"
        command += f" --role-arn {role}" if role else ""
        kube = Kube(cluster["endpoint"], context, make_context=command)
        return cls(declared, aws, cluster, kube, max_age)

    @property
    def namespace(self) -> str:
        """The namespace of the stack; if it makes none, the namespace of its release."""
        return self.declared.namespace or self.declared.releases[0].namespace

    @property
    def account(self) -> tuple[str, str]:
        """Partition and number of the cluster's account."""
        _, partition, _, _, number, _ = self.cluster["arn"].split(":", 5)
        return partition, number

    @property
    def issuer(self) -> str:
        """The cluster's OIDC issuer without https://."""
        return str(self.cluster["identity"]["oidc"]["issuer"]).removeprefix("https://")

    @cached_property
    def is_deployed(self) -> bool:
        """Whether the namespace exists."""
        try:
            self.kube.get(f"/api/v1/namespaces/{self.namespace}")
        except NotFoundError:
            return False
        return True

    @cached_property
    def nodes(self) -> list[Json]:
        """The cluster's nodes."""
        return self.kube.items("/api/v1/nodes")

    @cached_property
    def pods(self) -> list[Json]:
        """The pods of the namespace."""
        return self.kube.items(f"/api/v1/namespaces/{self.namespace}/pods")

    def workspace(self, name: str) -> Json:
        """Find a workspace that the stack declares; return amp:DescribeWorkspace's answer.

        Raises:
            CannotCheckError: there is no such workspace, or there are several.
        """
        if name not in self._workspaces:
            self._workspaces[name] = _look_up(self.declared.workspaces[name])
        return self._workspaces[name]

    @cached_property
    def _workspaces(self) -> dict[str, Json]:
        return {}

    @cached_property
    def query_url(self) -> str | None:
        """The address where AMP answers queries; None in a stack without its own workspace."""
        url = self.declared.query_url
        return self.fill(url) if url else None

    @property
    def workspace_id(self) -> str:
        """The workspace that answers at `query_url`."""
        return urlsplit(self.query_url or "").path.split("/")[2]

    @cached_property
    def amp_aws(self) -> Aws:
        """The account and region of that workspace."""
        host = urlsplit(self.query_url or "").hostname or ""
        roles = [each.role_arn for each in self.declared.workspaces.values()]
        return Aws(host.split(".")[1], self.declared.amp_role_arn or next(iter(roles), None))

    @cached_property
    def amp(self) -> Source | None:
        """AMP as a source; with `amp.role_arn` if the workspace is in another account."""
        if not self.query_url or not self.declared.cluster_id:
            return None
        url, aws = self.query_url, self.amp_aws
        own = f'cluster_id="{self.declared.cluster_id}"'
        return Source("AMP", own, lambda promql: aws.query_amp(url, promql))

    @cached_property
    def prometheus(self) -> Source | None:
        """The bundled Prometheus as a source; in itself its series have no `cluster_id` yet."""
        if not self.declared.prometheus_service:
            return None
        return Source(
            "Prometheus", "", lambda promql: self.ask_prometheus("/api/v1/query", query=promql)
        )

    def ask_prometheus(self, path: str, **query: str) -> str:
        """Send a request to the bundled Prometheus, through the API server."""
        service = str(self.declared.prometheus_service)
        try:
            return self.kube.service(self.namespace, service, "http", path, **query)
        except CannotCheckError as error:
            raise CannotCheckError(f"Prometheus does not answer: {error}") from None

    @property
    def queried(self) -> Source | None:
        """The source that Kubecost queries."""
        return self.amp if self.declared.query_proxy else self.prometheus

    def fill(self, text: str) -> str:
        """Replace Terraform's expressions with the values that AWS has.

        Raises:
            CannotCheckError: the value of an expression is not known here.
        """
        return _EXPRESSION.sub(lambda match: self._value(match[1]), text)

    def _value(self, expression: str) -> str:
        if match := re.fullmatch(r'replace\((.+), "https://", ""\)', expression):
            return self._value(match[1]).removeprefix("https://")
        kind, _, rest = expression.removeprefix("data.").partition(".")
        name, _, path = rest.partition(".")
        attributes = self._attributes(kind, name)
        # Terraform writes the path of an attribute as JMESPath does.
        value = jmespath.search(path, attributes) if attributes else None
        if value is None:
            raise CannotCheckError(f"tools/verify/context.py has no value for ${{{expression}}}")
        return str(value)

    def _attributes(self, kind: str, name: str) -> Json:
        """Read from AWS what Terraform's state has of a resource or data source."""
        partition, number = self.account
        iam = f"arn:{partition}:iam::{number}"
        match kind:
            case "aws_caller_identity":
                region, role = self.declared.provider_of(kind, name)
                if (region, role) == self.declared.region_and_role:
                    return {"account_id": number}
                with explained("get the account of your AWS identity"):
                    identity = Aws(region, role).client("sts").get_caller_identity()
                return {"account_id": identity["Account"]}
            case "aws_eks_cluster":
                issuer = self.cluster["identity"]["oidc"]["issuer"]
                return {"arn": self.cluster["arn"], "identity": [{"oidc": [{"issuer": issuer}]}]}
            case "aws_iam_openid_connect_provider":
                return {"arn": f"{iam}:oidc-provider/{self.issuer}"}
            case "aws_iam_role":
                role = self.declared.resources(kind)[name]
                return {"arn": f"{iam}:role{role.get('path', '/')}{role['name']}"}
            case "aws_prometheus_workspace":
                found = self.workspace(name)
                return {
                    "arn": found["arn"],
                    "id": found["workspaceId"],
                    "prometheus_endpoint": found["prometheusEndpoint"],
                }
        return {}


def _look_up(workspace: Workspace) -> Json:
    aws = Aws(workspace.region, workspace.role_arn)
    with explained(f"find the AMP workspace {workspace.alias or workspace.id}"):
        amp = aws.client("amp")
        identifier = workspace.id
        if not identifier:
            pages = amp.get_paginator("list_workspaces").paginate(alias=workspace.alias)
            ids = [
                each["workspaceId"]
                for page in pages
                for each in page["workspaces"]
                # `alias` also finds aliases that begin with the same text.
                if each.get("alias") == workspace.alias
            ]
            if len(ids) != 1:
                raise MissingError(
                    f"there are {len(ids)} AMP workspaces with the alias {workspace.alias} in "
                    f"{workspace.region} instead of one; if there is none, deploy the first "
                    "cluster's overlay; if there are several, name one under amp.workspace_id"
                )
            identifier = ids[0]
        try:
            found: dict[str, Any] = amp.describe_workspace(workspaceId=identifier)["workspace"]
        except amp.exceptions.ResourceNotFoundException:
            raise MissingError(
                f"there is no AMP workspace {identifier} in {workspace.region}; "
                "correct amp.workspace_id in kubecost.yaml"
            ) from None
    return found
