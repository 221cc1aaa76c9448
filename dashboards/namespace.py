"""Dashboard `namespace`: one namespace across clusters."""

from grafana_foundation_sdk.builders import dashboard as builder

from dashboards.expressions import (
    CLUSTER_COST_NOW,
    CLUSTERS,
    allocated_by,
    forecast,
    of_fleet,
    per_month,
    spent_this_month,
)
from dashboards.panels import (
    FORECAST_NOTE,
    SHARE,
    SPENT_NOTE,
    Column,
    namespaces,
    new_dashboard,
    resource_columns,
    stat_panel,
    table_panel,
    timeseries_panel,
)
from metrics.rules import NAMESPACE_COST


def namespace() -> builder.Dashboard:
    """Show one namespace across the chosen clusters."""
    this = f'{CLUSTERS},namespace="$namespace"'
    cost = f"sum by (cluster_id) ({NAMESPACE_COST}{{{this}}})"
    return (
        new_dashboard(
            "kubecost-namespace", "Kubecost / Namespace", "What a namespace costs in every cluster."
        )
        .with_variable(namespaces())
        .with_panel(
            stat_panel(
                "Cost per month",
                "Of the namespace in all chosen clusters, at the present rate.",
                of_fleet(per_month(cost)),
            )
        )
        .with_panel(stat_panel("Spent this month", SPENT_NOTE, of_fleet(spent_this_month(cost))))
        .with_panel(stat_panel("Forecast", FORECAST_NOTE, of_fleet(forecast(cost))))
        .with_panel(
            stat_panel(
                "Share of the clusters' cost",
                "Of all chosen clusters, those without the namespace too.",
                f"{of_fleet(cost)} / {of_fleet(CLUSTER_COST_NOW)}",
                unit=SHARE,
            )
        )
        .with_panel(
            table_panel(
                "Clusters",
                "Costs per month at the present rate.",
                {"cluster_id": "Cluster"},
                [
                    *resource_columns("cluster_id", this),
                    Column(
                        "Share of cluster", f"{cost} / on (cluster_id) {CLUSTER_COST_NOW}", SHARE
                    ),
                ],
            )
        )
        .with_panel(
            timeseries_panel(
                "Cost per month by cluster",
                "At the rate of each moment.",
                {"{{cluster_id}}": per_month(cost)},
            )
        )
        .with_panel(
            timeseries_panel(
                "Cost per month by resource",
                "At the rate of each moment.",
                {
                    "{{cluster_id}} {{resource}}": per_month(
                        f"sum by (cluster_id, resource) ({NAMESPACE_COST}{{{this}}})"
                    )
                },
            )
        )
        .with_panel(
            table_panel(
                "Most expensive pods",
                "CPU, memory and GPUs of the 50 pods that cost most per month.",
                {"cluster_id": "Cluster", "pod": "Pod"},
                [Column("Cost", f"topk(50, {per_month(allocated_by('pod', this))})")],
            )
        )
    )
