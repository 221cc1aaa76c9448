"""What Amazon Managed Service for Prometheus refuses in an alert manager definition.

AMP user guide: "Alert manager configuration", "Configure alert manager to send messages to your
Amazon SNS topic", "Use PagerDuty as an alert receiver", "Quotas". Alertmanager's own rules are not
repeated: `amtool check-config` knows them (tests/lab/test_alertmanager.py).
"""

import re
from collections.abc import Iterator

import yaml

from .core import Json

KEYS = {"template_files", "alertmanager_config"}
RECEIVERS = {"sns_configs", "pagerduty_configs"}
SNS = {"topic_arn", "sigv4", "subject", "message", "attributes", "send_resolved"}
PAGERDUTY = {
    "routing_key", "service_key", "client", "client_url", "description", "details", "severity",
    "class", "component", "group", "source", "send_resolved",
}  # fmt: skip
MAX_TEMPLATES = MAX_INHIBITIONS = 100
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):(\d{12}):[\w-]+")
_SECRET = re.compile(r"arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):(\d{12}):secret:\S+")


def faults(document: Json, *, account: str, region: str) -> Iterator[str]:
    """List what AMP would refuse in a definition, for a workspace of this account and region."""
    yield from (f"{key} is not supported" for key in document.keys() - KEYS)
    text = document.get("alertmanager_config")
    config = yaml.safe_load(text) if isinstance(text, str) else None
    if not isinstance(config, dict):
        yield "alertmanager_config must be text that holds a configuration"
        return
    templates = document.get("template_files") or {}
    if len(templates) > MAX_TEMPLATES:
        yield f"more than {MAX_TEMPLATES} templates"
    yield from (
        f"the template {name} is not in template_files"
        for name in config.get("templates", [])
        if name not in templates
    )
    if len(config.get("inhibit_rules", [])) > MAX_INHIBITIONS:
        yield f"more than {MAX_INHIBITIONS} inhibition rules"
    for receiver in config.get("receivers", []):
        name = f"receiver {receiver.get('name')}"
        yield from (f"{name}: {k} is not supported" for k in receiver.keys() - RECEIVERS - {"name"})
        for sns in receiver.get("sns_configs", []):
            yield from (f"{name}: {key} is not supported" for key in sns.keys() - SNS)
            topic = _TOPIC.fullmatch(sns.get("topic_arn", ""))
            if not topic or topic.groups() != (region, account):
                yield f"{name}: topic_arn must be a standard topic of this account and region"
            if sns.get("sigv4", {}).get("region") != region:
                yield f"{name}: sigv4 must have this region"
        for page in receiver.get("pagerduty_configs", []):
            yield from (f"{name}: {key} is not supported" for key in page.keys() - PAGERDUTY)
            key = page.get("routing_key", page.get("service_key"))
            secret = key.get("aws_secrets_manager", {}) if isinstance(key, dict) else {}
            arn = _SECRET.fullmatch(secret.get("secret_arn", ""))
            if not arn or arn.groups() != (region, account):
                yield f"{name}: the key must be in a secret of this account and region"
