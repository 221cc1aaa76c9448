"""Ring 2: on CDK Terrain, CDKTF's fork, the same sources give the same Terraform."""

import os
import re
import subprocess
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import bindings
from tests.conftest import ROOT, SETTINGS_FILES, Stack, read_stacks
from tools import setup

PIN = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
# Prints what main.py does not say itself: which distribution was loaded.
PROGRAM = """
import sys, main
from importlib.metadata import packages_distributions
status = main.main()
loaded = {name.partition(".")[0] for name in sys.modules}
installed = packages_distributions()
print(*sorted({each for name in loaded for each in installed.get(name, ())}))
sys.exit(status)
"""


def is_installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


def pins(text: str) -> dict[str, str]:
    return dict(PIN.findall(text))


def test_the_fork_s_lock_pins_what_is_asked_for() -> None:
    asked = pins((ROOT / "bindings/cdktn.in").read_text())
    assert asked == pins(setup.FORK.read_text())
    assert len(asked) == len(bindings.PROVIDERS) + 1


@pytest.fixture(scope="session")
def fork() -> Path:
    """Give a Python that has the fork, and no CDKTF."""
    venv = setup.TOOLS / "cdktn"
    setup.install_packages(venv, cdk=setup.CDKTN, everything=False)
    return venv / "bin/python"


@pytest.mark.slow
@pytest.mark.skipif(not is_installed("cdktf"), reason="this is the fork: nothing to compare with")
def test_every_stack_is_the_same_on_the_fork(
    fork: Path, stacks: Callable[[str], dict[str, Stack]], tmp_path: Path
) -> None:
    for name, file in SETTINGS_FILES.items():
        out = tmp_path / name
        done = subprocess.run(
            [fork, "-c", PROGRAM],
            cwd=ROOT,
            env={**os.environ, "KUBECOST_CONFIG": str(file), "CDKTF_OUTDIR": str(out)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert of_the_fork(done.stdout.split())
        forked = read_stacks(out)
        assert sorted(forked) == sorted(stacks(name))
        for stack, expected in stacks(name).items():
            assert forked[stack] == expected, f"{name}: {stack}"


def of_the_fork(distributions: Iterable[str]) -> bool:
    names = set(distributions)
    return "cdktn" in names and not any(name.startswith("cdktf") for name in names)
