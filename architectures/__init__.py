"""The architectures: what each is, and when to choose it; plain data, without CDKTF.

`architectures/<name>.py` has the class that composes each.
"""

from collections.abc import Collection
from dataclasses import dataclass

import bindings  # noqa: F401


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One way to scrape, store and query Kubecost's metrics.

    Attributes:
        name: the name of the stack, and of the module that composes it.
        slot: a unique number that never changes, because host ports depend on it.
        summary: who scrapes, what AMP receives, what Kubecost queries.
        choose_when: the end of the sentence "Choose it …".
        outage: the end of the sentence "An outage of AMP …"; see docs/metrics.md.
        sends_to_amp: whether metrics go to a workspace.
        sends_labels: whether all labels of namespaces are among them.
        queries_amp: whether Kubecost queries it.
        scraped_by_amp: whether AMP's managed scraper must reach the cluster, in AMP's region.
    """

    name: str
    slot: int
    summary: str
    choose_when: str
    outage: str
    sends_to_amp: bool = True
    sends_labels: bool = True
    queries_amp: bool = True
    scraped_by_amp: bool = False

    def sends_label(self, name: str, with_costs: Collection[str]) -> bool:
        """Tell whether AMP receives a label of namespaces; `with_costs` has those of the costs."""
        return self.sends_labels or (self.sends_to_amp and name in with_costs)

    def has_ui(self, *, hub: bool) -> bool:
        """Tell whether its Kubecost on the hub, or on another cluster, has a UI."""
        return hub or not self.queries_amp


def registry(*architectures: Architecture) -> dict[str, Architecture]:
    """Index architectures by name.

    Raises:
        ValueError: two of them have the same name or slot.
    """
    for attribute in ("name", "slot"):
        holders: dict[str | int, str] = {}
        for each in architectures:
            value = getattr(each, attribute)
            if value in holders:
                raise ValueError(f"{holders[value]} and {each.name} have the {attribute} {value}")
            holders[value] = each.name
    return {each.name: each for each in architectures}


# In reading order: from everything in the cluster to nothing in the cluster.
ARCHITECTURES = registry(
    Architecture(
        name="prom",
        slot=0,
        summary="The bundled Prometheus scrapes and answers.",
        choose_when="for one cluster, or when nothing may leave the cluster: no AMP, no role, no"
        " fees.",
        outage="loses nothing, because AMP has no part in it; the volumes in the cluster are the"
        " only copy",
        sends_to_amp=False,
        sends_labels=False,
        queries_amp=False,
    ),
    Architecture(
        name="prom_amp_cost",
        slot=1,
        summary="The bundled Prometheus scrapes and answers; it sends the cost metrics to AMP.",
        choose_when="when in doubt: a tenth of the samples gives the costs of all clusters on one"
        " screen.",
        outage="loses nothing within an hour, throttling included, unless Prometheus restarts",
        sends_labels=False,
        queries_amp=False,
    ),
    Architecture(
        name="prom_amp",
        slot=2,
        summary="The bundled Prometheus scrapes and sends everything to AMP, which Kubecost"
        " queries.",
        choose_when="for one Kubecost over all clusters, with a Prometheus in each that has other"
        " uses.",
        outage="loses nothing within an hour, throttling included, unless Prometheus restarts",
    ),
    Architecture(
        name="adot_amp",
        slot=3,
        summary="An ADOT collector scrapes and sends everything to AMP, which Kubecost queries.",
        choose_when="for one Kubecost over all clusters, in any region and account, without"
        " Prometheus.",
        outage="loses nothing within an hour, throttling included; but what waits is in memory,"
        " and lost when the collector restarts",
    ),
    Architecture(
        name="amp",
        slot=4,
        summary="AMP's managed scraper, outside the cluster, scrapes for AMP, which Kubecost"
        " queries.",
        choose_when="when no collector may run in the cluster, and AMP is in the cluster's region.",
        outage="depends on AWS: the scraper runs there",
        scraped_by_amp=True,
    ),
)
