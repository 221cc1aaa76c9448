"""Check a stack before Terraform plans it, because planning alone runs programs and reads data.

A provider is a program. An external data source starts a program, and so does `exec` of the
Kubernetes provider. file() copies files of the runner into the plan.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.gate.expressions import unknown_functions
from tools.gate.plan import Json

SECTIONS = {"//", "terraform", "provider", "data", "ephemeral", "resource", "output", "moved"}
PROVIDERS = {
    "aws": "hashicorp/aws",
    "helm": "hashicorp/helm",
    "http": "hashicorp/http",
    "kubernetes": "hashicorp/kubernetes",
}
# If a new module looks something up, add the data source's type here. None may read secrets.
DATA = {
    "aws_availability_zones",
    "aws_caller_identity",
    "aws_cognito_user_pool",
    "aws_cognito_user_pools",
    "aws_eks_addon_version",
    "aws_eks_cluster",
    "aws_eks_cluster_auth",
    "aws_eks_clusters",
    "aws_iam_openid_connect_provider",
    "aws_iam_session_context",
    "aws_lb_hosted_zone_id",
    "aws_partition",
    "aws_prometheus_workspace",
    "aws_prometheus_workspaces",
    "aws_route53_zone",
    "aws_secretsmanager_secret_versions",
    "http",
    "kubernetes_resources",
}
# Ephemeral resources: read while Terraform runs, and stored nowhere.
EPHEMERAL = {"aws_secretsmanager_secret_version"}
# Kinds of Kubernetes objects that kubernetes_resources may read.
_READ = {"StorageClass", "ServiceAccount", "PersistentVolumeClaim"}
# The one document that http may request: a login provider's list of its endpoints. No part of the
# address may be an expression, because it would send a value of the plan to the provider.
_DISCOVERY = re.compile(r"https://[\w.-]+(:\d+)?(/[\w./-]*)?/\.well-known/openid-configuration")
_TERRAFORM = {"required_version", "required_providers", "backend", "cloud"}
_BACKENDS = {
    "local": {"path"},
    "s3": {"bucket", "key", "region", "encrypt", "use_lockfile"},
}
_CLOUD = {"hostname", "organization", "workspaces"}
_AWS = {"alias", "region", "assume_role", "default_tags", "ignore_tags"}
_KUBERNETES = {"host", "cluster_ca_certificate", "token", "exec"}
_IGNORED = {"ignore_labels", "ignore_annotations"}
_EXEC = {"api_version", "command", "args"}
_ENDPOINT = re.compile(r"\$\{data\.aws_eks_cluster\.\w+\.endpoint\}")
_LIFECYCLE = {
    "precondition",
    "postcondition",
    "create_before_destroy",
    "prevent_destroy",
    "ignore_changes",
}
# Only a tag may be in ignore_changes.
_TAG = re.compile(r'tags\["[\w:.-]+"\]')
_META = {"provisioner", "connection"}


def unsafe(stack: Any) -> list[str]:
    """Write a sentence for each thing that no stack of this project has."""
    if not isinstance(stack, dict):
        return ["the stack is not a mapping"]
    try:
        return list(dict.fromkeys(_unsafe(stack)))
    except (AttributeError, TypeError, KeyError, RecursionError) as error:
        return [f"the stack is malformed ({type(error).__name__}: {error})"]


def _unsafe(stack: Json) -> Iterator[str]:
    for section in stack.keys() - SECTIONS:
        yield f"the stack has a section {section}"
    yield from _unsafe_terraform(stack.get("terraform", {}))
    for name, blocks in stack.get("provider", {}).items():
        for block in _listed(blocks):
            yield from _unsafe_provider(name, block)
    for kind, named in stack.get("data", {}).items():
        for name, body in named.items():
            if kind not in DATA:
                yield f"data.{kind}.{name}: reads what no stack of this project reads"
            elif kind == "kubernetes_resources" and body.get("kind") not in _READ:
                yield f"data.{kind}.{name}: reads objects of the kind {body.get('kind')}"
            elif kind == "http" and (
                body.keys() - {"//", "url", "lifecycle"}
                or not _DISCOVERY.fullmatch(str(body.get("url")))
            ):
                yield f"data.{kind}.{name}: requests more than a discovery document"
            yield from _unsafe_meta(f"data.{kind}.{name}", body)
    for kind in stack.get("ephemeral", {}).keys() - EPHEMERAL:
        yield f"ephemeral.{kind}: reads what no stack of this project reads"
    for kind, named in stack.get("resource", {}).items():
        for name, body in named.items():
            yield from _unsafe_meta(f"{kind}.{name}", body)
    for path, text in _texts(stack):
        if functions := unknown_functions(text):
            yield f"{path} calls {', '.join(f'{name}' for name in sorted(functions))}"


def _unsafe_terraform(terraform: Json) -> Iterator[str]:
    for key in terraform.keys() - _TERRAFORM:
        yield f"terraform has a setting {key}"
    for name, wanted in terraform.get("required_providers", {}).items():
        source = wanted.get("source", "") if isinstance(wanted, dict) else ""
        if source.removeprefix("registry.terraform.io/") != PROVIDERS.get(name):
            yield f"the provider {name} has the source {source}"
    for name, backend in terraform.get("backend", {}).items():
        for key in backend.keys() - _BACKENDS.get(name, set()):
            yield f"the backend {name} has a setting {key}"
    for key in terraform.get("cloud", {}).keys() - _CLOUD:
        yield f"cloud has a setting {key}"


def _unsafe_provider(name: str, block: Json) -> Iterator[str]:
    if name not in PROVIDERS:
        yield f"the stack has a provider {name}"
    elif name == "aws":
        for key in block.keys() - _AWS:
            yield f"the provider aws has a setting {key}"
    else:
        if name == "helm":
            for key in block.keys() - {"kubernetes"}:
                yield f"the provider {name} has a setting {key}"
        for each in _listed(block.get("kubernetes", {}) if name == "helm" else block):
            yield from _unsafe_connection(name, each)


def _unsafe_connection(name: str, block: Json) -> Iterator[str]:
    for key in block.keys() - _KUBERNETES - (_IGNORED if name == "kubernetes" else set()):
        yield f"the provider {name} has a setting {key}"
    if not _ENDPOINT.fullmatch(str(block.get("host", ""))):
        yield f"the provider {name} sends its token to {block.get('host')}"
    for program in _listed(block.get("exec", [])):
        args = program.get("args", [])
        if (
            program.keys() - _EXEC
            or program.get("command") != "aws"
            or args[:2] != ["eks", "get-token"]
        ):
            yield f"the provider {name} starts {program.get('command')} {' '.join(args)}"


def _unsafe_meta(address: str, body: Json) -> Iterator[str]:
    for key in _META & body.keys():
        yield f"{address}: has {key}"
    for each in _listed(body.get("lifecycle", {})):
        for key in each.keys() - _LIFECYCLE:
            yield f"{address}: has lifecycle.{key}"
        for ignored in _listed(each.get("ignore_changes", [])):
            if not _TAG.fullmatch(str(ignored)):
                yield f"{address}: ignores changes of {ignored}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield path, str(key)
            yield from _texts(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, path)
