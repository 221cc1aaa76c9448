"""The recording rules keep clusters apart, and are evaluated wherever they should be."""

import subprocess
from pathlib import Path
from shutil import copy

import pytest
import yaml

from metrics.rules import RECORDING_RULES
from tests.lab.process import BINARIES, wait_until
from tests.lab.render import GIB
from tests.lab.world import CLUSTERS, FULL, World

EXPECTED = Path(__file__).with_name("rules_test.yaml")
RECORDED = {rule["record"] for group in RECORDING_RULES["groups"] for rule in group["rules"]}


def promtool(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run([BINARIES / "promtool", *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    copy(EXPECTED, tmp_path)
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(RECORDING_RULES))
    return file


def test_promtool_accepts_the_rules(rules: Path) -> None:
    assert promtool("check", "rules", "--lint-fatal", rules)[0] == 0


def test_two_clusters_with_the_same_names_stay_apart(rules: Path) -> None:
    code, output = promtool("test", "rules", rules.with_name(EXPECTED.name))
    assert code == 0, output
    tested = {
        test["expr"]
        for test in yaml.safe_load(EXPECTED.read_text())["tests"][0]["promql_expr_test"]
    }
    assert tested == RECORDED


def test_a_rule_that_loses_the_cluster_is_found(rules: Path) -> None:
    rules.write_text(rules.read_text().replace("sum by (cluster_id) (rate", "sum (rate"))
    code, output = promtool("test", "rules", rules.with_name(EXPECTED.name))
    assert code != 0
    assert "cluster:cpu_usage:rate5m" in output


@pytest.mark.parametrize("name", FULL)
def test_every_rule_is_evaluated_for_every_cluster(world: World, name: str) -> None:
    """By Prometheus where there is one, else by AMP."""
    amp = world.amps[name]
    records = f'{{__name__=~"{"|".join(RECORDED)}"}}'

    def recorded() -> set[tuple[str, str]]:
        found = amp.query(f"count by (__name__, cluster_id) ({records})")
        return {(labels["__name__"], labels["cluster_id"]) for labels, _ in found}

    expected = {(record, cluster) for record in RECORDED for cluster in CLUSTERS}
    wait_until(lambda: recorded() == expected, 60, f"{expected}")
    memory = {
        labels["cluster_id"]: bytes
        for labels, bytes in amp.query("kubecost_cluster_memory_working_set_bytes")
    }
    assert memory == pytest.approx(
        {
            cluster: sum(pod.memory_gib / 2 * GIB for pod in made.inventory.pods)
            for cluster, made in world.clusters.items()
        }
    )
