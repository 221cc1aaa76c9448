"""Ring 1: what two commits synthesize differently, as a person reads it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools import diff
from tools.__main__ import main

POLICY = (
    '{"Statement": [{"Action": ["aps:GetLabels", "aps:GetSeries"], "Resource": '
    '"${replace(aws_x.y.arn, "a", "b")}"}]}'
)
VALUES = """\
kubecost:
  replicas: 1
prometheus:
  server:
    config: {literal: "$${not.terraform}"}
    retention: 15d
    scrape_configs:
    - honor_labels: true
      interval: 60s
      job_name: kubecost
    - honor_labels: true
      interval: 60s
      job_name: network
"""
OLD: dict[str, Any] = {
    "prom": {
        "//": {"metadata": {"version": "0.21.0"}},
        "resource": {
            "aws_iam_role_policy": {"reader": {"policy": POLICY, "role": "reader"}},
            "helm_release": {"kubecost": {"name": "kubecost", "values": [VALUES]}},
            "aws_vpc": {"old": {"cidr_block": "10.0.0.0/16"}},
        },
        "data": {"aws_partition": {"here": {"//": {"metadata": {"path": "prom/here"}}}}},
    },
    "amp": {"output": {"url": {"value": "https://amp"}}},
}


def test_nothing_but_cdktfs_notes_changes() -> None:
    new = json.loads(json.dumps(OLD))
    new["prom"]["//"]["metadata"]["version"] = "0.22.0"
    new["prom"]["data"]["aws_partition"]["here"].clear()
    assert diff.compare(OLD, new) == ""


def test_documents_are_compared_by_their_lines() -> None:
    new = json.loads(json.dumps(OLD))
    resources = new["prom"]["resource"]
    resources["aws_iam_role_policy"]["reader"]["policy"] = POLICY.replace(', "aps:GetSeries"', "")
    first, _, second = VALUES.rpartition("60s")
    resources["helm_release"]["kubecost"]["values"] = [first + "30s" + second]
    resources["aws_vpc"] = {"new": {"cidr_block": "10.1.0.0/16"}}
    del new["amp"]
    assert diff.compare(OLD, new).splitlines() == [
        "stack amp: 0 added, 0 changed, 1 removed",
        "- output.url",
        "- value: https://amp",
        "",
        "stack prom: 1 added, 2 changed, 1 removed",
        "! aws_iam_role_policy.reader",
        "@ policy > Statement",
        "      - Action:",
        "          - aps:GetLabels",
        "-         - aps:GetSeries",
        "        Resource: ${replace(aws_x.y.arn, 'a', 'b')}",
        "  role: reader",
        "",
        "+ aws_vpc.new",
        "+ cidr_block: 10.1.0.0/16",
        "",
        "- aws_vpc.old",
        "- cidr_block: 10.0.0.0/16",
        "",
        "! helm_release.kubecost",
        "@ values > prometheus > server > scrape_configs",
        "            - job_name: network",
        "              honor_labels: true",
        "-             interval: 60s",
        "+             interval: 30s",
    ]


# A program that synthesizes what it was given, in place of main.py.
MAIN = """\
import os, pathlib
stack = pathlib.Path(os.environ["CDKTF_OUTDIR"]) / "stacks/prom"
stack.mkdir(parents=True)
stack.joinpath("cdk.tf.json").write_text('{"output": {"url": {"value": "VALUE"}}}')
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(diff, "ROOT", tmp_path)
    git(tmp_path, "init", "--quiet")
    for value in ("one", "two"):
        (tmp_path / "main.py").write_text(MAIN.replace("VALUE", value))
        git(tmp_path, "add", "main.py")
        git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", value)
    return tmp_path


def git(folder: Path, *args: str) -> str:
    return subprocess.run(
        ["git", *args], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.lengthy
def test_two_commits_and_the_files_as_they_are(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", "HEAD~1", "HEAD"]) == 0
    out = capsys.readouterr().out
    assert "- value: one\n+ value: two" in out
    assert main(["diff", "HEAD"]) == 0
    assert capsys.readouterr().out == "The synthesized Terraform is the same.\n"
    (repository / "main.py").write_text(MAIN.replace("VALUE", "three"))
    assert main(["diff", "HEAD"]) == 0
    assert "- value: two\n+ value: three" in capsys.readouterr().out
    assert git(repository, "worktree", "list").count("\n") == 1


def test_a_side_that_fails_is_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "main.py").write_text("raise SystemExit('name: given 1; allowed: text')")
    assert main(["diff", "HEAD"]) == 1
    assert "the working tree cannot be synthesized: name: given 1" in capsys.readouterr().err
    assert main(["diff", "nowhere"]) == 1
    assert "nowhere cannot be synthesized: " in capsys.readouterr().err
