"""Ring 3: reviews of plans by the real terraform, whose built-in provider needs no network."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.terraform.conftest import Terraform
from tools.__main__ import main
from tools.review.comment import LIMIT, comment
from tools.review.masking import mask
from tools.review.terraform import Plan, plan

SECRET = "correct horse battery"
VALUES = "jobs:\n- name: kubecost\n  every: 60s\n- name: 네트워크\n"
BEFORE = {
    "variable": {"password": {"default": SECRET, "sensitive": True}},
    "resource": {
        "terraform_data": {
            "same": {"input": "${var.password}"},
            "values": {"input": VALUES},
            "old": {"triggers_replace": "1"},
            "gone": {},
        }
    },
}
AFTER: dict[str, Any] = deepcopy(BEFORE)
AFTER["moved"] = [{"from": "terraform_data.old", "to": "terraform_data.new"}]
AFTER["output"] = {"leak": {"value": "${nonsensitive(var.password)}"}}
AFTER["resource"]["terraform_data"] = {
    "same": {"input": "${var.password}"},
    "values": {"input": VALUES.replace("60s", "30s")},
    "new": {"triggers_replace": "2"},
    "extra": {"input": "```\n@everyone **bold**\n```"},
}


def write(folder: Path, stack: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cdk.tf.json").write_text(json.dumps(stack))
    return folder


@pytest.fixture
def applied(tmp_path: Path, terraform: Terraform) -> Path:
    folder = write(tmp_path / "cdktf.out/stacks/prom", BEFORE)
    assert terraform(folder, "init").returncode == 0
    assert terraform(folder, "apply", "-auto-approve").returncode == 0
    return folder


def test_a_plan_with_everything(applied: Path) -> None:
    planned = plan(write(applied, AFTER))
    assert planned.data
    assert SECRET in planned.text
    text = comment("prom", planned, run_url="https://ci.example/run/1")
    lines = text.splitlines()
    assert lines[:3] == [
        "<!-- terraform plan of prom -->",
        "### `prom`: 2 to add, 1 to change, 2 to destroy",
        "",
    ]
    assert lines[3:7] == [
        "* **Destroyed**: `terraform_data.gone`",
        "* **Replaced**: `terraform_data.new` because of `triggers_replace`",
        "* Moved: `terraform_data.old` → `terraform_data.new`",
        "* Changed outputs: `leak`",
    ]
    # The plan is folded, in a fence that what it holds cannot close.
    assert lines[8:11] == ["<details><summary>Plan</summary>", "", "````diff"]
    assert lines[-5:] == [
        "````",
        "",
        "</details>",
        "",
        "[Run with the whole plan](https://ci.example/run/1)",
    ]
    # What changes is coloured, a YAML list that stays is not.
    coloured = [line for line in lines if line[:1] in "+-!" and "every" in line]
    assert [line.replace(" ", "") for line in coloured] == ["-every:60s", "+every:30s"]
    assert " " * 13 + "- name: kubecost" in lines
    assert '-/+  resource "terraform_data" "new" {' in lines
    assert '!    resource "terraform_data" "values" {' in lines
    assert SECRET not in text
    assert " Plan: 2 to add, 1 to change, 2 to destroy." in lines
    assert "Refreshing" not in text
    assert "symbols" not in text


def test_no_changes(applied: Path) -> None:
    planned = plan(applied)
    assert comment("prom", planned).splitlines() == [
        "<!-- terraform plan of prom -->",
        "### `prom`: no changes",
        "",
    ]


def test_an_error_half_way_keeps_what_was_planned(applied: Path) -> None:
    stack = deepcopy(AFTER)
    stack["resource"]["terraform_data"]["same"]["lifecycle"] = {
        "precondition": [
            {"condition": "${path.module == 1}", "error_message": "There is no cluster 서울."}
        ]
    }
    planned = plan(write(applied, stack))
    text = comment("prom", planned)
    assert "### `prom`: planning failed" in text
    shown, _, folded = text.partition("<details><summary>Plan up to the error</summary>")
    assert "There is no cluster 서울." in shown
    assert "terraform_data.gone" in folded


def test_an_error_before_any_plan(tmp_path: Path) -> None:
    planned = plan(write(tmp_path, {"resource": {"terraform_data": {"x": {"inptu": 1}}}}))
    text = comment("prom", planned)
    assert planned.data is None
    assert "planning failed" in text
    assert "inptu" in text
    assert "<details>" not in text
    unreachable = plan(write(tmp_path, {"terraform": {"backend": {"nowhere": {}}}}))
    assert "nowhere" in comment("prom", unreachable)


def test_a_huge_plan_is_cut_and_keeps_its_end(tmp_path: Path) -> None:
    resource = {"for_each": "${toset([for i in range(150): tostring(i)])}", "input": "🗺 map\n" * 30}
    planned = plan(write(tmp_path, {"resource": {"terraform_data": {"many": resource}}}))
    whole = comment("prom", planned, limit=None)
    text = comment("prom", planned, run_url="https://ci.example/run/1")
    # GitHub's own number is of characters; the end of a line may count twice.
    assert LIMIT * 0.97 < len(text.encode("utf-16-le")) / 2 + text.count("\n") <= LIMIT
    assert len(whole) > LIMIT
    assert "### `prom`: 150 to add, 0 to change, 0 to destroy" in text
    assert "lines are cut\n" in text
    assert text.endswith(
        "\n Plan: 150 to add, 0 to change, 0 to destroy.\n```\n\n</details>\n\n"
        "[Run with the whole plan](https://ci.example/run/1)\n"
    )
    # Long lists and a long error leave room for each other.
    assert planned.data
    for each in planned.data["resource_changes"]:
        each["change"]["actions"] = ["delete"]
    long = comment("prom", Plan(planned.data, planned.text, "no cluster\n" * 9000 + "the cause"))
    assert len(long.encode("utf-16-le")) / 2 <= LIMIT
    assert "and 130 more" in long
    assert "the cause" in long
    assert "Plan: 150 to add" in long


def test_deferred_actions_are_named(tmp_path: Path) -> None:
    # Terraform 1.11 defers only in its alpha builds: the plan of a create, as its JSON format
    # documents a deferred one.
    planned = plan(write(tmp_path, {"resource": {"terraform_data": {"x": {}, "y": {}}}}))
    assert planned.data
    later = planned.data["resource_changes"].pop()
    data = planned.data | {
        "complete": False,
        "deferred_changes": [{"reason": "provider_config_unknown", "resource_change": later}],
    }
    text = comment("prom", replace(planned, data=data))
    assert "### `prom`: 1 to add, 0 to change, 0 to destroy, 1 deferred" in text
    assert "* Deferred to a later plan: `terraform_data.y` (provider config unknown)" in text


def test_noise_is_dropped_where_only_the_log_is_left(applied: Path, terraform: Terraform) -> None:
    log = terraform(applied, "plan", "-no-color").stdout
    assert "Refreshing state..." in log
    text = comment("prom", Plan(None, log + "\nstill going", ""))
    assert "Refreshing" not in text
    assert "still going" in text


def test_credentials_are_masked_wherever_they_come_from() -> None:
    environment = {"AWS_SECRET_ACCESS_KEY": "abcd/efgh+ijkl", "HOME": "/people/ana"}
    text = "key AKIAIOSFODNN7EXAMPLE k8s-aws-v1.aHR0cHM6 abcd/efgh+ijkl /people/ana"
    hidden = "(sensitive value)"
    assert mask(text, None, environment) == f"key {hidden} {hidden} {hidden} /people/ana"
    marked = {"before": None, "after": {"a": ["one-two", "x"]}, "after_sensitive": {"a": [True]}}
    data = {"resource_changes": [{"change": marked}]}
    assert mask("one-two x", data, {}) == f"{hidden} x"


class GitHub(BaseHTTPRequestHandler):
    """The three calls of GitHub's REST API that a comment takes, two comments a page."""

    comments: list[dict[str, Any]]
    calls: list[str]

    def do_GET(self) -> None:
        page = int(self.path.rpartition("&page=")[2]) if "&page=" in self.path else 1
        shown = self.comments[page * 2 - 2 : page * 2]
        path = self.path.partition("&page=")[0]
        more = f'<http://{self.headers["Host"]}{path}&page={page + 1}>; rel="next"'
        self.answer(shown, {"Link": more} if len(self.comments) > page * 2 else {})

    def do_POST(self) -> None:
        assert self.path == "/repos/acme/costs/issues/7/comments"
        body = self.body()
        self.comments.append({"id": len(self.comments), "user": {"type": "Bot"}, **body})
        self.answer(body)

    def do_PATCH(self) -> None:
        number = int(self.path.removeprefix("/repos/acme/costs/issues/comments/"))
        self.comments[number] |= self.body()
        self.answer(self.comments[number])

    def body(self) -> dict[str, Any]:
        assert self.headers["Authorization"] == "Bearer t0ken-of-the-job"
        data: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return data

    def answer(self, data: Any, headers: dict[str, str] | None = None) -> None:
        self.calls.append(self.command)
        self.send_response(200)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[GitHub]]:
    quote = {"id": 0, "user": {"type": "User"}, "body": "<!-- terraform plan of prom -->"}
    # GitHub gives null for a person that is gone.
    gone = {"id": 1, "user": None, "body": None}
    others: list[dict[str, Any]] = [
        quote,
        gone,
        {"id": 2, "user": {"type": "Bot"}, "body": "coverage"},
    ]

    class Server(GitHub):
        comments = others
        calls: list[str] = []  # noqa: RUF012

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.005,))
    thread.start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/costs")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    monkeypatch.setenv("GITHUB_TOKEN", "t0ken-of-the-job")
    yield Server
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_comment_is_written_and_then_updated(
    applied: Path,
    github: type[GitHub],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(applied.parents[2])
    assert main(["plan", "prom", "--pull-request", "7", "--override"]) == 0
    assert github.calls == ["GET", "GET", "POST"]
    assert "no changes" in github.comments[3]["body"]
    write(applied, AFTER)
    assert main(["plan", "prom", "--pull-request", "7", "--override"]) == 0
    assert github.calls[3:] == ["GET", "GET", "PATCH"]
    assert len(github.comments) == 4
    assert "2 to add" in github.comments[3]["body"]
    assert "(https://github.com/acme/costs/actions/runs/42)" in github.comments[3]["body"]
    assert github.comments[0]["body"] == "<!-- terraform plan of prom -->"
    assert "2 to add" in capsys.readouterr().out


def test_a_failed_plan_and_a_finding_fail_the_job(
    applied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(applied.parents[2])
    write(applied, PLANNABLE)
    assert main(["plan", "prom"]) == 1
    out = capsys.readouterr().out
    assert "**Policy gate: stopped. To accept this plan, set the label `gate-override`." in out
    assert "* `terraform_data.extra`: `is of a kind that the gate does not know`" in out
    assert main(["plan", "prom", "--override"]) == 0
    assert "**Policy gate: accepted for this commit" in capsys.readouterr().out
    write(applied, {"resource": {"terraform_data": {"extra": {"wrong": 1}}}})
    assert main(["plan", "prom", "--override"]) == 1
    assert main(["plan", "prom_amp"]) == 2
    assert (
        "plan: there is no stack 'prom_amp'; did you mean prom? The stacks are: prom"
        in capsys.readouterr().err
    )


# Unlike BEFORE, nothing that the gate stops before anything is planned.
PLANNABLE: dict[str, Any] = {"resource": {"terraform_data": {"extra": {}}}}


def test_a_deployment_accepts_one_plan_and_applies_that(
    tmp_path: Path,
    terraform: Terraform,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / "download/prom", PLANNABLE)
    (tmp_path / "download/prom/extra.tf").write_text('resource "terraform_data" "hidden" {}')
    monkeypatch.chdir(tmp_path)
    line = ["plan", "prom", "--only-from", "download", "--into", "root", "--out", "plan.bin"]
    assert main(line) == 1
    (number,) = re.findall("Number of this plan: `([0-9a-f]{12})`", capsys.readouterr().out)
    assert main([*line, "--accept", "0123456789ab"]) == 1
    assert main([*line, "--accept", f"0123456789ab {number}"]) == 0
    done = terraform(tmp_path / "root", "apply", str(tmp_path / "plan.bin"))
    assert done.returncode == 0, done.stderr
    assert terraform(tmp_path / "root", "state", "list").stdout.split() == ["terraform_data.extra"]
    # What is planned now is something else.
    write(tmp_path / "download/prom", {"resource": {"terraform_data": {"extra": {"input": 1}}}})
    assert main([*line, "--accept", number]) == 1


def test_a_stack_that_could_do_harm_is_not_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = tmp_path / "ran"
    program = ["sh", "-c", f"touch {ran}; echo '{{}}'"]
    write(tmp_path / "cdktf.out/stacks/prom", {"data": {"external": {"x": {"program": program}}}})
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "prom"]) == 1
    out = capsys.readouterr().out
    assert "### `prom`: planning failed" in out
    assert "* `the stack`: `data.external.x: reads what no stack of this project reads`" in out
    assert not ran.exists()
    assert not (tmp_path / "cdktf.out/stacks/prom/.terraform").exists()


# What a terraform may do instead of its work; `plan` writes the file that its last argument names.
WRITES = 'case $1 in plan) for last; do :; done; touch "${last#-out=}";'
SHOWS = f"{WRITES} exit 2;; show)"
FAILURES = {
    "init fails": "exit 1",
    "init fails on stdout": "echo Error: on stdout; exit 1",
    "init is killed": "kill -9 $$",
    "plan fails": 'case $1 in plan) echo "Error: x" >&2; exit 1;; esac',
    "plan fails on stdout": 'case $1 in plan) echo "Error: x"; exit 1;; esac',
    "plan fails silently": "case $1 in plan) exit 1;; esac",
    "plan is killed": "case $1 in plan) kill -9 $$;; esac",
    "plan is stopped": "case $1 in plan) kill -15 $$;; esac",
    "plan runs out of memory": "case $1 in plan) exit 137;; esac",
    "plan is killed when it is written": f"{WRITES} kill -9 $$;; esac",
    "plan fails when it is written": f"{WRITES} exit 1;; esac",
    "plan writes nothing": "exit 0",
    "plan says changes and writes nothing": "case $1 in plan) exit 2;; esac",
    "show fails": f"{SHOWS} exit 1;; esac",
    "show fails on stdout": f"{SHOWS} echo no; exit 1;; esac",
    "show is killed": f"{SHOWS} kill -9 $$;; esac",
    "show prints no JSON": f"{SHOWS} echo Plan;; esac",
    "show prints half": f"{SHOWS} echo '{{\"format_version\":';; esac",
    "show prints nothing": f"{SHOWS} exit 0;; esac",
    "show prints null": f"{SHOWS} echo null;; esac",
    "show prints an empty plan": f"{SHOWS} echo '{{}}';; esac",
    "show prints bytes": f"{SHOWS} printf '\\377\\376';; esac",
    "show prints an errored plan": f'{SHOWS} echo \'{{"format_version": "1.2", '
    '"errored": true}\';; esac',
}


@pytest.mark.parametrize("script", FAILURES.values(), ids=FAILURES.keys())
def test_whenever_there_is_no_plan_the_job_fails(
    script: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = tmp_path / "bin/terraform"
    program.parent.mkdir()
    program.write_text(f"#!/bin/bash\n{script}\n")
    program.chmod(0o755)
    write(tmp_path / "cdktf.out/stacks/prom", PLANNABLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("tools.review.terraform.TERRAFORM", "terraform")
    assert main(["plan", "prom", "--override"]) == 1
    assert "### `prom`: planning failed" in capsys.readouterr().out


def test_without_terraform_the_job_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "cdktf.out/stacks/prom", PLANNABLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tools.review.terraform.TERRAFORM", "terraform")
    assert main(["plan", "prom"]) == 1
    assert "terraform cannot be started" in capsys.readouterr().out


def test_no_package_is_needed() -> None:
    # The job that plans has credentials, and installs nothing.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "tools", "plan", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--pull-request" in done.stdout
