"""Dashboard `pipeline`: which clusters report, how fresh, and how many series."""

from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import dashboard as builder
from grafana_foundation_sdk.builders import statetimeline
from grafana_foundation_sdk.models import common, dashboard

from dashboards.expressions import (
    ALERTS,
    CLUSTERS,
    INFO,
    LAST_SAMPLE,
    REPORTING,
    SEEN_IN_A_DAY,
    SERIES_LIMIT,
    SERIES_NOW,
)
from dashboards.panels import (
    OF_LIMIT,
    SECONDS,
    SHARE,
    SILENT,
    SOURCE,
    Column,
    new_dashboard,
    over_time,
    stat_panel,
    steps,
    table_panel,
    timeseries_panel,
)


def pipeline() -> builder.Dashboard:
    """Show which clusters report, how fresh their data is, and how many series they send."""

    def count_of(metric: str, labels: str) -> str:
        distinct = f"count by (cluster_id, {labels}) ({metric}{{{CLUSTERS}}})"
        return f"count by (cluster_id) ({distinct})"

    return (
        new_dashboard(
            "kubecost-pipeline", "Kubecost / Pipeline", "Whether every cluster's costs arrive."
        )
        .time("now-24h", "now")
        .with_variable(
            builder.TextBoxVariable("series_limit")
            .label("Series limit")
            .description("amp.max_series_per_cluster in kubecost.yaml")
            .default_value(str(SERIES_LIMIT))
            .current(
                dashboard.VariableOption(
                    selected=True, text=str(SERIES_LIMIT), value=str(SERIES_LIMIT)
                )
            )
        )
        .with_panel(
            stat_panel(
                "Clusters that report",
                "Sent something in the last 5 minutes.",
                f"count({REPORTING}) or vector(0)",
                unit="short",
            )
        )
        .with_panel(
            stat_panel(
                "Silent clusters",
                "Sent something in the last day, but nothing in the last 5 minutes.",
                f"count({SEEN_IN_A_DAY} unless on (cluster_id) {REPORTING}) or vector(0)",
                unit="short",
            )
            .color_mode(common.BigValueColorMode.VALUE)
            .thresholds(steps((None, "green"), (1, "red")))
        )
        .with_panel(
            stat_panel(
                "Oldest data",
                "Age of the last sample of the cluster that has been silent longest.",
                f"max(time() - {LAST_SAMPLE})",
                unit=SECONDS,
                bounds=SILENT,
            )
        )
        .with_panel(
            stat_panel(
                "Nearest to the limit",
                "Beyond its limit AMP refuses new series of a cluster.",
                f"max({SERIES_NOW} / $series_limit)",
                unit=SHARE,
                bounds=OF_LIMIT,
            )
        )
        .with_panel(
            table_panel(
                "Clusters",
                "Nothing under Egress series: network-costs is off, or does not arrive.",
                {"cluster_id": "Cluster"},
                [
                    Column("Age of data", f"time() - {LAST_SAMPLE}", SECONDS, SILENT),
                    Column("Series", SERIES_NOW, "short"),
                    Column("Share of limit", f"{SERIES_NOW} / $series_limit", SHARE, OF_LIMIT),
                    Column("Nodes", count_of("node_total_hourly_cost", "node"), "short"),
                    Column(
                        "Containers",
                        count_of("container_cpu_allocation", "namespace, pod, container"),
                        "short",
                    ),
                    Column("Volumes", count_of("pv_hourly_cost", "persistentvolume"), "short"),
                    Column(
                        "Egress series",
                        "count by (cluster_id)"
                        f" (kubecost_pod_network_egress_bytes_total{{{CLUSTERS}}})",
                        "short",
                    ),
                ],
            )
        )
        .with_panel(
            statetimeline.Panel()
            .title("Reports")
            .description("A gap: the cluster sent nothing for 5 minutes.")
            .datasource(SOURCE)
            .with_target(over_time(REPORTING, "{{cluster_id}}").ref_id("A"))
            .color_scheme(builder.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
            .thresholds(steps((None, "green")))
            .show_value(common.VisibilityMode.NEVER)
            .legend(common_builder.VizLegendOptions().show_legend(False))
            .height(8)
            .span(12)
        )
        .with_panel(
            timeseries_panel(
                "Age of data",
                "Seconds since the last sample, at each moment.",
                {"{{cluster_id}}": f"time() - max by (cluster_id) (timestamp({INFO}))"},
                unit=SECONDS,
                stacked=False,
                limit=SILENT[1],
            )
        )
        .with_panel(
            table_panel(
                "Alerts",
                "Set under alerts in kubecost.yaml; pending until they have lasted long enough.",
                {
                    "alertname": "Alert",
                    "severity": "Severity",
                    "alertstate": "State",
                    "cluster_id": "Cluster",
                    "namespace": "Namespace",
                    "persistentvolume": "Volume",
                    "budget": "Budget",
                    "percent": "Percent",
                },
                [Column("On", ALERTS, "bool_yes_no")],
            )
        )
        .with_panel(
            statetimeline.Panel()
            .title("Alerts over time")
            .description("When they fired.")
            .datasource(SOURCE)
            .with_target(
                over_time(
                    ALERTS.replace("ALERTS{", 'ALERTS{alertstate="firing",'),
                    "{{alertname}} {{cluster_id}} {{namespace}} {{persistentvolume}} {{budget}}",
                ).ref_id("A")
            )
            .color_scheme(builder.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
            .thresholds(steps((None, "red")))
            .show_value(common.VisibilityMode.NEVER)
            .legend(common_builder.VizLegendOptions().show_legend(False))
            .height(8)
            .span(24)
        )
        .with_panel(
            timeseries_panel(
                "Series by cluster",
                "All series with the cluster's id, recorded ones too.",
                {"{{cluster_id}}": SERIES_NOW},
                unit="short",
                stacked=False,
            ).span(24)
        )
    )
