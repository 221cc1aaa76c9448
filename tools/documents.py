"""The documents inside of synthesized JSON, for people: policies, Helm values, scrape jobs."""

import json
import re
from collections.abc import Callable
from typing import Any


def readable(data: Any, text: Callable[[str], Any] = str.splitlines) -> Any:
    """Show policy documents as data and long texts as lines, or as what `text` makes of them."""
    if isinstance(data, dict):
        return {key: readable(value, text) for key, value in data.items()}
    if isinstance(data, list):
        return [readable(item, text) for item in data]
    if isinstance(data, str) and data.startswith('{"'):
        return json.loads(quotable(data))
    if isinstance(data, str) and "\n" in data:
        return text(data)
    return data


def quotable(text: str) -> str:
    """Make an expression inside of a JSON text harmless: its quotes are Terraform's."""
    return re.sub(r"\$\{[^}]*\}", lambda match: match[0].replace('"', "'"), text)


def unescaped(text: str) -> str:
    """Undo Terraform's escapes of template sequences."""
    return text.replace("$${", "${").replace("%%{", "%{")


def printable(text: str) -> str:
    """Escape what would break a line, steer a terminal or turn the direction of reading."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
