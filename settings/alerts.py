"""The section `alerts`: recipients, thresholds and budgets."""

from typing import Annotated

from pydantic import Field

from settings.kinds import (
    AsTuple,
    ClusterId,
    Email,
    LabelSelector,
    Namespace,
    NotEmpty,
    PageUrl,
    SecretArn,
    SecretKey,
    TopicArn,
)
from settings.section import Section

Percent = Annotated[int, Field(ge=1, le=1000)]
Usd = Annotated[float, Field(ge=1, le=1_000_000_000)]


class BudgetSettings(Section):
    """What may be spent in a calendar month (UTC): by all clusters, one, a namespace or a label."""

    usd_per_month: Usd
    """US dollars."""
    at: Annotated[tuple[Percent, ...], AsTuple, NotEmpty] = (50, 80, 100)
    """Percentages of the budget. You get a message when the forecast of the month reaches one."""
    cluster: ClusterId | None = None
    """The `id` of a cluster; null: all clusters."""
    namespace: Namespace | None = None
    """A namespace, in that cluster or in all."""
    label: LabelSelector | None = None
    """A label that namespaces have, such as `team=payments`. With `prom_amp_cost`, list its name
    in `amp.namespace_labels`."""

    @property
    def label_name(self) -> str | None:
        """The name of the label, if the budget is for one."""
        return self.label.partition("=")[0] if self.label else None


class PagerDutySettings(Section):
    """PagerDuty, for critical alerts."""

    secret_arn: SecretArn | None = None
    """Secret with the integration's routing key, in the workspaces' account and region; null: no
    PagerDuty. Your own KMS key must encrypt it. The output `alerts_pagerduty_policy` has what the
    policies of both need."""
    secret_key: SecretKey = "routing_key"
    """The key in the secret's JSON."""


class AlertsSettings(Section):
    """Messages when costs stop arriving, jump, or exceed a budget.

    On as soon as `emails` or `sns_topic_arn` say who is told. The hub watches all clusters, in each
    architecture with AMP.
    """

    emails: Annotated[tuple[Email, ...], AsTuple] = ()
    """Addresses that get an email. AWS asks each of them to confirm. The hub creates the topic."""
    sns_topic_arn: TopicArn | None = None
    """An existing standard topic in the workspaces' account and region, in place of `emails`. The
    output `alerts_topic_policy` has what its policy needs."""
    encrypted: bool = False
    """Encrypts the topic with a new KMS key, which AWS bills monthly."""
    pagerduty: PagerDutySettings = PagerDutySettings()
    """PagerDuty, in addition."""
    runbooks: PageUrl = "docs/alerts.md"
    """Address of docs/alerts.md that messages link to: its URL in your repository."""
    silent_minutes: Annotated[int, Field(ge=10, le=1440)] = 15
    """Alert when a cluster sends no costs for this many minutes."""
    series_percent: Annotated[int, Field(ge=1, le=100)] = 80
    """Alert at this percentage of `amp.max_series_per_cluster`."""
    jump_percent: Percent = 50
    """Alert when a cluster or namespace costs this many percent more than a week ago."""
    idle_percent: Annotated[int, Field(ge=1, le=100)] = 60
    """Alert when this percentage of a cluster's nodes was idle, on average of three days."""
    unmounted_days: Annotated[int, Field(ge=1, le=90)] = 7
    """Alert when no pod has mounted a volume for this many days."""
    ignore_below_usd_per_month: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    """No alert for jumps and idle nodes that are worth less, in US dollars per month."""
    budgets: Annotated[tuple[BudgetSettings, ...], AsTuple] = ()
    """Budgets, for example `{namespace: shop, usd_per_month: 500}`."""

    @property
    def enabled(self) -> bool:
        """Whether alerts are sent."""
        return bool(self.emails or self.sns_topic_arn)
