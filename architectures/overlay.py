"""What the overlays share: the cluster, the way to it, and a place of their own in it."""

import inspect
from abc import abstractmethod
from typing import ClassVar

from cdktf import TerraformOutput
from constructs import Construct

from metrics.rules import FLEET_RULES
from metrics.scrape_jobs import scrape_jobs
from modules import policy
from modules.amp_workspace import AmpWorkspace, Home
from modules.cluster_lookup import ClusterLookup
from modules.node_exporter import NodeExporter
from modules.placement import Placement
from modules.workload_role import WorkloadRole
from settings import ClusterTarget, Needs, Settings
from stacks.on_cluster import connect
from stacks.stack import Stack


class Overlay(Stack):
    """One answer to the question where Kubecost's metrics live, as a stack on one cluster.

    The first cluster of a fleet is the hub, whose stack has the architecture's name; that of each
    further cluster is `<architecture>-<cluster id>`.

    A subclass names its `architecture`, takes a `slot` that no other has (host ports are counted
    from it), says what it `needs` and what an `outage` of AMP loses, and composes modules.
    """

    architecture: ClassVar[str]
    slot: ClassVar[int]
    needs: ClassVar[Needs] = Needs()
    outage: ClassVar[str]  # how "An outage of AMP" goes on; see docs/metrics.md

    def __init__(self, scope: Construct, settings: Settings, target: ClusterTarget) -> None:
        super().__init__(
            scope,
            self.architecture if target.hub else f"{self.architecture}-{target.id}",
            state=settings.state,
            region=target.region,
            role_arn=target.role_arn,
            tags=settings.tags,
        )
        self.settings = settings
        self._target = target
        alias = _alias(settings, self.architecture)
        cluster = ClusterLookup(self, "cluster", target, needs=self.needs)
        connect(self, cluster, auth=settings.kubernetes_auth)
        self.place = Placement(
            self,
            "place",
            architecture=self.architecture,
            cluster=cluster,
            hub=target.hub,
            # A dot, which neither has: prom_amp on a cluster `cost` is not prom_amp_cost.
            prefix=alias if target.hub else f"{alias}.{target.id}",
            slot=self.slot,
        )
        if settings.kubecost.node_exporter:
            NodeExporter(self, "node_exporter", at=self.place)
        self.scrape_jobs = scrape_jobs(self.place.targets(settings.kubecost))
        self.compose()
        if settings.amp.role_arn and self.needs.amp:
            tell_amp_role_trust(self)

    @classmethod
    def described(cls) -> tuple[str, str]:
        """Give the first paragraph of the docstring, what it is, and the rest: when to take it."""
        what, _, when = (inspect.getdoc(cls) or "").partition("\n\n")
        return what, when

    def workspace(self) -> AmpWorkspace:
        """Give the AMP workspace that all clusters share, with what the dashboards rest on."""
        home = amp_home(
            self, self.settings, self._target, self.architecture, makes=self._target.hub
        )
        workspace = AmpWorkspace(
            self, "workspace", self.settings.amp, cluster=self.place.cluster, home=home
        )
        workspace.record("fleet", FLEET_RULES)
        return workspace

    @abstractmethod
    def compose(self) -> None:
        """Put the modules together that make this architecture."""


def amp_home(
    stack: Stack, settings: Settings, target: ClusterTarget, architecture: str, *, makes: bool
) -> Home:
    """Say where the fleet's workspace of an architecture is, seen from a cluster's stack.

    It is in the hub's account, hence reached by the hub's role, whatever cluster the stack is for.
    """
    region, role_arn = settings.amp_region, settings.targets[0].role_arn
    elsewhere = (region, role_arn) != (target.region, target.role_arn)
    return Home(
        architecture=architecture,
        alias=_alias(settings, architecture),
        region=region,
        provider=stack.aws_provider("aws_amp", alias="amp", region=region, role_arn=role_arn)
        if elsewhere
        else None,
        makes=makes,
        cluster_ids=[each.id for each in settings.targets],
    )


def tell_amp_role_trust(stack: Stack) -> None:
    """Put out who of a stack must be allowed to assume the role in the workspace's account."""
    roles = [each.arn for each in stack.node.find_all() if isinstance(each, WorkloadRole)]
    TerraformOutput(
        stack,
        "amp_role_trust",
        value=policy.document(policy.trust_role(*roles)),
        description="What the trust policy of amp.role_arn needs for this stack",
    )


def _alias(settings: Settings, architecture: str) -> str:
    return f"{settings.name}-{architecture.replace('_', '-')}"
