"""Ring 2: what the architectures cost, against sums that were made by hand."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from architectures import ARCHITECTURES
from metrics.sizes import prometheus as prometheus_size
from metrics.volumes import ALERT_READS, RULE_READS, VOLUMES
from settings import Settings
from settings.billing import BillingSettings, ExistingReportSettings, ReportSettings
from tests.conftest import ROOT
from tools.compare.bill import bill_of
from tools.compare.estimate import Estimate, estimate
from tools.compare.explain import explain
from tools.compare.fees import fee, ingestion
from tools.compare.fleet import Fleet, fleet_of
from tools.compare.prices import Prices, load
from tools.compare.stacks import GIB, InCluster, Kubecost, Workload, read
from tools.compare.table import COLUMNS, table

FLEET = Fleet(clusters=3, nodes=20, pods=600, region="us-east-1", retention_days=150)
PRICES = load()
US = PRICES.of("us-east-1")
FREE = PRICES.free_tier
NO_KUBECOST = Kubecost(*[Workload("none", 0, 0)] * 3)
PROMETHEUS = InCluster((Workload("Prometheus", None, None, 32),), "97h", 91, NO_KUBECOST)


@pytest.fixture(scope="module")
def in_clusters() -> dict[str, InCluster]:
    return read(Settings(), nodes=FLEET.nodes, pods=FLEET.pods)


def all_of(
    in_clusters: dict[str, InCluster], fleet: Fleet = FLEET, prices: Prices = PRICES
) -> list[Estimate]:
    return [
        estimate(each, in_clusters[name], fleet, prices) for name, each in ARCHITECTURES.items()
    ]


def test_what_alerts_read_is_counted(in_clusters: dict[str, InCluster]) -> None:
    reads = {
        budgets: {
            each.architecture.name: each.amounts.query_samples
            for each in all_of(in_clusters, replace(FLEET, budgets=budgets))
        }
        for budgets in (None, 0, 2)
    }
    for name, without in reads[None].items():
        # 3 clusters of 600 pods; 730 x 60 = 43,800 minutes.
        alerts, budgets = reads[0][name] - without, reads[2][name] - reads[0][name]
        in_amp = name != "prom"
        assert alerts == pytest.approx(in_amp * 1800 * ALERT_READS.per_pod * 43_800)
        assert budgets == pytest.approx(in_amp * 2 * ALERT_READS.per_budget * 43_800)


@pytest.mark.parametrize(
    ("samples", "free", "usd"),
    [
        (0, 0, 0),
        (219_000_000, 0, 19.71),  # 5,000 series every 60 s
        (219_000_000, FREE.samples, 16.11),
        (FREE.samples, FREE.samples, 0),
        (4_380_000_000, 0, 263.30),  # 100,000 series: 2 B at $0.90, 2.38 B at $0.35
        (2_000_000_000, 0, 180.00),
        (2_010_000_000, 0, 180.35),
        (252_000_000_000, 0, 8_930.00),
        (262_000_000_000, 0, 9_090.00),
        (262_000_000_000, FREE.samples, 9_086.40),
    ],
)
def test_ingestion(samples: float, free: float, usd: float) -> None:
    part = ingestion(samples, US.ingestion_per_10_million_samples, free=free)
    assert part.usd == usd
    assert part.complete


def test_ingestion_in_frankfurt() -> None:
    tiers = PRICES.of("eu-central-1").ingestion_per_10_million_samples
    # 2 B at $0.981, 250 B at $0.381, 10 B at $0.174
    assert ingestion(262e9, tiers).usd == 196.20 + 9_525.00 + 174.00


def test_an_idle_collector() -> None:
    assert fee(730, US.collector_per_hour, unit="hours").usd == 29.20
    assert fee(730, PRICES.of("eu-central-1").collector_per_hour, unit="hours").usd == 31.83


def test_the_example_by_hand(in_clusters: dict[str, InCluster]) -> None:
    by_name = {each.architecture.name: each for each in all_of(in_clusters)}
    cost, managed = by_name["prom_amp_cost"], by_name["amp"]
    # 3 x (6 x 20 + 4.7 x 600) x 43,800, of which 40 million are free
    assert cost.amounts.samples == pytest.approx(386_316_000)
    assert cost.parts["ingestion"].usd == 31.17
    # 3 x (70 x 20 + 39.9 x 600) x 43,800: 1,960 million at $0.90, 1,329.676 million at $0.35
    assert managed.amounts.samples == pytest.approx(3_329_676_000)
    assert managed.parts["ingestion"].usd == 222.94
    # 150 x 24 / 730 x 3,329,676,000 x 2 bytes are 30.59 GB, of which 10 are free
    assert managed.parts["storage"].usd == 0.62
    # (1.13 + 10 x 5 / 3) x 3,329,676,000 = 59.3 billion, less than 200 billion
    assert managed.parts["query"].usd == 0
    # 3 x 730 hours at $0.04, and 3,329,676,000 at $0.03
    assert managed.parts["collector"].usd == 97.59
    assert managed.parts["in_cluster"].usd == 0
    assert managed.total.usd == 321.15


def test_a_collector_by_hand(in_clusters: dict[str, InCluster]) -> None:
    (adot,) = (each for each in all_of(in_clusters) if each.architecture.name == "adot_amp")
    # What the stack requests: 200m and 400Mi, in 3 clusters for 730 hours. m7i.large costs
    # $0.1008, of which a vCPU is 0.031611 / (2 x 0.031611 + 8 x 0.004237).
    cpu, memory = 3 * 0.2 * 730 * 0.0328095, 3 * 400 / 1024 * 730 * 0.00439764
    assert adot.parts["in_cluster"].usd == pytest.approx(cpu + memory, abs=0.01)


def test_kubecost_itself_by_hand(in_clusters: dict[str, InCluster]) -> None:
    by_name = {each.architecture.name: each for each in all_of(in_clusters)}
    # cost-model 200m 55Mi, frontend 10m 55Mi and forecasting 200m 300Mi, of the chart; aggregator
    # 100m (256 + 600 x 0.25)Mi and what reads the bill 10m 64Mi, of the stack. network-costs is on
    # each of 20 nodes, 50m 20Mi.
    nodes = 3 * 20
    cores = 3 * (0.2 + 0.01 + 0.2 + 0.1 + 0.01) + nodes * 0.05
    mebibytes = 3 * (55 + 55 + 300 + 406 + 64) + nodes * 20
    usd = 730 * (cores * 0.0328095 + mebibytes / 1024 * 0.00439764) + 3 * 32 * 0.08
    assert by_name["prom"].kubecost.usd == pytest.approx(usd, abs=0.02)
    # Where Kubecost queries AMP it has a proxy, 10m 32Mi, and all but the first are agents.
    cores = (0.52 + 0.01) + 2 * (0.2 + 0.01) + nodes * 0.05
    mebibytes = (880 + 32) + 2 * (55 + 32) + nodes * 20
    usd = 730 * (cores * 0.0328095 + mebibytes / 1024 * 0.00439764) + 3 * 32 * 0.08
    for name in ("prom_amp", "adot_amp", "amp"):
        assert by_name[name].kubecost.usd == pytest.approx(usd, abs=0.02)
    # It is in no total.
    prom = by_name["prom"]
    assert prom.total.usd == prom.parts["in_cluster"].usd


def test_the_volumes_of_prom_are_counted_alike(in_clusters: dict[str, InCluster]) -> None:
    estimates = all_of(in_clusters)
    (prom,) = (each for each in estimates if each.architecture.name == "prom")
    # Prometheus's in the total, Kubecost's on top, in 3 clusters.
    assert [item.how for item in prom.total.items if "disk" in item.how] == [
        "96 GiB of disk x $0.08"
    ]
    assert [item.how for item in prom.kubecost.items if "disk" in item.how] == [
        "96 GiB of disk x $0.08"
    ]
    text = explain(estimates, FLEET, PRICES)
    assert "  in the clusters  96 GiB of disk x $0.08 = $7.68\n  total            $27.81\n" in text
    assert "  Kubecost, on top 96 GiB of disk x $0.08 = $7.68\n" in text


def test_what_of_kubecost_is_off_or_the_user_s_counts() -> None:
    values = {
        "forecasting": {"enabled": False},
        "kubecostModel": {"resources": {"requests": {"cpu": "1", "memory": "2Gi"}}},
        "persistentVolume": {"size": "100Gi"},
    }
    settings = Settings.model_validate({"kubecost": {"values": values, "network_costs": False}})
    kubecost = read(settings, nodes=20, pods=600)["prom"].kubecost
    assert kubecost.agent == Workload("Kubecost's agent", 1, 2, 100)
    assert kubecost.whole.cpu_cores == pytest.approx(1 + 0.01 + 0.1 + 0.01)
    assert kubecost.on_each_node == Workload("network-costs", 0, 0)


def test_a_tier_whose_price_is_not_known_leaves_no_sum() -> None:
    tiers = PRICES.of("ap-northeast-1").ingestion_per_10_million_samples
    assert ingestion(1_000_000_000, tiers).usd == 90
    more = ingestion(3_000_000_000, tiers)
    assert (more.usd, more.complete) == (180, False)


def test_without_the_free_tier(in_clusters: dict[str, InCluster]) -> None:
    estimates = all_of(in_clusters, prices=PRICES.without_free_tier())
    by_name = {each.architecture.name: each for each in estimates}
    assert by_name["prom_amp_cost"].parts["ingestion"].usd == 34.77
    assert by_name["amp"].parts["query"].usd == 5.93
    assert by_name["amp"].parts["storage"].usd == 0.92


def test_the_bill_by_hand() -> None:
    created = bill_of(Settings(billing=BillingSettings(report=ReportSettings(create=True))))
    assert created
    # A year of 1 GB a month at $0.023, and 4 x 730 / 24 runs over 2 GB at $5 for 1,024 GB
    assert created.storage(US).usd == 0.28
    assert created.queries(US).usd == 1.19
    assert not created.queries(PRICES.of("eu-west-3")).complete
    report = ExistingReportSettings(
        database="a", table="b", region="us-east-1", results_bucket="abc", report_bucket="abc"
    )
    existing = bill_of(Settings(billing=BillingSettings(existing_reports=(report,))))
    assert existing
    assert existing.storage(US).items == ()
    assert existing.queries(US).usd == 1.19
    assert bill_of(Settings()) is None


def test_nothing_runs_nothing_is_sent(in_clusters: dict[str, InCluster]) -> None:
    empty = Fleet(clusters=1, nodes=0, pods=0, region="us-east-1", retention_days=150)
    for each in all_of(in_clusters, empty):
        assert each.amounts.samples == 0
        idle = 29.20 if each.architecture.scraped_by_amp else 0
        assert each.total.usd - each.parts["in_cluster"].usd == pytest.approx(idle)


def test_a_fleet_beyond_the_last_tier(in_clusters: dict[str, InCluster]) -> None:
    huge = Fleet(clusters=200, nodes=500, pods=15_000, region="us-east-1", retention_days=150)
    for each in all_of(in_clusters, huge):
        if each.architecture.name in ("prom_amp", "adot_amp", "amp"):
            assert each.amounts.samples > 252e9
            assert len(each.parts["ingestion"].items) == 3
    table(all_of(in_clusters, huge), huge, PRICES)


sizes = st.tuples(st.integers(1, 300), st.integers(0, 1000), st.integers(0, 30_000))


@given(st.sampled_from(list(ARCHITECTURES)), sizes, sizes)
@hypothesis_settings(max_examples=60, deadline=None)
def test_more_never_costs_less(
    name: str, one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    def cost(size: tuple[int, ...]) -> Estimate:
        clusters, nodes, pods = size
        fleet = Fleet(clusters, nodes, pods, region="us-east-1", retention_days=150)
        return estimate(ARCHITECTURES[name], PROMETHEUS, fleet, PRICES)

    less, more = (tuple(map(pick, one, other)) for pick in (min, max))
    for column in COLUMNS:
        assert cost(less).parts[column].usd <= cost(more).parts[column].usd


@given(st.integers(0, 300 * 10**9), st.integers(0, 10**9))
def test_tiers_have_no_jumps(samples: int, free: int) -> None:
    tiers = US.ingestion_per_10_million_samples
    before, after = (ingestion(s, tiers, free=free).usd for s in (samples, samples + 10_000_000))
    assert -0.011 <= after - before <= 0.911


def test_every_architecture_has_its_figures_and_facts() -> None:
    assert set(ARCHITECTURES) == set(VOLUMES) == set(RULE_READS)
    assert all(each.outage for each in ARCHITECTURES.values())


def test_the_outage_is_that_of_the_document() -> None:
    rows = (ROOT / "docs/metrics.md").read_text().partition("What an outage of AMP loses")[2]
    for name, each in ARCHITECTURES.items():
        if row := re.search(rf"^\| `{name}` \|(.*?)\|", rows, re.M):
            throttled = row[1].strip()
            assert ("nothing lost" in throttled) == ("throttling included" in each.outage)
            assert ("depends on AWS" in throttled) == ("depends on AWS" in each.outage)
        else:
            assert not each.sends_to_amp


def test_what_is_explained_adds_up(in_clusters: dict[str, InCluster]) -> None:
    for prices in (PRICES, PRICES.without_free_tier()):
        estimates = all_of(in_clusters, prices=prices)
        text = explain(estimates, FLEET, prices)
        for each in estimates:
            block = re.search(rf"^{each.architecture.name}\n((?:  .*\n)+)", text, re.M)
            assert block
            items = re.findall(r"^  \S+ \S+(?: \S+)? {2,}(.*) = \$([\d,.]+)$", block[1], re.M)
            total = re.search(r"^  total +\$([\d,.]+)$", block[1], re.M)
            assert total
            assert len(items) == len(each.total.items)
            sums = [float(usd.replace(",", "")) for _, usd in items]
            assert round(sum(sums), 2) == float(total[1].replace(",", "")) == each.total.usd
            for (how, _), usd in zip(items, sums, strict=True):
                assert evaluated(how) == pytest.approx(usd, rel=0.001, abs=0.006)


def evaluated(how: str) -> float:
    """Compute what a formula says, units left out."""
    if "are free" in how:
        return 0
    terms = re.sub(r"free|[a-zA-Z]{2,}|\$|,", "", how)
    assert re.fullmatch(r"[\d.() x/-]+", terms), how
    return float(eval(terms.replace("x", "*")))


def test_what_the_user_requests_is_counted() -> None:
    server = {
        "resources": {"requests": {"cpu": 2, "memory": "8Gi"}},
        "persistentVolume": {"size": "100Gi"},
        "retention": "15d",
    }
    values: Any = {
        "prometheus": {"server": server},
        "kubecostModel": {"etlDailyStoreDurationDays": 400},
    }
    settings = Settings()
    kubecost = settings.kubecost.model_copy(update={"values": values})
    found = read(settings.model_copy(update={"kubecost": kubecost}), nodes=3, pods=62)
    prom, amp = (replace(found[name], kubecost=NO_KUBECOST) for name in ("prom", "amp"))
    assert prom == InCluster((Workload("Prometheus", 2, 8, 100),), "15d", 400, NO_KUBECOST)
    assert amp == InCluster((), None, 400, NO_KUBECOST)
    (collector,) = found["adot_amp"].workloads
    assert (collector.cpu_cores, collector.memory_gib) == (0.2, 400 / 1024)


def test_notes_say_what_is_not_as_it_was_measured() -> None:
    settings = Settings.model_validate(
        {
            "kubecost": {"node_exporter": True, "network_costs": False},
            "clusters": [{"name": "shop"}, {"name": "data", "region": "eu-west-1"}],
        }
    )
    notes = " ".join(fleet_of(settings).notes)
    for part in (
        "base does not create",
        "node_exporter is on",
        "network_costs is off",
        "other reg",
    ):
        assert part in notes
    assert fleet_of(Settings(), nodes=1, pods=1).notes == ()


@pytest.mark.skipif("CHART_VALUES" not in os.environ, reason="CHART_VALUES names no folder")
def test_the_defaults_of_the_chart(in_clusters: dict[str, InCluster]) -> None:
    file = Path(os.environ["CHART_VALUES"], "cost-analyzer-2.8.7/values.yaml")
    values = yaml.safe_load(file.read_text())
    server = values["prometheus"]["server"]
    assert server["resources"] == {}
    assert server["persistentVolume"]["size"] == "32Gi"
    (prometheus,) = in_clusters["prom"].workloads
    needed = prometheus_size(FLEET.nodes, FLEET.pods)
    assert prometheus.cpu_cores == pytest.approx(needed.cores, abs=0.001)
    assert prometheus.memory_gib == pytest.approx(needed.memory / GIB, abs=0.001)
    assert prometheus.disk_gib == 32
    assert in_clusters["prom"].prometheus_retention == server["retention"]
    days = values["kubecostModel"]["etlDailyStoreDurationDays"]
    assert in_clusters["prom"].kubecost_days == days
