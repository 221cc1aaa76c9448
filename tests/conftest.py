"""The real app, synthesized once for each settings file."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from architectures import synthesis
from architectures.faults import find_faults
from settings import Settings
from settings.file import load

# A shell that runs the tests in the background lets all their programs ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# 2026-01-01, so that tests never see a warning about the end of support.
os.environ["SOURCE_DATE_EPOCH"] = "1767225600"
# For Terraform and its provider, which end before much memory is garbage. To collect it sooner
# takes a third of their CPU time.
os.environ.setdefault("GOGC", "off")
os.environ.setdefault("GOMEMLIMIT", "500MiB")
ROOT = Path(__file__).parent.parent
EVERY_KEY = ROOT / "examples/every-key.yaml"
# Ready to be copied, by what each is for.
EXAMPLES = {
    file.stem: file for file in sorted((ROOT / "examples").glob("*.yaml")) if file != EVERY_KEY
}
# Not kubecost.yaml: that one is the user's.
SETTINGS_FILES = {
    "defaults": EVERY_KEY,
    **EXAMPLES,
    **{file.stem: file for file in sorted((ROOT / "tests/settings").glob("*.yaml"))},
}

# Fixtures that take minutes to set up: a simulated AWS with stacks, the lab's clusters.
SHARED = {"deployed", "fleet", "world"}

Stack = dict[str, Any]
Synthesize = Callable[[str], Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="accept what is synthesized")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares an AWS or clusters on one worker (`--dist loadgroup`)."""
    for item in items:
        for fixture in SHARED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(fixture))


def load_from(file: Path) -> Settings:
    """Read a settings file as the app does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECOST_CONFIG", str(file))
        return load(find_faults)


def synthesize_into(out: Path, file: Path) -> Path:
    """Synthesize a settings file into a folder, which is emptied first."""
    shutil.rmtree(out, ignore_errors=True)
    synthesis.synthesize(load_from(file), out)
    return out


@cache
def project_files() -> list[Path]:
    """List what is committed or could be, below the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.split("\0") if (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of this run that all workers share."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder /= "shared"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let only one worker create what belongs at a path, while the others wait."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def synthesize(shared: Path) -> Synthesize:
    """Return the output folder for a name in SETTINGS_FILES; all workers share it."""

    @cache
    def run(name: str) -> Path:
        out = shared / name
        with one_at_a_time(out):
            if not (out / "manifest.json").exists():  # it is written last
                synthesize_into(out, SETTINGS_FILES[name])
        return out

    return run


@pytest.fixture(scope="session")
def stacks(synthesize: Synthesize) -> Callable[[str], dict[str, Stack]]:
    """Return every stack's JSON for a name in SETTINGS_FILES, without CDKTF's notes ("//")."""
    return cache(lambda name: read_stacks(synthesize(name)))


def read_stacks(out: Path) -> dict[str, Stack]:
    return {
        file.parent.name: without_notes(json.loads(file.read_text()))
        for file in sorted(out.glob("stacks/*/cdk.tf.json"))
    }


def without_notes(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: without_notes(value) for key, value in data.items() if key != "//"}
    return [without_notes(item) for item in data] if isinstance(data, list) else data
