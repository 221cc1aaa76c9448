"""Configure Alertmanager: group alerts, write the messages, and send them.

The data is for Amazon Managed Service for Prometheus (AMP user guide, "Alert manager"): SNS with a
region for SigV4, without `api_url` and `http_config`; PagerDuty with a key from Secrets Manager.
SNS accepts 256 KB of message and 100 printable ASCII characters of subject. AMP replaces or cuts
what exceeds that, so the templates stay below.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

MAX_SUBJECT = 100  # characters
LISTED = 50  # at most so many new alerts in a message, and so many that ended

TEMPLATE_FILE = "kubecost.tmpl"
# The templates cut labels, because an unknown cluster may write anything into them.
TEMPLATES = f"""\
{{{{ define "kubecost.subject" -}}}}
{{{{ if eq .Status "resolved" }}}}Over: {{{{ end -}}}}
{{{{ reReplaceAll "([a-z])([A-Z])" "$1 $2" .GroupLabels.alertname -}}}}
{{{{ with or .CommonLabels.budget .CommonLabels.cluster_id -}}}}
: {{{{ printf "%.45s" (reReplaceAll "[^ -~]" "?" .) }}}}
{{{{- end }}}}
{{{{- if gt (len .Alerts.Firing) 1 }}}} ({{{{ len .Alerts.Firing }}}}){{{{ end }}}}
{{{{- end }}}}

{{{{ define "kubecost.message" -}}}}
{{{{ range $index, $alert := .Alerts.Firing }}}}{{{{ if lt $index {LISTED} -}}}}
* {{{{ printf "%.400s" .Annotations.summary }}}}
  Since {{{{ .StartsAt.UTC.Format "2006-01-02 15:04" }}}} UTC, {{{{ .Labels.severity }}}}.
  What to do: {{{{ .Annotations.runbook_url }}}}
{{{{ end }}}}{{{{ end -}}}}
{{{{ if gt (len .Alerts.Firing) {LISTED} -}}}}
And others: {{{{ len .Alerts.Firing }}}} in all.
{{{{ end -}}}}
{{{{ range $index, $alert := .Alerts.Resolved }}}}{{{{ if lt $index {LISTED} -}}}}
* Over: {{{{ printf "%.400s" .Annotations.summary }}}}
  From {{{{ .StartsAt.UTC.Format "2006-01-02 15:04" }}}} to \
{{{{ .EndsAt.UTC.Format "2006-01-02 15:04" }}}} UTC.
{{{{ end }}}}{{{{ end -}}}}
{{{{ if gt (len .Alerts.Resolved) {LISTED} -}}}}
And others that are over: {{{{ len .Alerts.Resolved }}}} in all.
{{{{ end -}}}}
{{{{ end }}}}
"""
_SUBJECT, _MESSAGE = '{{ template "kubecost.subject" . }}', '{{ template "kubecost.message" . }}'


class PagerDuty(NamedTuple):
    """The routing key of a PagerDuty integration: a secret, and a key of its JSON."""

    secret_arn: str
    secret_key: str


def alertmanager(
    *, topic_arn: str, region: str, percents: Iterable[int], pagerduty: PagerDuty | None
) -> dict[str, Any]:
    """Write the configuration: all messages go to a topic, critical ones also to PagerDuty.

    `percents` are the percentages of the budgets; the highest one that is reached silences the
    others.
    """
    sns = {
        "topic_arn": topic_arn,
        "sigv4": {"region": region},
        "subject": _SUBJECT,
        "message": _MESSAGE,
        # For filter policies of subscriptions.
        "attributes": {"severity": "{{ .GroupLabels.severity }}"},
        "send_resolved": True,
    }
    receivers: list[dict[str, Any]] = [{"name": "topic", "sns_configs": [sns]}]
    routes: list[dict[str, Any]] = []
    if pagerduty:
        page = {
            "routing_key": {"aws_secrets_manager": pagerduty._asdict()},
            "description": _SUBJECT,
            "severity": "{{ .GroupLabels.severity }}",
            "details": {"message": _MESSAGE},
            "send_resolved": True,
        }
        receivers.append({"name": "pager", "sns_configs": [sns], "pagerduty_configs": [page]})
        routes.append({"matchers": ['severity="critical"'], "receiver": "pager"})
    ordered = sorted(set(percents))
    return {
        "templates": [TEMPLATE_FILE],
        "route": {
            "receiver": "topic",
            # One message for each kind of alert, for all its clusters together.
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
