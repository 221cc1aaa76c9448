"""Write YAML for Helm, AMP and Prometheus so that a reviewer can read it in a plan."""

import re
from collections.abc import Mapping
from typing import Any

import yaml


def to_yaml(data: Mapping[str, Any]) -> str:
    """Write data as YAML with one value on each line, so that a plan shows what changes."""
    return yaml.dump(data, Dumper=_NoAliases, sort_keys=False, width=2**31 - 1)


class _NoAliases(yaml.CSafeDumper):
    """Write data that appears twice in full, not as an alias that hides it."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


# Quote text such as the image tag 248289e76: Helm's YAML 1.2 reads it as a number, but PyYAML takes
# it for text and would write it without quotes.
_NoAliases.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"(?:[-+]?\d+[eE][-+]?\d+|0o[0-7]+)$", re.ASCII),
    list("-+0123456789"),
)
