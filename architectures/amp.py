"""Architecture `amp`: AMP's managed scraper scrapes, AMP keeps and answers."""

from architectures.overlay import Overlay
from metrics.rules import RECORDING_RULES
from modules.kubecost import Kubecost
from modules.managed_scraper import ManagedScraper
from settings import Needs


class Amp(Overlay):
    """AMP's managed scraper, outside the cluster, scrapes for AMP, which Kubecost queries.

    Take it where no collector shall run in the cluster, and AMP is in the cluster's region.
    """

    architecture = "amp"
    slot = 4
    needs = Needs(scraper=True)
    outage = "is AWS's matter, for the scraper is AWS's"

    def compose(self) -> None:
        """Kubecost without Prometheus, a scraper, and a workspace that evaluates the rules."""
        workspace = self.workspace()
        workspace.record("kubecost", RECORDING_RULES)
        ManagedScraper(self, "scraper", self.scrape_jobs, at=self.place, sends_to=workspace)
        Kubecost(self, "kubecost", self.settings.kubecost, at=self.place, queries=workspace)
