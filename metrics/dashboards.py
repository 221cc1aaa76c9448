"""Grafana dashboards on the cost metrics of many clusters, as code.

They read `names.COST_ONLY` and what `rules.FLEET_RULES` record, nothing else, from a workspace that
all clusters write to. Costs are in USD per month at the present rate: 730 times that of an hour.

The data source variable is of type `prometheus`. From version 12 on, Grafana offers data sources of
the plugin grafana-amazonprometheus-datasource for it too (matchPluginId in @grafana/data); before
that, AMP is reached by the core Prometheus data source with SigV4, which has that very type.

Run by tools/dashboards.py; the stacks read what that wrote.
"""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import NamedTuple

from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import dashboard as builder
from grafana_foundation_sdk.builders import (
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from metrics import names
from metrics.rules import ALLOCATED_COST, CLUSTER_COST, NAMESPACE_COST, SERIES

HOURS_PER_MONTH = 730
SERIES_LIMIT = 500_000
"""What AMP takes of a cluster unless `amp.max_series_per_cluster` says otherwise."""

_SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
_CLUSTERS = 'cluster_id=~"$cluster"'
_NAMESPACES = f'{_CLUSTERS},namespace=~"$namespace"'
_CONTAINER = 'container!="",container!="POD"'
_SCRAPE_INTERVAL = "1m"
_USD, _SHARE, _SECONDS = "currencyUSD", "percentunit", "s"
_RESOURCES = ("cpu", "memory", "gpu", "storage", "network", "load_balancer")
_OTHER_DASHBOARD = "${datasource:queryparam}&${__url_time_range}"
_LINKS = {
    "cluster_id": f"/d/kubecost-cluster?var-cluster=${{__value.raw}}&{_OTHER_DASHBOARD}",
    "namespace": f"/d/kubecost-namespace?var-namespace=${{__value.raw}}&{_OTHER_DASHBOARD}",
}


def per_month(usd_per_hour: str) -> str:
    """Give USD per month for an expression in USD per hour."""
    return f"{usd_per_hour} * {HOURS_PER_MONTH}"


def of_fleet(per_cluster: str) -> str:
    """Add up what has one value for each cluster."""
    return f"sum ({per_cluster})"


_CLUSTER_COST = f"sum by (cluster_id) ({CLUSTER_COST}{{{_CLUSTERS}}})"
_CLUSTER_COST_BEFORE = f"sum by (cluster_id) ({CLUSTER_COST}{{{_CLUSTERS}}} offset $__range)"
_NODE_COST = f'sum by (cluster_id) ({CLUSTER_COST}{{{_CLUSTERS},resource="nodes"}})'
_ALLOCATED = f"sum by (cluster_id) ({ALLOCATED_COST}{{{_CLUSTERS}}})"
_IDLE_COST = f"({_NODE_COST} - on (cluster_id) {_ALLOCATED})"
_IDLE_SHARE = f"1 - {_ALLOCATED} / on (cluster_id) {_NODE_COST}"
_NAMESPACE_COST = f"sum by (cluster_id, namespace) ({NAMESPACE_COST}{{{_NAMESPACES}}})"

_INFO = f"kubecost_cluster_info{{{_CLUSTERS}}}"
_REPORTING = f"max by (cluster_id) ({_INFO})"
_SEEN_IN_A_DAY = f"max by (cluster_id) (max_over_time({_INFO}[1d]))"
# `up` is not among the cost metrics, and the age of a sample says more.
_LAST_SAMPLE = f"max by (cluster_id) (max_over_time(timestamp({_INFO})[1d:{_SCRAPE_INTERVAL}]))"
# Three times the rule's interval: one evaluation may fail.
_SERIES = f"max by (cluster_id) (last_over_time({SERIES}{{{_CLUSTERS}}}[12m]))"


def _allocated_by(label: str, selector: str) -> str:
    """Give USD per hour by cluster_id and label, of the nodes that the containers run on."""
    parts = {
        "container_cpu_allocation": ("", "node_cpu_hourly_cost"),
        "container_memory_allocation_bytes": (" / 1024^3", "node_ram_hourly_cost"),
        names.GPU_ALLOCATION: ("", "node_gpu_hourly_cost"),
    }
    union = " or ".join(
        f"label_replace(sum by (cluster_id, {label}) ("
        "avg by (cluster_id, namespace, pod, container, node)"
        f" ({allocation}{{{selector},{_CONTAINER}}}){unit}"
        " * on (cluster_id, node) group_left ()"
        f' avg by (cluster_id, node) ({price}{{{_CLUSTERS}}})), "price", "{price}", "", "")'
        for allocation, (unit, price) in parts.items()
    )
    return f"sum by (cluster_id, {label}) ({union})"


class Column(NamedTuple):
    """A query of a table, and how its values show."""

    title: str
    expr: str
    unit: str = _USD


def _instant(expr: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(_SOURCE).expr(expr).instant()


def _range(expr: str, legend: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(_SOURCE).expr(expr).range().legend_format(legend)
    # Without it $__rate_interval takes 15 s for the scrape interval, and rates are empty.
    return query.interval(_SCRAPE_INTERVAL)


def _steps(*steps: tuple[float | None, str]) -> builder.ThresholdsConfig:
    return (
        builder.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=color) for value, color in steps])
    )


def _stat(
    title: str, description: str, expr: str, *, unit: str = _USD, legend: str = ""
) -> stat.Panel:
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(_SOURCE)
        .with_target(_instant(expr).legend_format(legend).ref_id("A"))
        .unit(unit)
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.NONE)
        .height(4)
        .span(6)
    )


def _timeseries(
    title: str, description: str, expr: str, legend: str, *, unit: str = _USD, stacked: bool = True
) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(_SOURCE)
        .with_target(_range(expr, legend).ref_id("A"))
        .unit(unit)
        .tooltip(
            common_builder.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .height(8)
        .span(12)
    )
    if stacked:
        panel.stacking(common_builder.StackingConfig().mode(common.StackingMode.NORMAL))
        panel.fill_opacity(30)
    return panel


def _table(
    title: str, description: str, labels: Mapping[str, str], columns: Sequence[Column]
) -> table.Panel:
    """Make a table with a row for each combination of labels, the dearest first."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(_SOURCE)
        .height(9)
        .span(24)
        .sort_by([common_builder.TableSortByFieldState().display_name(columns[0].title).desc(True)])
    )
    renamed = {**labels, "Value": columns[0].title}  # so Grafana calls the value of a lone query
    for ref_id, column in zip(ascii_uppercase, columns, strict=False):
        panel.with_target(_instant(column.expr).format(PromQueryFormat.TABLE).ref_id(ref_id))
        panel.override_by_name(column.title, [dashboard.DynamicConfigValue("unit", column.unit)])
        renamed[f"Value #{ref_id}"] = column.title
    for label, url in _LINKS.items():
        if label in labels:
            link = {"title": "${__value.raw}", "url": url}
            panel.override_by_name(labels[label], [dashboard.DynamicConfigValue("links", [link])])
    panel.with_transformation(dashboard.DataTransformerConfig("merge", options={}))
    order = {name: index for index, name in enumerate(renamed)}
    panel.with_transformation(
        dashboard.DataTransformerConfig(
            "organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": order,
                "renameByName": renamed,
            },
        )
    )
    return panel


def _picker(name: str, label: str, values: str) -> builder.QueryVariable:
    return (
        builder.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query({"query": values, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )


def _many(variable: builder.QueryVariable) -> builder.QueryVariable:
    everything = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
    # Not a list of all values: with hundreds of clusters that would make long queries.
    return variable.multi(True).include_all(True).all_value(".+").current(everything)


def _dashboard(uid: str, title: str, description: str) -> builder.Dashboard:
    return (
        builder.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["kubecost"])
        .time("now-7d", "now")
        .timezone("browser")
        .refresh("5m")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .link(
            builder.DashboardLink("Kubecost")
            .type(dashboard.DashboardLinkType.DASHBOARDS)
            .tags(["kubecost"])
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(
            builder.DatasourceVariable("datasource").label("Workspace").type("prometheus")
        )
        .with_variable(
            _many(_picker("cluster", "Cluster", "label_values(kubecost_cluster_info, cluster_id)"))
        )
    )


def _namespaces() -> builder.QueryVariable:
    values = f"label_values({NAMESPACE_COST}{{{_CLUSTERS}}}, namespace)"
    return _picker("namespace", "Namespace", values)


def _resource_columns(labels: str, selector: str) -> list[Column]:
    """Give what the labels' combinations cost in all, and by kind of resource."""
    total = Column("Cost", per_month(f"sum by ({labels}) ({NAMESPACE_COST}{{{selector}}})"))
    return [
        total,
        *(
            Column(
                resource.replace("_", " ").capitalize() if len(resource) > 3 else resource.upper(),
                per_month(
                    f'sum by ({labels}) ({NAMESPACE_COST}{{{selector},resource="{resource}"}})'
                ),
            )
            for resource in _RESOURCES
        ),
    ]


def fleet() -> builder.Dashboard:
    """Show what every cluster costs in a month, how that changes, and how much of it is idle."""
    return (
        _dashboard("kubecost-fleet", "Kubecost / Fleet", "What all clusters cost.")
        .with_panel(
            _stat(
                "Cost per month",
                "Nodes, mounted volumes, load balancers, management fees and network egress of all"
                " chosen clusters, if the month went on at the present rate.",
                of_fleet(per_month(_CLUSTER_COST)),
            )
        )
        .with_panel(
            _stat(
                "Change",
                "Of the monthly cost, since the begin of the time range.",
                f"{of_fleet(_CLUSTER_COST)} / {of_fleet(_CLUSTER_COST_BEFORE)} - 1",
                unit=_SHARE,
            )
        )
        .with_panel(
            _stat(
                "Idle share",
                "The part of the nodes' cost that no container requests or uses.",
                f"1 - {of_fleet(_ALLOCATED)} / {of_fleet(_NODE_COST)}",
                unit=_SHARE,
            )
        )
        .with_panel(
            _stat(
                "Idle cost per month",
                "The nodes' cost that no container requests or uses.",
                of_fleet(per_month(_IDLE_COST)),
            )
        )
        .with_panel(
            _table(
                "Clusters",
                "Costs per month at the present rate; change since the begin of the time range.",
                {"cluster_id": "Cluster"},
                [
                    Column("Cost", per_month(_CLUSTER_COST)),
                    Column(
                        "Change",
                        f"{_CLUSTER_COST} / on (cluster_id) {_CLUSTER_COST_BEFORE} - 1",
                        _SHARE,
                    ),
                    Column("Nodes", per_month(_NODE_COST)),
                    Column("Idle", per_month(_IDLE_COST)),
                    Column("Idle share", _IDLE_SHARE, _SHARE),
                ],
            )
        )
        .with_panel(
            _timeseries(
                "Cost per month by cluster",
                "At the rate of each moment.",
                per_month(_CLUSTER_COST),
                "{{cluster_id}}",
            )
        )
        .with_panel(
            _timeseries(
                "Idle share by cluster",
                "Below zero, containers use more than the nodes have to request.",
                _IDLE_SHARE,
                "{{cluster_id}}",
                unit=_SHARE,
                stacked=False,
            )
        )
        .with_panel(
            _table(
                "Dearest namespaces",
                "The 20 namespaces of any cluster that cost most per month.",
                {"cluster_id": "Cluster", "namespace": "Namespace"},
                [
                    Column(
                        "Cost",
                        "topk(20, "
                        + per_month(
                            f"sum by (cluster_id, namespace) ({NAMESPACE_COST}{{{_CLUSTERS}}})"
                        )
                        + ")",
                    )
                ],
            )
        )
    )


def cluster() -> builder.Dashboard:
    """Show the nodes, namespaces, storage and network of the chosen clusters."""
    prices = f"avg by (cluster_id, node) (node_total_hourly_cost{{{_CLUSTERS}}})"
    types = f"avg by (cluster_id, node, instance_type) (node_total_hourly_cost{{{_CLUSTERS}}})"
    claims = (
        "max by (cluster_id, namespace, persistentvolumeclaim, persistentvolume)"
        f" (pod_pvc_allocation{{{_NAMESPACES}}})"
    )
    volume_price = f"avg by (cluster_id, persistentvolume) (pv_hourly_cost{{{_CLUSTERS}}})"
    balancers = (
        "avg by (cluster_id, namespace, service_name, ingress_ip)"
        f" (kubecost_load_balancer_cost{{{_NAMESPACES}}})"
    )
    per_cluster = "{{cluster_id}}"
    per_namespace = "{{cluster_id}} {{namespace}}"
    return (
        _dashboard("kubecost-cluster", "Kubecost / Cluster", "What a cluster costs, and for what.")
        .with_variable(_many(_namespaces()))
        .with_panel(
            _stat(
                "Cost per month",
                "Nodes, mounted volumes, load balancers, management fee and network egress.",
                per_month(_CLUSTER_COST),
                legend=per_cluster,
            ).height(8)
        )
        .with_panel(
            _stat(
                "Idle share",
                "The part of the nodes' cost that no container requests or uses.",
                _IDLE_SHARE,
                unit=_SHARE,
                legend=per_cluster,
            ).height(8)
        )
        .with_panel(
            _timeseries(
                "Cost per month by resource",
                "At the rate of each moment.",
                per_month(f"sum by (cluster_id, resource) ({CLUSTER_COST}{{{_CLUSTERS}}})"),
                "{{cluster_id}} {{resource}}",
            )
        )
        .with_row(builder.Row("Nodes"))
        .with_panel(
            _table(
                "Nodes",
                "Costs per month; idle is what no container requests or uses.",
                {"cluster_id": "Cluster", "node": "Node", "instance_type": "Type"},
                [
                    Column("Cost", per_month(types)),
                    Column(
                        "Idle share",
                        f"1 - {_allocated_by('node', _CLUSTERS)} / on (cluster_id, node) {prices}",
                        _SHARE,
                    ),
                    Column(
                        "Spot",
                        f"max by (cluster_id, node) (kubecost_node_is_spot{{{_CLUSTERS}}})",
                        "bool_yes_no",
                    ),
                ],
            )
        )
        .with_panel(
            _timeseries(
                "Node cost per month by type",
                "At the rate of each moment.",
                per_month(f"sum by (cluster_id, instance_type) ({types})"),
                "{{cluster_id}} {{instance_type}}",
            )
        )
        .with_panel(
            _timeseries(
                "Nodes by type",
                "How many nodes report a price.",
                f"count by (cluster_id, instance_type) ({types})",
                "{{cluster_id}} {{instance_type}}",
                unit="short",
            )
        )
        .with_row(builder.Row("Namespaces"))
        .with_panel(
            _table(
                "Namespaces",
                "Costs per month of what a namespace is allocated.",
                {"cluster_id": "Cluster", "namespace": "Namespace"},
                _resource_columns("cluster_id, namespace", _NAMESPACES),
            )
        )
        .with_panel(
            _timeseries(
                "Cost per month by namespace",
                "At the rate of each moment.",
                per_month(_NAMESPACE_COST),
                per_namespace,
            ).span(24)
        )
        .with_row(builder.Row("Storage"))
        .with_panel(
            _table(
                "Volumes",
                "Volumes that a pod mounts; costs per month.",
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
            _timeseries(
                "Egress cost per month by namespace",
                "To the internet, to other regions and to other zones.",
                per_month(
                    "sum by (cluster_id, namespace)"
                    f' ({NAMESPACE_COST}{{{_NAMESPACES},resource="network"}})'
                ),
                per_namespace,
            )
        )
        .with_panel(
            _timeseries(
                "Egress by destination",
                "Within a zone, traffic is free and not always recorded.",
                "sum by (cluster_id, internet, same_region) (rate("
                f"kubecost_pod_network_egress_bytes_total{{{_NAMESPACES}}}[$__rate_interval]))",
                "{{cluster_id}} internet={{internet}} same_region={{same_region}}",
                unit="binBps",
            )
        )
        .with_panel(
            _table(
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


def namespace() -> builder.Dashboard:
    """Show one namespace across the chosen clusters."""
    this = f'{_CLUSTERS},namespace="$namespace"'
    cost = f"sum by (cluster_id) ({NAMESPACE_COST}{{{this}}})"
    return (
        _dashboard(
            "kubecost-namespace", "Kubecost / Namespace", "What a namespace costs in every cluster."
        )
        .with_variable(_namespaces())
        .with_panel(
            _stat(
                "Cost per month",
                "Of the namespace in all chosen clusters, at the present rate.",
                of_fleet(per_month(cost)),
            ).span(12)
        )
        .with_panel(
            _stat(
                "Share of the clusters' cost",
                "Of all chosen clusters, those without the namespace too.",
                f"{of_fleet(cost)} / {of_fleet(_CLUSTER_COST)}",
                unit=_SHARE,
            ).span(12)
        )
        .with_panel(
            _table(
                "Clusters",
                "Costs per month at the present rate.",
                {"cluster_id": "Cluster"},
                [
                    *_resource_columns("cluster_id", this),
                    Column("Share of cluster", f"{cost} / on (cluster_id) {_CLUSTER_COST}", _SHARE),
                ],
            )
        )
        .with_panel(
            _timeseries(
                "Cost per month by cluster",
                "At the rate of each moment.",
                per_month(cost),
                "{{cluster_id}}",
            )
        )
        .with_panel(
            _timeseries(
                "Cost per month by resource",
                "At the rate of each moment.",
                per_month(f"sum by (cluster_id, resource) ({NAMESPACE_COST}{{{this}}})"),
                "{{cluster_id}} {{resource}}",
            )
        )
        .with_panel(
            _table(
                "Dearest pods",
                "CPU, memory and GPUs of the 50 pods that cost most per month.",
                {"cluster_id": "Cluster", "pod": "Pod"},
                [Column("Cost", f"topk(50, {per_month(_allocated_by('pod', this))})")],
            )
        )
    )


def pipeline() -> builder.Dashboard:
    """Show which clusters report, how fresh their data is, and how many series they send."""

    def count_of(metric: str, labels: str) -> str:
        distinct = f"count by (cluster_id, {labels}) ({metric}{{{_CLUSTERS}}})"
        return f"count by (cluster_id) ({distinct})"

    age = _steps((None, "green"), (300, "yellow"), (900, "red"))
    share = _steps((None, "green"), (0.7, "yellow"), (0.9, "red"))
    return (
        _dashboard(
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
            _stat(
                "Clusters that report",
                "Sent something in the last 5 minutes.",
                f"count({_REPORTING}) or vector(0)",
                unit="short",
            )
        )
        .with_panel(
            _stat(
                "Silent clusters",
                "Sent something in the last day, but nothing in the last 5 minutes.",
                f"count({_SEEN_IN_A_DAY} unless on (cluster_id) {_REPORTING}) or vector(0)",
                unit="short",
            )
            .color_mode(common.BigValueColorMode.VALUE)
            .thresholds(_steps((None, "green"), (1, "red")))
        )
        .with_panel(
            _stat(
                "Oldest data",
                "Age of the last sample of the cluster that has been silent longest.",
                f"max(time() - {_LAST_SAMPLE})",
                unit=_SECONDS,
            )
            .color_mode(common.BigValueColorMode.VALUE)
            .thresholds(age)
        )
        .with_panel(
            _stat(
                "Nearest to the limit",
                "Beyond its limit AMP refuses new series of a cluster.",
                f"max({_SERIES} / $series_limit)",
                unit=_SHARE,
            )
            .color_mode(common.BigValueColorMode.VALUE)
            .thresholds(share)
        )
        .with_panel(
            _table(
                "Clusters",
                "Nothing under Egress series: network-costs is off, or does not arrive.",
                {"cluster_id": "Cluster"},
                [
                    Column("Age of data", f"time() - {_LAST_SAMPLE}", _SECONDS),
                    Column("Series", _SERIES, "short"),
                    Column("Share of limit", f"{_SERIES} / $series_limit", _SHARE),
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
                        f" (kubecost_pod_network_egress_bytes_total{{{_CLUSTERS}}})",
                        "short",
                    ),
                ],
            )
        )
        .with_panel(
            statetimeline.Panel()
            .title("Reports")
            .description("A gap: the cluster sent nothing for 5 minutes.")
            .datasource(_SOURCE)
            .with_target(_range(_REPORTING, "{{cluster_id}}").ref_id("A"))
            .show_value(common.VisibilityMode.NEVER)
            .height(8)
            .span(12)
        )
        .with_panel(
            _timeseries(
                "Age of data",
                "Seconds since the last sample, at each moment.",
                f"time() - max by (cluster_id) (timestamp({_INFO}))",
                "{{cluster_id}}",
                unit=_SECONDS,
                stacked=False,
            )
        )
        .with_panel(
            _timeseries(
                "Series by cluster",
                "All series with the cluster's id, recorded ones too.",
                _SERIES,
                "{{cluster_id}}",
                unit="short",
                stacked=False,
            ).span(24)
        )
    )


def build(made: builder.Dashboard) -> dashboard.Dashboard:
    """Build a dashboard whose panels have ids, so that links to them last."""
    built = made.build()
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
    return built


DASHBOARDS = {made.__name__: made for made in (fleet, cluster, namespace, pipeline)}
