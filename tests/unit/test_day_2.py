"""Ring 1: docs/day-2.md says how much disk Prometheus takes, by what the lab measures."""

import re

from metrics.volumes import SCRAPED
from tests.conftest import ROOT

BYTES_PER_SAMPLE = 2
HEADROOM = 1.3
HOURS = (97, 15 * 24, 30 * 24)


def test_the_disk_of_prometheus_follows_from_its_samples() -> None:
    page = (ROOT / "docs/day-2.md").read_text()
    table = re.findall(r"^\| ([\d,]+) \| ([\d,]+) \| (.+) \|$", page, re.MULTILINE)
    assert len(table) > 3
    for nodes, pods, shown in table:
        size = [int(number.replace(",", "")) for number in (nodes, pods)]
        per_hour = SCRAPED.samples_per_minute(*size) * 60 * BYTES_PER_SAMPLE * HEADROOM / 2**30
        assert shown == " | ".join(f"{per_hour * hours:.1f}" for hours in HOURS)
