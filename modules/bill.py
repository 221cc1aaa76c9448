"""The parts of AWS's bill that one Kubecost reads."""

from dataclasses import dataclass
from typing import Any, Literal

from modules.cost_report import CostReport, integration
from modules.policy import Statement
from modules.spot_data_feed import SpotDataFeed

# The node label and its value that mark a spot instance.
_SPOT_LABELS = {
    "managed_node_groups": ("eks.amazonaws.com/capacityType", "SPOT"),
    "karpenter": ("karpenter.sh/capacity-type", "spot"),
}


@dataclass(frozen=True)
class Bill:
    """The reports that a Kubecost with a UI reads, and how it recognizes spot instances.

    An agent has `spot_label` only.

    Attributes:
        reports: cost reports, one for each payer.
        feed: the spot data feed, if any.
        spot_label: what sets the node label that marks spot instances.
        tagged: whether its role's sessions have tags, as with EKS Pod Identity.
        asks_for_trust: whether the owner of another role must let the reader assume it.
    """

    reports: tuple[CostReport, ...] = ()
    feed: SpotDataFeed | None = None
    spot_label: Literal["none", "managed_node_groups", "karpenter"] = "none"
    tagged: bool = False
    asks_for_trust: bool = False

    def may_read(self) -> list[Statement]:
        """Allow reading the reports and the feed."""
        statements = [
            each for report in self.reports for each in report.may_read(tagged=self.tagged)
        ]
        return statements + (self.feed.may_read() if self.feed else [])

    def for_kubecost(self) -> dict[str, Any]:
        """Write the chart's kubecostProductConfigs.

        It does not use the chart's keys `athena*`: they support one report only, and make Kubecost
        query the rates of all months every hour (opencost/opencost, pkg/cloud/aws/provider.go).
        """
        configs: dict[str, Any] = {}
        if self.reports:
            configs["cloudIntegrationJSON"] = integration(self.reports)
        if self.feed:
            configs |= self.feed.for_kubecost()
        if self.spot_label != "none":
            label, value = _SPOT_LABELS[self.spot_label]
            configs |= {"spotLabel": label, "spotLabelValue": value}
        return configs
