"""The documents inside of the synthesized JSON: policies, Helm values, scrape configurations."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

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


def unescaped(text: str) -> str:
    """Undo Terraform's escapes of template sequences."""
    return text.replace("$${", "${").replace("%%{", "%{")


def policies(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every policy document with the address and argument that holds it."""
    for address, resource in resources(stack).items():
        for argument in ("policy", "assume_role_policy"):
            if argument in resource:
                yield f"{address}.{argument}", json.loads(_quotable(resource[argument]))


def _quotable(text: str) -> str:
    """Make an expression inside of a JSON text harmless: its quotes are Terraform's."""
    return re.sub(r"\$\{[^}]*\}", lambda match: match[0].replace('"', "'"), text)


def readable(data: Any) -> Any:
    """Show long texts as lines and policy documents as data, for people who read diffs."""
    if isinstance(data, dict):
        return {key: readable(value) for key, value in data.items()}
    if isinstance(data, list):
        return [readable(item) for item in data]
    if isinstance(data, str) and data.startswith('{"'):
        return json.loads(_quotable(data))
    if isinstance(data, str) and "\n" in data:
        return data.splitlines()
    return data
