"""Ring 1: the tools have one front door, whose commands are what `make` calls."""

import re
import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from tests.conftest import ROOT
from tests.unit import makefile
from tools import __main__ as door
from tools.common import CommandError

# Run where nothing is installed, and beside `make`.
OF_CI = ("gate", "publish", "release")


@pytest.mark.parametrize("arguments", [[], ["Verify"], ["--help"]])
def test_what_is_no_command_is_told_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert door.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(re.search(rf"\b{command}\b", line) for command in door.COMMANDS)


@pytest.mark.parametrize("command", door.COMMANDS)
def test_a_command_has_one_name(command: str) -> None:
    assert find_spec(door.COMMANDS[command])
    recipes = (ROOT / "Makefile").read_text()
    is_called = re.search(
        rf"^\t.*(python|python -O|\$\(PYTHON\)) -m tools {command}\b", recipes, re.MULTILINE
    )
    assert bool(is_called) is (command in makefile.variables()) is (command not in OF_CI)


@pytest.mark.parametrize("command", ["plan", "setup", *OF_CI])
def test_no_package_is_needed(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "tools", command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m tools {command} ")


def test_a_missing_package_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "tools", "verify", "prom"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert re.fullmatch(r"verify: Python has no \w+; run: make setup\n", done.stderr)


def test_help_lists_each_target_once_in_groups() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    groups = re.findall(r"^(\w+):\n((?:  .*\n)+)", done.stdout, re.MULTILINE)
    assert [name for name, _ in groups] == ["use", "check", "develop"]
    listed = []
    for _, text in groups:
        names = re.findall(r"^  make ([a-z-]+) +\S", text, re.MULTILINE)
        assert names == sorted(names)
        assert len(names) == len(text.splitlines())
        listed += names
    # What a person types; the others say what another target needs.
    assert sorted([*listed, "help"]) == sorted(
        name for name in makefile.variables() if not name.startswith("with-")
    )
    assert 'eval "$(make env)"' in done.stdout


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (CommandError("one\nother"), 1, "diff: one\ndiff: other\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_ends_a_command(
    raised: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: list[str]) -> int:
        raise raised

    monkeypatch.setattr(door, "import_module", lambda _: SimpleNamespace(main=fail))
    assert door.main(["diff"]) == status
    assert capsys.readouterr().err == said
