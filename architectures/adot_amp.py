"""Architecture `adot_amp`: an ADOT collector scrapes, AMP keeps and answers."""

from architectures.overlay import Overlay
from metrics.rules import RECORDING_RULES
from modules.adot_collector import AdotCollector
from modules.kubecost import Kubecost


class AdotAmp(Overlay):
    """An ADOT collector scrapes and sends everything to AMP, which Kubecost queries."""

    architecture = "adot_amp"

    def compose(self) -> None:
        """Add a workspace that evaluates rules, a collector, and Kubecost without Prometheus."""
        workspace = self.workspace()
        workspace.record("kubecost", RECORDING_RULES)
        AdotCollector(self, "collector", self.scrape_jobs, at=self.placement, sends_to=workspace)
        Kubecost(
            self,
            "kubecost",
            self.settings.kubecost,
            at=self.placement,
            bill=self.bill,
            queries=workspace,
        )
