"""Ring 2: main.py as Terraform users run it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


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
