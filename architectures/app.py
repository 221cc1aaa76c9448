"""Which stacks the settings ask for."""

from cdktf import Annotations, App

from architectures import ARCHITECTURES
from architectures.overlay import overlay
from settings import Settings
from stacks import neighbours, quotas
from stacks.base import Base
from stacks.grafana import Grafana
from stacks.load_balancer import LoadBalancer
from stacks.rules import apply_rules


def add_stacks(app: App, settings: Settings) -> None:
    """Put into the app the stacks that the settings ask for; no stack depends on another."""
    chosen = [ARCHITECTURES[name] for name in settings.chosen(ARCHITECTURES)]
    if any(cluster.made_by_base for cluster in settings.fleet):
        Base(app, settings)
    for cluster in settings.fleet:
        if settings.needs_load_balancer_stack(cluster):
            LoadBalancer(app, settings, cluster)
        for index, architecture in enumerate(chosen):
            stack = overlay(architecture.name)(app, settings, cluster)
            warnings = [*quotas.warnings(settings, architecture)] if cluster.hub else []
            if cluster.hub and index == 0:
                warnings += neighbours.warnings(settings)
            for warning in warnings:
                Annotations.of(stack).add_warning(warning)
    if settings.grafana.enabled:
        Grafana(app, settings, architectures=[a.name for a in chosen if a.sends_to_amp])
    apply_rules(app, settings)
