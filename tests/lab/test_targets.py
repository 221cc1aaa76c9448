"""Every job of every dialect finds its targets and only them; labels say what they should."""

from collections import Counter

import pytest

from tests.lab.collectors import Prometheus
from tests.lab.inventory import Inventory, Release
from tests.lab.process import wait_until
from tests.lab.world import ARCHITECTURES, CHART, CLUSTERS, FULL, World

EVERY = [(name, cluster) for name in ARCHITECTURES for cluster in CLUSTERS]


@pytest.mark.parametrize(("name", "cluster"), EVERY)
def test_every_job_finds_its_targets(world: World, name: str, cluster: str) -> None:
    nodes = len(world.clusters[cluster].inventory.nodes)
    on_nodes = (
        "kubecost-dcgm-exporter",
        "kubecost-networking",
        "kubernetes-nodes",
        "kubernetes-nodes-cadvisor",
        "node-exporter",
    )
    collector = world.collectors[name, cluster]
    expected = {"kubecost": 1, **dict.fromkeys(on_nodes, nodes)}
    if isinstance(collector, Prometheus) and not collector.agent:
        expected["prometheus"] = 1
    up_and_all = {job: [count, count] for job, count in expected.items()}
    wait_until(lambda: world.up(name, cluster) == up_and_all, 60, f"{expected} to be up")
    if isinstance(collector, Prometheus):
        assert {job: len(found) for job, found in collector.targets().items()} == expected


def test_nothing_else_is_scraped_and_nothing_twice(world: World) -> None:
    own, of_nodes = set(), set()
    for cluster in CLUSTERS:
        inventory = world.clusters[cluster].inventory
        own |= {target for release in inventory.releases for target in of(release, inventory)}
        kubelets = {f"{node.address}:10250/metrics" for node in inventory.nodes}
        of_nodes |= kubelets | {f"{target}/cadvisor" for target in kubelets}
        of_nodes |= {
            f"{pod.address}:9400/metrics"
            for pod in inventory.pods
            if pod.workload.name == "nvidia-dcgm-exporter"
        }
        world.clusters[cluster].scrapes.clear()
    rounds = 3
    counts: Counter[str] = Counter()

    def all_scraped() -> bool:
        counts.clear()
        for cluster in CLUSTERS:
            counts.update(world.clusters[cluster].scrapes)
        return min(counts[target] for target in own) >= rounds

    wait_until(all_scraped, 60, f"{rounds} scrapes of every target")
    # Two Prometheuses with the chart's own jobs run for comparison.
    chart = world.overlays[CHART, "blue"].release
    compared = set(of(chart, world.clusters["blue"].inventory))
    aggregator = {target for target in counts if target.endswith(":9004/metrics")}
    assert set(counts) == own | of_nodes | aggregator
    assert len(aggregator) == 1
    assert {target for target in own - compared if counts[target] > rounds + 1} == set()


def of(release: Release, inventory: Inventory) -> list[str]:
    """Name what is to be scraped of a release."""
    (kubecost,) = (
        pod.address
        for pod in inventory.pods
        if pod.workload.name == f"{release.name}-cost-analyzer"
    )
    ports = (release.network_costs_port, release.node_exporter_port)
    on_nodes = [f"{node.address}:{port}/metrics" for node in inventory.nodes for port in ports]
    return [f"{kubecost}:9003/metrics", *on_nodes]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_labels_are_those_of_the_workload(world: World, name: str) -> None:
    amp = world.amps[name]
    labels = amp.get("labels")
    assert [label for label in labels if label.startswith("exported_")] == []
    everywhere = amp.query('count by (cluster_id) ({__name__!=""})')
    assert {labels.get("cluster_id") for labels, _ in everywhere} == set(CLUSTERS)
    for cluster in CLUSTERS:
        pods = world.clusters[cluster].inventory.pods
        placed = {(pod.namespace, pod.name, pod.node.name) for pod in pods}

        def series(metric: str, *labels: str, of: str = cluster) -> set[tuple[str, ...]]:
            found = amp.query(f'count by ({", ".join(labels)}) ({metric}, cluster_id="{of}"}})')
            return {tuple(one[label] for label in labels) for one, _ in found}

        who = ("namespace", "pod")
        assert series('container_cpu_allocation{pod!=""', *who, "node") == placed
        egress = series(
            'kubecost_pod_network_egress_bytes_total{pod_name!=""', "namespace", "pod_name"
        )
        assert egress == {
            (pod.namespace, pod.name) for pod in pods if not pod.workload.host_network
        }
        if name in FULL:
            usage = 'container_cpu_usage_seconds_total{container!=""'
            assert series(usage, *who, "instance") == placed
            used = series('DCGM_FI_PROF_GR_ENGINE_ACTIVE{pod!=""', *who)
            assert used == {(p.namespace, p.name) for p in pods if p.workload.gpus}
            named = 'container_memory_working_set_bytes{container!=""'
            assert {a == b for a, b in series(named, "container", "container_name")} == {True}
            exporters = series('node_memory_MemTotal_bytes{job!=""', "kubernetes_node")
            assert exporters == {(pod.node.name,) for pod in pods}
