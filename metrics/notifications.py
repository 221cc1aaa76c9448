"""What Alertmanager does with alerts: groups them, writes the messages, and sends them.

Data for Amazon Managed Service for Prometheus (AMP user guide, "Alert manager"): SNS with a region
for SigV4, without `api_url` and `http_config`; PagerDuty with a key from Secrets Manager. SNS takes
256 KB of message and 100 printable ASCII characters of subject; what exceeds that AMP replaces or
cuts, so the templates keep within by themselves.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

MAX_SUBJECT = 100  # characters
LISTED = 50  # alerts in a message, of those that began, and of those that ended

# Words for an alert's name, and what it is about where that is one thing only. Labels may hold
# anything: a cluster that nobody knows may write them.
_NAME = r'{{ reReplaceAll "([a-z])([A-Z])" "$1 $2" .GroupLabels.alertname }}'
_ABOUT = r'{{ with %s }}: {{ printf "%%.45s" (reReplaceAll "[^ -~]" "?" .) }}{{ end }}'
SUBJECT = (
    '{{ if eq .Status "resolved" }}Over: {{ end }}'
    + _NAME
    + "{{ if .CommonLabels.budget }}"
    + _ABOUT % ".CommonLabels.budget"
    + "{{ else }}"
    + _ABOUT % ".CommonLabels.cluster_id"
    + "{{ end }}{{ if gt (len .Alerts.Firing) 1 }} ({{ len .Alerts.Firing }}){{ end }}"
)

_TIME = '.UTC.Format "2006-01-02 15:04"'
_SUMMARY = '{{ printf "%.400s" .Annotations.summary }}'


def _listed(which: str, heading: str, each: str) -> str:
    alerts = f".Alerts.{which}"
    return (
        f"{{{{ if {alerts} }}}}{heading}\n{{{{ end }}}}"
        f"{{{{ range $index, $alert := {alerts} }}}}{{{{ if lt $index {LISTED} }}}}"
        f"* {_SUMMARY}\n  {each}\n"
        "{{ end }}{{ end }}"
        f"{{{{ if gt (len {alerts}) {LISTED} }}}}"
        f"The first {LISTED} of {{{{ len {alerts} }}}} are listed.\n{{{{ end }}}}"
    )


MESSAGE = (
    _listed(
        "Firing",
        "Now:",
        f"Since {{{{ .StartsAt{_TIME} }}}} UTC. What to do: {{{{ .Annotations.runbook_url }}}}",
    )
    + _listed(
        "Resolved",
        "Over:",
        f"From {{{{ .StartsAt{_TIME} }}}} to {{{{ .EndsAt{_TIME} }}}} UTC.",
    )
    + "{{ if .Alerts.Firing }}Severity: {{ .GroupLabels.severity }}.{{ end }}\n"
)


class PagerDuty(NamedTuple):
    """Where a PagerDuty integration's routing key is: a secret, and a key of its JSON."""

    secret_arn: str
    secret_key: str


def alertmanager(
    *, topic_arn: str, region: str, percents: Iterable[int], pagerduty: PagerDuty | None
) -> dict[str, Any]:
    """Give the configuration: all messages go to a topic, critical ones to PagerDuty as well.

    `percents` are those that budgets are told of: the highest one reached silences the others.
    """
    sns = {
        "topic_arn": topic_arn,
        "sigv4": {"region": region},
        "subject": SUBJECT,
        "message": MESSAGE,
        # For filter policies of subscriptions.
        "attributes": {"severity": "{{ .GroupLabels.severity }}"},
        "send_resolved": True,
    }
    receivers: list[dict[str, Any]] = [{"name": "topic", "sns_configs": [sns]}]
    routes: list[dict[str, Any]] = []
    if pagerduty:
        page = {
            "routing_key": {"aws_secrets_manager": pagerduty._asdict()},
            "description": SUBJECT,
            "severity": "{{ .GroupLabels.severity }}",
            "details": {"message": MESSAGE},
            "send_resolved": True,
        }
        receivers.append({"name": "pager", "sns_configs": [sns], "pagerduty_configs": [page]})
        routes.append({"matchers": ['severity="critical"'], "receiver": "pager"})
    ordered = sorted(set(percents))
    return {
        "route": {
            "receiver": "topic",
            # A message for each kind of alert, however many clusters it is about.
            "group_by": ["alertname", "severity"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "1d",
            "routes": routes,
        },
        "inhibit_rules": [
            {
                "source_matchers": ['alertname="KubecostBudget"', f'percent="{percent}"'],
                "target_matchers": [
                    'alertname="KubecostBudget"',
                    f'percent=~"{"|".join(map(str, ordered[:index]))}"',
                ],
                "equal": ["budget"],
            }
            for index, percent in enumerate(ordered)
            if index
        ],
        "receivers": receivers,
    }
