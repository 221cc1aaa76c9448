"""Architecture `prom_amp`: the bundled Prometheus scrapes, AMP keeps and answers."""

from architectures.overlay import Overlay
from modules.kubecost import BundledPrometheus, Everything, Kubecost


class PromAmp(Overlay):
    """The bundled Prometheus scrapes and sends everything to AMP, which Kubecost queries."""

    architecture = "prom_amp"

    def compose(self) -> None:
        """Add a workspace, a Prometheus that writes to it, and a Kubecost that queries it."""
        workspace = self.workspace()
        Kubecost(
            self,
            "kubecost",
            self.settings.kubecost,
            at=self.placement,
            bill=self.bill,
            scraper=BundledPrometheus(self.scrape_jobs, sends=Everything(to=workspace)),
            queries=workspace,
        )
