"""Kubecost itself: the Helm release, and the roles of its pods that use AMP or the bill."""

from collections.abc import Sequence
from dataclasses import dataclass

from cdktf import Fn, ITerraformDependable, TerraformOutput
from cdktf_cdktf_provider_kubernetes.config_map_v1 import ConfigMapV1, ConfigMapV1Metadata
from constructs import Construct

from metrics.names import keep_costs
from metrics.prometheus_config import RemoteWrite, config_files
from metrics.scrape_jobs import Job
from modules import kubecost_values as values
from modules import network_policy_rules as rules
from modules import versions
from modules.amp_workspace import AmpWorkspace
from modules.bill import Bill
from modules.helm_release import helm_release
from modules.helm_values import Values, merge
from modules.placement import KubecostPlacement
from modules.policy import Statement, document, trust_role
from modules.ui_ingress import UiIngress
from modules.volumes import claims, encrypted_class, storage_conditions
from modules.workload_role import WorkloadRole, bounded_name
from modules.yaml_text import to_yaml
from settings.kubecost import KubecostSettings


@dataclass(frozen=True)
class Costs:
    """Send the cost metrics, and nothing else.

    Attributes:
        to: the workspace that receives them.
        besides: names of other scraped metrics to send.
        namespace_labels: Kubernetes labels of namespaces to send.
    """

    to: AmpWorkspace
    besides: tuple[str, ...] = ()
    namespace_labels: tuple[str, ...] = ()

    def remote_write(self) -> RemoteWrite:
        """Write Prometheus's configuration of what is sent."""
        rules = keep_costs(*self.besides, namespace_labels=self.namespace_labels)
        return _remote_write(self.to, rules)


@dataclass(frozen=True)
class Everything:
    """Send all metrics that are scraped or recorded.

    Attributes:
        to: the workspace that receives them.
    """

    to: AmpWorkspace

    def remote_write(self) -> RemoteWrite:
        """Write Prometheus's configuration of what is sent."""
        return _remote_write(self.to, [])


def _remote_write(to: AmpWorkspace, relabelling: list[dict[str, object]]) -> RemoteWrite:
    return RemoteWrite(to.remote_write_url, to.signing.for_prometheus(), relabelling)


@dataclass(frozen=True)
class BundledPrometheus:
    """The Prometheus of Kubecost's chart.

    Attributes:
        jobs: what it scrapes.
        sends: what it sends to AMP; nothing by default.
    """

    jobs: Sequence[Job]
    sends: Costs | Everything | None = None


class Kubecost(Construct):
    """A Kubecost that queries its bundled Prometheus, or AMP if `queries` is given.

    Without `scraper` the chart installs no Prometheus, so something else must scrape Kubecost. Its
    one role may query AMP and read the `bill`, and nothing else.

    Raises:
        TypeError: `queries` is a workspace to which `scraper` does not send everything.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: KubecostSettings,
        *,
        at: KubecostPlacement,
        bill: Bill,
        scraper: BundledPrometheus | None = None,
        queries: AmpWorkspace | None = None,
    ) -> None:
        if queries and scraper and scraper.sends != Everything(to=queries):
            raise TypeError(
                "Kubecost queries a workspace only if Prometheus sends Everything to it"
            )
        super().__init__(scope, id)
        self._at = at
        self._needs: list[ITerraformDependable] = [*at.ready]
        self._storage_class = settings.storage_class
        if settings.encrypted_volumes:
            made = encrypted_class(self, "storage_class", name=at.release, key_arn=at.volumes_key)
            self._storage_class = at.release
            self._needs.append(made)
        parts = [
            values.common(
                settings,
                cluster_name=at.cluster.name,
                cluster_id=at.cluster.cluster_id,
                network_costs_port=at.network_costs_port,
                storage_class=self._storage_class,
            )
        ]
        if scraper:
            parts += self._with_prometheus(scraper, settings)
        else:
            parts.append(values.without_prometheus())
        parts += self._reading(queries, bill)
        decided = merge(*parts)
        in_force = merge(decided, settings.values)
        has_ui = at.hub or not queries  # an agent has none
        policies = self._policies(scraper, queries=bool(queries), exposed=has_ui)
        release = helm_release(
            self,
            "release",
            versions.kubecost(settings.chart_version),
            name=at.release,
            namespace=at.release,
            values=decided,
            user_values=settings.values,
            workloads=at.workloads,
            depends_on=[*self._needs, *policies],
            preconditions=storage_conditions(
                self,
                list(claims(at.release, in_force)),
                made_here=at.release if settings.encrypted_volumes else None,
                cluster_name=at.cluster.name,
                namespace=at.release,
            ),
            # Helm never deletes a CRD, and only the chart's cluster-controller uses this one.
            skip_crds=not in_force.get("clusterController", {}).get("enabled"),
        )
        if has_ui:
            self._ui(release)

    def _ui(self, release: ITerraformDependable) -> None:
        namespace, service = self._at.release, f"{self._at.release}-cost-analyzer"
        if self._at.exposure:
            UiIngress(
                self,
                "ui",
                self._at.exposure,
                cluster=self._at.cluster,
                namespace=namespace,
                service=service,
                port=rules.UI_PORT,
                health_path="/",
                after=release,
            )
            return
        TerraformOutput(
            self,
            "ui",
            value=f"kubectl --namespace {namespace} port-forward service/{service} {rules.UI_PORT}",
            description=f"Opens Kubecost at http://localhost:{rules.UI_PORT}",
        )

    def _policies(
        self, scraper: BundledPrometheus | None, *, queries: bool, exposed: bool
    ) -> list[ITerraformDependable]:
        if not self._at.blocks:
            return []
        policies = rules.kubecost(
            self._at.blocks,
            bundled_prometheus=bool(scraper),
            proxy_port=values.SIGV4_PROXY_PORT if queries else None,
            exposed=exposed and bool(self._at.exposure),
        )
        if scraper:
            policies += rules.prometheus(self._at.blocks, self._at.host_ports)
        return self._at.allow(self, policies)

    def _with_prometheus(
        self, prometheus: BundledPrometheus, settings: KubecostSettings
    ) -> list[Values]:
        at, sends = self._at, prometheus.sends
        files = config_files(
            prometheus.jobs,
            cluster_id=at.cluster.cluster_id,
            sends=sends.remote_write() if sends else None,
        )
        config = ConfigMapV1(
            self,
            "prometheus_config",
            metadata=ConfigMapV1Metadata(
                name=f"{at.release}-{values.CONFIG_MAP}", namespace=at.release
            ),
            data={name: to_yaml(file) for name, file in files.items()},
            depends_on=[at.namespace],
        )
        self._needs.append(config)
        # Terraform computes the digest, because only it knows the workspace's address.
        digest = Fn.sha256(Fn.jsonencode(config.data))
        parts = [
            values.with_prometheus(
                settings, config_digest=digest, storage_class=self._storage_class
            )
        ]
        if sends:
            account = f"{at.release}-prometheus-server"
            role = self._role("writer", account, sends.to.may_write())
            sends.to.trust(role.arn)
            parts.append(values.prometheus_service_account(role.annotations))
        return parts

    def _reading(self, workspace: AmpWorkspace | None, bill: Bill) -> list[Values]:
        parts: list[Values] = [{"kubecostProductConfigs": bill.for_kubecost()}]
        if workspace:
            parts.append(
                values.query_amp(
                    workspace_id=workspace.id,
                    signing=workspace.signing,
                    image_registry=self._at.workloads.image_registry,
                )
            )
            parts.append(values.ui_scope(hub=self._at.hub))
        rights = [*([workspace.may_query()] if workspace else []), *bill.may_read()]
        if rights:
            role = self._role("reader", f"{self._at.release}-cost-analyzer", *rights)
            parts.append(values.kubecost_service_account(role.annotations))
            if workspace:
                workspace.trust(role.arn)
            if bill.asks_for_trust:
                TerraformOutput(
                    self,
                    "bill_role_trust",
                    value=document(trust_role(role.arn, tagged=bill.tagged)),
                    description="What the trust policy of each role in billing.existing_reports"
                    " needs for this stack",
                )
        return parts

    def _role(self, purpose: str, service_account: str, *statements: Statement) -> WorkloadRole:
        role = WorkloadRole(
            self,
            purpose,
            name=f"{self._at.prefix}-{purpose}",
            identities=self._at.cluster.identities,
            namespace=self._at.release,
            service_account=service_account,
            statements=statements,
        )
        self._needs += role.grants
        return role


def reader_name(prefix: str) -> str:
    """Name the role by which a Kubecost reads AMP and the bill."""
    return bounded_name(f"{prefix}-reader")
