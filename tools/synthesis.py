"""Synthesize a source tree in its own process, and read the result."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.common import CommandError

Stack = dict[str, Any]


class SynthError(CommandError):
    """A source tree that cannot be synthesized, with the message of its program."""


def synthesize(tree: Path, settings: Path | None = None) -> dict[str, Stack]:
    """Run the main.py of a source tree with its own or other settings; return the stacks' JSON."""
    chosen = {"KUBECOST_CONFIG": str(settings)} if settings else {}
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=tree,
            env={**os.environ, **chosen, "CDKTF_OUTDIR": out, "NODE_NO_WARNINGS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SynthError(done.stderr.strip())
        return {
            file.parent.name: json.loads(file.read_text(encoding="utf-8"))
            for file in sorted(Path(out).glob("stacks/*/cdk.tf.json"))
        }


def addresses(stack: Stack) -> dict[str, Any]:
    """Index what a stack declares by Terraform address."""
    found: dict[str, Any] = {}
    for section, blocks in stack.items():
        if section in ("resource", "data"):
            prefix = "data." if section == "data" else ""
            for kind, named in blocks.items():
                found |= {f"{prefix}{kind}.{name}": body for name, body in named.items()}
        elif section in ("output", "provider", "variable"):
            found |= {f"{section}.{name}": body for name, body in blocks.items()}
        elif section != "//":
            found[section] = blocks
    return found
