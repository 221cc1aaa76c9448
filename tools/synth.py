"""Synthesize as `cdktf synth` does, without starting the command line. Run by `make synth`.

Like the command line: what a stack is warned of is shown, an error among it ends the synth, and
the folder of a stack that is no longer asked for goes.
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
    """Write every stack to cdktf.out, say which; 1 if the settings or a stack are at fault."""
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
        raise CommandError("a stack has errors, see above; nothing of it may be deployed")
    seconds = time.monotonic() - start
    source = f", from KUBECOST_CONFIG={file}" if (file := os.environ.get("KUBECOST_CONFIG")) else ""
    names = ", ".join(sorted(stacks))
    print(f"Generated Terraform code for the stacks: {names} ({seconds:.1f} s{source})")
    return 0


def annotations(stack: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the level and text of what was annotated on a stack's constructs."""
    for each in stack["annotations"]:
        level = each["level"].rpartition("/")[2]
        yield {"warn": "warning"}.get(level, level), each["message"]
