"""Runs `terraform plan` in a stack's directory."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Plan:
    """What terraform says.

    Attributes:
        data: `terraform show -json`; None if no plan came about.
        text: the plan for people; "" if no plan came about.
        error: why planning failed, possibly half way; "" if it did not.
    """

    data: dict[str, Any] | None
    text: str
    error: str


def plan(folder: Path) -> Plan:
    """Plan what is in a folder, whose backend and providers are initialized first."""
    init = _terraform(folder, "init", "-input=false")
    if init.returncode:
        return Plan(None, "", init.stderr)
    # A saved plan holds secrets in the clear.
    with tempfile.TemporaryDirectory() as private:
        file = Path(private) / "plan"
        # Another pull request's plan may hold the lock.
        options = ["-input=false", "-lock-timeout=2m", "-detailed-exitcode", f"-out={file}"]
        done = _terraform(folder, "plan", *options)
        # 0: no change; 2: changes; 1: an error, with a plan of what could be planned.
        error = "" if done.returncode in (0, 2) else done.stderr
        if not file.exists():
            return Plan(None, done.stdout, error)
        text = _terraform(folder, "show", str(file))
        data = _terraform(folder, "show", "-json", str(file))
    for shown in (text, data):
        if shown.returncode:
            return Plan(None, done.stdout, error or shown.stderr)
    return Plan(json.loads(data.stdout), text.stdout, error)


def _terraform(folder: Path, command: str, *args: str) -> subprocess.CompletedProcess[str]:
    if command != "show":
        print(f"{folder.name}: terraform {command}", file=sys.stderr)
    return subprocess.run(
        ["terraform", command, *([] if "-json" in args else ["-no-color"]), *args],
        cwd=folder,
        env={**os.environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
