"""YAML that Helm, AMP and Prometheus read, written for the eyes of who reviews a plan."""

import re
from collections.abc import Mapping
from typing import Any

import yaml


def to_yaml(data: Mapping[str, Any]) -> str:
    """Write data as YAML, on as many lines as possible so that a plan shows what changes."""
    return yaml.dump(data, Dumper=_NoAliases, sort_keys=False, width=2**31 - 1)


class _NoAliases(yaml.CSafeDumper):
    """The same data in two places is written twice, not as a reference that hides it."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


# Numbers for Helm's YAML 1.2, but text for PyYAML, which would write it without quotes: a user's id
# or an image's tag such as 248289e76.
_NoAliases.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"(?:[-+]?\d+[eE][-+]?\d+|0o[0-7]+)$", re.ASCII),
    list("-+0123456789"),
)
