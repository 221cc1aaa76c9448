"""PromQL queries of costs that need only the cost metrics (`names.COST_ONLY`).

They work in AMP and in any Prometheus that several clusters share: every result keeps `cluster_id`,
and every join uses it, because clusters may have nodes of the same name. Prices are per hour.
Metrics and units: OpenCost documentation, "OpenCost exporter metrics".
"""

from metrics.names import GPU_ALLOCATION
from metrics.units import CONTAINER


def _of_containers(allocated: str, unit: str, price: str) -> str:
    """Write the query of $/h per namespace: its containers' allocation at their nodes' prices.

    The averages make one series if two scrapes of the same container overlap.
    """
    return (
        "sum by (cluster_id, namespace) ("
        f"avg by (cluster_id, namespace, pod, container, node) ({allocated}{{{CONTAINER}}}){unit}"
        f" * on (cluster_id, node) group_left () avg by (cluster_id, node) ({price}))"
    )


CPU_PER_NAMESPACE = _of_containers("container_cpu_allocation", "", "node_cpu_hourly_cost")
"""$/h by cluster_id and namespace; allocated is what is requested or used, whichever is more."""

MEMORY_PER_NAMESPACE = _of_containers(
    "container_memory_allocation_bytes", " / 1024^3", "node_ram_hourly_cost"
)
"""$/h by cluster_id and namespace."""

GPU_PER_NAMESPACE = _of_containers(GPU_ALLOCATION, "", "node_gpu_hourly_cost")
"""$/h by cluster_id and namespace."""

STORAGE_PER_NAMESPACE = (
    "sum by (cluster_id, namespace) ("
    "avg by (cluster_id, namespace, pod, persistentvolume) (pod_pvc_allocation) / 1024^3"
    " * on (cluster_id, persistentvolume) group_left ()"
    " avg by (cluster_id, persistentvolume) (pv_hourly_cost))"
)
"""$/h by cluster_id and namespace.

cost-model divides what a claim requests by the number of pods that mount it (opencost
pkg/costmodel/metrics.go), so a volume counts once, however many pods share it.
"""

COST_PER_NAMESPACE = (
    "sum by (cluster_id, namespace) ("
    + " or ".join(
        f'label_replace({query}, "resource", "{resource}", "", "")'
        for resource, query in {
            "cpu": CPU_PER_NAMESPACE,
            "memory": MEMORY_PER_NAMESPACE,
            "gpu": GPU_PER_NAMESPACE,
            "storage": STORAGE_PER_NAMESPACE,
        }.items()
    )
    + ")"
)
"""$/h by cluster_id and namespace: CPU, memory, GPU and volumes; network egress is separate."""

COST_PER_CLUSTER = "sum by (cluster_id) (avg by (cluster_id, node) (node_total_hourly_cost))"
"""$/h by cluster_id, of all nodes, idle or not."""


# The egress that has a price, by where it goes.
PRICED = {
    "the internet": 'internet="true"',
    "other regions": 'internet="false",same_region="false"',
    "other zones": 'internet="false",same_region="true",same_zone="false"',
}


def network_egress_per_namespace(window: str = "1h") -> str:
    """Give $/h by cluster_id and namespace, as it was on average in `window`, a PromQL duration.

    Priced is traffic to the internet, to other regions and to other zones.
    """

    def priced(where: str, price: str) -> str:
        return (
            "sum by (cluster_id, namespace)"
            f" (rate(kubecost_pod_network_egress_bytes_total{{{where}}}[{window}])) * 3600 / 1024^3"
            f" * on (cluster_id) group_left () avg by (cluster_id) ({price})"
        )

    parts = {
        "internet": priced(PRICED["the internet"], "kubecost_network_internet_egress_cost"),
        "region": priced(PRICED["other regions"], "kubecost_network_region_egress_cost"),
        "zone": priced(PRICED["other zones"], "kubecost_network_zone_egress_cost"),
    }
    union = " or ".join(
        f'label_replace({query}, "to", "{to}", "", "")' for to, query in parts.items()
    )
    return f"sum by (cluster_id, namespace) ({union})"


def bytes_per_volume(selector: str = "") -> str:
    """Write the query of the bytes of each claimed volume: the sum of its pods' parts.

    The result is by cluster_id, namespace, claim and volume; `selector` is PromQL in braces.
    """
    claim = "persistentvolumeclaim, persistentvolume"
    return (
        f"sum by (cluster_id, namespace, {claim})"
        f" (avg by (cluster_id, namespace, pod, {claim}) (pod_pvc_allocation{selector}))"
    )
