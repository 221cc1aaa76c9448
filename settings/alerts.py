"""The section `alerts`: who is told, from where on, and what may be spent."""

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
    """Percentages of the budget; a message is sent when the forecast of the month reaches one."""
    cluster: ClusterId | None = None
    """The `id` of a cluster; null: all clusters."""
    namespace: Namespace | None = None
    """A namespace, in that cluster or in all."""
    label: LabelSelector | None = None
    """A label that namespaces have, such as `team=payments`. Needs an architecture that sends
    labels to AMP: not `prom_amp_cost`."""


class PagerDutySettings(Section):
    """PagerDuty, for what is critical."""

    secret_arn: SecretArn | None = None
    """Secret with the integration's routing key, in the workspaces' account and region; null: no
    PagerDuty. It must be encrypted by a key of yours; the output `alerts_pagerduty_policy` is what
    the policies of both need."""
    secret_key: SecretKey = "routing_key"
    """The key in the secret's JSON."""


class AlertsSettings(Section):
    """Messages when costs stop arriving, jump, or exceed a budget.

    On as soon as `emails` or `sns_topic_arn` say who is told. The hub watches all clusters, in each
    architecture with AMP.
    """

    emails: Annotated[tuple[Email, ...], AsTuple] = ()
    """Who gets an email. AWS asks each address to confirm; the topic is made here."""
    sns_topic_arn: TopicArn | None = None
    """An existing standard topic in the workspaces' account and region, in place of `emails`. The
    output `alerts_topic_policy` is what its policy needs."""
    encrypted: bool = False
    """Encrypts the topic with a KMS key made here, which AWS bills monthly."""
    pagerduty: PagerDutySettings = PagerDutySettings()
    """PagerDuty, besides."""
    runbooks: PageUrl = "docs/alerts.md"
    """Address of docs/alerts.md, where messages send their readers: its URL in your repository."""
    silent_minutes: Annotated[int, Field(ge=10, le=1440)] = 15
    """Minutes without costs of a cluster."""
    series_percent: Annotated[int, Field(ge=1, le=100)] = 80
    """Percent of `amp.max_series_per_cluster`."""
    jump_percent: Percent = 50
    """Percent that a cluster or namespace costs more than at the same hours a week ago."""
    idle_percent: Annotated[int, Field(ge=1, le=100)] = 60
    """Percent of a cluster's nodes that were idle on average of three days."""
    unmounted_days: Annotated[int, Field(ge=1, le=90)] = 7
    """Days that no pod mounted a volume."""
    ignore_below_usd_per_month: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    """Jumps and idle nodes that are worth less are not told of."""
    budgets: Annotated[tuple[BudgetSettings, ...], AsTuple] = ()
    """For example `{namespace: shop, usd_per_month: 500}`."""

    @property
    def enabled(self) -> bool:
        """Whether anyone is told."""
        return bool(self.emails or self.sns_topic_arn)
