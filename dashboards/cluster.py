"""Dashboard `cluster`: nodes, namespaces, storage and network of the chosen clusters."""

from grafana_foundation_sdk.builders import dashboard as builder

from dashboards.expressions import (
    CLUSTER_COST_NOW,
    CLUSTERS,
    FORECAST_NOW,
    IDLE_SHARE,
    NAMESPACE_COST_NOW,
    NAMESPACES,
    SPENT_NOW,
    allocated_by,
    per_month,
)
from dashboards.panels import (
    FORECAST_NOTE,
    IDLE,
    SHARE,
    SPENT_NOTE,
    Column,
    many,
    namespaces,
    new_dashboard,
    resource_columns,
    stat_panel,
    table_panel,
    timeseries_panel,
)
from metrics.queries import PRICED, bytes_per_volume
from metrics.rules import CLUSTER_COST, NAMESPACE_COST


def cluster() -> builder.Dashboard:
    """Show the nodes, namespaces, storage and network of the chosen clusters."""
    prices = f"avg by (cluster_id, node) (node_total_hourly_cost{{{CLUSTERS}}})"
    types = f"avg by (cluster_id, node, instance_type) (node_total_hourly_cost{{{CLUSTERS}}})"
    claims = bytes_per_volume(f"{{{NAMESPACES}}}")
    volume_price = f"avg by (cluster_id, persistentvolume) (pv_hourly_cost{{{CLUSTERS}}})"
    balancers = (
        "avg by (cluster_id, namespace, service_name, ingress_ip)"
        f" (kubecost_load_balancer_cost{{{NAMESPACES}}})"
    )

    def egress(where: str) -> str:
        traffic = f"kubecost_pod_network_egress_bytes_total{{{NAMESPACES},{where}}}"
        return f"sum by (cluster_id) (rate({traffic}[$__rate_interval]))"

    per_cluster = "{{cluster_id}}"
    per_namespace = "{{cluster_id}} {{namespace}}"
    return (
        new_dashboard(
            "kubecost-cluster", "Kubecost / Cluster", "What a cluster costs, and for what."
        )
        .with_variable(many(namespaces()))
        .with_panel(
            stat_panel(
                "Cost per month",
                "Nodes, claimed volumes, load balancers, management fee and network egress.",
                per_month(CLUSTER_COST_NOW),
                legend=per_cluster,
            ).height(8)
        )
        .with_panel(
            stat_panel("Spent this month", SPENT_NOTE, SPENT_NOW, legend=per_cluster).height(8)
        )
        .with_panel(
            stat_panel("Forecast", FORECAST_NOTE, FORECAST_NOW, legend=per_cluster).height(8)
        )
        .with_panel(
            stat_panel(
                "Idle share",
                "The part of the nodes' cost that no container requests or uses.",
                IDLE_SHARE,
                unit=SHARE,
                legend=per_cluster,
                bounds=IDLE,
            ).height(8)
        )
        .with_panel(
            timeseries_panel(
                "Cost per month by resource",
                "At the rate of each moment.",
                {
                    "{{cluster_id}} {{resource}}": per_month(
                        f"sum by (cluster_id, resource) ({CLUSTER_COST}{{{CLUSTERS}}})"
                    )
                },
            ).span(24)
        )
        .with_row(builder.Row("Nodes"))
        .with_panel(
            table_panel(
                "Nodes",
                "Costs per month; idle is what no container requests or uses.",
                {"cluster_id": "Cluster", "node": "Node", "instance_type": "Type"},
                [
                    Column("Cost", per_month(types)),
                    Column(
                        "Idle share",
                        f"1 - {allocated_by('node', CLUSTERS)} / on (cluster_id, node) {prices}",
                        SHARE,
                        IDLE,
                    ),
                    Column(
                        "Spot",
                        f"max by (cluster_id, node) (kubecost_node_is_spot{{{CLUSTERS}}})",
                        "bool_yes_no",
                    ),
                ],
            )
        )
        .with_panel(
            timeseries_panel(
                "Node cost per month by type",
                "At the rate of each moment.",
                {
                    "{{cluster_id}} {{instance_type}}": per_month(
                        f"sum by (cluster_id, instance_type) ({types})"
                    )
                },
            )
        )
        .with_panel(
            timeseries_panel(
                "Nodes by type",
                "How many nodes report a price.",
                {
                    "{{cluster_id}} {{instance_type}}": f"count by (cluster_id, instance_type)"
                    f" ({types})"
                },
                unit="short",
            )
        )
        .with_row(builder.Row("Namespaces"))
        .with_panel(
            table_panel(
                "Namespaces",
                "Costs per month of what a namespace is allocated.",
                {"cluster_id": "Cluster", "namespace": "Namespace"},
                resource_columns("cluster_id, namespace", NAMESPACES),
            )
        )
        .with_panel(
            timeseries_panel(
                "Cost per month by namespace",
                "At the rate of each moment.",
                {per_namespace: per_month(NAMESPACE_COST_NOW)},
            ).span(24)
        )
        .with_row(builder.Row("Storage"))
        .with_panel(
            table_panel(
                "Volumes",
                "Volumes that are claimed, mounted or not; costs per month.",
                {
                    "cluster_id": "Cluster",
                    "namespace": "Namespace",
                    "persistentvolumeclaim": "Claim",
                    "persistentvolume": "Volume",
                },
                [
                    Column(
                        "Cost",
                        per_month(
                            f"{claims} / 1024^3"
                            f" * on (cluster_id, persistentvolume) group_left () {volume_price}"
                        ),
                    ),
                    Column("Size", claims, "bytes"),
                ],
            )
        )
        .with_row(builder.Row("Network"))
        .with_panel(
            timeseries_panel(
                "Egress cost per month by namespace",
                "To the internet, to other regions and to other zones.",
                {
                    per_namespace: per_month(
                        "sum by (cluster_id, namespace)"
                        f' ({NAMESPACE_COST}{{{NAMESPACES},resource="network"}})'
                    )
                },
            )
        )
        .with_panel(
            timeseries_panel(
                "Egress by destination",
                "What has a price: traffic within a zone is free.",
                {f"{{{{cluster_id}}}} to {to}": egress(where) for to, where in PRICED.items()},
                unit="binBps",
            )
        )
        .with_panel(
            table_panel(
                "Load balancers",
                "Costs per month.",
                {
                    "cluster_id": "Cluster",
                    "namespace": "Namespace",
                    "service_name": "Service",
                    "ingress_ip": "Address",
                },
                [Column("Cost", per_month(balancers))],
            )
        )
    )
