"""Measure synth: against what others pay, and by the size of the fleet.

Run by `make bench`. What is compared is measured in one run, the programs alternating, and with it
the load of the machine. CPU seconds hardly depend on the load, seconds do.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import yaml

from tools.common import ROOT, CommandError, command_line
from tools.setup import CDKTN, TOOLS, install_packages

RUNS = 5
POLL_SECONDS = 0.02

FORK_VENV = TOOLS / "cdktn"

OURS = "import main; raise SystemExit(main.main())"
# Importing the roots first is what every other CDKTF project does.
STOCK = (
    "import cdktf_cdktf_provider_aws, cdktf_cdktf_provider_helm,"
    f" cdktf_cdktf_provider_kubernetes; {OURS}"
)
# The fork's packages under the names that this project imports, without this project's part in it.
RENAMED = """
import importlib, sys
from importlib.machinery import ModuleSpec

class Renamed:
    def find_spec(self, name, path, target=None):
        root = name.partition(".")[0]
        if root == "cdktf" or root.startswith("cdktf_cdktf_provider_"):
            return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        name = spec.name.replace("cdktf_cdktf", "cdktn").replace("cdktf", "cdktn")
        self.own = importlib.import_module(name).__spec__
        return sys.modules[name]

    def exec_module(self, module):
        module.__spec__ = self.own

sys.meta_path.insert(0, Renamed())
"""
FORK_AS_IT_IS = (
    f"{RENAMED}import types; sys.modules['bindings'] = types.ModuleType('bindings')\n{OURS}"
)


class Program(NamedTuple):
    """What is measured, and the exit status that it should have."""

    command: Sequence[str]
    settings: str = ""  # what is in its settings file; none: the defaults
    status: int = 0


PROGRAMS = {
    "this project": Program([sys.executable, "-O", "-c", OURS]),
    "stock imports": Program([sys.executable, "-c", STOCK]),
    "fork cdktn": Program([str(FORK_VENV / "bin/python"), "-c", FORK_AS_IT_IS]),
    "cdktn, lazy": Program([str(FORK_VENV / "bin/python"), "-O", "-c", OURS]),
    "make synth": Program(["make", "--silent", "synth"]),
    "cdktf synth": Program([str(ROOT / "bin/cdktf"), "synth"]),
    "a mistake": Program([sys.executable, "main.py"], settings="region: nowhere", status=1),
}

# Clusters, and architectures on each.
FLEETS: tuple[tuple[int, str | list[str]], ...] = (
    (1, ["prom_amp_cost"]),
    (10, ["prom_amp_cost"]),
    (50, ["prom_amp_cost"]),
    (200, ["prom_amp_cost"]),
    (200, "all"),  # 1,001 stacks
)


class Run(NamedTuple):
    """Wall and CPU time, peak memory of all processes together, and what was written."""

    seconds: float
    cpu: float
    mib: float
    stacks: int
    json_kib: float


def measure(program: Program, settings: Path | None = None) -> Run:
    """Run a program once, into a folder that is thrown away; CommandError if it fails."""
    # What `bindings` sets for this process's children, and stock does not have.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NODE_OPTIONS", "JSII_NODE")
    }
    with tempfile.TemporaryDirectory() as folder, Path(folder, "said").open("w+b") as said:
        out = Path(folder, "out")
        if not settings:
            settings = Path(folder, "kubecost.yaml")
            settings.write_text(program.settings or "{}", encoding="utf-8")
        command = list(program.command)
        if command[-1] == "synth" and command[0] != "make":
            command += ["--output", str(out)]
        before, start = _cpu_seconds(), time.perf_counter()
        process = psutil.Popen(
            command,
            cwd=ROOT,
            env={
                **inherited,
                "CDKTF_OUTDIR": str(out),
                "KUBECOST_CONFIG": str(settings),
                "NODE_NO_WARNINGS": "1",
                "CHECKPOINT_DISABLE": "1",
                # Bytecode stays from the run that is not measured, for all of them.
                "PYTHONDONTWRITEBYTECODE": "",
            },
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, _resident(process))
            time.sleep(POLL_SECONDS)
        seconds, cpu = time.perf_counter() - start, _cpu_seconds() - before
        sizes = [file.stat().st_size for file in out.glob("stacks/*/cdk.tf.json")]
        if process.returncode != program.status:
            said.seek(0)
            raise CommandError(f"{command[0]} failed:\n{said.read().decode()}")
    return Run(seconds, cpu, peak / 2**20, len(sizes), sum(sizes) / 2**10)


def _cpu_seconds() -> float:
    """Give what all ended children of this process used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _resident(process: psutil.Process) -> int:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def compare_programs() -> None:
    """Print the medians of all programs, and each as a part of stock."""
    print("each program once, unmeasured (a minute or two)", flush=True)
    for program in PROGRAMS.values():
        measure(program)  # fills the caches of jsii and Python
    runs: dict[str, list[Run]] = {name: [] for name in PROGRAMS}
    for number in range(1, RUNS + 1):
        for name, program in PROGRAMS.items():
            runs[name].append(measure(program))
        print(f"run {number} of {RUNS}, load {os.getloadavg()[0]:.1f}", flush=True)
    medians = {
        name: [statistics.median(column) for column in zip(*each, strict=True)][:3]
        for name, each in runs.items()
    }
    stock = medians["stock imports"]
    print("\nmedian            seconds  of stock   CPU s  of stock      MiB  of stock")
    for name, values in medians.items():
        parts = zip(values, stock, (8, 7, 8), (2, 2, 0), strict=True)
        print(
            f"{name:15}",
            *(
                f"{value:{width}.{digits}f}  {value / of:8.3f}"
                for value, of, width, digits in parts
            ),
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
            run = min(measure(PROGRAMS["this project"], Path(file.name)) for _ in range(2))
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
    install_packages(FORK_VENV, cdk=CDKTN, everything=False)
    compare_programs()
    scale_fleets()
    return 0
