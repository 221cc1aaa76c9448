"""Ring 1: the branch that VCS-driven workspaces of Terraform Cloud watch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def git(folder: Path, *args: str) -> str:
    return subprocess.run(
        ["git", *args], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "remote")
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(
        folder,
        *("-c", "user.name=a", "-c", "user.email=a@b"),
        *("commit", "--quiet", "--allow-empty", "--message", "code"),
    )
    return folder


def publish(project: Path, *options: str, **stacks: str) -> str:
    for name, text in stacks.items():
        stack = project / "cdktf.out/stacks" / name
        stack.mkdir(parents=True, exist_ok=True)
        (stack / "cdk.tf.json").write_text(text)
        (stack / ".terraform").mkdir(exist_ok=True)
        (stack / ".terraform/terraform.tfstate").write_text("{}")
    return subprocess.run(
        [sys.executable, "-m", "tools", "publish", str(project.parent / "remote"), *options],
        cwd=project,
        env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def published(project: Path) -> set[str]:
    listed = git(project.parent / "remote", "ls-tree", "-r", "--name-only", "synthesized")
    return set(listed.split())


@pytest.mark.lengthy
def test_what_is_synthesized_and_nothing_else_is_on_the_branch(project: Path) -> None:
    assert "pushed" in publish(project, base="{}", prom="{}")
    assert published(project) == {"base/cdk.tf.json", "prom/cdk.tf.json"}
    assert publish(project) == "publish: nothing changed\n"
    for file in (project / "cdktf.out/stacks/base").rglob("*"):
        if file.is_file():
            file.unlink()
    (project / "cdktf.out/stacks/base").rename(project / "away")
    assert "pushed" in publish(project, prom='{"output": {}}')
    assert published(project) == {"prom/cdk.tf.json"}
    head = git(project, "rev-parse", "--short", "HEAD").strip()
    log = git(project.parent / "remote", "log", "--format=%s", "synthesized")
    assert log.splitlines() == [f"Synthesized from {head}"] * 2


TERRAFORM = """#!/bin/sh
echo "$PWD $*" >> "$CALLS"
# What is locked stays; else the newest there is.
test -e .terraform.lock.hcl || echo "version $NEWEST" > .terraform.lock.hcl
"""


@pytest.mark.lengthy
def test_providers_are_locked_and_stay_so(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin/terraform"
    program.parent.mkdir()
    program.write_text(TERRAFORM)
    program.chmod(0o755)
    calls = tmp_path / "calls"
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(calls))
    aws = json.dumps({"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}}})
    helm = json.dumps({"terraform": {"required_providers": {"helm": {"source": "hashicorp/helm"}}}})
    lock = ("--lock", "linux_amd64", "darwin_arm64")

    monkeypatch.setenv("NEWEST", "1")
    assert "pushed" in publish(project, *lock, base=aws, prom=helm, amp=helm)
    assert published(project) == {
        f"{stack}/{file}"
        for stack in ("base", "prom", "amp")
        for file in ("cdk.tf.json", ".terraform.lock.hcl")
    }
    ran = calls.read_text().splitlines()
    assert len(ran) == 2  # once for each set of providers
    expected = "providers lock -platform=linux_amd64 -platform=darwin_arm64"
    assert all(line.endswith(expected) for line in ran)

    monkeypatch.setenv("NEWEST", "2")
    assert publish(project, *lock) == "publish: nothing changed\n"
    shown = git(project.parent / "remote", "show", "synthesized:amp/.terraform.lock.hcl")
    assert shown == "version 1\n"
