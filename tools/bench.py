"""Measure synth, with provider packages imported as this project does and as they come.

Run by `make bench`. Both programs are main.py on the same settings, alternating, in one run.
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

ROOT = Path(__file__).parent.parent
RUNS = 5
POLL_SECONDS = 0.02

PROGRAMS = {
    "this project": "import main; raise SystemExit(main.main())",
    # Importing the roots first is what every other CDKTF project does.
    "stock imports": "import cdktf_cdktf_provider_aws, cdktf_cdktf_provider_helm,"
    " cdktf_cdktf_provider_kubernetes, main; raise SystemExit(main.main())",
}


class Run(NamedTuple):
    """Wall time, and the peak of the memory of Python and Node.js together."""

    seconds: float
    mib: float


def measure(program: str) -> Run:
    """Run a program once, into a folder that is thrown away; CalledProcessError if it fails."""
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        process = psutil.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "CDKTF_OUTDIR": out, "NODE_NO_WARNINGS": "1"},
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, _resident(process))
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program)
    return Run(seconds, peak / 2**20)


def _resident(process: psutil.Process) -> int:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def main() -> None:
    """Print medians and their ratio."""
    for program in PROGRAMS.values():
        measure(program)  # fills jsii's package cache
    runs: dict[str, list[Run]] = {name: [] for name in PROGRAMS}
    for number in range(1, RUNS + 1):
        for name, program in PROGRAMS.items():
            runs[name].append(measure(program))
            print(f"run {number}/{RUNS}  {name:14} {runs[name][-1].seconds:6.2f} s", flush=True)
    medians = {
        name: Run(*(statistics.median(values) for values in zip(*each, strict=True)))
        for name, each in runs.items()
    }
    for name, median in medians.items():
        print(f"median   {name:14} {median.seconds:6.2f} s  {median.mib:6.0f} MiB")
    ours, stock = medians.values()
    print(
        f"ratio    {ours.seconds / stock.seconds:.2f} of the time,"
        f" {ours.mib / stock.mib:.2f} of the memory"
    )


if __name__ == "__main__":
    main()
