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

ALL = Targets("kubecost-x", "ns-x", network_costs_port=3009, node_exporter_port=9109)
LEAST = Targets("kubecost-x", "ns-x", network_costs_port=None, node_exporter_port=None)

LISTS = {
    name: value
    for name, value in vars(names).items()
    if name.isupper() and isinstance(value, tuple)
}


@pytest.mark.parametrize("metrics", LISTS.values(), ids=LISTS)
def test_a_list_of_names_holds_each_name_once(metrics: tuple[str, ...]) -> None:
    assert len(set(metrics)) == len(metrics)
    assert all(re.fullmatch("[a-zA-Z_:][a-zA-Z0-9_:]*", name) for name in metrics)


def test_costs_are_a_part_of_what_is_scraped() -> None:
    scraped = {*names.COST_MODEL_COSTS, *names.COST_MODEL_KUBE_STATE, *names.NETWORK_COSTS}
    assert set(names.COST_ONLY) - {names.GPU_ALLOCATION} < scraped


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
        "node-exporter",
    ]
    assert [job["job_name"] for job in scrape_jobs(LEAST)] == [
        "kubecost",
        "kubernetes-nodes-cadvisor",
        "kubernetes-nodes",
    ]


def test_every_job_keeps_a_list_of_names() -> None:
    for job in scrape_jobs(ALL):
        rule = job["metric_relabel_configs"][0]
        assert rule["action"] == "keep"
        assert rule["source_labels"] == ["__name__"]


def test_a_job_finds_only_targets_of_its_own_namespace_or_nodes() -> None:
    for job in scrape_jobs(ALL):
        (discovery,) = job["kubernetes_sd_configs"]
        assert discovery in (
            {"role": "node"},
            {"role": "pod", "namespaces": {"names": ["ns-x"]}},
            {"role": "endpoints", "namespaces": {"names": ["ns-x"]}},
        )


def test_labels_of_other_workloads_survive_in_the_kubecost_job_only() -> None:
    jobs = scrape_jobs(ALL)
    assert [job["job_name"] for job in jobs if job.get("honor_labels")] == ["kubecost"]


def test_the_dialects_differ_only_in_certificates_and_dollars() -> None:
    jobs = scrape_jobs(ALL)
    assert for_managed_scraper(jobs) == jobs
    for job, own, adot in zip(jobs, for_prometheus(jobs), for_adot(jobs), strict=True):
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
    recorded = {rule["record"] for group in RECORDING_RULES["groups"] for rule in group["rules"]}
    assert recorded == {
        "cluster:cpu_usage:rate5m",
        "cluster:cpu_usage_nosum:rate5m",
        "kubecost_container_cpu_usage_irate",
        "kubecost_container_memory_working_set_bytes",
        "kubecost_cluster_memory_working_set_bytes",
        "kubecost_savings_cpu_allocation",
        "kubecost_savings_memory_allocation_bytes",
        names.GPU_ALLOCATION,
    }


def test_the_inputs_of_the_rules_are_scraped() -> None:
    scraped = set(chain.from_iterable(LISTS.values()))
    for group in RECORDING_RULES["groups"]:
        for rule in group["rules"]:
            inputs = set(re.findall(r"\b(?:container|kube)_\w+", rule["expr"]))
            assert inputs, rule
            assert inputs <= scraped, rule


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
