"""What stacks consist of, as a picture could show it, read from their synthesized JSON."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tools.documents import unescaped
from tools.synthesis import Stack, addresses

# Where a resource keeps a document that is made of components, too, or several by name.
DOCUMENTS = {
    "aws_prometheus_scraper": "scrape_configuration",
    "helm_release": "values",
    "kubernetes_config_map_v1": "data",
}


def components(stacks: Mapping[str, Stack]) -> dict[str, str]:
    """Give everything that the stacks have, by name, as the JSON text that makes it.

    A name is `<stack>:<Terraform address>` or, for what Helm values, scrape configurations and
    ConfigMaps say, `<stack>:<address>/<path>`. A scrape job's path ends with its name. What is
    switched off or empty is not there.
    """
    found: dict[str, str] = {}
    for stack, data in stacks.items():
        for address, body in addresses(data).items():
            kind, _, name = address.partition(".")
            if not name or kind == "provider":
                continue
            found[f"{stack}:{address}"] = json.dumps(body)
            if kind in DOCUMENTS:
                for path, value in _leaves(_parsed(body[DOCUMENTS[kind]])):
                    found[f"{stack}:{address}/{path}"] = json.dumps(value)
    return found


def _parsed(document: str | list[str] | dict[str, str]) -> Any:
    if isinstance(document, dict):
        return {name: _parsed(text) for name, text in document.items()}
    text = document[0] if isinstance(document, list) else document
    return yaml.safe_load(unescaped(text))


def _leaves(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list) and all(isinstance(item, dict) for item in data):
        for index, item in enumerate(data):
            if "job_name" in item:
                yield f"{path}.{item['job_name']}", item
            else:
                yield f"{path}.{index}", item
    elif data:
        yield path, data
