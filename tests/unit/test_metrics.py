"""Ring 1: metric names, scrape jobs in three dialects, recording rules."""

import re
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest

from metrics import names
from metrics.prometheus_config import RemoteWrite, config_files
from metrics.rules import RECORDING_RULES
from metrics.scrape_jobs import (
    Targets,
    for_adot,
    for_managed_scraper,
    for_prometheus,
    global_settings,
    scrape_jobs,
)
from metrics.volumes import VOLUMES
from tests.conftest import ROOT

ALL = Targets(
    "kubecost-x", "ns-x", network_costs_port=3009, node_exporter_port=9109, dropped_labels=("a",)
)
LEAST = Targets("kubecost-x", "ns-x", network_costs_port=None, node_exporter_port=None)

LISTS = {
    name: value
    for name, value in vars(names).items()
    if name.isupper() and isinstance(value, tuple)
}
SCRAPED = {
    *names.COST_MODEL_COSTS,
    *names.COST_MODEL_KUBE_STATE,
    *names.CADVISOR,
    *names.KUBELET,
    *names.NETWORK_COSTS,
    *names.NODE_EXPORTER,
    *names.DCGM,
    *names.PROMETHEUS,
}
RECORDED = {rule["record"] for group in RECORDING_RULES["groups"] for rule in group["rules"]}


@pytest.mark.parametrize("metrics", LISTS.values(), ids=LISTS)
def test_a_list_of_names_holds_each_name_once(metrics: tuple[str, ...]) -> None:
    assert len(set(metrics)) == len(metrics)
    assert all(re.fullmatch("[a-zA-Z_:][a-zA-Z0-9_:]*", name) for name in metrics)


def test_costs_are_a_part_of_what_is_scraped() -> None:
    assert set(names.COST_ONLY) - {names.GPU_ALLOCATION} < SCRAPED


def test_kubecost_finds_all_that_it_asks_for() -> None:
    assert set(names.OPENCOST_QUERIES) <= SCRAPED | RECORDED


def test_what_is_left_out_is_named_in_the_document() -> None:
    page = (ROOT / "docs/metrics.md").read_text()
    for name, lost in names.LEFT_OUT.items():
        assert name not in SCRAPED
        assert f"| `{name}` | {lost} |" in page


def test_keep_matches_exactly_the_names_given() -> None:
    rule = names.keep(names.COST_ONLY)
    everything = set(chain.from_iterable(LISTS.values()))
    kept = {name for name in everything if re.fullmatch(str(rule["regex"]), name)}
    assert kept == set(names.COST_ONLY)


def test_each_source_has_a_job() -> None:
    assert [job["job_name"] for job in scrape_jobs(ALL)] == [
        "kubecost",
        "kubecost-networking",
        "kubernetes-nodes-cadvisor",
        "kubernetes-nodes",
        "kubecost-dcgm-exporter",
        "node-exporter",
    ]
    assert [job["job_name"] for job in scrape_jobs(LEAST)] == [
        "kubecost",
        "kubernetes-nodes-cadvisor",
        "kubernetes-nodes",
        "kubecost-dcgm-exporter",
    ]


def test_every_job_keeps_a_list_of_names() -> None:
    for job in scrape_jobs(ALL):
        rule = job["metric_relabel_configs"][0]
        assert rule["action"] == "keep"
        assert rule["source_labels"] == ["__name__"]


def test_a_job_finds_only_targets_of_its_own_namespace_or_nodes() -> None:
    for job in scrape_jobs(ALL):
        if job["job_name"] == "kubecost-dcgm-exporter":
            continue
        (discovery,) = job["kubernetes_sd_configs"]
        assert discovery in (
            {"role": "node"},
            {"role": "pod", "namespaces": {"names": ["ns-x"]}},
            {"role": "endpoints", "namespaces": {"names": ["ns-x"]}},
        )


@pytest.mark.parametrize(
    "labels",
    [
        {"app": "nvidia-dcgm-exporter"},
        {"app.kubernetes.io/name": "dcgm-exporter", "app.kubernetes.io/component": "dcgm-exporter"},
    ],
    ids=["GPU operator", "chart dcgm-exporter"],
)
def test_dcgm_exporters_are_asked_for_by_their_labels(labels: dict[str, str]) -> None:
    # The API server selects; a watch of every pod of a large cluster would take much memory.
    (job,) = (job for job in scrape_jobs(ALL) if job["job_name"] == "kubecost-dcgm-exporter")
    selectors = [
        selector["label"]
        for discovery in job["kubernetes_sd_configs"]
        for selector in discovery["selectors"]
    ]

    def selected(by: str) -> bool:
        if match := re.fullmatch(r"(\S+) in \((.*)\)", by):
            return labels.get(match[1]) in match[2].split(", ")
        key, _, value = by.partition("=")
        return labels.get(key) == value

    assert any(selected(by) for by in selectors)


def gpu_node_labels() -> dict[str, str]:
    """Label a node as Kubernetes, EKS, node feature discovery and the GPU operator do: 158."""
    base = {
        f"label_{name}": "x" * 20
        for name in (
            "kubernetes_io_hostname",
            "kubernetes_io_os",
            "topology_kubernetes_io_zone",
            "eks_amazonaws_com_nodegroup",
            *(f"k8s_io_cloud_provider_aws_{n}" for n in range(15)),
            *(f"nvidia_com_gpu_{n}" for n in range(36)),
        )
    }
    features = {
        f"label_feature_node_kubernetes_io_cpu_cpuid_FEATURE{n:03}": "true" for n in range(103)
    }
    return base | features


def test_no_label_of_a_gpu_node_makes_amp_refuse_its_series() -> None:
    labels = gpu_node_labels()
    assert len(labels) == 158
    rule = names.drop_labels(("feature.node.kubernetes.io/*",))
    assert rule["action"] == "labeldrop"
    kept = {
        name: value for name, value in labels.items() if not re.fullmatch(str(rule["regex"]), name)
    }
    assert len(kept) == 55
    assert "label_nvidia_com_gpu_0" in kept
    assert sum(len(name) + len(value) for name, value in kept.items()) < 7 * 1024
    # AMP user guide, "Quotas": 150 labels in a series, of which the collector adds a few.
    assert len(kept) < 140


def test_only_labels_of_kubernetes_objects_are_dropped() -> None:
    rule = names.drop_labels(("team*", "app.kubernetes.io/version"))
    assert re.fullmatch(str(rule["regex"]), "label_team_of_me")
    assert re.fullmatch(str(rule["regex"]), "label_app_kubernetes_io_version")
    for kept in ("team", "label_app_kubernetes_io_name", "namespace", "label_my_team"):
        assert not re.fullmatch(str(rule["regex"]), kept)


def test_labels_of_other_workloads_survive_in_the_kubecost_job_only() -> None:
    jobs = scrape_jobs(ALL)
    assert [job["job_name"] for job in jobs if job.get("honor_labels")] == ["kubecost"]


def test_the_dialects_differ_only_in_certificates_and_dollars() -> None:
    jobs = scrape_jobs(ALL)
    assert for_managed_scraper(jobs) == jobs
    *rendered, itself = for_prometheus(jobs)
    assert itself["metric_relabel_configs"] == [names.keep(names.PROMETHEUS)]
    for job, own, adot in zip(jobs, rendered, for_adot(jobs), strict=True):
        extra = {"tls_config"} if job.get("scheme") == "https" else set()
        assert own.keys() - job.keys() == extra
        assert strings(adot) == [text.replace("$", "$$") for text in strings(own)]


def test_adot_leaves_no_single_dollar() -> None:
    assert not [
        text for text in strings(for_adot(scrape_jobs(ALL))) if re.search(r"(?<!\$)\$(?!\$)", text)
    ]


def test_the_managed_scraper_gets_no_tls_files_and_no_interval_below_30_s() -> None:
    assert "tls_config" not in str(for_managed_scraper(scrape_jobs(ALL)))
    assert global_settings("a")["scrape_interval"] == "60s"


WORKSPACE = RemoteWrite("https://amp.example/api/v1/remote_write", {"region": "eu-west-1"}, [])


def test_prometheus_reads_its_rules_from_beside_its_configuration() -> None:
    files = config_files(scrape_jobs(ALL), cluster_id="shop", sends=WORKSPACE)
    main = files["prometheus.yml"]
    assert files.keys() == {"prometheus.yml", *main["rule_files"]}
    assert [files[name] for name in main["rule_files"]] == [RECORDING_RULES]
    assert main["global"]["evaluation_interval"] == main["global"]["scrape_interval"] == "60s"
    assert main["global"]["external_labels"] == {"cluster_id": "shop"}
    assert main["scrape_configs"] == for_prometheus(scrape_jobs(ALL))


def test_prometheus_sends_what_it_is_told_and_nothing_otherwise() -> None:
    def remote_write(sends: RemoteWrite | None) -> Any:
        return config_files([], cluster_id="a", sends=sends)["prometheus.yml"].get("remote_write")

    assert remote_write(None) is None
    (everything,) = remote_write(WORKSPACE)
    (costs,) = remote_write(replace(WORKSPACE, relabelling=names.keep_costs("kube_pod_labels")))
    assert costs.pop("write_relabel_configs") == names.keep_costs("kube_pod_labels")
    assert costs == everything
    assert everything["url"] == WORKSPACE.url
    assert everything["sigv4"] == {"region": "eu-west-1"}
    assert everything["queue_config"]["retry_on_http_429"] is True


def test_what_is_sent_besides_the_costs_is_added_to_them() -> None:
    plain, more = (names.keep_costs(*besides) for besides in ((), ("kube_pod_labels",)))
    sent = [set(str(rules[0]["regex"]).split("|")) for rules in (plain, more)]
    assert sent[1] - sent[0] == {"kube_pod_labels"}
    assert sent[0] == set(names.COST_ONLY)
    assert plain[1:] == more[1:]


def relabelled(labels: dict[str, str], rules: list[dict[str, Any]]) -> dict[str, str]:
    """Do what Prometheus does with a series and rules that look at the names of labels."""
    for rule in rules:
        for name, value in list(labels.items()):
            if found := re.fullmatch(rule["regex"], name):
                if rule["action"] == "labeldrop":
                    del labels[name]
                else:
                    assert rule["action"] == "labelmap"
                    labels[rule["replacement"].replace("$1", found[1])] = value
    return labels


def test_of_the_labels_of_namespaces_those_of_the_settings_are_sent() -> None:
    assert len(names.keep_costs()) == 2
    first, _, *rules = names.keep_costs(namespace_labels=("team", "example.com/cost-center"))
    assert set(str(first["regex"]).split("|")) == {*names.COST_ONLY, names.NAMESPACE_LABELS}
    sent = {"cluster_id": "a", "namespace": "shop", "label_team": "web"}
    others = {"label_teams": "all", "label_kubernetes_io_metadata_name": "shop"}
    assert relabelled({**sent, **others}, rules) == sent
    spelled = {"label_example_com_cost_center": "4711"}
    assert relabelled({**spelled, **others}, rules) == spelled


def test_the_cluster_id_is_an_external_label() -> None:
    assert global_settings("shop")["external_labels"] == {"cluster_id": "shop"}


def test_every_aggregation_of_a_rule_keeps_the_cluster_id() -> None:
    for group in RECORDING_RULES["groups"]:
        for rule in group["rules"]:
            aggregations = re.findall(
                r"\b(?:sum|avg|count|min|max)\b\s*(\S+ \([^)]*\))?", rule["expr"]
            )
            assert all("cluster_id" in clause for clause in aggregations), rule
            joins = re.findall(r"\bon \(([^)]*)\)", rule["expr"])
            assert all("cluster_id" in labels for labels in joins), rule


def test_the_rules_record_what_the_chart_records_and_gpus() -> None:
    assert {
        "cluster:cpu_usage:rate5m",
        "cluster:cpu_usage_nosum:rate5m",
        "kubecost_container_cpu_usage_irate",
        "kubecost_container_memory_working_set_bytes",
        "kubecost_cluster_memory_working_set_bytes",
        "kubecost_savings_cpu_allocation",
        "kubecost_savings_memory_allocation_bytes",
        names.GPU_ALLOCATION,
    } == RECORDED


def test_the_inputs_of_the_rules_are_scraped() -> None:
    for group in RECORDING_RULES["groups"]:
        for rule in group["rules"]:
            inputs = set(re.findall(r"\b(?:container|kube)_\w+", rule["expr"]))
            assert inputs, rule
            assert inputs <= SCRAPED, rule


def test_the_document_shows_the_measured_volumes() -> None:
    rows = [line for line in (ROOT / "docs/metrics.md").read_text().splitlines() if "|" in line]
    for name, volume in VOLUMES.items():
        figures = f"| {volume.per_node} | {volume.per_pod} |"
        assert name == "prom" or any(f"`{name}`" in row and figures in row for row in rows), name


def strings(data: Any) -> list[str]:
    if isinstance(data, dict):
        return [text for value in data.values() for text in strings(value)]
    if isinstance(data, list):
        return [text for item in data for text in strings(item)]
    return [data] if isinstance(data, str) else []
