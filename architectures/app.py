"""Make the stacks of a settings file, in one process."""

from collections.abc import Sequence
from pathlib import Path

from cdktf import Annotations, App

from architectures import ARCHITECTURES, Architecture
from architectures.overlay import overlay
from modules.kubecost import reader_name
from settings import Settings
from settings.billing import account_of
from stacks import chart_keys, neighbours, quotas, support
from stacks.base import Base
from stacks.billing import Billing, Reader
from stacks.grafana import Grafana
from stacks.load_balancer import LoadBalancer
from stacks.organization import apply_rules
from stacks.processes import Share


def write(settings: Settings, out: Path, share: Share) -> None:
    """Write the stacks of a share of the clusters as Terraform JSON to a folder."""
    # A warning's stack trace would write this machine's folders to manifest.json.
    app = App(outdir=str(out), stack_traces=False)
    add_stacks(app, settings, share)
    app.synth()


def add_stacks(app: App, settings: Settings, share: Share) -> None:
    """Add the stacks of a share of the clusters to the app; no stack depends on another.

    The stacks that the clusters have in common are in the first share.
    """
    chosen = [ARCHITECTURES[name] for name in settings.chosen(ARCHITECTURES)]
    if share.first and any(cluster.made_by_base for cluster in settings.fleet):
        base = Base(app, settings)
        for warning in support.warnings(settings, support.today()):
            Annotations.of(base).add_warning(warning)
    for cluster in share.of(settings.fleet):
        if settings.needs_load_balancer_stack(cluster):
            LoadBalancer(app, settings, cluster)
        for index, architecture in enumerate(chosen):
            stack = overlay(architecture.name)(app, settings, cluster)
            warnings = [*quotas.warnings(settings, architecture)] if cluster.hub else []
            if cluster.hub and index == 0:
                warnings += [*neighbours.warnings(settings), *chart_keys.warnings(settings)]
            for warning in warnings:
                Annotations.of(stack).add_warning(warning)
    if share.first and settings.grafana.enabled:
        Grafana(app, settings, architectures=[a.name for a in chosen if a.sends_to_amp])
    if share.first and settings.billing.makes_something:
        Billing(app, settings, readers=_readers(settings, chosen))
    apply_rules(app, settings)


def _readers(settings: Settings, chosen: Sequence[Architecture]) -> list[Reader]:
    """List the roles of all Kubecosts with a UI, which read the bill."""
    return [
        Reader(
            account=account_of(cluster.role_arn),
            role_name=reader_name(settings.prefix(architecture.name, cluster)),
        )
        for cluster in settings.fleet
        for architecture in chosen
        if architecture.has_ui(hub=cluster.hub)
    ]
