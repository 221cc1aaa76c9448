"""Ring 1: the branch that VCS-driven workspaces of Terraform Cloud watch."""

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


def publish(project: Path, **stacks: str) -> str:
    for name, text in stacks.items():
        stack = project / "cdktf.out/stacks" / name
        stack.mkdir(parents=True, exist_ok=True)
        (stack / "cdk.tf.json").write_text(text)
        (stack / ".terraform").mkdir(exist_ok=True)
        (stack / ".terraform/terraform.tfstate").write_text("{}")
    return subprocess.run(
        [sys.executable, "-m", "tools", "publish", str(project.parent / "remote")],
        cwd=project,
        env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def published(project: Path) -> set[str]:
    listed = git(project.parent / "remote", "ls-tree", "-r", "--name-only", "synthesized")
    return set(listed.split())


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
