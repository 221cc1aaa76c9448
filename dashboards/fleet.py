"""Dashboard `fleet`: what each cluster costs, and how much of it is idle."""

from grafana_foundation_sdk.builders import dashboard as builder

from dashboards.expressions import (
    ALLOCATED,
    CLUSTER_COST_BEFORE,
    CLUSTER_COST_NOW,
    CLUSTERS,
    FORECAST_NOW,
    IDLE_COST,
    IDLE_SHARE,
    NODE_COST,
    OWNED_NAMESPACES,
    OWNER_COST,
    SPENT_NOW,
    budgets,
    of_fleet,
    per_month,
)
from dashboards.panels import (
    FORECAST_NOTE,
    IDLE,
    JUMP,
    OF_BUDGET,
    SHARE,
    SPENT_NOTE,
    Column,
    new_dashboard,
    picker,
    stat_panel,
    table_panel,
    timeseries_panel,
)
from metrics.alerts import FORECAST, LIMIT, SPENT
from metrics.names import NAMESPACE_LABELS
from metrics.rules import NAMESPACE_COST


def fleet() -> builder.Dashboard:
    """Show what every cluster costs, how that changes, how much of it is idle, and whose it is."""
    return (
        new_dashboard("kubecost-fleet", "Kubecost / Fleet", "What all clusters cost.")
        .with_variable(
            picker("label", "Namespace label", f"label_names({NAMESPACE_LABELS})")
            .regex("/^label_(.+)$/")
            .description("Those that amp.namespace_labels in kubecost.yaml sends with the costs.")
        )
        .with_panel(
            stat_panel("Spent this month", SPENT_NOTE, of_fleet(SPENT_NOW)).span(4),
        )
        .with_panel(stat_panel("Forecast", FORECAST_NOTE, of_fleet(FORECAST_NOW)).span(4))
        .with_panel(
            stat_panel(
                "Cost per month",
                "Nodes, mounted volumes, load balancers, management fees and network egress of all"
                " chosen clusters, if the month went on at the present rate.",
                of_fleet(per_month(CLUSTER_COST_NOW)),
            ).span(4)
        )
        .with_panel(
            stat_panel(
                "Change",
                "Of the monthly cost, since the beginning of the time range.",
                f"{of_fleet(CLUSTER_COST_NOW)} / {of_fleet(CLUSTER_COST_BEFORE)} - 1",
                unit=SHARE,
                bounds=JUMP,
            ).span(4)
        )
        .with_panel(
            stat_panel(
                "Idle share",
                "The part of the nodes' cost that no container requests or uses.",
                f"1 - {of_fleet(ALLOCATED)} / {of_fleet(NODE_COST)}",
                unit=SHARE,
                bounds=IDLE,
            ).span(4)
        )
        .with_panel(
            stat_panel(
                "Idle cost per month",
                "The nodes' cost that no container requests or uses.",
                of_fleet(per_month(IDLE_COST)),
            ).span(4)
        )
        .with_panel(
            table_panel(
                "Clusters",
                "Cost, nodes and idle are per month at the present rate; the change is since the"
                " beginning of the time range.",
                {"cluster_id": "Cluster"},
                [
                    Column("Cost", per_month(CLUSTER_COST_NOW)),
                    Column("Spent this month", SPENT_NOW),
                    Column("Forecast", FORECAST_NOW),
                    Column(
                        "Change",
                        f"{CLUSTER_COST_NOW} / on (cluster_id) {CLUSTER_COST_BEFORE} - 1",
                        SHARE,
                        JUMP,
                    ),
                    Column("Nodes", per_month(NODE_COST)),
                    Column("Idle", per_month(IDLE_COST)),
                    Column("Idle share", IDLE_SHARE, SHARE, IDLE),
                ],
            ).height(7)
        )
        .with_panel(
            timeseries_panel(
                "Cost per month by cluster",
                "At the rate of each moment.",
                {"{{cluster_id}}": per_month(CLUSTER_COST_NOW)},
            )
        )
        .with_panel(
            timeseries_panel(
                "Idle share by cluster",
                "Below zero, containers use more than the nodes have to request.",
                {"{{cluster_id}}": IDLE_SHARE},
                unit=SHARE,
                stacked=False,
                limit=IDLE[1],
            )
        )
        .with_panel(
            table_panel(
                "Cost by label",
                "What namespaces are allocated per month, by their value of the label chosen at"
                " the top. A budget for a label says what is spent of a month.",
                {"owner": "Label"},
                [
                    Column("Cost", per_month(OWNER_COST)),
                    Column(
                        "Share", f"{OWNER_COST} / on () group_left () sum ({OWNER_COST})", SHARE
                    ),
                    Column("Namespaces", OWNED_NAMESPACES, "short"),
                ],
            )
            .height(8)
            .span(12)
        )
        .with_panel(
            timeseries_panel(
                "Cost per month by label",
                "What namespaces are allocated, at the rate of each moment.",
                {"{{owner}}": per_month(OWNER_COST)},
            )
        )
        .with_panel(
            table_panel(
                "Most expensive namespaces",
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
            .height(8)
            .span(10)
        )
        .with_panel(
            table_panel(
                "Budgets",
                "Of this month (UTC), of any cluster. Forecast: what is spent, and what"
                " the last 24 hours cost for each day that is left.",
                {"budget": "Budget"},
                [
                    Column(
                        "Share",
                        f"{budgets(FORECAST)} / {budgets(LIMIT)}",
                        SHARE,
                        OF_BUDGET,
                    ),
                    Column("Spent", budgets(SPENT)),
                    Column("Forecast", budgets(FORECAST)),
                    Column("Limit", budgets(LIMIT)),
                ],
            )
            .height(8)
            .span(14)
        )
    )
