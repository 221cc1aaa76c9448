"""Architecture `prom_amp_cost`: AMP receives the costs of every cluster, and nothing else."""

from architectures.overlay import Overlay
from modules.kubecost import BundledPrometheus, Costs, Kubecost


class PromAmpCost(Overlay):
    """The bundled Prometheus scrapes and answers; it sends the cost metrics to AMP.

    Those are `COST_ONLY` of metrics/names.py.
    """

    architecture = "prom_amp_cost"

    def compose(self) -> None:
        """Add Kubecost with its Prometheus, and a workspace to which Prometheus writes costs."""
        workspace = self.workspace()
        costs = Costs(to=workspace, namespace_labels=self.settings.amp.namespace_labels)
        Kubecost(
            self,
            "kubecost",
            self.settings.kubecost,
            at=self.placement,
            bill=self.bill,
            scraper=BundledPrometheus(self.scrape_jobs, sends=costs),
        )
