"""Show documents inside synthesized JSON to people: policies, Helm values, scrape jobs."""

import json
import re
from collections.abc import Callable
from typing import Any


def readable(data: Any, text: Callable[[str], Any] = str.splitlines) -> Any:
    """Show policy documents as data; split long texts to lines, or convert them with `text`."""
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
    """Replace the quotes in Terraform's expressions, which would end a JSON text too early."""
    return re.sub(r"\$\{[^}]*\}", lambda match: match[0].replace('"', "'"), text)


def unescaped(text: str) -> str:
    """Undo Terraform's escapes of template sequences."""
    return text.replace("$${", "${").replace("%%{", "%{")


def printable(text: str) -> str:
    """Escape characters that break a line, control a terminal or change the text direction."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
