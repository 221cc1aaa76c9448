"""Ring 1: the workflows let no pull request judge itself, and CODEOWNERS covers what judges."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

WORKFLOWS = ROOT / ".github/workflows"


def steps(file: str, job: str) -> list[dict[str, Any]]:
    workflow = yaml.safe_load((WORKFLOWS / file).read_text())
    listed: list[dict[str, Any]] = workflow["jobs"][job]["steps"]
    return listed


def test_a_pull_request_is_judged_by_its_base() -> None:
    checkouts = [each for each in steps("plan.yml", "plan") if "checkout" in each.get("uses", "")]
    (checkout,) = checkouts
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert checkout["with"]["path"] == "judge"
    runs = [each["run"] for each in steps("plan.yml", "plan") if "run" in each]
    assert len(runs) == 1
    assert runs[0].startswith('python3 -I judge/tools plan "$STACK" --only-from stacks ')


def test_the_label_counts_where_it_is_set_only() -> None:
    (judge,) = (each for each in steps("plan.yml", "plan") if "run" in each)
    condition = judge["env"]["OVERRIDE"].split()
    assert " ".join(condition) == (
        "${{ github.event.action == 'labeled' && github.event.label.name == 'gate-override' "
        "&& 'yes' || '' }}"
    )
    assert "labels" not in json.dumps(judge)


def test_what_is_deployed_is_what_was_judged() -> None:
    *_, judge, apply = steps("deploy.yml", "deploy")
    assert judge["run"].startswith('python3 -I judge/tools plan "$STACK" --only-from stacks ')
    assert '--into "$RUNNER_TEMP/root" --out "$RUNNER_TEMP/plan"' in judge["run"]
    assert apply["run"] == (
        'terraform -chdir="$RUNNER_TEMP/root" apply -input=false "$RUNNER_TEMP/plan"'
    )


def test_deploy_names_its_stacks() -> None:
    workflow = yaml.safe_load((WORKFLOWS / "deploy.yml").read_text())
    # YAML 1.1 reads `on` as true.
    asked = workflow[True]["workflow_dispatch"]["inputs"]["stacks"]
    assert asked["required"]
    assert "default" not in asked


@pytest.mark.skipif(not shutil.which("jq"), reason="jq, which GitHub's runners have, is not here")
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("base  prom_amp", ["base", "prom_amp"]),
        ("prom_amp base", ["prom_amp", "base"]),
        ("base prom-*", ["base", "prom-data", "prom-shop"]),
        ("all", None),
        ("*", None),
        ("base promamp", None),
        ("base load_balancer-*", None),
        (" ", None),
    ],
)
def test_the_stacks_that_deploy_chooses(
    chosen: str, expected: list[str] | None, tmp_path: Path
) -> None:
    names = ["base", "prom", "prom-data", "prom-shop", "prom_amp", "load_balancer"]
    (tmp_path / "cdktf.out").mkdir()
    manifest = json.dumps({"stacks": {name: {} for name in names}})
    (tmp_path / "cdktf.out/manifest.json").write_text(manifest)
    (choose,) = (each for each in steps("deploy.yml", "stacks") if each.get("id") == "stacks")
    output = tmp_path / "output"
    done = subprocess.run(
        ["bash", "-e", "-c", choose["run"]],
        cwd=tmp_path,
        env={**os.environ, "CHOSEN": chosen, "GITHUB_OUTPUT": str(output)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is (expected is not None), done.stderr
    if expected is not None:
        assert json.loads(output.read_text().removeprefix("stacks=")) == expected


def test_no_step_hides_a_failure_in_a_pipe() -> None:
    # Without `shell: bash`, GitHub runs bash without pipefail.
    for file in WORKFLOWS.glob("*.yml"):
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            for step in job["steps"]:
                for line in step.get("run", "").splitlines():
                    made = line.partition("#")[0].replace("||", "")
                    assert "make" not in made or "|" not in made, (file.name, line)


def owned(path: str) -> bool:
    rules = [
        line.split()[0]
        for line in (ROOT / ".github/CODEOWNERS").read_text().splitlines()
        if line.startswith("/")
    ]
    return any(
        f"/{path}".startswith(rule) if rule.endswith("/") else f"/{path}" == rule for rule in rules
    )


def test_code_owners_cover_all_that_judges() -> None:
    imported = (
        "import json, sys, tools.__main__, tools.gate.command, tools.review.command;"
        "print(json.dumps([m.__file__ for m in sys.modules.values() if getattr(m, '__file__', 0)]))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", imported], cwd=ROOT, capture_output=True, text=True, check=True
    )
    ours = [Path(file) for file in json.loads(done.stdout) if Path(file).is_relative_to(ROOT)]
    ours = [file for file in ours if ".tools" not in file.parts]
    assert len(ours) > 10
    missing = [
        path
        for file in (*ours, *WORKFLOWS.iterdir(), ROOT / ".github/CODEOWNERS")
        if not owned(path := str(file.relative_to(ROOT)))
    ]
    assert missing == []


def test_code_owners_name_what_is_there() -> None:
    for line in (ROOT / ".github/CODEOWNERS").read_text().splitlines():
        if line.startswith("/"):
            assert (ROOT / line.split()[0].lstrip("/")).exists(), line
