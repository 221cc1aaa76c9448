"""Architecture `prom`: everything stays in the cluster."""

from architectures.overlay import Overlay
from modules.kubecost import BundledPrometheus, Kubecost


class Prom(Overlay):
    """The bundled Prometheus scrapes and answers."""

    architecture = "prom"

    def compose(self) -> None:
        """Add Kubecost with its Prometheus."""
        Kubecost(
            self,
            "kubecost",
            self.settings.kubecost,
            at=self.placement,
            bill=self.bill,
            scraper=BundledPrometheus(self.scrape_jobs),
        )
