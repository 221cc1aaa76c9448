"""The stacks: a shared base, five overlays, and what they need now and then."""

import bindings  # noqa: F401

# isort: split
from cdktf import Annotations, App

from architectures.adot_amp import AdotAmp
from architectures.amp import Amp
from architectures.overlay import Overlay
from architectures.prom import Prom
from architectures.prom_amp import PromAmp
from architectures.prom_amp_cost import PromAmpCost
from settings import Settings
from stacks import quotas
from stacks.base import Base
from stacks.grafana import Grafana
from stacks.load_balancer import LoadBalancer

# In reading order: from everything in the cluster to nothing in the cluster.
OVERLAYS: dict[str, type[Overlay]] = {
    overlay.architecture: overlay for overlay in (Prom, PromAmpCost, PromAmp, AdotAmp, Amp)
}

# What the settings must know of them.
ARCHITECTURES = {name: overlay.needs for name, overlay in OVERLAYS.items()}


def add_stacks(app: App, settings: Settings) -> None:
    """Put into the app the stacks that the settings ask for; no stack depends on another."""
    overlays = [OVERLAYS[name] for name in settings.chosen(OVERLAYS)]
    if any(cluster.made_by_base for cluster in settings.targets):
        Base(app, settings)
    for cluster in settings.targets:
        if settings.kubecost.expose != "none":
            LoadBalancer(app, settings, cluster)
        for overlay in overlays:
            stack = overlay(app, settings, cluster)
            if cluster.hub:
                for warning in quotas.warnings(settings, overlay):
                    Annotations.of(stack).add_warning(warning)
    if settings.grafana.enabled:
        Grafana(app, settings, settings.targets[0], overlays=overlays)
