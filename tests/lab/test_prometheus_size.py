"""What a Prometheus takes for each series: what `make compare` sizes it by."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
import requests
import trustme
import yaml

from metrics.sizes import BASE_MEMORY, CPU_PER_MILLION_SAMPLES, MEMORY_PER_SERIES
from tests.lab.conftest import NewPath
from tests.lab.process import BINARIES, Process, wait_until
from tests.lab.server import Answer, Request, Server

FEW, MANY, SCRAPES = 10_000, 40_000, 20
# As many labels as cAdvisor's series have in AMP, `cluster_id` and those of Kubernetes included.
LABELS = ",".join(f'label_{n}="the value of label {n}"' for n in range(14))


class Usage:
    """What a Prometheus took for a number of series after some scrapes."""

    def __init__(self, directory: Path, series: int, number: int) -> None:
        lines = (
            f'container_metric_{n % 20}{{pod="pod-{n // 20}",container="c",{LABELS}}} {{}}\n'
            for n in range(series)
        )
        text = "".join(lines)
        count = iter(range(1_000_000))

        def answer(_: Request) -> Answer:
            return 200, text.replace("{}", str(next(count) * 1.5)).encode()

        target, listen = f"10.252.0.{number}", f"10.252.1.{number}:9090"
        config = directory / "prometheus.yml"
        jobs = [{"job_name": "job", "static_configs": [{"targets": [f"{target}:80"]}]}]
        every = {"scrape_interval": "1s", "scrape_timeout": "1s"}
        config.write_text(yaml.safe_dump({"global": every, "scrape_configs": jobs}))
        arguments: list[str | Path] = [
            BINARIES / "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={listen}",
        ]
        with (
            closing(Server(target, 80, answer)),
            closing(Process("prometheus", arguments, directory)) as process,
        ):

            def metrics() -> dict[str, float]:
                shown = requests.get(f"http://{listen}/metrics", timeout=30).text
                return {k: float(v) for k, v in re.findall(r"^(\w+(?:{.*})?) (\S+)$", shown, re.M)}

            def samples() -> float:
                return metrics().get('prometheus_tsdb_head_samples_appended_total{type="float"}', 0)

            enough = SCRAPES * series
            wait_until(lambda: samples() >= enough, 120, f"{enough} samples", process)
            now = metrics()
        self.memory = now["process_resident_memory_bytes"]
        self.cpu = now["process_cpu_seconds_total"]


@pytest.fixture
def usages(ca: trustme.CA, new_path: NewPath) -> tuple[Usage, Usage]:
    """Return the usage of FEW and of MANY series; `ca` is there for the lab's network."""
    return Usage(new_path(), FEW, 1), Usage(new_path(), MANY, 2)


def test_series_take_what_compare_says(
    usages: tuple[Usage, Usage], capsys: pytest.CaptureFixture[str]
) -> None:
    few, many = usages
    memory = (many.memory - few.memory) / (MANY - FEW)
    cpu = (many.cpu - few.cpu) / (SCRAPES * (MANY - FEW) / 10**6)
    without_series = few.memory - FEW * memory
    with capsys.disabled():
        print(f"\n{memory / 1024:.1f} KiB per series, {cpu:.1f} CPU s per million samples", end="")
        print(f", {without_series / 2**20:.0f} MiB without series")
    # On the safe side, but not by much; and not all machines are equally fast.
    assert MEMORY_PER_SERIES / 2 < memory < MEMORY_PER_SERIES
    assert CPU_PER_MILLION_SAMPLES / 2 < cpu < CPU_PER_MILLION_SAMPLES * 2
    assert without_series < BASE_MEMORY
