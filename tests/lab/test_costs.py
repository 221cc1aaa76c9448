"""What AMP holds answers what things cost, and how many samples that takes."""

import time

import pytest

from metrics import names, queries
from metrics.rules import FLEET_RULES, NAMESPACE_COST, RECORDING_RULES
from metrics.volumes import RULE_READS, VOLUMES, Volume
from tests.lab.collectors import MINUTE
from tests.lab.process import wait_until
from tests.lab.world import ARCHITECTURES, CHART, CLUSTERS, FULL, World

Costs = dict[tuple[str, ...], float]
RECORDED = {rule["record"] for group in RECORDING_RULES["groups"] for rule in group["rules"]}
FLEET = {rule["record"] for group in FLEET_RULES["groups"] for rule in group["rules"]}
# Emitted only if the chart's kubecostMetrics asks for them.
OPTIONAL = {"kube_namespace_annotations", "kube_pod_annotations"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_costs_are_those_of_the_table(world: World, name: str) -> None:
    amp = world.amps[name]
    inventories = {cluster: world.clusters[cluster].inventory for cluster in CLUSTERS}

    def costs(promql: str, *labels: str, ago: float = 0) -> Costs:
        return {tuple(by[label] for label in labels): v for by, v in amp.query(promql, ago)}

    per_namespace = {
        (cluster, namespace): cost
        for cluster, inventory in inventories.items()
        for namespace, cost in inventory.namespace_hourly_cost().items()
    }
    egress = {
        (cluster, namespace): cost
        for cluster, inventory in inventories.items()
        for namespace, cost in inventory.egress_hourly_cost().items()
    }
    per_cluster = {
        (cluster,): inventory.hourly_cost() for cluster, inventory in inventories.items()
    }
    by = ("cluster_id", "namespace")
    wait_until(
        lambda: costs(queries.COST_PER_NAMESPACE, *by) == pytest.approx(per_namespace),
        60,
        "the cost of each namespace",
    )
    assert costs(queries.COST_PER_CLUSTER, "cluster_id") == pytest.approx(per_cluster)
    parts = f'{NAMESPACE_COST}{{resource=~"cpu|gpu|memory|storage"}}'
    wait_until(
        lambda: (
            costs(f"sum by (cluster_id, namespace) ({parts})", *by) == pytest.approx(per_namespace)
        ),
        60,
        "the cost of each namespace as AMP records it for the fleet",
    )
    # A rate is exact only where samples lie at both ends of its window.
    window = 4 * MINUTE
    promql = queries.network_egress_per_namespace(f"{window}s")
    wait_until(
        lambda: costs(promql, *by, ago=2 * MINUTE) == pytest.approx(egress, rel=0.02),
        60,
        "the cost of network egress",
    )


@pytest.mark.parametrize("name", FULL)
def test_full_architectures_hold_every_input_of_kubecost(world: World, name: str) -> None:
    needed = {
        *names.COST_MODEL_COSTS,
        *names.COST_MODEL_KUBE_STATE,
        *names.CADVISOR,
        *names.KUBELET,
        *names.NETWORK_COSTS,
        *names.NODE_EXPORTER,
        *names.DCGM,
        *(names.PROMETHEUS if world.overlays[name, "blue"].release.prometheus else ()),
    } - OPTIONAL
    amp = world.amps[name]
    wait_until(lambda: amp.names() >= RECORDED, 60, "every recording rule")
    surplus = amp.names() - needed - RECORDED - FLEET
    assert needed <= amp.names()
    assert {name for name in surplus if name != "up" and not name.startswith("scrape_")} == set()


def test_cost_only_sends_exactly_the_names_of_the_list(world: World) -> None:
    sent = world.amps["prom_amp_cost"].received.samples
    # Red's settings list a label of namespaces.
    assert set(sent) == {*names.COST_ONLY, names.NAMESPACE_LABELS}


def test_cost_only_sends_the_labels_of_namespaces_that_are_listed(world: World) -> None:
    sent = world.amps["prom_amp_cost"].query(names.NAMESPACE_LABELS)
    inventory = world.clusters["red"].inventory
    for labels, _ in sent:
        assert [name for name in labels if name.startswith("label_")] in ([], ["label_team"])
    assert {
        (labels["cluster_id"], labels["namespace"]): labels.get("label_team") for labels, _ in sent
    } == {("red", namespace): inventory.teams.get(namespace) for namespace in inventory.namespaces}


class Share:
    """What of a workspace is of one cluster, as if its Kubecost were alone there.

    Without the other Kubecosts' pods, and without node-exporter and DCGM exporter, which most
    clusters lack.
    """

    def __init__(self, world: World, workspace: str, cluster: str = "blue") -> None:
        self._amp, self._inventory = world.amps[workspace], world.clusters[cluster].inventory
        own = world.overlays[workspace if workspace in ARCHITECTURES else CHART, cluster].release
        others = [release.name for release in self._inventory.releases if release != own]
        self._selector = (
            f'cluster_id="{cluster}",__name__!~"{"|".join(FLEET)}",job!~"node-exporter|kubecost-dcgm-exporter",pod!~".*-node-exporter-.*"'
            f',namespace!~"{"|".join(others)}"'
        )
        self.nodes = len(self._inventory.nodes)
        self.pods = sum(
            pod.namespace not in others and "-node-exporter-" not in pod.name
            for pod in self._inventory.pods
        )

    def samples(self) -> int:
        """Count series: each gives one sample in the minute that is the interval of every job."""
        return int(self._amp.value(f"count({{{self._selector}}})"))

    def volume(self) -> Volume:
        """Divide what is of a node by nodes, and all the rest by pods."""
        anywhere = f'{self._selector},pod="",pod_name=""'
        addresses = [f"{node.address}:.+" for node in self._inventory.nodes]
        instances = "|".join([node.name for node in self._inventory.nodes] + addresses)
        of_nodes = self._amp.value(
            f'count({{{anywhere},node!=""}} or {{{anywhere},instance=~"{instances}"}})'
        )
        rest = self.samples() - of_nodes
        return Volume(round(of_nodes / self.nodes, 1), round(rest / self.pods, 1))


def test_volumes(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    shares = {name: Share(world, name) for name in (*ARCHITECTURES, "chart", "job_filter")}
    samples = {name: share.samples() for name, share in shares.items()}
    volumes = {name: share.volume() for name, share in shares.items()}
    with capsys.disabled():
        print(f"\nsamples per minute of {shares[CHART].nodes} nodes, {shares[CHART].pods} pods")
        for name, volume in volumes.items():
            each = f"{volume.per_node:6} per node {volume.per_pod:5} per pod"
            print(f"{name:14}{samples[name]:6} {each}")
    costs = samples["prom_amp_cost"]
    assert costs <= 0.07 * samples["chart"]
    assert costs <= 0.12 * samples["prom_amp"]
    assert costs <= 0.36 * samples["job_filter"]
    for name in ARCHITECTURES:
        assert volumes[name] == VOLUMES[name], name
        green = Share(world, name, "green")
        predicted = VOLUMES[name].samples_per_minute(green.nodes, green.pods)
        assert green.samples() == pytest.approx(predicted, rel=0.05), name


def test_how_often_rules_read_what_comes_in(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """AMP bills the samples that a query reads; Prometheus counts them alike (stats=all)."""
    reads = {}
    for name in ARCHITECTURES:
        amp = world.amps[name]
        per_minute = 0.0
        for group in world.overlays[name, "blue"].rules["groups"]:
            minutes = int(group.get("interval", "1m").removesuffix("m"))
            for rule in group["rules"]:
                promql = rule["expr"].replace("[5m]", f"[{5 * MINUTE}s]")
                stats = amp.get("query", query=promql, stats="all")["stats"]
                per_minute += stats["samples"]["totalQueryableSamples"] / minutes
        series = amp.value(f'count({{__name__!="",__name__!~"{"|".join(FLEET)}"}})')
        reads[name] = round(per_minute / series, 2)
    with capsys.disabled():
        print(f"\nsamples that rules read for each that comes in: {reads}")
    for name in ARCHITECTURES:
        assert reads[name] == pytest.approx(RULE_READS[name], rel=0.05), name


def test_every_series_is_sent_once_a_minute(world: World) -> None:
    before = {name: world.amps[name].received.samples.total() for name in ARCHITECTURES}
    start, rounds = time.monotonic(), 4
    wait_until(lambda: time.monotonic() - start > rounds * MINUTE, 60, f"{rounds} rounds")
    for name in ARCHITECTURES:
        amp = world.amps[name]
        sent = amp.received.samples.total() - before[name]
        # What AMP records itself is not sent; what Prometheus records is.
        series = amp.value(f'count({{__name__!="",__name__!~"{"|".join(amp.recorded)}"}})')
        # A round more or less, for batches that were under way.
        assert abs(sent - rounds * series) <= 1.2 * series, name
