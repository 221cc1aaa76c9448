"""Kubecost's recording rules, with `cluster_id` kept in every aggregation.

The names are those of values.yaml (prometheus.serverFiles) of the chart cost-analyzer 2.8.7.
Its expressions lose `cluster_id`: in a workspace that several clusters share they would add the
clusters up. Its savings rules divide by kube_node_info, which Kubecost 2.8 does not emit; nodes
are counted by their capacity here. In a cluster's own Prometheus, where `cluster_id` is no label
yet, the same expressions give the same values as the chart's.

The group Costs is ours: what cost-only sends in place of a metric that is nearly always zero.
"""

from typing import Any

from metrics.names import GPU_ALLOCATION

_CONTAINER = '{container!="",container!="POD"}'
_BY_CONTAINER = "by (cluster_id, namespace, pod, container)"


def _savings(record: str, allocation: str) -> list[dict[str, Any]]:
    """Give what pods are allocated, and what DaemonSet pods are allocated on an average node."""

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
