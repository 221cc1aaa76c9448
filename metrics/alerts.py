"""The alerting rules in AMP, and the recording rules that they need.

Every query needs only the cost metrics (`names.COST_ONLY`) and what `rules.FLEET_RULES`
record of them, so each alert works in a workspace that receives nothing else; only a budget for a
label needs that label of the namespaces. What PromQL cannot see is watched by CloudWatch
(`modules.alerts`).

Recording rules run the queries over days every ten minutes, and the alerts read the last result. An
alert's own `for` would start again after every gap in the data.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from metrics.names import NAMESPACE_LABELS, label_name
from metrics.rules import ALLOCATED_COST, CLUSTER_COST, NAMESPACE_COST
from metrics.units import HOURS_PER_MONTH

# The metrics that the recording rules write.
REPORTED = "cluster:reported:timestamp_seconds"
UNPRICED = "cluster:unpriced:count"
CLUSTER_COST_3H = "cluster:cost:usd_per_hour_avg3h"
NAMESPACE_COST_3H = "namespace:cost:usd_per_hour_avg3h"
IDLE = "cluster:idle:ratio_avg3d"
MOUNTED = "volume:mounted:timestamp_seconds"
BUDGET_COST = "budget:cost:usd_per_hour"
SPENT = "budget:spent:usd"
FORECAST = "budget:forecast:usd"
LIMIT = "budget:limit:usd"
LEVEL = "budget:level:usd"

# Costs are counted in these steps; a cost that lasts shorter may be missed.
STEP = "10m"
STEPS_PER_HOUR = 6
# The alerts look back so far for these recordings, so that one evaluation may fail.
LAST = "25m"

# The present month (UTC) as a label: costs of other months have another one.
MONTH = 'count_values("month", month())'
DAYS_LEFT = "scalar(days_in_month() + 1 - day_of_month() - (hour() * 60 + minute()) / 1440)"


class Budget(NamedTuple):
    """What may be spent in a calendar month (UTC), in US dollars.

    Attributes:
        usd: the limit.
        at: percentages of the limit; an alert is sent when the forecast reaches one.
        cluster: a cluster_id, to count this cluster only; None counts all clusters.
        namespace: a namespace, to count it only.
        label: name and value of a label, to count only namespaces that have it.
    """

    usd: float
    at: tuple[int, ...]
    cluster: str | None = None
    namespace: str | None = None
    label: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """Describe the budget in words; each budget of a workspace has another description."""
        what = f"namespace {self.namespace}" if self.namespace else ""
        if self.label:
            what = "namespaces with {}={}".format(*self.label)
        where = f"cluster {self.cluster}" if self.cluster else "all clusters"
        return f"{what} in {where}" if what else where

    @property
    def usd_per_hour(self) -> str:
        """The PromQL of the present cost in USD per hour: one value without labels."""
        where = f'cluster_id="{self.cluster}"' if self.cluster else ""
        if self.namespace:
            selector = ",".join(filter(None, [where, f'namespace="{self.namespace}"']))
            return f"sum ({NAMESPACE_COST}{{{selector}}})"
        if self.label:
            name, value = self.label
            labelled = ",".join(filter(None, [where, f"{label_name(name)}={json.dumps(value)}"]))
            return (
                f"sum ({NAMESPACE_COST} and on (cluster_id, namespace)"
                f" {NAMESPACE_LABELS}{{{labelled}}})"
            )
        return f"sum ({CLUSTER_COST}{{{where}}})"


class Bounds(NamedTuple):
    """The thresholds of the alerts.

    Attributes:
        silent_minutes: minutes without a sample of a cluster.
        jump_percent: percent more cost than at the same hours a week ago.
        idle_percent: percent of a cluster's nodes that is idle, averaged over three days.
        unmounted_days: days in which no pod mounted a volume.
        usd_per_month: a jump or idle nodes that cost less send no alert.
    """

    silent_minutes: int
    jump_percent: int
    idle_percent: int
    unmounted_days: int
    usd_per_month: float


def alert_rules(
    cluster_ids: Sequence[str], bounds: Bounds, budgets: Sequence[Budget], *, runbooks: str
) -> dict[str, Any]:
    """Write all rules for a workspace to which these clusters write.

    `runbooks` is the address of docs/alerts.md; each alert's `runbook_url` is a heading of it.
    """
    known = "|".join(cluster_ids)
    groups = [
        {"name": "KubecostReporting", "interval": "1m", "rules": [_reported(known)]},
        {"name": "KubecostSpending", "interval": STEP, "rules": _spending()},
    ]
    if budgets:
        groups.append({"name": "KubecostBudgets", "interval": STEP, "rules": _budgets(budgets)})
    alerts = [
        *_pipeline_alerts(known, bounds),
        *_cost_alerts(bounds),
        *([_budget_alert()] if budgets else []),
    ]
    for alert in alerts:
        alert["annotations"]["runbook_url"] = f"{runbooks}#{alert['alert'].lower()}"
    groups.append({"name": "KubecostAlerts", "interval": "1m", "rules": alerts})
    return {"groups": groups}


def _reported(known: str) -> dict[str, Any]:
    """Record when each cluster last sent a sample, even long after its series ended.

    The rule reads its own recordings. So it remembers a cluster until the settings no longer name
    it, or until the rule has not run for an hour.
    """
    now = f'max by (cluster_id) (timestamp(kubecost_cluster_info{{cluster_id=~"{known}"}}))'
    before = f'last_over_time({REPORTED}{{cluster_id=~"{known}"}}[1h])'
    return {"record": REPORTED, "expr": f"{now} or {before}"}


def _spending() -> list[dict[str, Any]]:
    nodes = f'sum by (cluster_id) ({CLUSTER_COST}{{resource="nodes"}})'
    allocated = f"sum by (cluster_id) ({ALLOCATED_COST})"
    volume = "by (cluster_id, persistentvolume)"
    without_price = {
        "nodes": "max by (cluster_id, node) (node_total_hourly_cost)",
        "volumes": f"max {volume} (pv_hourly_cost)",
        "load balancers": "max by (cluster_id, namespace, service_name)"
        " (kubecost_load_balancer_cost)",
    }
    return [
        *(
            {
                "record": UNPRICED,
                # This counts a price that is not a number, too.
                "expr": f"count by (cluster_id) ({price} > bool 0 == 0)",
                "labels": {"resource": resource},
            }
            for resource, price in without_price.items()
        ),
        {
            "record": CLUSTER_COST_3H,
            "expr": f"avg_over_time(sum by (cluster_id) ({CLUSTER_COST})[3h:{STEP}])",
        },
        {
            "record": NAMESPACE_COST_3H,
            "expr": f"avg_over_time(sum by (cluster_id, namespace) ({NAMESPACE_COST})[3h:{STEP}])",
        },
        {
            "record": IDLE,
            # Of 72 hours some may be missing, after a restart or a gap.
            "expr": f"1 - avg_over_time({allocated}[3d:1h]) / avg_over_time({nodes}[3d:1h])"
            f" and on (cluster_id) count_over_time({nodes}[3d:1h]) >= 60",
        },
        {
            "record": MOUNTED,
            # Now, if it is mounted; else the last recorded time, while the volume exists; else the
            # time when the volume was first seen.
            "expr": f"timestamp(count {volume} (pod_pvc_allocation))"
            f" or (last_over_time({MOUNTED}[1d])"
            " and on (cluster_id, persistentvolume) pv_hourly_cost)"
            f" or timestamp(count {volume} (pv_hourly_cost))",
        },
    ]


def _budgets(budgets: Sequence[Budget]) -> list[dict[str, Any]]:
    """Record the limits of budgets, what is spent of them, and the forecast of the month.

    The forecast is what is spent so far plus, for each day that is left, the cost of the last 24
    hours. It does not count costs that were not reported, or that are older than the budget.
    """
    spent = f"sum_over_time({BUDGET_COST}[31d]) * on (month) group_left () {MONTH}"
    last_day = f"sum by (budget) (sum_over_time({BUDGET_COST}[1d]))"
    return [
        *(rule for budget in budgets for rule in _budget(budget)),
        {"record": SPENT, "expr": f"sum by (budget) ({spent}) / {STEPS_PER_HOUR}"},
        {
            "record": FORECAST,
            "expr": f"{SPENT} + {last_day} / {STEPS_PER_HOUR} * {DAYS_LEFT}",
        },
    ]


def _budget(budget: Budget) -> list[dict[str, Any]]:
    labels = {"budget": budget.name}
    return [
        {
            "record": BUDGET_COST,
            "expr": f"{budget.usd_per_hour} * on () group_left (month) {MONTH}",
            "labels": labels,
        },
        {"record": LIMIT, "expr": f"vector({_number(budget.usd)})", "labels": labels},
        *(
            {
                "record": LEVEL,
                "expr": f"vector({_number(budget.usd * percent / 100)})",
                "labels": labels
                | {
                    "percent": str(percent),
                    "usd": _number(budget.usd),
                    "severity": "warning" if percent >= 100 else "info",
                },
            }
            for percent in budget.at
        ),
    ]


def _number(value: float) -> str:
    return f"{value:.10g}"


def _alert(name: str, severity: str, expr: str, summary: str, **more: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expr,
        **more,
        **({"labels": {"severity": severity}} if severity else {}),
        "annotations": {"summary": summary},
    }


def _pipeline_alerts(known: str, bounds: Bounds) -> list[dict[str, Any]]:
    return [
        _alert(
            "KubecostClusterSilent",
            "critical",
            f"time() - {REPORTED} > {bounds.silent_minutes * 60}",
            "Cluster {{ $labels.cluster_id }} has sent no costs for {{ humanizeDuration $value }}."
            " They are missing from every report.",
        ),
        _alert(
            "KubecostUnknownCluster",
            "warning",
            f'max by (cluster_id) (kubecost_cluster_info{{cluster_id!~"{known}"}})',
            "Costs arrive from the cluster"
            ' {{ with $labels.cluster_id }}"{{ . }}"{{ else }}without a name{{ end }}, which'
            " kubecost.yaml does not list. They count in the fleet's totals.",
            **{"for": "5m"},
        ),
        _alert(
            "KubecostNoPrice",
            "warning",
            f"last_over_time({UNPRICED}[{LAST}]) > 0",
            "{{ $value }} {{ $labels.resource }} of cluster {{ $labels.cluster_id }} have no price"
            " and count as free.",
            **{"for": "1h"},
        ),
    ]


def _cost_alerts(bounds: Bounds) -> list[dict[str, Any]]:
    per_hour = f"{_number(bounds.usd_per_month)} / {HOURS_PER_MONTH}"
    nodes = f'sum by (cluster_id) ({CLUSTER_COST}{{resource="nodes"}})'
    allocated = f"sum by (cluster_id) ({ALLOCATED_COST})"
    idle = _number(bounds.idle_percent / 100)

    def jump(of: str) -> str:
        now, before = f"last_over_time({of}[{LAST}])", f"last_over_time({of}[{LAST}] offset 1w)"
        return (
            f"{now} / {before} - 1 > {_number(bounds.jump_percent / 100)}"
            f" and {now} - {before} > {per_hour}"
        )

    return [
        _alert(
            "KubecostClusterCostJump",
            "warning",
            jump(CLUSTER_COST_3H),
            "Cluster {{ $labels.cluster_id }} costs {{ humanizePercentage $value }} more than at"
            " the same hours a week ago.",
        ),
        _alert(
            "KubecostNamespaceCostJump",
            "warning",
            jump(NAMESPACE_COST_3H),
            "Namespace {{ $labels.namespace }} of cluster {{ $labels.cluster_id }} costs"
            " {{ humanizePercentage $value }} more than at the same hours a week ago.",
        ),
        _alert(
            "KubecostIdleNodes",
            "info",
            f"last_over_time({IDLE}[{LAST}]) > {idle}"
            f" and on (cluster_id) 1 - {allocated} / {nodes} > {idle}"
            f" and on (cluster_id) {nodes} - {allocated} > {per_hour}",
            "{{ humanizePercentage $value }} of what the nodes of cluster {{ $labels.cluster_id }}"
            " cost was idle in the last three days.",
        ),
        _alert(
            "KubecostVolumeUnmounted",
            "info",
            f"time() - last_over_time({MOUNTED}[{LAST}]) > {bounds.unmounted_days} * 86400",
            "No pod has mounted the volume {{ $labels.persistentvolume }} of cluster"
            " {{ $labels.cluster_id }} for {{ humanizeDuration $value }}. It is still paid for.",
        ),
    ]


def _budget_alert() -> dict[str, Any]:
    level = f"last_over_time({LEVEL}[{LAST}])"
    forecast = f"last_over_time({FORECAST}[{LAST}])"
    return _alert(
        "KubecostBudget",
        "",  # a label of the level
        # The forecast with the labels of each level that it reaches.
        f"{level} * 0 + on (budget) group_left () {forecast} >= {level}",
        'The month is heading for US$ {{ printf "%.0f" $value }} for {{ $labels.budget }}:'
        " {{ $labels.percent }} % or more of the budget of US$ {{ $labels.usd }}.",
        **{"for": "1h"},
    )
