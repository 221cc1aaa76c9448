"""Send a workspace's alerts: a topic, Alertmanager, and CloudWatch's alarms."""

from collections.abc import Sequence
from textwrap import indent

from cdktf import (
    Op,
    Precondition,
    TerraformIterator,
    TerraformOutput,
    TerraformResourceLifecycle,
    Token,
)
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
)
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.prometheus_alert_manager_definition import (
    PrometheusAlertManagerDefinition,
)
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from metrics.alerts import Bounds, Budget, alert_rules
from metrics.notifications import TEMPLATE_FILE, TEMPLATES, PagerDuty, alertmanager
from modules import policy
from modules.amp_workspace import LABEL_SETS, AmpWorkspace
from modules.yaml_text import to_yaml
from settings.alerts import AlertsSettings, BudgetSettings

PERIOD_SECONDS = 300


class Alerts(Construct):
    """Alerts on the metrics that all clusters of a fleet write to a workspace, and their topic.

    AMP's rules watch costs. CloudWatch's alarms watch the rest, and go to the same topic: samples
    that AMP refuses, series near a limit, rules that fail, messages that are not sent (AMP user
    guide, "Use CloudWatch metrics").

    Args:
        workspace: the workspace, whose rules this stack creates; it has one Alertmanager.
        name: the prefix of the names of topic and alarms.
        cluster_ids: the clusters that should write to it.
        budgets: the budgets in the settings whose costs and labels they send.
        max_series: the limit of series of each cluster; None if this project does not set it.

    Attributes:
        topic_arn: the topic that gets the messages.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: AlertsSettings,
        *,
        workspace: AmpWorkspace,
        name: str,
        cluster_ids: Sequence[str],
        budgets: Sequence[BudgetSettings],
        max_series: int | None,
    ) -> None:
        super().__init__(scope, id)
        self._settings = settings
        self._workspace = workspace
        self._provider = workspace.provider
        self._name = name
        self._account = DataAwsCallerIdentity(self, "account", provider=self._provider).account_id
        self._partition = DataAwsPartition(self, "partition", provider=self._provider).partition
        limits = [_budget(each) for each in budgets]
        workspace.record(
            "alerts",
            alert_rules(cluster_ids, _bounds(settings), limits, runbooks=settings.runbooks),
        )
        before: list[SnsTopicPolicy] = []
        if settings.sns_topic_arn:
            self.topic_arn: str = settings.sns_topic_arn
            statements = policy.document(*self._may_publish())
            self._output("topic_policy", statements, "What the topic's access policy needs")
        else:
            topic = self._topic()
            self.topic_arn = topic.arn
            before = [self._topic_policy(topic)]
        self._alertmanager(limits, before)
        self._alarms(len(cluster_ids), max_series)
        self._output("topic_arn", self.topic_arn, "Where alerts go: more may subscribe to it")

    def _topic(self) -> SnsTopic:
        # checkov:skip=CKV_AWS_26: alerts.encrypted turns it on; a key costs monthly
        key = self._key() if self._settings.encrypted else None
        topic = SnsTopic(
            self,
            "topic",
            name=f"{self._name}-alerts",
            display_name="Kubecost alerts",
            kms_master_key_id=key.arn if key else None,
            provider=self._provider,
        )
        each = TerraformIterator.from_list(list(self._settings.emails))
        SnsTopicSubscription(
            self,
            "email",
            for_each=each,
            topic_arn=topic.arn,
            protocol="email",
            endpoint=Token.as_string(each.value),
            provider=self._provider,
        )
        return topic

    def _topic_policy(self, topic: SnsTopic) -> SnsTopicPolicy:
        return SnsTopicPolicy(
            self,
            "topic_policy",
            arn=topic.arn,
            policy=policy.document(*self._may_publish()),
            provider=self._provider,
        )

    def _may_publish(self) -> list[policy.Statement]:
        """Admit only this workspace and these alarms (AMP user guide, "Alert receiver")."""
        return [
            policy.allow_service(
                "aps.amazonaws.com",
                "sns:Publish",
                "sns:GetTopicAttributes",
                resource=self.topic_arn,
                source_arn=self._workspace.arn,
                account=self._account,
            ),
            policy.allow_service(
                "cloudwatch.amazonaws.com",
                "sns:Publish",
                resource=self.topic_arn,
                source_arn=self._arn("cloudwatch", self._workspace.region, f"alarm:{self._name}-*"),
                account=self._account,
            ),
        ]

    def _key(self) -> KmsKey:
        """Make a key that AMP and CloudWatch may use; SNS's own key admits neither.

        The statement for the services is AWS's (AMP user guide, "Giving permission to send alert
        messages"; SNS developer guide, "Key management"). It names no source, because AWS does not
        document which source SNS passes to KMS for AMP. The key is for this topic only.
        """
        return KmsKey(
            self,
            "key",
            description=f"Encrypts the SNS topic {self._name}-alerts",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            policy=policy.document(
                policy.allow_account(self._arn("iam", "", "root"), "kms:*"),
                *(
                    policy.allow_service(service, "kms:GenerateDataKey", "kms:Decrypt")
                    for service in ("aps.amazonaws.com", "cloudwatch.amazonaws.com")
                ),
            ),
            provider=self._provider,
        )

    def _alertmanager(self, budgets: Sequence[Budget], before: Sequence[SnsTopicPolicy]) -> None:
        pager = self._settings.pagerduty
        configuration = alertmanager(
            topic_arn=self.topic_arn,
            region=self._workspace.region,
            percents=[percent for budget in budgets for percent in budget.at],
            pagerduty=PagerDuty(pager.secret_arn, pager.secret_key) if pager.secret_arn else None,
        )
        given = {
            "alerts.sns_topic_arn": self._settings.sns_topic_arn,
            "alerts.pagerduty.secret_arn": pager.secret_arn,
        }
        preconditions = [
            Precondition(
                condition=Op.eq(self._account, arn.split(":")[4]),
                error_message=f"{key} in kubecost.yaml is in another account than the AMP "
                "workspace. Name one in the workspace's account, because AMP can use no other.",
            )
            for key, arn in given.items()
            if arn
        ]
        PrometheusAlertManagerDefinition(
            self,
            "manager",
            workspace_id=self._workspace.id,
            # Literal blocks, because a plan shows them line by line.
            definition=f"template_files:\n  {TEMPLATE_FILE}: |\n{indent(TEMPLATES, '    ')}"
            f"alertmanager_config: |\n{indent(to_yaml(configuration), '  ')}",
            # Create it after the topic's policy, because the topic refuses its messages before.
            depends_on=list(before) or None,
            lifecycle=TerraformResourceLifecycle(precondition=preconditions)
            if preconditions
            else None,
            provider=self._provider,
        )
        if pager.secret_arn:
            of_workspace = {"source_arn": self._workspace.arn, "account": self._account}
            secret = "secretsmanager:GetSecretValue"
            self._output(
                "pagerduty_policy",
                policy.document(
                    policy.allow_service("aps.amazonaws.com", secret, "kms:Decrypt", **of_workspace)
                ),
                "What the policies of the PagerDuty secret and of its KMS key need",
            )

    def _alarms(self, clusters: int, max_series: int | None) -> None:
        """Watch AMP's own metrics in CloudWatch; a metric that is missing means zero.

        Source of the dimensions: AWS Cloud Operations blog, "Optimizing metrics ingestion with
        Amazon Managed Service for Prometheus".
        """
        self._alarm(
            "samples_refused",
            'SELECT SUM(DiscardedSamples) FROM "AWS/Prometheus"'
            f" WHERE {self._here} GROUP BY Reason",
            "AMP refuses samples of the Kubecost fleet, for the reason named",
            periods=3,
        )
        self._alarm(
            "rules_failing",
            'SELECT SUM(RuleEvaluationFailures) FROM "AWS/Prometheus"'
            f" WHERE {self._here} GROUP BY RuleGroup",
            "Rules fail, so dashboards and alerts may lack what they record",
            periods=3,
        )
        self._alarm(
            "messages_failing",
            f'SELECT SUM(AlertManagerNotificationsFailed) FROM "AWS/Prometheus" WHERE {self._here}',
            "AMP could not send alerts; if you read this, the topic itself works",
            periods=1,
        )
        if max_series is None:
            return
        # If there are more clusters than label sets, the last set is for several clusters and has
        # another limit.
        alone = "" if clusters <= LABEL_SETS else " AND LabelSet != '{}'"
        self._alarm(
            "series_near_limit",
            'SELECT MAX(ActiveSeriesPerLabelSet) FROM SCHEMA("AWS/Prometheus", LabelSet, Workspace)'
            f" WHERE {self._here}{alone} GROUP BY LabelSet",
            f"A cluster has over {self._settings.series_percent} % of the {max_series} series that"
            " AMP takes of it",
            periods=3,
            threshold=max_series * self._settings.series_percent / 100,
        )

    @property
    def _here(self) -> str:
        return f"Workspace = '{self._workspace.id}'"

    def _alarm(
        self, id: str, query: str, meaning: str, *, periods: int, threshold: float = 0
    ) -> None:
        """Send a message when a query exceeds a threshold for some periods, and when it ends."""
        name = id.replace("_", "-")
        CloudwatchMetricAlarm(
            self,
            id,
            alarm_name=f"{self._name}-{name}",
            alarm_description=f"{meaning}. What to do: {self._settings.runbooks}#{name}",
            metric_query=[
                CloudwatchMetricAlarmMetricQuery(
                    id="query", expression=query, period=PERIOD_SECONDS, return_data=True
                )
            ],
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            evaluation_periods=periods,
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            provider=self._provider,
        )

    def _arn(self, service: str, region: str, resource: str) -> str:
        return f"arn:{self._partition}:{service}:{region}:{self._account}:{resource}"

    def _output(self, id: str, value: str, description: str) -> None:
        TerraformOutput(self, id, value=value, description=description)


def _bounds(settings: AlertsSettings) -> Bounds:
    return Bounds(
        silent_minutes=settings.silent_minutes,
        jump_percent=settings.jump_percent,
        idle_percent=settings.idle_percent,
        unmounted_days=settings.unmounted_days,
        usd_per_month=settings.ignore_below_usd_per_month,
    )


def _budget(settings: BudgetSettings) -> Budget:
    value = (settings.label or "").partition("=")[2]
    return Budget(
        usd=settings.usd_per_month,
        at=tuple(sorted(set(settings.at))),
        cluster=settings.cluster,
        namespace=settings.namespace,
        label=(settings.label_name, value) if settings.label_name else None,
    )
