"""Ring 2: what `make compare` prints, draws and refuses."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from architectures import ARCHITECTURES, Architecture
from architectures.faults import find_faults
from architectures.prom_amp import PromAmp
from metrics.volumes import RULE_READS, VOLUMES
from settings import file as settings_file
from tests.conftest import ROOT, SETTINGS_FILES
from tools.__main__ import READER_LEFT, main
from tools.compare.chart import FORMATS
from tools.compare.prices import RegionPrices, load
from tools.compare.table import COLUMNS

pytestmark = pytest.mark.usefixtures("compare_synthesizes_once")
EXAMPLE = "--nodes 20 --pods 600 --clusters 3 --region us-east-1"
KNOWN = load()
Run = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give exit status, output and errors of the program, on the defaults."""
    monkeypatch.setenv("KUBECOST_CONFIG", str(SETTINGS_FILES["defaults"]))

    def call(arguments: str) -> tuple[int, str, str]:
        status = main(["compare", *arguments.split()])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return call


def test_a_sixth_architecture_needs_its_class_and_its_figures(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = Architecture(
        name="sixth",
        slot=7,
        summary="Does all that there is to do.",
        choose_when="never",
        outage="loses the sixth part",
    )
    monkeypatch.setitem(ARCHITECTURES, "sixth", described)

    module = ModuleType("architectures.sixth")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    class Sixth(PromAmp):
        __module__ = module.__name__
        architecture = "sixth"

    vars(module)["Sixth"] = Sixth
    monkeypatch.setitem(VOLUMES, "sixth", VOLUMES["prom_amp"])
    monkeypatch.setitem(RULE_READS, "sixth", RULE_READS["prom_amp"])
    status, shown, _ = run(f"{EXAMPLE} --explain")
    assert status == 0
    row, like = (re.search(rf"^{name} +(.*)", shown, re.M) for name in ("sixth", "prom_amp"))
    assert row
    assert like
    assert row[1] == like[1]
    assert "sixth: Does all that there is to do." in shown
    assert "loses the sixth part" in shown


def test_the_table(run: Run) -> None:
    status, shown, errors = run(EXAMPLE)
    assert status == 0
    assert errors == "compare: reading what the synthesized stacks run\n"
    assert all(len(line) <= 100 for line in shown.splitlines())
    for name in ARCHITECTURES:
        assert re.search(rf"^{name} +[\d.]+", shown, re.M)
        assert f"\n{name}: " in shown
    assert "Cheapest: prom, $" in shown
    assert "Cheapest with all clusters on one screen: prom_amp_cost, $58.98" in shown
    assert shown.count("all 3 clusters in the first one's Kubecost") == 3
    assert "all 3 in Grafana" in shown
    assert "up to 40 minutes" in shown
    assert "assumed" not in shown


def test_the_defaults_are_useful_without_prices(run: Run) -> None:
    status, shown, _ = run("")
    assert status == 0
    assert shown.startswith("1 cluster of 3 nodes and 60 pods, in ap-northeast-2.")
    assert re.search(r"^prom_amp +114.1 M +\? +0.00", shown, re.M)
    flat = " ".join(shown.split())
    assert "prices of ap-northeast-2 are not all known here. Take AWS's with --prices" in flat
    assert "look at another region: --region us-east-1." in flat
    assert "60 pods per cluster are assumed, 20 on each node; give yours with --pods" in flat
    assert "Cheapest" not in shown
    assert "\n\n\n" not in shown


def test_partly_known_prices_are_not_passed_off_as_all(run: Run) -> None:
    _, shown, _ = run("--region eu-central-1 --nodes 20 --pods 600 --clusters 3")
    assert re.search(r"^amp .* \? .*95\.48 \+ \? +0\.00 +\d+\.\d\d \+ \?$", shown, re.M), shown
    status, text, _ = run("--region eu-central-1 --nodes 20 --pods 600 --clusters 3 --json")
    assert status == 0
    (amp,) = (each for each in json.loads(text)["architectures"] if each["name"] == "amp")
    assert amp["usd_per_month"]["storage"] is None
    assert amp["usd_per_month"]["total"] is None
    assert amp["usd_per_month"]["known_total"] > 95.48


def test_a_region_is_taken_alike_from_settings_and_command_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = run("--region eu-west-1")
    settings = tmp_path / "kubecost.yaml"
    settings.write_text("{amp: {region: eu-west-1}, architectures: [prom_amp_cost]}")
    monkeypatch.setenv("KUBECOST_CONFIG", str(settings))
    status = main(["compare"])
    assert (status, given[0]) == (0, 0)
    assert re.search(r"^prom_amp .* \? +\?$", given[1], re.M)
    assert "prices of eu-west-1 are not all known here" in " ".join(given[1].split())


def test_what_is_not_known_is_not_drawn(run: Run) -> None:
    status, shown, errors = run("--region eu-west-3 --chart chart.png")
    assert (status, shown) == (1, "")
    assert errors == (
        "compare: --chart: prices of eu-west-3 are not all known here. Take AWS's with --prices"
        " fetch, give yours with --prices FILE, or look at another region: --region us-east-1\n"
    )


def write(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text)
    return file


PRICE = "{usd: 1, source: offer, date: 2026-11-24}"


def test_own_prices_go_before_those_that_are_known(tmp_path: Path) -> None:
    mine = write(
        tmp_path,
        f"""
        regions:
          us-east-1: {{collector_per_hour: {PRICE}}}
          ap-northeast-2: {{storage_per_gb_month: {PRICE}}}
        """,
    )
    prices = load(mine)
    assert (
        prices.of("us-east-1").collector_per_hour
        == prices.of("ap-northeast-2").storage_per_gb_month
    )
    assert prices.of("us-east-1").storage_per_gb_month == KNOWN.of("us-east-1").storage_per_gb_month
    assert prices.of("eu-central-1") == KNOWN.of("eu-central-1")
    assert prices.free_tier == KNOWN.free_tier


def test_the_file_of_prices_is_a_form_to_fill_in(run: Run, tmp_path: Path) -> None:
    data = yaml.safe_load((ROOT / "tools/compare/prices.yaml").read_text())
    data["regions"] = {"ap-northeast-2": data["regions"]["us-east-1"]}
    mine = write(tmp_path, yaml.safe_dump(data))
    status, shown, _ = run(f"--prices {mine} --nodes 20 --pods 600 --clusters 3")
    assert status == 0
    assert re.search(r"^amp .* 321\.15$", shown, re.M)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["is empty; it must hold keys such as regions and free_tier"]),
        ("regions: [", ["is not YAML: "]),
        (
            "regions: {us: {}}",
            ['regions.us: given "us"; allowed: an AWS region such as ap-northeast-2'],
        ),
        (
            "regions: {eu-west-3: {storage_per_gb: 3}}",
            [
                "regions.eu-west-3.storage_per_gb: given 3; there is no such key; did you"
                " mean storage_per_gb_month?"
            ],
        ),
        (
            "regions: {eu-west-3: {storage_per_gb_month: {usd: -1, date: 2026-11-24}}}",
            [
                "regions.eu-west-3.storage_per_gb_month.usd: given -1; allowed: at least 0",
                "regions.eu-west-3.storage_per_gb_month.source: missing; it must be given",
            ],
        ),
        (
            "regions: {eu-west-3: {gp3_per_gb_month: {usd: '1', source: x, date: yesterday}}}",
            [
                'regions.eu-west-3.gp3_per_gb_month.usd: given "1"; allowed: a number',
                'regions.eu-west-3.gp3_per_gb_month.date: given "yesterday"; allowed: a date such'
                " as 2026-11-24, without quotes",
            ],
        ),
        (
            "regions: {eu-west-3: {ingestion_per_10_million_samples: {tiers: [{usd: 1},"
            " {up_to_billion: 2, usd: 2}], source: x, date: 2026-11-24}}}",
            ["regions.eu-west-3.ingestion_per_10_million_samples.tiers: given"],
        ),
    ],
)
def test_faults_in_prices(run: Run, tmp_path: Path, text: str, faults: list[str]) -> None:
    status, shown, errors = run(f"--prices {write(tmp_path, text)}")
    assert (status, shown) == (1, "")
    lines = errors.splitlines()
    assert len(lines) == len(faults), errors
    for line, fault in zip(lines, faults, strict=True):
        assert line.startswith(f"mine.yaml: {fault}"), line


def test_a_missing_file_of_prices(run: Run, tmp_path: Path) -> None:
    status, _, errors = run(f"--prices {tmp_path / 'none.yaml'}")
    assert (status, errors) == (1, "none.yaml: cannot be read: no such file or directory\n")


@pytest.mark.parametrize("given", ["--pods -1", "--clusters 0", "--nodes many"])
def test_sizes_are_whole_numbers(run: Run, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(given)
    assert f"given {given.split()[1]}; allowed: a whole number from" in capsys.readouterr().err


def test_json_keeps_its_form(run: Run) -> None:
    status, shown, _ = run(f"{EXAMPLE} --json")
    assert status == 0
    data = json.loads(shown)
    assert data["fleet"].pop("budgets") is None  # without alerts
    assert data["fleet"].pop("bill") is None
    assert shape(data["fleet"]) == {
        "clusters": "number",
        "nodes": "number",
        "pods": "number",
        "region": "str",
        "retention_days": "number",
        "notes": "list",
    }
    assert set(data) == {"fleet", "prices", "free_tier", "architectures"}
    assert [each["name"] for each in data["architectures"]] == list(ARCHITECTURES)
    for each in data["architectures"]:
        assert shape(each) == {
            "name": "str",
            "description": "str",
            "per_month": {
                "samples": "number",
                "stored_gb": "number",
                "query_samples": "number",
                "collector_hours": "number",
                "cpu_cores": "number",
                "memory_gib": "number",
                "disk_gib": "number",
            },
            "usd_per_month": dict.fromkeys(
                [*COLUMNS, "total", "known_total", "kubecost"], "number"
            ),
            "keeps": "list",
            "one_screen": "str",
            "outage": "str",
            "needs": "list",
        }
        fees = each["usd_per_month"]
        assert sum(fees[column] for column in COLUMNS) == pytest.approx(fees["total"])


def shape(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: shape(value) for key, value in data.items()}
    return "number" if isinstance(data, int | float) else type(data).__name__


def test_explain_names_the_source_of_every_price(run: Run) -> None:
    _, shown, _ = run(f"{EXAMPLE} --explain")
    flat = " ".join(shown.partition("Where the prices come from")[2].split())
    for key in RegionPrices.model_fields:
        assert key in flat
    assert "3 x (70 x 20 nodes + 39.9 x 600 pods) a minute x 43,800 minutes" in shown


@pytest.mark.parametrize(
    ("region", "said", "explained"),
    [
        # Of 400 days 13.15 GB; 4 runs x 30.42 days x 2 months of 2 payers are 486.7 GB.
        ("us-east-1", "$0.30 of S3 and $2.38 of Athena for each", "486.7 GB scanned x $5 / 1,024"),
        ("eu-central-1", "? of S3 and ? of Athena for each", "13.15 GB x ? = ?"),
    ],
)
def test_the_bill_has_its_price_and_gain(
    run: Run, monkeypatch: pytest.MonkeyPatch, region: str, said: str, explained: str
) -> None:
    monkeypatch.setenv("KUBECOST_CONFIG", str(SETTINGS_FILES["billing"]))
    _, shown, _ = run(f"--region {region} --explain")
    flat = " ".join(shown.split())
    assert f"The bill: {said} Kubecost with a UI" in flat
    assert "Kubecost shows what AWS charges" in flat
    assert explained in flat
    assert "assumed: a payer of $1,000,000 a month has 1 GB" in flat
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_without_the_bill_one_hint_says_what_it_gives(run: Run) -> None:
    _, shown, _ = run(f"{EXAMPLE} --explain")
    assert shown.count("The bill") == 1
    assert "The bill: off, so Kubecost shows list prices. billing.report.create adds" in shown
    assert "a payer of" not in shown


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_chart_is_the_same_each_time(run: Run, tmp_path: Path, suffix: str) -> None:
    files = [tmp_path / f"{n}{suffix}" for n in range(2)]
    for file in files:
        assert run(f"{EXAMPLE} --chart {file}")[0] == 0
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert first.startswith(b"\x89PNG" if suffix == ".png" else b"<svg")


def test_the_committed_chart_is_current(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "costs.png"
    assert run(f"{EXAMPLE} --chart {file}")[0] == 0
    assert file.read_bytes() == (ROOT / "images/costs.png").read_bytes()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("chart.gif", "allowed: a file .png or .svg"),
        ("none/chart.png", "cannot be written: no such file or directory"),
    ],
)
def test_a_chart_that_cannot_be(run: Run, tmp_path: Path, name: str, said: str) -> None:
    status, shown, errors = run(f"{EXAMPLE} --chart {tmp_path / name}")
    assert (status, shown) == (1, "")
    assert errors.splitlines()[-1].startswith("compare: --chart: ")
    assert errors.splitlines()[-1].endswith(said)


@pytest.mark.parametrize("name", SETTINGS_FILES)
def test_every_settings_file_can_be_compared(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECOST_CONFIG", str(SETTINGS_FILES[name]))
    assert main(["compare"]) == 0
    settings = settings_file.load(find_faults)
    assert f"{len(settings.fleet)} cluster" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nodes: 20", "mine.yaml: nodes: given 20; there is no such key; "),
        (
            "kubecost: {values: {prometheus: {server: {persistentVolume: {size: much}}}}}",
            "compare: kubecost.values: a size that Kubernetes does not know: ",
        ),
    ],
)
def test_settings_that_cannot_be(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    said: str,
) -> None:
    monkeypatch.setenv("KUBECOST_CONFIG", str(write(tmp_path, text)))
    assert main(["compare"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1].startswith(said)


@pytest.mark.parametrize(
    ("arguments", "broken", "says"),
    [
        (["compare", "--json"], "stdout", "compare: reading what the synthesized stacks run\n"),
        (["Verify"], "stderr", ""),
    ],
)
def test_a_reader_who_leaves_gets_no_traceback(
    arguments: list[str], broken: str, says: str
) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "tools", *arguments],
        cwd=ROOT,
        stdout=write if broken == "stdout" else subprocess.PIPE,
        stderr=write if broken == "stderr" else subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert done.returncode == READER_LEFT
    assert (done.stdout or "") + (done.stderr or "") == says


def test_the_document_shows_what_is_printed(run: Run) -> None:
    document = (ROOT / "docs/costs.md").read_text()
    _, shown, _ = run(EXAMPLE)
    assert f'$ make compare ARGS="{EXAMPLE}"\n' in document
    assert shown in document
    _, explained, _ = run(f"{EXAMPLE} --explain")
    block = re.search(r"^prom_amp_cost\n(?:  .*\n)+", explained, re.M)
    assert block
    assert block[0] in document


@pytest.mark.parametrize("name", VOLUMES)
def test_the_readme_and_the_page_show_the_total(run: Run, name: str) -> None:
    _, printed, _ = run(f"{EXAMPLE} --json")
    (found,) = (each for each in json.loads(printed)["architectures"] if each["name"] == name)
    total = f"${found['usd_per_month']['total']:.0f}"
    (row,) = re.findall(rf"^\| \[`{name}`\].+$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert row.endswith(f"| {total} |")
    assert f"us-east-1: {total} a month" in (ROOT / f"docs/architectures/{name}.md").read_text()
