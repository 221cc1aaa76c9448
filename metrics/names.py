"""Metric names by purpose: all that Kubecost needs, and those that suffice to show costs.

Sources: Kubecost's metric references user-metrics.md and ksm-metrics.md (kubecost/docs), the
queries of opencost/opencost (`OPENCOST_QUERIES`), and the keep lists in values.yaml of the chart
cost-analyzer 2.8.7.
"""

import re
from collections.abc import Sequence

# From cost-model on port 9003: prices, and the allocation of containers, claims, load balancers.
COST_MODEL_COSTS = (
    "container_cpu_allocation",
    "container_gpu_allocation",
    "container_memory_allocation_bytes",
    "kubecost_cluster_info",
    "kubecost_cluster_management_cost",
    "kubecost_load_balancer_cost",
    "kubecost_network_internet_egress_cost",
    "kubecost_network_region_egress_cost",
    "kubecost_network_zone_egress_cost",
    "kubecost_node_is_spot",
    "kubecost_pv_info",
    "node_cpu_hourly_cost",
    "node_gpu_count",
    "node_gpu_hourly_cost",
    "node_ram_hourly_cost",
    "node_total_hourly_cost",
    "pod_pvc_allocation",
    "pv_hourly_cost",
)

# Also from cost-model, which emulates kube-state-metrics, so that is not needed.
COST_MODEL_KUBE_STATE = (
    "deployment_match_labels",
    "kube_job_status_failed",
    "kube_namespace_annotations",
    "kube_namespace_labels",
    "kube_node_labels",
    "kube_node_status_allocatable",
    "kube_node_status_allocatable_cpu_cores",
    "kube_node_status_allocatable_memory_bytes",
    "kube_node_status_capacity",
    "kube_node_status_capacity_cpu_cores",
    "kube_node_status_capacity_memory_bytes",
    "kube_persistentvolume_capacity_bytes",
    "kube_persistentvolumeclaim_info",
    "kube_persistentvolumeclaim_resource_requests_storage_bytes",
    "kube_pod_annotations",
    "kube_pod_container_resource_requests",
    "kube_pod_container_status_running",
    "kube_pod_labels",
    "kube_pod_owner",
    "kube_replicaset_owner",
    "service_selector_labels",
    "statefulSet_match_labels",
)

# From the kubelet's cAdvisor: usage, network bytes of pods, and the nodes' disks.
CADVISOR = (
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_cpu_usage_seconds_total",
    "container_fs_limit_bytes",
    "container_fs_usage_bytes",
    "container_memory_usage_bytes",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
)

KUBELET = ("kubelet_volume_stats_used_bytes",)

NETWORK_COSTS = (
    "kubecost_network_costs_parse_time",
    "kubecost_network_costs_parsed_entries",
    "kubecost_pod_network_egress_bytes_total",
    "kubecost_pod_network_ingress_bytes_total",
)

NODE_EXPORTER = (
    "node_cpu_seconds_total",
    "node_disk_reads_completed_total",
    "node_disk_writes_completed_total",
    "node_filesystem_device_error",
    "node_memory_Buffers_bytes",
    "node_memory_Cached_bytes",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemFree_bytes",
    "node_memory_MemTotal_bytes",
    "node_network_transmit_bytes_total",
)

# From NVIDIA's DCGM exporter, if the cluster has one: how much of its GPU a container uses.
DCGM = (
    "DCGM_FI_DEV_DEC_UTIL",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
)

# From Prometheus about itself: the real interval between scrapes.
PROMETHEUS = ("prometheus_target_interval_length_seconds",)

# container_gpu_allocation without the zeros of containers without GPUs; a recording rule makes it.
GPU_ALLOCATION = "kubecost_container_gpu_allocation"

# Enough to show the cost of every cluster and namespace from AMP alone, network egress included.
# Ingress has no price.
COST_ONLY = (
    *(name for name in COST_MODEL_COSTS if name != "container_gpu_allocation"),
    GPU_ALLOCATION,
    "kubecost_pod_network_egress_bytes_total",
)

# The Kubernetes labels of each namespace, sent with the costs if `amp.namespace_labels` lists any.
NAMESPACE_LABELS = "kube_namespace_labels"

# Cost metrics that only some clusters have: for GPUs, volumes, load balancers, a management fee.
NOT_EVERYWHERE = (
    "container_gpu_allocation",
    GPU_ALLOCATION,
    "kubecost_cluster_management_cost",
    "kubecost_load_balancer_cost",
    "kubecost_pv_info",
    "pod_pvc_allocation",
    "pv_hourly_cost",
)


# Every metric that OpenCost's own queries name: opencost/opencost of 2024-10-24, pkg/costmodel
# (allocation.go, cluster.go, costmodel.go, clusters/) and pkg/prom/diagnostics.go. Kubecost 2.8 is
# closed source; this is the nearest code that can be read.
OPENCOST_QUERIES = (
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    "container_cpu_allocation",
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_cpu_usage_seconds_total",
    "container_fs_limit_bytes",
    "container_fs_usage_bytes",
    "container_gpu_allocation",
    "container_memory_allocation_bytes",
    "container_memory_usage_bytes",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
    "deployment_match_labels",
    "kube_namespace_annotations",
    "kube_namespace_labels",
    "kube_node_labels",
    "kube_node_status_allocatable_cpu_cores",
    "kube_node_status_allocatable_memory_bytes",
    "kube_node_status_capacity_cpu_cores",
    "kube_node_status_capacity_memory_bytes",
    "kube_persistentvolume_capacity_bytes",
    "kube_persistentvolumeclaim_info",
    "kube_persistentvolumeclaim_resource_requests_storage_bytes",
    "kube_pod_annotations",
    "kube_pod_container_resource_requests",
    "kube_pod_container_status_running",
    "kube_pod_labels",
    "kube_pod_owner",
    "kube_replicaset_owner",
    "kubecost_cluster_info",
    "kubecost_cluster_memory_working_set_bytes",
    "kubecost_container_cpu_usage_irate",
    "kubecost_load_balancer_cost",
    "kubecost_network_internet_egress_cost",
    "kubecost_network_region_egress_cost",
    "kubecost_network_zone_egress_cost",
    "kubecost_node_is_spot",
    "kubecost_pod_network_egress_bytes_total",
    "kubecost_pv_info",
    "kubelet_volume_stats_used_bytes",
    "node_cpu_hourly_cost",
    "node_cpu_seconds_total",
    "node_gpu_count",
    "node_gpu_hourly_cost",
    "node_ram_hourly_cost",
    "node_total_hourly_cost",
    "pod_pvc_allocation",
    "prometheus_target_interval_length_seconds",
    "pv_hourly_cost",
    "service_selector_labels",
    "statefulSet_match_labels",
)

# Metrics in Kubecost's documentation that this project does not keep, and what they are for.
LEFT_OUT = {
    "kube_pod_container_resource_limits": "limits beside requests, in OpenCost since 2025-10",
    "kube_pod_status_phase": "a table of pods by phase; costs follow what runs",
    "kubecost_allocation_data_status": "diagnostics of clusters that share a bucket",
    "kubecost_asset_data_status": "diagnostics of clusters that share a bucket",
}


def keep(names: tuple[str, ...]) -> dict[str, object]:
    """Make the relabel rule that keeps these metric names and drops all others.

    Prometheus anchors the expression at both ends, so exactly these names match.
    """
    return {"source_labels": ["__name__"], "regex": "|".join(sorted(names)), "action": "keep"}


def keep_costs(*besides: str, namespace_labels: Sequence[str] = ()) -> list[dict[str, object]]:
    """Make the relabel rules that keep the cost metrics, and the metrics named `besides`.

    Of the namespaces' Kubernetes labels, the rules keep those in `namespace_labels`. They rename
    these, drop all others, and rename these back, because RE2 cannot match "all except these".

    Only kubecost_pod_network_egress_bytes_total has the label `same_zone`; traffic within a zone
    has no price.
    """
    rules: list[dict[str, object]] = [
        keep((*COST_ONLY, *([NAMESPACE_LABELS] if namespace_labels else ()), *besides)),
        {"source_labels": ["same_zone"], "regex": "true", "action": "drop"},
    ]
    if namespace_labels:
        kept = "|".join(sorted(map(label_name, namespace_labels)))
        rules += [
            {"regex": f"({kept})", "replacement": "kept_$1", "action": "labelmap"},
            {"regex": "label_.+", "action": "labeldrop"},
            {"regex": "kept_(.+)", "replacement": "$1", "action": "labelmap"},
            {"regex": "kept_.+", "action": "labeldrop"},
        ]
    return rules


def label_name(kubernetes: str) -> str:
    """Write the Prometheus label of a Kubernetes label as kube-state-metrics does."""
    return f"label_{re.sub('[^a-zA-Z0-9_]', '_', kubernetes)}"


def drop_labels(patterns: tuple[str, ...]) -> dict[str, object]:
    """Make the relabel rule that drops Kubernetes labels from `kube_*_labels` and their like.

    A pattern is a label's name; `*` stands for any text. cost-model writes `label_` before a name
    and `_` for what Prometheus does not take in one.
    """
    names = (re.sub(r"[^A-Za-z0-9_*]", "_", pattern).replace("*", ".*") for pattern in patterns)
    return {"regex": f"label_({'|'.join(sorted(names))})", "action": "labeldrop"}
