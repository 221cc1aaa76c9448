"""PromQL that several dashboards share; `$cluster` and `$namespace` are their pickers."""

from metrics import alerts, names
from metrics.names import NAMESPACE_LABELS
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


def spent_this_month(usd_per_hour: str, by: str = "cluster_id") -> str:
    """Give USD spent since the month began (UTC), of what has one value for each of `by`.

    The values at each full hour are added up: 744 samples of each series at most.
    """
    hourly = f"({usd_per_hour} * on () group_left (month) {alerts.MONTH})[31d:1h]"
    return f"sum by ({by}) (sum_over_time({hourly}) * on (month) group_left () {alerts.MONTH})"


def forecast(usd_per_hour: str, by: str = "cluster_id") -> str:
    """Give USD of the whole month: what is spent, and the last 24 hours' for each day left."""
    a_day = f"avg_over_time(({usd_per_hour})[1d:1h]) * 24 * {alerts.DAYS_LEFT}"
    return f"{spent_this_month(usd_per_hour, by)} + on ({by}) {a_day}"


SPENT_NOW, FORECAST_NOW = spent_this_month(CLUSTER_COST_NOW), forecast(CLUSTER_COST_NOW)

# Namespaces with the value of the chosen label as `owner`; the others say that they have none.
_OWNERS = (
    "max by (cluster_id, namespace, owner) (label_replace(label_replace("
    f'{NAMESPACE_LABELS}{{{CLUSTERS}}}, "owner", "no label", "", ""),'
    ' "owner", "$1", "label_$label", "(.+)"))'
)
OWNER_COST = (
    f"sum by (owner) (sum by (cluster_id, namespace) ({NAMESPACE_COST}{{{CLUSTERS}}})"
    f" * on (cluster_id, namespace) group_left (owner) {_OWNERS})"
)
OWNED_NAMESPACES = f"count by (owner) ({_OWNERS})"

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
