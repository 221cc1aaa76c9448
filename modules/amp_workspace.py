"""An AMP workspace: created here, found by its alias, or named in the settings."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cdktf import Fn, Op, Precondition, TerraformOutput, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
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
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from modules import partitions, policy
from modules.cluster_lookup import ClusterLookup
from modules.signing import Signing
from modules.yaml_text import to_yaml
from settings import AmpSettings

LOG_RETENTION_DAYS = 30
# Label sets with limits in a workspace, the set of all other series included: AMP user guide,
# "Quotas".
LABEL_SETS = 100


class _Address(NamedTuple):
    """The address of a workspace; `endpoint` ends with a slash."""

    id: str
    arn: str
    endpoint: str


class AmpWorkspace(Construct):
    """A workspace in Amazon Managed Service for Prometheus, in one of four modes.

    * made: the hub creates it, with retention, a limit of active series for each cluster, and a
      log group for the errors of its rules;
    * found: the other clusters find it by its alias;
    * named: the settings name an existing one, which is used unchanged;
    * foreign: the settings also name a role in its account, which Terraform need not reach.

    Args:
        architecture: the architecture that uses the workspace.
        alias: the name by which clusters find it.
        region: the workspace's region.
        provider: the provider for its region and account; None for the stack's own.
        cluster: the cluster that writes to it, or reads it.
        makes: whether this stack creates its rules and, unless the settings name one, the
            workspace.
        cluster_ids: all clusters that write to it.

    Attributes:
        id, arn, region: the workspace's.
        provider: the argument.
        role_arn: the role in the workspace's account that writers and readers assume, if any.
        signing: how writers and readers sign their requests.
        endpoint: its address, with a slash at the end.
        remote_write_url: the address to which collectors write.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: AmpSettings,
        *,
        architecture: str,
        alias: str,
        region: str,
        provider: AwsProvider | None,
        cluster: ClusterLookup,
        makes: bool,
        cluster_ids: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        self.provider = provider
        self._cluster = cluster
        self._users: list[str] = []
        self.region = region
        self.role_arn = settings.role_arn
        self.signing = Signing(region, settings.role_arn)
        self._brings_rules = makes
        match settings.workspace_id, settings.role_arn:
            case str(workspace_id), str(role_arn):
                self._brings_rules = False  # its owner adds them
                address = self._foreign(workspace_id, role_arn)
            case str(workspace_id), None:
                address = self._named(workspace_id)
            case _ if makes:
                address = self._made(alias, settings, cluster_ids)
            case _:
                address = self._found(alias, architecture)
        self.id, self.arn, self.endpoint = address
        self.remote_write_url = f"{self.endpoint}api/v1/remote_write"
        TerraformOutput(
            self,
            "query_url",
            value=f"{self.endpoint}api/v1/query",
            description="Where AMP answers PromQL; requests must be signed (SigV4, service aps)",
        )
        TerraformOutput(
            self,
            "remote_write_url",
            value=self.remote_write_url,
            description="Where AMP takes samples; requests must be signed (SigV4, service aps)",
        )

    def _foreign(self, workspace_id: str, role_arn: str) -> _Address:
        account = role_arn.split(":")[4]
        arn = partitions.arn(
            "aps", f"workspace/{workspace_id}", region=self.region, account=account
        )
        endpoint = f"https://{self.signing.host}/workspaces/{workspace_id}/"
        return _Address(workspace_id, arn, endpoint)

    def _made(self, alias: str, settings: AmpSettings, cluster_ids: Sequence[str]) -> _Address:
        # checkov:skip=CKV_AWS_158: CloudWatch encrypts by default; a separate key costs monthly
        # checkov:skip=CKV_AWS_338: only errors of rules, which are useless after they are fixed
        log_group = CloudwatchLogGroup(
            self,
            "log_group",
            # With this prefix, log groups share one resource policy of CloudWatch.
            name=f"/aws/vendedlogs/prometheus/{alias}",
            retention_in_days=LOG_RETENTION_DAYS,
            provider=self.provider,
        )
        workspace = PrometheusWorkspace(
            self,
            "this",
            alias=alias,
            logging_configuration=PrometheusWorkspaceLoggingConfiguration(
                log_group_arn=f"{log_group.arn}:*"
            ),
            provider=self.provider,
        )
        PrometheusWorkspaceConfiguration(
            self,
            "configuration",
            workspace_id=workspace.id,
            retention_period_in_days=settings.retention_days,
            limits_per_label_set=series_limits(cluster_ids, settings.max_series_per_cluster),
            provider=self.provider,
        )
        return _address(workspace)

    def _named(self, workspace_id: str) -> _Address:
        workspaces = DataAwsPrometheusWorkspaces(self, "all", provider=self.provider)
        workspace = DataAwsPrometheusWorkspace(
            self,
            "this",
            workspace_id=workspace_id,
            provider=self.provider,
            lifecycle=TerraformResourceLifecycle(
                precondition=[
                    Precondition(
                        condition=Fn.contains(workspaces.workspace_ids, workspace_id),
                        error_message=f"There is no AMP workspace {workspace_id} in {self.region}. "
                        "Correct amp.workspace_id in kubecost.yaml (aws amp list-workspaces lists "
                        "the ids), or remove it to create a workspace.",
                    ),
                    *self._same_account(),
                ]
            ),
        )
        return _address(workspace)

    def _found(self, alias: str, architecture: str) -> _Address:
        # alias_prefix also finds longer aliases.
        same = DataAwsPrometheusWorkspaces(
            self, "by_alias", alias_prefix=alias, provider=self.provider
        )
        ids = (
            f"[for i, each in {same.fqn}.aliases :"
            f' tolist({same.fqn}.workspace_ids)[i] if each == "{alias}"]'
        )
        workspace = DataAwsPrometheusWorkspace(
            self,
            "this",
            workspace_id=f'${{try({ids}[0], "")}}',
            provider=self.provider,
            lifecycle=TerraformResourceLifecycle(
                precondition=[
                    Precondition(
                        condition=f"${{length({ids}) == 1}}",
                        error_message="There must be exactly one AMP workspace with the alias "
                        f"{alias} in {self.region}. If there is none, deploy the first cluster's: "
                        f"cdktf deploy {architecture}. If there are several, name one of them in "
                        "kubecost.yaml under amp.workspace_id.",
                    ),
                    *self._same_account(),
                ]
            ),
        )
        return _address(workspace)

    def _same_account(self) -> list[Precondition]:
        """Require one account if there is no role by which another account can write or read."""
        if not self.provider or self.role_arn:
            return []
        account = DataAwsCallerIdentity(self, "account", provider=self.provider).account_id
        cluster = self._cluster
        return [
            Precondition(
                condition=Op.eq(account, cluster.account_id),
                error_message=f"Cluster {cluster.name} and the AMP workspace are in different "
                "accounts. In kubecost.yaml, set amp.role_arn to a role in the workspace's account "
                "that may write and read; see docs/fleet.md.",
            )
        ]

    def record(self, name: str, rules: dict[str, Any]) -> None:
        """Let AMP evaluate rules.

        One set of rules serves every cluster that writes to the workspace, so only the hub creates
        it. In a workspace of another account, the owner creates the rules.
        """
        if self._brings_rules:
            PrometheusRuleGroupNamespace(
                self,
                f"rules_{name}",
                name=name,
                workspace_id=self.id,
                data=to_yaml(rules),
                provider=self.provider,
            )

    def trust(self, role_arn: str) -> None:
        """Register a role that writes or reads; `role_trust` lists the registered roles."""
        self._users.append(role_arn)

    @property
    def role_trust(self) -> str | None:
        """The trust policy that the role in the workspace's account needs, if there is one."""
        trust = policy.trust_role(*self._users, tagged=self._cluster.pod_identity)
        return policy.document(trust) if self.role_arn else None

    def may_write(self) -> policy.Statement:
        """Allow what a collector needs (AMP user guide, "Set up IAM roles")."""
        return self._may("aps:RemoteWrite")

    def may_query(self) -> policy.Statement:
        """Allow what Kubecost's signing proxy needs."""
        return self._may(
            "aps:QueryMetrics", "aps:GetSeries", "aps:GetLabels", "aps:GetMetricMetadata"
        )

    def _may(self, *actions: str) -> policy.Statement:
        if self.role_arn:
            tagged = ["sts:TagSession"] if self._cluster.pod_identity else []
            return policy.allow("sts:AssumeRole", *tagged, resource=self.role_arn)
        return policy.allow(*actions, resource=self.arn)


def _address(workspace: PrometheusWorkspace | DataAwsPrometheusWorkspace) -> _Address:
    return _Address(workspace.id, workspace.arn, workspace.prometheus_endpoint)


def series_limits(
    cluster_ids: Sequence[str], max_series: int
) -> list[PrometheusWorkspaceConfigurationLimitsPerLabelSet]:
    """Bound each cluster by itself; those beyond AMP's number of label sets share one bound."""
    own = (
        list(cluster_ids) if len(cluster_ids) <= LABEL_SETS else list(cluster_ids)[: LABEL_SETS - 1]
    )
    bounds = [({"cluster_id": cluster_id}, max_series) for cluster_id in own]
    if others := len(cluster_ids) - len(own):
        bounds.append(({}, others * max_series))
    return [
        PrometheusWorkspaceConfigurationLimitsPerLabelSet(
            label_set=label_set,
            limits=[PrometheusWorkspaceConfigurationLimitsPerLabelSetLimits(max_series=series)],
        )
        for label_set, series in bounds
    ]
