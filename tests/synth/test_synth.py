"""Ring 2: `make synth` does what `cdktf synth` does, and needs neither Terraform nor npm."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import main as app
from tests.conftest import ROOT
from tools import synth
from tools.common import CommandError


def test_it_writes_warns_and_drops_without_a_program_on_the_path(tmp_path: Path) -> None:
    (tmp_path / "cdktf.out/stacks/dropped").mkdir(parents=True)
    clusters = [{"name": f"c-{number}"} for number in range(9)]
    settings = tmp_path / "nine.yaml"
    quiet = {"network_costs": False}
    asked = {"architectures": ["amp"], "clusters": clusters, "kubecost": quiet}
    settings.write_text(yaml.safe_dump(asked))
    done = subprocess.run(
        [sys.executable, "-m", "tools", "synth"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "KUBECOST_CONFIG": str(settings),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    dropped, generated = done.stdout.splitlines()
    assert dropped == "synth: cdktf.out/stacks/dropped removed, no longer in the settings"
    stacks = {folder.name for folder in (tmp_path / "cdktf.out/stacks").iterdir()}
    assert generated.partition(": ")[2].rpartition(" (")[0].split(", ") == sorted(stacks)
    assert generated.endswith(f" s, from KUBECOST_CONFIG={settings})")
    assert done.stderr.startswith("amp: warning: 9 managed scrapers in ap-northeast-2")
    assert len(done.stderr.splitlines()) == 1


def test_an_annotated_error_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = {
        "stacks": {
            "prom": {
                "annotations": [
                    {"level": "@cdktf/error", "message": "too many"},
                    {"level": "@cdktf/info", "message": "by the way"},
                ]
            }
        }
    }

    def write() -> int:
        (tmp_path / "stacks").mkdir()
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        return 0

    monkeypatch.setattr(app, "main", write)
    monkeypatch.setenv("CDKTF_OUTDIR", str(tmp_path))
    with pytest.raises(CommandError, match="a stack has errors"):
        synth.main([])
    assert capsys.readouterr() == ("", "prom: error: too many\nprom: info: by the way\n")


def test_a_misspelt_helm_value_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "kubecost.yaml"
    settings.write_text("{architectures: [prom], kubecost: {values: {persistantVolume: {}}}}")
    monkeypatch.setenv("KUBECOST_CONFIG", str(settings))
    monkeypatch.setenv("CDKTF_OUTDIR", str(tmp_path / "out"))
    assert synth.main([]) == 0
    assert capsys.readouterr().err == (
        "prom: warning: kubecost.values.persistantVolume: chart cost-analyzer 2.8.7 has no such"
        " key; did you mean persistentVolume?\n"
    )
