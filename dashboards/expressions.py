"""PromQL that several dashboards share; `$cluster` and `$namespace` are their pickers."""

from metrics import alerts, names
from metrics.rules import ALLOCATED_COST, CLUSTER_COST, NAMESPACE_COST, SERIES
from metrics.units import CONTAINER, HOURS_PER_MONTH, INTERVAL

SERIES_LIMIT = 500_000
"""What AMP takes of a cluster unless `amp.max_series_per_cluster` says otherwise."""

CLUSTERS = 'cluster_id=~"$cluster"'
NAMESPACES = f'{CLUSTERS},namespace=~"$namespace"'
RESOURCES = ("cpu", "memory", "gpu", "storage", "network", "load_balancer")


def per_month(usd_per_hour: str) -> str:
    """Give USD per month for an expression in USD per hour."""
    return f"{usd_per_hour} * {HOURS_PER_MONTH}"


def of_fleet(per_cluster: str) -> str:
    """Add up what has one value for each cluster."""
    return f"sum ({per_cluster})"


CLUSTER_COST_NOW = f"sum by (cluster_id) ({CLUSTER_COST}{{{CLUSTERS}}})"
CLUSTER_COST_BEFORE = f"sum by (cluster_id) ({CLUSTER_COST}{{{CLUSTERS}}} offset $__range)"
NODE_COST = f'sum by (cluster_id) ({CLUSTER_COST}{{{CLUSTERS},resource="nodes"}})'
ALLOCATED = f"sum by (cluster_id) ({ALLOCATED_COST}{{{CLUSTERS}}})"
IDLE_COST = f"({NODE_COST} - on (cluster_id) {ALLOCATED})"
IDLE_SHARE = f"1 - {ALLOCATED} / on (cluster_id) {NODE_COST}"
NAMESPACE_COST_NOW = f"sum by (cluster_id, namespace) ({NAMESPACE_COST}{{{NAMESPACES}}})"

INFO = f"kubecost_cluster_info{{{CLUSTERS}}}"
REPORTING = f"max by (cluster_id) ({INFO})"
SEEN_IN_A_DAY = f"max by (cluster_id) (max_over_time({INFO}[1d]))"
# `up` is not among the cost metrics, and the age of a sample says more.
LAST_SAMPLE = f"max by (cluster_id) (max_over_time(timestamp({INFO})[1d:{INTERVAL}]))"
# Three times the rule's interval: one evaluation may fail.
SERIES_NOW = f"max by (cluster_id) (last_over_time({SERIES}{{{CLUSTERS}}}[12m]))"

# Empty for what is of no cluster: a budget, or costs that come without a name.
ALERTS = (
    "max by (cluster_id, namespace, persistentvolume, budget, percent, alertname, severity,"
    ' alertstate) (ALERTS{alertname=~"Kubecost.+",cluster_id=~"$cluster|"})'
)


def budgets(record: str) -> str:
    """Give what the alerts' rules record of each budget."""
    return f"max by (budget) (last_over_time({record}[{alerts.LAST}]))"


def allocated_by(label: str, selector: str) -> str:
    """Give USD per hour by cluster_id and label, of the nodes that the containers run on."""
    parts = {
        "container_cpu_allocation": ("", "node_cpu_hourly_cost"),
        "container_memory_allocation_bytes": (" / 1024^3", "node_ram_hourly_cost"),
        names.GPU_ALLOCATION: ("", "node_gpu_hourly_cost"),
    }
    union = " or ".join(
        f"label_replace(sum by (cluster_id, {label}) ("
        "avg by (cluster_id, namespace, pod, container, node)"
        f" ({allocation}{{{selector},{CONTAINER}}}){unit}"
        " * on (cluster_id, node) group_left ()"
        f' avg by (cluster_id, node) ({price}{{{CLUSTERS}}})), "price", "{price}", "", "")'
        for allocation, (unit, price) in parts.items()
    )
    return f"sum by (cluster_id, {label}) ({union})"
