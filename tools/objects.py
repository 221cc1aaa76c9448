"""Kubernetes objects as the Kubernetes provider would write them from a stack's JSON."""

import re
from typing import Any

from tools.common import Json

# Blocks that Terraform writes in the singular, one for each item.
_LISTS = {"rule": "rules", "path": "paths"}
_NUMBERS = {"port", "endPort", "number"}


def kubernetes_object(kind: str, resource: Json) -> Json:
    """Write the object of a resource such as kubernetes_network_policy_v1, without its status."""
    api_version, name = {
        "kubernetes_network_policy_v1": ("networking.k8s.io/v1", "NetworkPolicy"),
        "kubernetes_ingress_v1": ("networking.k8s.io/v1", "Ingress"),
    }[kind]
    return {
        "apiVersion": api_version,
        "kind": name,
        "metadata": resource["metadata"],
        "spec": _spelled(resource["spec"]),
    }


def _spelled(value: Any, key: str = "") -> Any:
    if isinstance(value, list):
        return [_spelled(each, key) for each in value]
    if isinstance(value, dict):
        if key == "matchLabels":
            return value
        return {
            spelled: _spelled(inner, spelled)
            for name, inner in value.items()
            for spelled in [_camel_case(_LISTS[name] if _is_list(name, inner) else name)]
        }
    return int(value) if key in _NUMBERS and str(value).isdigit() else value


def _is_list(name: str, value: Any) -> bool:
    return name in _LISTS and isinstance(value, list)


def _camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
