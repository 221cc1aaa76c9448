"""Run `terraform plan` in a stack's directory; give the reason if there is no plan."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.common import TERRAFORM


@dataclass(frozen=True)
class Plan:
    """The result of `terraform plan`.

    Attributes:
        data: the output of `terraform show -json`; None if there is no plan.
        text: the plan as text for people; "" if there is no plan.
        error: why planning failed, possibly after a part of it; "" if it did not fail. If `data`
            is None, there is an error.
    """

    data: dict[str, Any] | None
    text: str
    error: str


def plan(folder: Path, file: Path | None = None) -> Plan:
    """Run `terraform init` and `terraform plan` in a folder.

    Args:
        folder: the folder with the stack's cdk.tf.json.
        file: where to keep the plan for `terraform apply`; by default it is deleted.
    """
    init = _terraform(folder, "init", "-input=false")
    if init.returncode:
        return Plan(None, "", _reason("init", init))
    # A saved plan holds secrets in the clear.
    with tempfile.TemporaryDirectory() as private:
        file = file or Path(private) / "plan"
        # Another pull request's plan may hold the lock.
        options = ["-input=false", "-lock-timeout=2m", "-detailed-exitcode", f"-out={file}"]
        done = _terraform(folder, "plan", *options)
        # 0: no change; 2: changes; 1: an error, with a plan of what could be planned.
        error = "" if done.returncode in (0, 2) else _reason("plan", done)
        if not file.exists():
            return Plan(None, done.stdout, error or "terraform plan wrote no plan")
        text = _terraform(folder, "show", str(file))
        data = _terraform(folder, "show", "-json", str(file))
    for shown in (text, data):
        if shown.returncode:
            return Plan(None, done.stdout, error or _reason("show", shown))
    try:
        found = json.loads(data.stdout)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Plan(None, text.stdout, error or "terraform show -json printed no plan")
    return Plan(found, text.stdout, error)


def _reason(command: str, done: subprocess.CompletedProcess[str]) -> str:
    """Return Terraform's error message, or its exit status if it printed none."""
    number = done.returncode
    ended = f"status {number}" if number > 0 else f"signal {_signal(-number)}"
    return done.stderr.strip() or done.stdout.strip() or f"terraform {command} ended by {ended}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _terraform(folder: Path, command: str, *args: str) -> subprocess.CompletedProcess[str]:
    if command != "show":
        print(f"{folder.name}: terraform {command}", file=sys.stderr)
    line = [TERRAFORM, command, *([] if "-json" in args else ["-no-color"]), *args]
    try:
        return subprocess.run(
            line,
            cwd=folder,
            env={**os.environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        return subprocess.CompletedProcess(line, 127, "", f"{TERRAFORM} cannot be started: {error}")
