"""Warnings about what else may run in a cluster that base did not make."""

from collections.abc import Iterator

from settings import Cluster, KubecostSettings


def warnings(kubecost: KubecostSettings, cluster: Cluster) -> Iterator[str]:
    """Say what a Kubecost that is there already would make of ours.

    The chart gives network-costs the same two labels in every release, and its own job selects
    them in any namespace (cost-analyzer 2.8.7, templates/_helpers.tpl and extraScrapeConfigs).
    """
    if kubecost.network_costs and not cluster.made_by_base:
        yield (
            f"if cluster {cluster.name} has another Kubecost, its Prometheus scrapes the "
            "network-costs pods installed here, too, and its network cost doubles: set its "
            "networkCosts.enabled or kubecost.network_costs here to false, or limit its job "
            "kubecost-networking to its own namespace"
        )
