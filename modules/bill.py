"""What one Kubecost reads of AWS's bill."""

from dataclasses import dataclass
from typing import Any, Literal

from modules.cost_report import CostReport, integration
from modules.policy import Statement
from modules.spot_data_feed import SpotDataFeed

# Label and value by which nodes tell that they are spot instances.
_SPOT_LABELS = {
    "managed_node_groups": ("eks.amazonaws.com/capacityType", "SPOT"),
    "karpenter": ("karpenter.sh/capacity-type", "spot"),
}


@dataclass(frozen=True)
class Bill:
    """What a Kubecost with a UI reads, and how it knows spot instances; an agent has the latter.

    Attributes:
        reports: cost reports, one for each payer.
        feed: the spot data feed, if any.
        spot_label: whose node label tells of spot instances.
        tagged: whether its role's sessions have tags, as those of EKS Pod Identity.
        asks_for_trust: whether somebody else must let the reader assume a role.
    """

    reports: tuple[CostReport, ...] = ()
    feed: SpotDataFeed | None = None
    spot_label: Literal["none", "managed_node_groups", "karpenter"] = "none"
    tagged: bool = False
    asks_for_trust: bool = False

    def may_read(self) -> list[Statement]:
        """Allow to read all of it."""
        statements = [
            each for report in self.reports for each in report.may_read(tagged=self.tagged)
        ]
        return statements + (self.feed.may_read() if self.feed else [])

    def for_kubecost(self) -> dict[str, Any]:
        """Spell it as the chart's kubecostProductConfigs.

        Not by the chart's keys `athena*`: those take one report only, and make Kubecost ask every
        hour for the rates of all months (opencost/opencost, pkg/cloud/aws/provider.go).
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
