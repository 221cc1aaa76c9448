"""Keeps secrets out of what a pull request shows.

Terraform masks what it knows to be sensitive; this is for the same value where it comes out another
way, as in the error of a program, and for credentials.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

MASK = "(sensitive value)"
# A shorter value would be found all over an innocent text.
SHORTEST = 6

_SECRET_VARIABLE = re.compile(r"SECRET|TOKEN|PASSWORD|ACCESS_KEY|CREDENTIAL")
_CREDENTIAL = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bk8s-aws-v1\.[\w-]+"
    r"|\bgh[opsu]_\w{36,}|\bgithub_pat_\w{22,}"
    r"|\b\w{14}\.atlasv1\.\w+"
    r"|\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]*"
    r"|(?<=X-Amz-Signature=)\w+|(?<=X-Amz-Security-Token=)[^&\s\"]+",
    re.DOTALL,
)


def mask(
    text: str, plan: dict[str, Any] | None, environment: Mapping[str, str] = os.environ
) -> str:
    """Hide what the plan marks as sensitive, secrets of the environment, and credentials."""
    secrets = {value for name, value in environment.items() if _SECRET_VARIABLE.search(name)}
    secrets |= set(_sensitive(plan or {}))
    forms = {form for secret in secrets for form in _forms(secret)}
    # The longest first: one secret may hold another.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return _CREDENTIAL.sub(MASK, text)


def _forms(secret: str) -> Iterator[str]:
    """Give a value as it may stand in a text: whole, quoted, or line by line where it is long."""
    for form in {secret, json.dumps(secret)[1:-1], *secret.splitlines()}:
        if len(form.strip()) >= SHORTEST:
            yield form.strip()


def _sensitive(plan: dict[str, Any]) -> Iterator[str]:
    resources = plan.get("resource_changes", []) + plan.get("resource_drift", [])
    resources += [each["resource_change"] for each in plan.get("deferred_changes", [])]
    changes = [each["change"] for each in resources] + list(plan.get("output_changes", {}).values())
    for change in changes:
        for side in ("before", "after"):
            yield from _marked(change.get(side), change.get(f"{side}_sensitive"))
    # What data sources read stands in the prior state alone.
    yield from _in_module(plan.get("prior_state", {}).get("values", {}).get("root_module", {}))
    declared = plan.get("configuration", {}).get("root_module", {}).get("variables", {})
    for name, variable in plan.get("variables", {}).items():
        yield from _marked(variable.get("value"), declared.get(name, {}).get("sensitive"))


def _in_module(module: dict[str, Any]) -> Iterator[str]:
    for resource in module.get("resources", []):
        yield from _marked(resource.get("values"), resource.get("sensitive_values"))
    for child in module.get("child_modules", []):
        yield from _in_module(child)


def _marked(value: Any, marks: Any) -> Iterator[str]:
    """Give the texts and numbers inside of `value` where `marks`, of the same shape, is true."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _marked(each, marks is True or (marks or {}).get(key))
    elif isinstance(value, list):
        listed = marks if isinstance(marks, list) else [marks is True] * len(value)
        for each, mark in zip(value, listed, strict=False):
            yield from _marked(each, mark)
    elif marks is True and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
