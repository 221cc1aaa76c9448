"""Architecture `prom_amp`: the bundled Prometheus scrapes, AMP keeps and answers."""

from architectures.overlay import Overlay
from modules.kubecost import BundledPrometheus, Kubecost


class PromAmp(Overlay):
    """The bundled Prometheus scrapes and sends everything to AMP, which Kubecost queries.

    Take it for one Kubecost over all clusters, with a Prometheus in each that has other uses.
    """

    architecture = "prom_amp"
    slot = 2
    outage = (
        "loses all that AMP throttles (429), which the chart gives no way to send again; else"
        " nothing within an hour"
    )

    def compose(self) -> None:
        """Kubecost with its Prometheus, and a workspace that one writes and the other queries."""
        workspace = self.workspace()
        Kubecost(
            self,
            "kubecost",
            self.settings.kubecost,
            at=self.place,
            scraper=BundledPrometheus(self.scrape_jobs, sends_to=workspace),
            queries=workspace,
        )
