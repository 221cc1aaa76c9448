"""Architecture `amp`: AMP's managed scraper scrapes, AMP keeps and answers."""

from architectures.overlay import Overlay
from metrics.rules import RECORDING_RULES
from modules.kubecost import Kubecost
from modules.managed_scraper import ManagedScraper


class Amp(Overlay):
    """AMP's managed scraper, outside the cluster, scrapes for AMP, which Kubecost queries."""

    architecture = "amp"

    def compose(self) -> None:
        """Add a workspace that evaluates rules, a scraper, and Kubecost without Prometheus."""
        workspace = self.workspace()
        workspace.record("kubecost", RECORDING_RULES)
        ManagedScraper(self, "scraper", self.scrape_jobs, at=self.placement, sends_to=workspace)
        Kubecost(
            self,
            "kubecost",
            self.settings.kubecost,
            at=self.placement,
            bill=self.bill,
            queries=workspace,
        )
