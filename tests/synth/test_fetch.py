"""Ring 2: prices are taken from price lists in AWS's form, or nothing is written."""

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from tests.conftest import EVERY_KEY
from tools.__main__ import main
from tools.compare import command, fetch, prices
from tools.compare.prices import SHIPPED, RegionPrices, load, render

pytestmark = pytest.mark.usefixtures("compare_synthesizes_once")
LISTS = Path(__file__).with_name("price_lists")
Run = Callable[..., tuple[int, str, str]]


class Lists(BaseHTTPRequestHandler):
    """Answers as AWS's price list does; `changes` are made to a list's text first."""

    changes: ClassVar[dict[str, Callable[[str], str]]] = {}
    cut: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        match = re.fullmatch(r"/(\w+)/current/([a-z0-9-]+)/index\.csv", self.path)
        if not match or match[2] != "us-east-1":
            self.send_error(403)
            return
        offer = match[1]
        text = (LISTS / f"{offer}.csv").read_text()
        body = self.changes.get(offer, str)(text).encode()
        self.send_response(200)
        if self.cut.get(offer) == "chunk":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(f"{len(body):x}\r\n".encode() + body[:-100])
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:-100] if offer in self.cut else body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Lists]]:
    monkeypatch.setattr(Lists, "changes", {})
    monkeypatch.setattr(Lists, "cut", {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    thread = threading.Thread(target=server.serve_forever, args=(0.005,))
    thread.start()
    monkeypatch.setattr(fetch, "LISTS", f"http://127.0.0.1:{server.server_port}")
    yield Lists
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give a file of prices that may be written, in place of the project's."""
    file = tmp_path / "prices.yaml"
    shutil.copy(SHIPPED, file)
    monkeypatch.setattr(prices, "SHIPPED", file)
    monkeypatch.setattr(command, "SHIPPED", file)
    return file


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("KUBECOST_CONFIG", str(EVERY_KEY))

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(["compare", *arguments])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return call


FETCH = ("--prices", "fetch", "--region", "us-east-1")


def test_prices_are_taken_and_used(lists: type[Lists], shipped: Path, run: Run) -> None:
    data = yaml.safe_load(shipped.read_text())
    # What stands there is replaced, what AWS does not list stays.
    del data["regions"]["us-east-1"]
    shipped.write_text(render(shipped.read_text(), data))
    status, shown, said = run(*FETCH, "--json")
    assert status == 0
    assert said.splitlines() == [
        "compare: reading AmazonPrometheus's prices of us-east-1",
        "compare: reading AmazonEC2's prices of us-east-1 (gigabytes: this may take minutes)",
        "compare: reading AmazonS3's prices of us-east-1",
        "compare: reading AmazonAthena's prices of us-east-1",
        f"compare: 9 prices of us-east-1 are in {shipped}",
        "compare: reading what the synthesized stacks run",
    ]
    taken = load().of("us-east-1")
    known = RegionPrices.model_validate(yaml.safe_load(SHIPPED.read_text())["regions"]["us-east-1"])
    for key in RegionPrices.model_fields:
        now, before = getattr(taken, key), getattr(known, key)
        at = {"source", "date"}
        assert now.model_dump(exclude=at) == before.model_dump(exclude=at), key
        assert re.fullmatch(r"AWS Price List, Amazon\w+ of us-east-1, version \d{14}", now.source)
    assert taken.gp3_per_gb_month
    assert taken.gp3_per_gb_month.date.isoformat() == "2026-09-25"
    assert json.loads(shown)["prices"]["node_per_hour"]["instance_type"] == "m7i.large"
    # Only the region's part of the file is another one.
    after = yaml.safe_load(shipped.read_text())
    del after["regions"]["us-east-1"]
    assert after == data
    assert shipped.read_text().startswith("# What AWS charges")


def test_the_list_of_ec2_is_read_no_further_than_needed(lists: type[Lists]) -> None:
    # Its last line has no price: it is behind those that are wanted.
    assert "is not read" in (LISTS / "AmazonEC2.csv").read_text().splitlines()[-1]
    assert fetch.fetch("us-east-1", "m7i.large")["gp3_per_gb_month"]["usd"] == 0.08


def changed(old: str, new: str, offer: str = "AmazonPrometheus") -> dict[str, Any]:
    text = (LISTS / f"{offer}.csv").read_text()
    assert old in text
    return {offer: lambda text: text.replace(old, new)}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            changed("0.0300000000", "30"),
            "storage_per_gb_month: US$ 30 is not plausible: it should be 0.003 to 0.5",
        ),
        (
            changed("0.0300000000", "0.0000000000"),
            "storage_per_gb_month: it costs nothing, which is not plausible",
        ),
        (
            changed("0.0300000000", "a little"),
            "storage_per_gb_month: PricePerUnit is 'a', which is no number",
        ),
        (
            changed('"GB-Mo"', '"TB-Mo"'),
            "storage_per_gb_month: it is for TB-Mo, which is not the unit that is priced here",
        ),
        (
            changed('"USD"', '"CNY"'),
            "ingestion_per_10_million_samples: it is in CNY, not in US$",
        ),
        (
            changed('"2000000000","252000000000"', '"3000000000","252000000000"'),
            "ingestion_per_10_million_samples: its tiers do not follow each other from 0 on,"
            " each of them once",
        ),
        (
            changed("USE1-AMP:QuerySamplesProcessed", "USE1-AMP:MetricStorageByteHrs"),
            "storage_per_gb_month: it is for Metric Datapoints, which is not the unit",
        ),
        (
            changed('DataScannedInTB",""', 'DataScannedInTB","x"', "AmazonAthena")
            | {"AmazonAthena": lambda text: text + text.splitlines()[-1] + "\n"},
            "athena_per_tb_scanned: its tiers do not follow each other",
        ),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    changes: dict[str, Any], says: str, lists: type[Lists], shipped: Path, run: Run
) -> None:
    lists.changes |= changes
    before = shipped.read_bytes()
    status, shown, said = run(*FETCH)
    assert (status, shown) == (1, "")
    faults = [
        line for line in said.splitlines() if " reading " not in line and " lists no " not in line
    ]
    assert f": {says}" in faults[0], faults
    assert faults[-1] == "compare: nothing is written"
    assert shipped.read_bytes() == before
    assert [*shipped.parent.iterdir()] == [shipped]


def test_every_fault_is_told(lists: type[Lists], shipped: Path, run: Run) -> None:
    lists.changes |= changed("0.0300000000", "30") | changed("5.0000000000", "0.5", "AmazonAthena")
    lists.changes["AmazonS3"] = lambda _: "<html>no list</html>"
    _, _, said = run(*FETCH)
    faults = [
        line for line in said.splitlines() if " reading " not in line and " lists no " not in line
    ]
    assert len(faults) == 4
    assert "AmazonS3/current/us-east-1/index.csv is no price list of the form" in faults[1]


@pytest.mark.parametrize(
    ("cut", "says"), [("body", " ended 100 bytes early"), ("chunk", " cannot be read: Incomplete")]
)
def test_half_a_list_is_none(
    cut: str, says: str, lists: type[Lists], shipped: Path, run: Run
) -> None:
    lists.cut["AmazonPrometheus"] = cut
    before = shipped.read_bytes()
    status, _, said = run(*FETCH)
    assert status == 1
    assert f"AmazonPrometheus/current/us-east-1/index.csv{says}" in said
    assert shipped.read_bytes() == before


def test_what_is_not_listed_stays_unknown(lists: type[Lists], shipped: Path, run: Run) -> None:
    lists.changes |= changed("Collector", "Gatherer")
    data = yaml.safe_load(shipped.read_text())
    del data["regions"]["us-east-1"]
    shipped.write_text(render(shipped.read_text(), data))
    status, shown, said = run(*FETCH)
    assert status == 0
    assert "AmazonPrometheus of us-east-1 lists no collector_per_hour\n" in said
    assert re.search(r"^amp .* \? ", shown, re.MULTILINE)


def test_a_region_without_a_list(lists: type[Lists], shipped: Path, run: Run) -> None:
    status, _, said = run("--prices", "fetch", "--region", "eu-west-9")
    assert status == 1
    assert "/AmazonPrometheus/current/eu-west-9/index.csv: AWS answers 403: it has no such" in said


def test_no_network(monkeypatch: pytest.MonkeyPatch, shipped: Path, run: Run) -> None:
    monkeypatch.setattr(fetch, "LISTS", "http://127.0.0.1:9")
    status, _, said = run("--prices", "fetch")
    assert status == 1
    assert "/ap-northeast-2/index.csv cannot be read: [Errno 111] Connection refused" in said


def test_china_has_another_currency(shipped: Path, run: Run) -> None:
    status, _, said = run("--prices", "fetch", "--region", "cn-north-1")
    assert status == 1
    assert "is not in US$: write a file of prices" in said


def test_a_file_that_cannot_be_written_is_told(
    lists: type[Lists], shipped: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = shipped.read_bytes()
    monkeypatch.setattr(Path, "replace", full)
    status, _, said = run(*FETCH)
    assert status == 1
    assert said.endswith("prices.yaml cannot be written: no space left on device\n")
    assert shipped.read_bytes() == before
    assert [*shipped.parent.iterdir()] == [shipped]


def test_the_shipped_prices_are_as_they_would_be_written_and_plausible() -> None:
    text = SHIPPED.read_text()
    assert render(text, yaml.safe_load(text)) == text
    plausible = {
        each.key: each.plausible for list_ in fetch.wanted("m7i.large").values() for each in list_
    }
    assert plausible.keys() == RegionPrices.model_fields.keys()
    for region in yaml.safe_load(text)["regions"].values():
        for key, price in region.items():
            least, most = plausible[key]
            for usd in [tier["usd"] for tier in price.get("tiers", [price])]:
                assert usd is None or least <= usd <= most, key
