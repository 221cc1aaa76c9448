"""An AMP workspace, made here or named in the settings, and the rights to use it."""

from typing import Any

from cdktf import Fn, Precondition, TerraformOutput, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.data_aws_prometheus_workspace import DataAwsPrometheusWorkspace
from cdktf_cdktf_provider_aws.data_aws_prometheus_workspaces import DataAwsPrometheusWorkspaces
from cdktf_cdktf_provider_aws.prometheus_rule_group_namespace import PrometheusRuleGroupNamespace
from cdktf_cdktf_provider_aws.prometheus_workspace import (
    PrometheusWorkspace,
    PrometheusWorkspaceLoggingConfiguration,
)
from cdktf_cdktf_provider_aws.prometheus_workspace_configuration import (
    PrometheusWorkspaceConfiguration,
    PrometheusWorkspaceConfigurationLimitsPerLabelSet,
    PrometheusWorkspaceConfigurationLimitsPerLabelSetLimits,
)
from constructs import Construct

from modules import policy
from modules.helm_release import to_yaml
from modules.placement import Placement
from settings import AmpSettings

LOG_RETENTION_DAYS = 30


class AmpWorkspace(Construct):
    """A workspace in Amazon Managed Service for Prometheus.

    One that is made here gets retention, a limit of active series for each cluster, and a log
    group for what its rules report. One that the settings name is used as it is.

    Attributes:
        id, arn, region: of the workspace.
        shared: whether others may write to it, too.
        remote_write_url: where collectors write.
    """

    def __init__(self, scope: Construct, id: str, settings: AmpSettings, *, at: Placement) -> None:
        super().__init__(scope, id)
        self.region = settings.region or at.cluster.region
        self.shared = settings.workspace_id is not None
        workspace = (
            self._existing(settings.workspace_id)
            if settings.workspace_id
            else self._new(settings, alias=at.prefix, cluster_id=at.cluster.cluster_id)
        )
        self.id = workspace.id
        self.arn = workspace.arn
        self.remote_write_url = f"{workspace.prometheus_endpoint}api/v1/remote_write"
        TerraformOutput(
            self,
            "query_url",
            value=f"{workspace.prometheus_endpoint}api/v1/query",
            description="Where AMP answers PromQL; requests must be signed (SigV4, service aps)",
        )
        TerraformOutput(
            self,
            "remote_write_url",
            value=self.remote_write_url,
            description="Where AMP takes samples; requests must be signed (SigV4, service aps)",
        )

    def _new(self, settings: AmpSettings, *, alias: str, cluster_id: str) -> PrometheusWorkspace:
        log_group = CloudwatchLogGroup(
            self,
            "log_group",
            # The prefix spares CloudWatch a resource policy of its own for each log group.
            name=f"/aws/vendedlogs/prometheus/{alias}",
            retention_in_days=LOG_RETENTION_DAYS,
        )
        workspace = PrometheusWorkspace(
            self,
            "this",
            alias=alias,
            logging_configuration=PrometheusWorkspaceLoggingConfiguration(
                log_group_arn=f"{log_group.arn}:*"
            ),
        )
        limit = PrometheusWorkspaceConfigurationLimitsPerLabelSetLimits(
            max_series=settings.max_series_per_cluster
        )
        PrometheusWorkspaceConfiguration(
            self,
            "configuration",
            workspace_id=workspace.id,
            retention_period_in_days=settings.retention_days,
            limits_per_label_set=[
                PrometheusWorkspaceConfigurationLimitsPerLabelSet(
                    label_set={"cluster_id": cluster_id}, limits=[limit]
                )
            ],
        )
        return workspace

    def _existing(self, workspace_id: str) -> DataAwsPrometheusWorkspace:
        workspaces = DataAwsPrometheusWorkspaces(self, "all")
        return DataAwsPrometheusWorkspace(
            self,
            "this",
            workspace_id=workspace_id,
            lifecycle=TerraformResourceLifecycle(
                precondition=[
                    Precondition(
                        condition=Fn.contains(workspaces.workspace_ids, workspace_id),
                        error_message=f"There is no AMP workspace {workspace_id} in {self.region}. "
                        "List them with: aws amp list-workspaces. Or remove amp.workspace_id from "
                        "kubecost.yaml to have one created.",
                    )
                ]
            ),
        )

    def record(self, name: str, rules: dict[str, Any]) -> None:
        """Let AMP evaluate recording rules every minute, where no Prometheus does."""
        PrometheusRuleGroupNamespace(
            self, "rules", name=name, workspace_id=self.id, data=to_yaml(rules)
        )

    def may_write(self) -> policy.Statement:
        """All that a collector needs (AMP user guide, "Set up IAM roles")."""
        return policy.allow("aps:RemoteWrite", resource=self.arn)

    def may_query(self) -> policy.Statement:
        """All that Kubecost's signing proxy needs."""
        return policy.allow(
            "aps:QueryMetrics",
            "aps:GetSeries",
            "aps:GetLabels",
            "aps:GetMetricMetadata",
            resource=self.arn,
        )
