"""Warn about other software in a cluster that base did not create."""

from collections.abc import Iterator

from settings import Settings


def warnings(settings: Settings) -> Iterator[str]:
    """Warn that another Kubecost in the cluster would also scrape our network-costs.

    The chart gives network-costs the same two labels in every release, and its scrape job selects
    them in any namespace (cost-analyzer 2.8.7, templates/_helpers.tpl and extraScrapeConfigs).
    """
    others = [cluster.name for cluster in settings.fleet if not cluster.made_by_base]
    if settings.kubecost.network_costs and others:
        yield (
            f"if {others[0]}{' or another cluster' if others[1:] else ''} has a Kubecost already,"
            " that Kubecost's Prometheus also scrapes the network-costs pods installed here and"
            " doubles its network cost: limit its job kubecost-networking to its own namespace, or"
            " set kubecost.network_costs to false"
        )
