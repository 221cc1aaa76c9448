"""Grafana dashboards on the cost metrics of many clusters, as code.

They read `names.COST_ONLY` and what `rules.FLEET_RULES` record, nothing else, from a workspace that
all clusters write to. Costs are in USD per month at the present rate: 730 times that of an hour.

The data source variable is of type `prometheus`. From version 12 on, Grafana offers data sources of
the plugin grafana-amazonprometheus-datasource for it too (matchPluginId in @grafana/data); before
that, AMP is reached by the core Prometheus data source with SigV4, which has that very type.

Run by `make dashboards`; the stacks read what that wrote.
"""

from grafana_foundation_sdk.builders import dashboard as builder
from grafana_foundation_sdk.models import dashboard

from dashboards.cluster import cluster
from dashboards.fleet import fleet
from dashboards.namespace import namespace
from dashboards.pipeline import pipeline


def build(made: builder.Dashboard) -> dashboard.Dashboard:
    """Build a dashboard whose panels have ids, so that links to them last."""
    built = made.build()
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
    return built


DASHBOARDS = {made.__name__: made for made in (fleet, cluster, namespace, pipeline)}
