"""Make one list of scrape jobs, and render it for each kind of collector.

Every job finds only the targets of its own release, so that several Kubecosts can share a cluster.
Discovery uses only the roles `endpoints`, `pod` and `node`, which the AMP managed scraper supports.
Kubelets are scraped through the API server's node proxy, which needs no access to port 10250. All
three collectors scrape the same; only the form of the configuration differs, see `for_prometheus`,
`for_adot` and `for_managed_scraper`.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from metrics import names
from metrics.units import INTERVAL

_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

Job = dict[str, Any]


@dataclass(frozen=True)
class Targets:
    """The targets of a Kubecost release; a port is None if the target does not exist.

    `dropped_labels` are patterns of Kubernetes labels that are not needed to group costs.
    """

    release: str
    namespace: str
    network_costs_port: int | None
    node_exporter_port: int | None
    dropped_labels: tuple[str, ...] = ()


def scrape_jobs(targets: Targets) -> list[Job]:
    """List the jobs of one release, in Prometheus's own form."""
    jobs = [_kubecost(targets)]
    if targets.network_costs_port:
        jobs.append(_network_costs(targets.namespace, targets.network_costs_port))
    jobs += [
        _cadvisor(),
        _kubelet("kubernetes-nodes", "/metrics", names.KUBELET),
        _dcgm(),
    ]
    if targets.node_exporter_port:
        jobs.append(_node_exporter(targets.namespace, targets.node_exporter_port))
    return jobs


def _kubecost(targets: Targets) -> Job:
    return {
        # cost-model reads the scrape interval of the job of this name from Prometheus.
        "job_name": "kubecost",
        # Its series describe other workloads, whose namespace, pod and node must be kept.
        "honor_labels": True,
        "kubernetes_sd_configs": [_own("endpoints", targets.namespace)],
        "relabel_configs": [
            _only("__meta_kubernetes_service_name", f"{targets.release}-cost-analyzer"),
            # `endpoints` also yields the pod's ports that the Service does not list.
            _only("__meta_kubernetes_pod_container_port_number", "9003"),
        ],
        "metric_relabel_configs": [
            names.keep((*names.COST_MODEL_COSTS, *names.COST_MODEL_KUBE_STATE)),
            # AMP refuses a series with more than 150 labels or 7 KB of them.
            *([names.drop_labels(targets.dropped_labels)] if targets.dropped_labels else ()),
        ],
    }


def _network_costs(namespace: str, port: int) -> Job:
    return {
        "job_name": "kubecost-networking",
        "kubernetes_sd_configs": [_own("pod", namespace)],
        "relabel_configs": [
            _only("__meta_kubernetes_pod_label_app_kubernetes_io_name", "network-costs"),
            _only("__meta_kubernetes_pod_container_port_number", str(port)),
        ],
        "metric_relabel_configs": [names.keep(names.NETWORK_COSTS)],
    }


def _kubelet(name: str, path: str, metrics: tuple[str, ...]) -> Job:
    # The role `node` sets `instance` to the node's name, on which Kubecost joins. Node labels are
    # not copied onto the series: Kubecost reads them from kube_node_labels.
    return {
        "job_name": name,
        "scheme": "https",
        "authorization": {"credentials_file": _TOKEN},
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": [
            {"target_label": "__address__", "replacement": "kubernetes.default.svc:443"},
            {
                "source_labels": ["__meta_kubernetes_node_name"],
                "target_label": "__metrics_path__",
                "replacement": f"/api/v1/nodes/$1/proxy{path}",
            },
        ],
        "metric_relabel_configs": [names.keep(metrics)],
    }


def _cadvisor() -> Job:
    job = _kubelet("kubernetes-nodes-cadvisor", "/metrics/cadvisor", names.CADVISOR)
    # The root cgroup and every pod on the host's network repeat the bytes of all the node's
    # interfaces, one for each pod among them. Kubecost reads a pod's own interface.
    job["metric_relabel_configs"] += [
        {
            "source_labels": ["__name__", "pod"],
            "regex": "container_network_.*;",
            "action": "drop",
        },
        {
            "source_labels": ["interface"],
            "regex": "(cali|cilium|cni|dummy|eni|lxc|pod-id-link|veth|vlan).*",
            "action": "drop",
        },
        # Kubecost reads a node's memory breakdown by this name, which kubelets have dropped.
        {
            "source_labels": ["__name__", "container"],
            "regex": "container_memory_(?:usage|working_set)_bytes;(.+)",
            "target_label": "container_name",
        },
    ]
    return job


def _dcgm() -> Job:
    """Find DCGM exporters by the labels that NVIDIA's GPU operator and chart give their pods."""
    return {
        "job_name": "kubecost-dcgm-exporter",
        "kubernetes_sd_configs": [
            {"role": "pod", "selectors": [{"role": "pod", "label": label}]}
            for label in (
                "app in (dcgm-exporter, nvidia-dcgm-exporter)",
                "app.kubernetes.io/name=dcgm-exporter",
            )
        ],
        "relabel_configs": [_only("__meta_kubernetes_pod_container_port_number", "9400")],
        "metric_relabel_configs": [names.keep(names.DCGM)],
    }


def _prometheus() -> Job:
    return {
        "job_name": "prometheus",
        "static_configs": [{"targets": ["localhost:9090"]}],
        "metric_relabel_configs": [names.keep(names.PROMETHEUS)],
    }


def _node_exporter(namespace: str, port: int) -> Job:
    return {
        "job_name": "node-exporter",
        "kubernetes_sd_configs": [_own("pod", namespace)],
        "relabel_configs": [
            _only("__meta_kubernetes_pod_label_app_kubernetes_io_name", "prometheus-node-exporter"),
            _only("__meta_kubernetes_pod_container_port_number", str(port)),
            # Kubecost joins node-exporter's series on this label.
            {
                "source_labels": ["__meta_kubernetes_pod_node_name"],
                "target_label": "kubernetes_node",
            },
        ],
        "metric_relabel_configs": [names.keep(names.NODE_EXPORTER)],
    }


def _own(role: str, namespace: str) -> Job:
    return {"role": role, "namespaces": {"names": [namespace]}}


def _only(label: str, value: str) -> Job:
    return {"source_labels": [label], "regex": value, "action": "keep"}


def global_settings(cluster_id: str) -> dict[str, Any]:
    """Set the interval, and the label that tells clusters apart in a shared workspace."""
    return {
        "scrape_interval": INTERVAL,
        "scrape_timeout": "50s",
        "external_labels": {"cluster_id": cluster_id},
    }


def for_prometheus(jobs: list[Job]) -> list[Job]:
    """Render the jobs for Prometheus, which also scrapes itself."""
    return [*_with_cluster_ca(jobs), _prometheus()]


def for_adot(jobs: list[Job]) -> list[Job]:
    """Render the jobs for the collector's Prometheus receiver, where `$` is written `$$`.

    Current releases keep a single `$1`; older ones expand it to nothing
    (opentelemetry-collector-contrib, receiver/prometheusreceiver/README.md).
    """
    return [_escaped(job) for job in _with_cluster_ca(jobs)]


def for_managed_scraper(jobs: list[Job]) -> list[Job]:
    """Render the jobs for AMP's scraper, which needs no CA file to trust the cluster.

    It accepts a credentials file but no TLS files (AMP user guide, "Scraper configuration").
    """
    return deepcopy(jobs)


def _with_cluster_ca(jobs: list[Job]) -> list[Job]:
    return [
        job | {"tls_config": {"ca_file": _CA}} if job.get("scheme") == "https" else dict(job)
        for job in jobs
    ]


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _escaped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_escaped(inner) for inner in value]
    return value.replace("$", "$$") if isinstance(value, str) else value
