"""The documents inside of the synthesized JSON: policies, Helm values, scrape configurations."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from tools.documents import quotable, unescaped

Stack = dict[str, Any]


def resources(stack: Stack, prefix: str = "") -> dict[str, dict[str, Any]]:
    """Give the resources whose address begins so."""
    return {
        f"{kind}.{name}": resource
        for kind, named in stack.get("resource", {}).items()
        for name, resource in named.items()
        if f"{kind}.{name}".startswith(prefix)
    }


def helm_values(stack: Stack, release: str) -> dict[str, Any]:
    """Read the values of a release as Helm would get them, references left as they are."""
    (document,) = stack["resource"]["helm_release"][release]["values"]
    values: dict[str, Any] = yaml.safe_load(unescaped(document))
    return values


def prometheus_config(stack: Stack) -> dict[str, Any]:
    """Read prometheus.yml as the bundled Prometheus gets it, references left as they are."""
    config = stack["resource"]["kubernetes_config_map_v1"]["kubecost_prometheus_config"]
    main: dict[str, Any] = yaml.safe_load(unescaped(config["data"]["prometheus.yml"]))
    return main


def policies(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every policy document with the address and argument that holds it."""
    for address, resource in resources(stack).items():
        for argument in ("policy", "assume_role_policy"):
            if argument in resource:
                yield f"{address}.{argument}", json.loads(quotable(resource[argument]))
