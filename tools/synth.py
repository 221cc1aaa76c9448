"""Synthesize as `cdktf synth` does, without its command line. `make synth` runs it.

It behaves like the command line: it prints the warnings of each stack, an error ends the synth, and
the folder of a stack that the settings no longer name is removed.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import main as app
from tools.common import CommandError


def main(_: list[str]) -> int:
    """Write every stack to cdktf.out and list them; return 1 if settings or a stack are wrong."""
    start = time.monotonic()
    # The command line sets it: an annotated error is shown below, beside its stack.
    os.environ["CDKTF_CONTINUE_SYNTH_ON_ERROR_ANNOTATIONS"] = "true"
    if status := app.main():
        return status
    out = Path(os.environ.get("CDKTF_OUTDIR", "cdktf.out"))
    stacks = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["stacks"]
    for folder in (out / "stacks").iterdir():
        if folder.name not in stacks:
            shutil.rmtree(folder)
            print(f"synth: {folder} removed, no longer in the settings")
    errors = 0
    for name, stack in stacks.items():
        for level, message in annotations(stack):
            errors += level == "error"
            print(f"{name}: {level}: {message}", file=sys.stderr)
    if errors:
        raise CommandError("a stack has errors, see above; do not deploy it")
    seconds = time.monotonic() - start
    source = f", from KUBECOST_CONFIG={file}" if (file := os.environ.get("KUBECOST_CONFIG")) else ""
    names = ", ".join(sorted(stacks))
    print(f"Generated Terraform code for the stacks: {names} ({seconds:.1f} s{source})")
    return 0


def annotations(stack: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """List level and text of the annotations of a stack's constructs."""
    for each in stack["annotations"]:
        level = each["level"].rpartition("/")[2]
        yield {"warn": "warning"}.get(level, level), each["message"]
