"""Architecture `prom`: everything stays in the cluster."""

from architectures.overlay import Overlay
from modules.kubecost import BundledPrometheus, Kubecost
from settings import Needs


class Prom(Overlay):
    """The bundled Prometheus scrapes and answers.

    Take it for one cluster, or where nothing may leave the cluster: no AMP, no role, no fees.
    """

    architecture = "prom"
    slot = 0
    needs = Needs(amp=False, queries=False)
    outage = (
        "loses nothing, for AMP has no part in it; the volumes in the cluster are the only copy"
    )

    def compose(self) -> None:
        """Kubecost with its Prometheus."""
        Kubecost(
            self,
            "kubecost",
            self.settings.kubecost,
            at=self.place,
            scraper=BundledPrometheus(self.scrape_jobs),
        )
