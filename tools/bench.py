"""Measure synth: against stock imports of the provider packages, and by the size of the fleet.

Run by `make bench`. What is compared is measured in one run, the programs alternating.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import yaml

from tools.common import ROOT, CommandError, command_line

RUNS = 5
POLL_SECONDS = 0.02

OURS = "import main; raise SystemExit(main.main())"
# Importing the roots first is what every other CDKTF project does.
STOCK = (
    "import cdktf_cdktf_provider_aws, cdktf_cdktf_provider_helm,"
    f" cdktf_cdktf_provider_kubernetes; {OURS}"
)
PROGRAMS = {"this project": OURS, "stock imports": STOCK}

# Clusters, and architectures on each.
FLEETS: tuple[tuple[int, str | list[str]], ...] = (
    (1, ["prom_amp_cost"]),
    (10, ["prom_amp_cost"]),
    (50, ["prom_amp_cost"]),
    (200, ["prom_amp_cost"]),
    (200, "all"),
)


class Run(NamedTuple):
    """Wall time, the peak of the memory of Python and Node.js together, and what was written."""

    seconds: float
    mib: float
    stacks: int
    json_kib: float


def measure(program: str, settings: Path) -> Run:
    """Run a program once, into a folder that is thrown away; CalledProcessError if it fails."""
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        process = psutil.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={
                **os.environ,
                "CDKTF_OUTDIR": out,
                "KUBECOST_CONFIG": str(settings),
                "NODE_NO_WARNINGS": "1",
            },
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, _resident(process))
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - start
        sizes = [file.stat().st_size for file in Path(out).glob("stacks/*/cdk.tf.json")]
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program)
    return Run(seconds, peak / 2**20, len(sizes), sum(sizes) / 2**10)


def _resident(process: psutil.Process) -> int:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def compare_imports() -> None:
    """Print medians of both programs and their ratio."""
    settings = ROOT / "kubecost.yaml"
    print("both programs once, unmeasured (a minute)", flush=True)
    for program in PROGRAMS.values():
        measure(program, settings)  # fills jsii's package cache
    runs: dict[str, list[Run]] = {name: [] for name in PROGRAMS}
    for number in range(1, RUNS + 1):
        for name, program in PROGRAMS.items():
            runs[name].append(measure(program, settings))
            print(f"run {number}/{RUNS}  {name:14} {runs[name][-1].seconds:6.2f} s", flush=True)
    seconds = {name: statistics.median(run.seconds for run in each) for name, each in runs.items()}
    mib = {name: statistics.median(run.mib for run in each) for name, each in runs.items()}
    for name in PROGRAMS:
        print(f"median   {name:14} {seconds[name]:6.2f} s  {mib[name]:6.0f} MiB")
    ours, stock = PROGRAMS
    print(
        f"ratio    {seconds[ours] / seconds[stock]:.2f} of the time,"
        f" {mib[ours] / mib[stock]:.2f} of the memory"
    )


def scale_fleets() -> None:
    """Print what synth takes for fleets of growing size; the least of two runs each."""
    print("\nclusters  stacks   seconds  ms per added stack     MiB   JSON KiB per stack")
    first: Run | None = None
    for clusters, architectures in FLEETS:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            names = [{"name": f"c-{number:03}"} for number in range(clusters)]
            yaml.safe_dump({"architectures": architectures, "clusters": names}, file)
            file.flush()
            run = min(measure(OURS, Path(file.name)) for _ in range(2))
        first = first or run
        added = run.stacks - first.stacks
        each = f"{(run.seconds - first.seconds) / added * 1000:.0f}" if added else "-"
        print(
            f"{clusters:8} {run.stacks:7} {run.seconds:9.2f} {each:>19} {run.mib:7.0f}"
            f" {run.json_kib / run.stacks:20.1f}",
            flush=True,
        )


def main(arguments: list[str]) -> int:
    """Print both measurements."""
    command_line("bench", __doc__).parse_args(arguments)
    try:
        compare_imports()
        scale_fleets()
    except subprocess.CalledProcessError:
        raise CommandError("synth failed, see above") from None
    return 0
