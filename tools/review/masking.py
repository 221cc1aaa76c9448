"""Mask secrets in the text that a pull request shows.

Terraform masks the values that it knows to be sensitive. This module masks them elsewhere too, for
example in the error message of a program. It also masks credentials.
"""

import base64
import html
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "(sensitive value)"
# A shorter value would match too often in text that is not secret.
SHORTEST = 6

_SECRET_VARIABLE = re.compile(
    r"SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|ACCESS_?KEY|API_?KEY|PRIVATE_?KEY|CREDENTIAL",
    re.IGNORECASE,
)
# The text before the value: `"SecretAccessKey": "`, `<SessionToken>`, `aws_session_token = `.
_BEFORE = r"""["']?\s*[:=>]\s*["']?"""
_CREDENTIAL = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bk8s-aws-v1\.[\w-]+"
    r"|\bgh[opsur]_\w{36,}|\bgithub_pat_\w{22,}"
    r"|\b\w{14}\.atlasv1\.\w+"
    r"|\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]*",
    re.DOTALL,
)
# The first group is kept; what follows it is masked.
_AFTER = re.compile(
    r"(X-Amz-Signature=|\bSignature=)\w+"
    r"|(X-Amz-Security-Token=|X-Amz-Credential=)[^&\s\"]+"
    r"|(://)[^/\s:@\"]*:[^/\s@\"]+(?=@)"
    r"|(\b(?i:bearer|basic)\s+)[\w.~+/=-]{6,}"
    rf"|((?i:secret_?access_?key|session_?token|security_?token|secret_?key){_BEFORE})"
    r"[\w+/=%-]{6,}"
)
_GAP = r"(?:[\s│]+)"


def mask(
    text: str, plan: dict[str, Any] | None, environment: Mapping[str, str] = os.environ
) -> str:
    """Hide what the plan marks as sensitive, secrets of the environment, and credentials."""
    secrets = {value for name, value in environment.items() if _SECRET_VARIABLE.search(name)}
    secrets |= set(_sensitive(plan or {}))
    forms = {form for secret in secrets for form in _forms(secret)}
    if forms:
        # The longest first, because one secret may contain another.
        patterns = map(_wrapped, sorted(forms, key=len, reverse=True))
        text = re.sub("|".join(patterns), MASK, text)
    text = _CREDENTIAL.sub(MASK, text)
    return _AFTER.sub(lambda match: next(filter(None, match.groups()), "") + MASK, text)


def _wrapped(form: str) -> str:
    """Write a pattern that also matches a text that Terraform wrapped to lines in its frame."""
    return _GAP.join(re.escape(word) for word in form.split())


def _forms(secret: str) -> Iterator[str]:
    """List the forms of a value in a text: as it is, quoted in some language, or encoded."""
    hcl = secret.replace("${", "$${").replace("%{", "%%{")
    forms = {
        form
        for plain in (secret, hcl)
        for form in (
            plain,
            *plain.splitlines(),
            json.dumps(plain)[1:-1],
            json.dumps(plain, ensure_ascii=False)[1:-1],
            _go(json.dumps(plain)[1:-1]),
            _go(json.dumps(plain, ensure_ascii=False)[1:-1]),
        )
    }
    forms |= {html.escape(secret), html.escape(secret, quote=False)}
    raw = secret.encode("utf-8", "surrogatepass")
    forms |= {quote(raw), quote(raw, safe=""), quote_plus(raw), *_base64(raw)}
    return (form.strip() for form in forms if len(form.strip()) >= SHORTEST)


def _go(text: str) -> str:
    """Escape as Go's JSON encoder does, because Terraform prints that."""
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _base64(raw: bytes) -> Iterator[str]:
    """List the letters that stand for a value in base64, for each offset at which it may begin."""
    if len(raw) < SHORTEST:
        return
    for before in range(3):
        # Leave out letters that also encode bits of the bytes before or after the value.
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * before + raw).decode()[first:last]


def _sensitive(plan: dict[str, Any]) -> Iterator[str]:
    resources = [*_listed(plan, "resource_changes"), *_listed(plan, "resource_drift")]
    resources += [each["resource_change"] for each in _listed(plan, "deferred_changes")]
    changes = [each["change"] for each in resources]
    changes += (plan.get("output_changes") or {}).values()
    for change in changes:
        for side in ("before", "after"):
            yield from _marked(change.get(side), change.get(f"{side}_sensitive"))
    # What data sources read is in the prior state only.
    yield from _in_module(plan.get("prior_state", {}).get("values", {}).get("root_module", {}))
    declared = plan.get("configuration", {}).get("root_module", {}).get("variables", {})
    for name, variable in (plan.get("variables") or {}).items():
        yield from _marked(variable.get("value"), declared.get(name, {}).get("sensitive"))


def _listed(plan: dict[str, Any], key: str) -> list[Any]:
    return plan.get(key) or []


def _in_module(module: dict[str, Any]) -> Iterator[str]:
    for resource in module.get("resources", []):
        yield from _marked(resource.get("values"), resource.get("sensitive_values"))
    for child in module.get("child_modules", []):
        yield from _in_module(child)


def _marked(value: Any, marks: Any) -> Iterator[str]:
    """List the texts and numbers in `value` where `marks`, which has the same shape, is true."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _marked(each, marks is True or (marks or {}).get(key))
    elif isinstance(value, list):
        listed = marks if isinstance(marks, list) else [marks is True] * len(value)
        for each, mark in zip(value, listed, strict=False):
            yield from _marked(each, mark)
    elif marks is True and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
