"""Ring 2: main.py as Terraform users run it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import ROOT, SETTINGS_FILES, Stack, read_stacks


def run(folder: Path, settings: str, code: str = "") -> subprocess.CompletedProcess[str]:
    file = folder / "mine.yaml"
    file.write_text(settings)
    return subprocess.run(
        [sys.executable, *(["-c", code] if code else [str(ROOT / "main.py")])],
        cwd=folder,
        env={**os.environ, "KUBECOST_CONFIG": str(file), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_good_settings_are_written_and_bad_ones_leave_that_as_it_was(tmp_path: Path) -> None:
    good = run(tmp_path, "architectures: [prom]")
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    written = tree(tmp_path / "cdktf.out")
    assert any(name.endswith("prom/cdk.tf.json") for name in written)

    bad = run(tmp_path, "name: a_b\narchitectures: [prom]\namp: {retention_days: 0}")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr.splitlines() == [
        'mine.yaml: name: given "a_b"; allowed: 1 to 24 letters, digits and hyphens, '
        "beginning with a letter, not ending with a hyphen",
        "mine.yaml: amp.retention_days: given 0; allowed: at least 1",
    ]
    assert tree(tmp_path / "cdktf.out") == written


def test_the_command_line_of_cdktf_gets_the_same_stacks(
    stacks: Callable[[str], dict[str, Stack]], tmp_path: Path
) -> None:
    """It runs Python without assertions (-O), the tests' synth with them."""
    environment = {
        "KUBECOST_CONFIG": str(SETTINGS_FILES["defaults"]),
        "CDKTF_OUTDIR": str(tmp_path),
    }
    command = json.loads((ROOT / "cdktf.json").read_text())["app"]
    subprocess.run(
        ["sh", "-c", command], cwd=ROOT, env={**os.environ, **environment}, timeout=120, check=True
    )
    assert read_stacks(tmp_path) == stacks("defaults")


EXPOSED = (
    "kubecost: {expose: {host: kubecost.example.com, hosted_zone: example.com,"
    " login: {cognito: {create: true}}}}"
)


def test_few_provider_modules_are_loaded(tmp_path: Path) -> None:
    code = (
        "import sys, main\n"
        "assert main.main() == 0\n"
        "print(sum(name.startswith('cdktf_cdktf_provider_') for name in sys.modules))"
    )
    counted = run(tmp_path, EXPOSED, code)
    assert counted.stderr == ""
    # Whole, the three providers are over 2,300 modules.
    assert 30 < int(counted.stdout) < 200
