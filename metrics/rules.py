"""Kubecost's recording rules, with `cluster_id` kept in every aggregation.

The names are those of values.yaml (prometheus.serverFiles) of the chart cost-analyzer 2.8.7. The
chart's expressions lose `cluster_id`, so in a workspace that several clusters share they would add
the clusters up. The chart's savings rules divide by kube_node_info, which Kubecost 2.8 does not
emit; here, nodes are counted by their capacity. In a cluster's own Prometheus, where `cluster_id`
is not a label yet, these expressions give the same values as the chart's.

The group Costs is this project's: prom_amp_cost sends it instead of a metric that is nearly always
zero. The fleet's rules are also this project's; they run only in the shared workspace.
"""

from typing import Any

from metrics import queries
from metrics.names import GPU_ALLOCATION
from metrics.units import CONTAINER

_CONTAINER = f"{{{CONTAINER}}}"
_BY_CONTAINER = "by (cluster_id, namespace, pod, container)"


def _savings(record: str, allocation: str) -> list[dict[str, Any]]:
    """Write rules for the allocation of pods, and of DaemonSet pods on an average node."""

    def allocated(owner: str) -> str:
        return (
            f"sum by (cluster_id) (avg by (cluster_id, namespace, pod) (kube_pod_owner{{{owner}}})"
            " * on (cluster_id, namespace, pod)"
            f" sum by (cluster_id, namespace, pod) ({allocation}))"
        )

    movable, everywhere = allocated('owner_kind!="DaemonSet"'), allocated('owner_kind="DaemonSet"')
    nodes = "count by (cluster_id) (count by (cluster_id, node) (kube_node_status_capacity))"
    per_node = f"{everywhere} / on (cluster_id) {nodes}"
    return [
        {"record": record, "expr": movable, "labels": {"daemonset": "false"}},
        {"record": record, "expr": per_node, "labels": {"daemonset": "true"}},
    ]


RECORDING_RULES: dict[str, Any] = {
    "groups": [
        {
            "name": "CPU",
            "rules": [
                {
                    "record": "cluster:cpu_usage:rate5m",
                    "expr": "sum by (cluster_id)"
                    ' (rate(container_cpu_usage_seconds_total{container!=""}[5m]))',
                },
                {
                    "record": "cluster:cpu_usage_nosum:rate5m",
                    "expr": 'rate(container_cpu_usage_seconds_total{container!=""}[5m])',
                },
                {
                    "record": "kubecost_container_cpu_usage_irate",
                    "expr": f"avg {_BY_CONTAINER}"
                    f" (irate(container_cpu_usage_seconds_total{_CONTAINER}[5m]))",
                },
                {
                    "record": "kubecost_container_memory_working_set_bytes",
                    "expr": f"sum {_BY_CONTAINER} (container_memory_working_set_bytes{_CONTAINER})",
                },
                {
                    "record": "kubecost_cluster_memory_working_set_bytes",
                    "expr": f"sum by (cluster_id) (container_memory_working_set_bytes{_CONTAINER})",
                },
            ],
        },
        {
            "name": "Savings",
            "rules": [
                *_savings("kubecost_savings_cpu_allocation", "container_cpu_allocation"),
                *_savings(
                    "kubecost_savings_memory_allocation_bytes", "container_memory_allocation_bytes"
                ),
            ],
        },
        {
            "name": "Costs",
            "rules": [{"record": GPU_ALLOCATION, "expr": "container_gpu_allocation > 0"}],
        },
    ]
}

# The metrics that the fleet's rules record for the dashboards: USD per hour, and series.
NAMESPACE_COST = "namespace:cost:usd_per_hour"
CLUSTER_COST = "cluster:cost:usd_per_hour"
ALLOCATED_COST = "cluster:allocated_cost:usd_per_hour"
SERIES = "cluster:series:count"

_LOAD_BALANCERS = (
    "sum by (cluster_id, namespace)"
    " (avg by (cluster_id, namespace, service_name, ingress_ip) (kubecost_load_balancer_cost))"
)
_VOLUMES = (
    f"sum by (cluster_id) ({queries.bytes_per_volume()} / 1024^3"
    " * on (cluster_id, persistentvolume) group_left ()"
    " avg by (cluster_id, persistentvolume) (pv_hourly_cost))"
)
_MANAGEMENT = (
    "sum by (cluster_id) (avg by (cluster_id, provisioner_name) (kubecost_cluster_management_cost))"
)


def _by_resource(record: str, expressions: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"record": record, "expr": expression, "labels": {"resource": resource}}
        for resource, expression in expressions.items()
    ]


FLEET_RULES: dict[str, Any] = {
    "groups": [
        {
            "name": "FleetCosts",
            # Dashboards look back 5 minutes for a value: one evaluation may fail.
            "interval": "2m",
            "rules": [
                *_by_resource(
                    NAMESPACE_COST,
                    {
                        "cpu": queries.CPU_PER_NAMESPACE,
                        "memory": queries.MEMORY_PER_NAMESPACE,
                        "gpu": queries.GPU_PER_NAMESPACE,
                        "storage": queries.STORAGE_PER_NAMESPACE,
                        "network": queries.network_egress_per_namespace("5m"),
                        "load_balancer": _LOAD_BALANCERS,
                    },
                ),
                *_by_resource(
                    CLUSTER_COST,
                    {
                        "nodes": queries.COST_PER_CLUSTER,
                        "storage": _VOLUMES,
                        "management": _MANAGEMENT,
                    },
                ),
                {
                    "record": CLUSTER_COST,
                    "expr": "sum by (cluster_id, resource)"
                    f' ({NAMESPACE_COST}{{resource=~"load_balancer|network"}})',
                },
                {
                    "record": ALLOCATED_COST,
                    "expr": f'sum by (cluster_id) ({NAMESPACE_COST}{{resource=~"cpu|gpu|memory"}})',
                },
            ],
        },
        {
            "name": "FleetSeries",
            # This reads every series of the workspace, and AMP bills that, so it runs less often.
            "interval": "4m",
            "rules": [
                {
                    "record": SERIES,
                    # It leaves itself out: otherwise a cluster that is gone would stay forever.
                    "expr": f'count by (cluster_id) ({{cluster_id=~".+",__name__!="{SERIES}"}})',
                }
            ],
        },
    ]
}
"""Results that the dashboards would otherwise compute at every step, from `COST_ONLY` alone.

The workspace to which all clusters write evaluates them, once for the fleet. They need no other
rules. `NAMESPACE_COST` has a series for each kind of resource that is allocated to a namespace.
`CLUSTER_COST` has one for each kind that a cluster is billed for: all of its nodes, idle or not,
its claimed volumes, its load balancers, its management fee and its priced network egress.
`ALLOCATED_COST` is the part of the nodes that is allocated to containers. `SERIES` counts all
series of a cluster, recorded ones too, as the workspace's limit for the cluster does.
"""
