"""Panels, pickers and the frame that all dashboards have."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import NamedTuple

from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import dashboard as builder
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.expressions import CLUSTERS, RESOURCES, per_month
from metrics.rules import NAMESPACE_COST
from metrics.units import INTERVAL

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
USD, SHARE, SECONDS = "currencyUSD", "percentunit", "s"
_OTHER_DASHBOARD = "${datasource:queryparam}&${__url_time_range}"
_LINKS = {
    "cluster_id": f"/d/kubecost-cluster?var-cluster=${{__value.raw}}&{_OTHER_DASHBOARD}",
    "namespace": f"/d/kubecost-namespace?var-namespace=${{__value.raw}}&{_OTHER_DASHBOARD}",
}


SPENT_NOTE = "Since the month began (UTC), added up by the hour. A gap in the data is not counted."
FORECAST_NOTE = "What is spent, and for each day left of the month what the last 24 hours cost."

# From where on a value is yellow, and from where on red.
Bounds = tuple[float, float]
# The alerts speak up at the second, unless the settings say otherwise (settings/alerts.py).
IDLE: Bounds = (0.4, 0.6)
JUMP: Bounds = (0.25, 0.5)
OF_BUDGET: Bounds = (0.8, 1)
OF_LIMIT: Bounds = (0.6, 0.8)
SILENT: Bounds = (300, 900)  # seconds


class Column(NamedTuple):
    """A query of a table, and how its values show."""

    title: str
    expr: str
    unit: str = USD
    bounds: Bounds | None = None


def instant(expr: str) -> prometheus.Dataquery:
    """Ask for the present value."""
    return prometheus.Dataquery().datasource(SOURCE).expr(expr).instant()


def over_time(expr: str, legend: str) -> prometheus.Dataquery:
    """Ask for the values of the time range; `legend` names the lines."""
    query = prometheus.Dataquery().datasource(SOURCE).expr(expr).range().legend_format(legend)
    # Without it $__rate_interval takes 15 s for the scrape interval, and rates are empty.
    return query.interval(INTERVAL)


def steps(*steps: tuple[float | None, str]) -> builder.ThresholdsConfig:
    """Colour a value from each threshold on."""
    return (
        builder.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=color) for value, color in steps])
    )


def colors(bounds: Bounds) -> builder.ThresholdsConfig:
    """Colour a value green, yellow or red."""
    return steps((None, "green"), (bounds[0], "yellow"), (bounds[1], "red"))


def stat_panel(
    title: str,
    description: str,
    expr: str,
    *,
    unit: str = USD,
    legend: str = "",
    bounds: Bounds | None = None,
) -> stat.Panel:
    """Make a panel with one large number for each cluster."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(instant(expr).legend_format(legend).ref_id("A"))
        .unit(unit)
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.NONE)
        .height(4)
        .span(6)
    )
    if bounds:
        panel.color_mode(common.BigValueColorMode.VALUE).thresholds(colors(bounds))
    return panel


def timeseries_panel(
    title: str,
    description: str,
    lines: Mapping[str, str],
    *,
    unit: str = USD,
    stacked: bool = True,
    limit: float | None = None,
) -> timeseries.Panel:
    """Make a panel with lines over time, stacked where they add up.

    `lines` has queries by the legend of the lines that they give; a dashed line shows `limit`.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .legend(
            common_builder.VizLegendOptions()
            .show_legend(True)
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull", "max"])
            .sort_by("Last *")
            .sort_desc(True)
        )
        .tooltip(
            common_builder.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .height(8)
        .span(12)
    )
    for ref_id, (legend, expr) in zip(ascii_uppercase, lines.items(), strict=False):
        panel.with_target(over_time(expr, legend).ref_id(ref_id))
    if limit is not None:
        panel.thresholds(steps((None, "transparent"), (limit, "red")))
        panel.thresholds_style(
            common_builder.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    if stacked:
        panel.stacking(common_builder.StackingConfig().mode(common.StackingMode.NORMAL))
        panel.fill_opacity(30)
    return panel


def table_panel(
    title: str, description: str, labels: Mapping[str, str], columns: Sequence[Column]
) -> table.Panel:
    """Make a table with a row for each combination of labels, the most expensive first."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .height(9)
        .span(24)
        .sort_by([common_builder.TableSortByFieldState().display_name(columns[0].title).desc(True)])
    )
    renamed = {**labels, "Value": columns[0].title}  # so Grafana calls the value of a lone query
    for ref_id, column in zip(ascii_uppercase, columns, strict=False):
        panel.with_target(instant(column.expr).format(PromQueryFormat.TABLE).ref_id(ref_id))
        shown = [dashboard.DynamicConfigValue("unit", column.unit)]
        if column.bounds:
            shown += [
                dashboard.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
                dashboard.DynamicConfigValue("thresholds", colors(column.bounds).build()),
            ]
        panel.override_by_name(column.title, shown)
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


def picker(name: str, label: str, values: str) -> builder.QueryVariable:
    """Make a variable with the values that a query gives."""
    return (
        builder.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": values, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )


def many(variable: builder.QueryVariable) -> builder.QueryVariable:
    """Let a variable have several values or all."""
    everything = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
    # Not a list of all values: with hundreds of clusters that would make long queries.
    return variable.multi(True).include_all(True).all_value(".+").current(everything)


def new_dashboard(uid: str, title: str, description: str) -> builder.Dashboard:
    """Start a dashboard with pickers for workspace and cluster."""
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
            many(picker("cluster", "Cluster", "label_values(kubecost_cluster_info, cluster_id)"))
        )
    )


def namespaces() -> builder.QueryVariable:
    """Make the variable for namespaces of the chosen clusters."""
    values = f"label_values({NAMESPACE_COST}{{{CLUSTERS}}}, namespace)"
    return picker("namespace", "Namespace", values)


def resource_columns(labels: str, selector: str) -> list[Column]:
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
            for resource in RESOURCES
        ),
    ]
