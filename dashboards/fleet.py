"""Dashboard `fleet`: what each cluster costs, and how much of it is idle."""

from grafana_foundation_sdk.builders import dashboard as builder

from dashboards.expressions import (
    ALLOCATED,
    CLUSTER_COST_BEFORE,
    CLUSTER_COST_NOW,
    CLUSTERS,
    IDLE_COST,
    IDLE_SHARE,
    NODE_COST,
    budgets,
    of_fleet,
    per_month,
)
from dashboards.panels import (
    SHARE,
    Column,
    new_dashboard,
    stat_panel,
    table_panel,
    timeseries_panel,
)
from metrics.alerts import FORECAST, LIMIT, SPENT
from metrics.rules import NAMESPACE_COST


def fleet() -> builder.Dashboard:
    """Show what every cluster costs in a month, how that changes, and how much of it is idle."""
    return (
        new_dashboard("kubecost-fleet", "Kubecost / Fleet", "What all clusters cost.")
        .with_panel(
            stat_panel(
                "Cost per month",
                "Nodes, mounted volumes, load balancers, management fees and network egress of all"
                " chosen clusters, if the month went on at the present rate.",
                of_fleet(per_month(CLUSTER_COST_NOW)),
            )
        )
        .with_panel(
            stat_panel(
                "Change",
                "Of the monthly cost, since the begin of the time range.",
                f"{of_fleet(CLUSTER_COST_NOW)} / {of_fleet(CLUSTER_COST_BEFORE)} - 1",
                unit=SHARE,
            )
        )
        .with_panel(
            stat_panel(
                "Idle share",
                "The part of the nodes' cost that no container requests or uses.",
                f"1 - {of_fleet(ALLOCATED)} / {of_fleet(NODE_COST)}",
                unit=SHARE,
            )
        )
        .with_panel(
            stat_panel(
                "Idle cost per month",
                "The nodes' cost that no container requests or uses.",
                of_fleet(per_month(IDLE_COST)),
            )
        )
        .with_panel(
            table_panel(
                "Clusters",
                "Costs per month at the present rate; change since the begin of the time range.",
                {"cluster_id": "Cluster"},
                [
                    Column("Cost", per_month(CLUSTER_COST_NOW)),
                    Column(
                        "Change",
                        f"{CLUSTER_COST_NOW} / on (cluster_id) {CLUSTER_COST_BEFORE} - 1",
                        SHARE,
                    ),
                    Column("Nodes", per_month(NODE_COST)),
                    Column("Idle", per_month(IDLE_COST)),
                    Column("Idle share", IDLE_SHARE, SHARE),
                ],
            )
        )
        .with_panel(
            timeseries_panel(
                "Cost per month by cluster",
                "At the rate of each moment.",
                per_month(CLUSTER_COST_NOW),
                "{{cluster_id}}",
            )
        )
        .with_panel(
            timeseries_panel(
                "Idle share by cluster",
                "Below zero, containers use more than the nodes have to request.",
                IDLE_SHARE,
                "{{cluster_id}}",
                unit=SHARE,
                stacked=False,
            )
        )
        .with_panel(
            table_panel(
                "Dearest namespaces",
                "The 20 namespaces of any cluster that cost most per month.",
                {"cluster_id": "Cluster", "namespace": "Namespace"},
                [
                    Column(
                        "Cost",
                        "topk(20, "
                        + per_month(
                            f"sum by (cluster_id, namespace) ({NAMESPACE_COST}{{{CLUSTERS}}})"
                        )
                        + ")",
                    )
                ],
            )
        )
        .with_panel(
            table_panel(
                "Budgets",
                "Of this month (UTC), of any cluster. Forecast: what is spent, and what"
                " the last 24 hours cost for each day that is left.",
                {"budget": "Budget"},
                [
                    Column("Share of budget", f"{budgets(FORECAST)} / {budgets(LIMIT)}", SHARE),
                    Column("Spent", budgets(SPENT)),
                    Column("Forecast", budgets(FORECAST)),
                    Column("Limit", budgets(LIMIT)),
                ],
            )
        )
    )
