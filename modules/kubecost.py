"""Kubecost itself: the Helm release, and the roles of those in it that use AMP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdktf import ITerraformDependable, Precondition, TerraformOutput
from cdktf_cdktf_provider_kubernetes.data_kubernetes_resources import DataKubernetesResources
from constructs import Construct

from metrics.scrape_jobs import Job
from modules import kubecost_values as values
from modules import versions
from modules.amp_workspace import AmpWorkspace
from modules.helm_release import helm_release, literal
from modules.placement import KubecostPlacement
from modules.policy import Statement
from modules.ui_load_balancer import UiLoadBalancer
from modules.workload_role import WorkloadRole
from settings import KubecostSettings

UI_PORT = 9090


@dataclass(frozen=True)
class BundledPrometheus:
    """The Prometheus of Kubecost's chart.

    Attributes:
        jobs: what it scrapes.
        sends_to: the workspace that it writes to, if any.
        only: the relabel rules that say what it sends; all by default. Where all is sent,
            Kubecost must query the workspace, too: the chart has one switch for both.
    """

    jobs: Sequence[Job]
    sends_to: AmpWorkspace | None = None
    only: Sequence[Mapping[str, object]] | None = None


class Kubecost(Construct):
    """A Kubecost that queries its bundled Prometheus, or AMP if `queries` is given.

    Without `scraper` the chart brings no Prometheus: something else must scrape Kubecost.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: KubecostSettings,
        *,
        at: KubecostPlacement,
        scraper: BundledPrometheus | None = None,
        queries: AmpWorkspace | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._at = at
        self._grants: list[ITerraformDependable] = []
        parts = [
            values.common(
                settings,
                cluster_name=at.cluster.name,
                cluster_id=at.cluster.cluster_id,
                network_costs_port=at.network_costs_port,
            )
        ]
        if scraper:
            parts += [values.with_prometheus(scraper.jobs, settings), *self._writing(scraper)]
        else:
            parts.append(values.without_prometheus())
        if queries:
            parts += self._querying(queries)
        release = helm_release(
            self,
            "release",
            versions.kubecost(settings.chart_version),
            name=at.release,
            namespace=at.release,
            values=values.merge(*parts, literal(settings.values)),
            depends_on=[at.namespace, *self._grants],
            preconditions=[self._storage(settings.storage_class)],
        )
        if queries and not at.hub:
            return  # an agent has no UI
        if settings.expose == "none":
            TerraformOutput(
                self,
                "ui",
                value=f"kubectl --namespace {at.release} port-forward "
                f"service/{at.release}-cost-analyzer {UI_PORT}",
                description=f"Opens Kubecost at http://localhost:{UI_PORT}",
            )
        else:
            UiLoadBalancer(
                self,
                "ui",
                settings,
                namespace=at.release,
                name=f"{at.release}-ui",
                selector={
                    "app.kubernetes.io/name": "cost-analyzer",
                    "app.kubernetes.io/instance": at.release,
                },
                port=UI_PORT,
                release=release,
            )

    def _storage(self, storage_class: str | None) -> Precondition:
        """Without a StorageClass the volumes, and the release with them, would wait forever."""
        classes = DataKubernetesResources(
            self, "storage_classes", api_version="storage.k8s.io/v1", kind="StorageClass"
        ).fqn
        cluster = self._at.cluster.name
        if storage_class:
            found = f'contains({classes}.objects[*].metadata.name, "{storage_class}")'
            missing = f"Cluster {cluster} has no StorageClass {storage_class}"
        else:
            default = 'annotations["storageclass.kubernetes.io/is-default-class"]'
            found = (
                f"anytrue([for each in {classes}.objects :"
                f' try(each.metadata.{default} == "true", false)])'
            )
            missing = f"Cluster {cluster} has no default StorageClass"
        return Precondition(
            condition=f"${{{found}}}",
            error_message=f"{missing}. Install the EBS CSI driver with a StorageClass (EKS user "
            'guide, "Store Kubernetes volumes with Amazon EBS"), or name one in kubecost.yaml '
            "under kubecost.storage_class.",
        )

    def _writing(self, prometheus: BundledPrometheus) -> list[values.Values]:
        workspace = prometheus.sends_to
        if not workspace:
            return []
        role = self._role("writer", f"{self._at.release}-prometheus-server", workspace.may_write())
        workspace.trust(role.arn)
        url, signing = workspace.remote_write_url, workspace.signing
        return [
            values.write_selected(url, signing, prometheus.only)
            if prometheus.only
            else values.write_everything(url, signing),
            values.prometheus_service_account(role.annotations),
        ]

    def _querying(self, workspace: AmpWorkspace) -> list[values.Values]:
        role = self._role("reader", f"{self._at.release}-cost-analyzer", workspace.may_query())
        workspace.trust(role.arn)
        return [
            values.query_amp(workspace_id=workspace.id, signing=workspace.signing),
            values.screen_of(hub=self._at.hub),
            values.kubecost_service_account(role.annotations),
        ]

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
        self._grants += role.grants
        return role
