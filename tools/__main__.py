"""Run a tool: `python -m tools <command>`. Each command is also a target of the Makefile.

If only modules of this project and of Python may be loaded, as in the job that judges a pull
request, run `python3 -I path/to/tools <command>`.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

if not __package__:
    # Python ran a folder and looks for modules only in it: look in its parent folder instead.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tools.common import CommandError
from tools.documents import printable

# The module with each command's `main`. Only the module that runs is imported, because `plan` and
# `gate` run where no package is installed.
COMMANDS = {
    "setup": "tools.setup",
    "synth": "tools.synth",
    "new": "tools.new",
    "compare": "tools.compare.command",
    "plan": "tools.review.command",
    "gate": "tools.gate.command",
    "verify": "tools.verify.command",
    "diff": "tools.diff",
    "eject": "tools.eject",
    "dashboards": "dashboards.files",
    "docs": "tools.site",
    "reference": "tools.reference",
    "chart-keys": "tools.chart_keys",
    "reach": "tools.reach",
    "images": "tools.pictures.gallery",
    "bench": "tools.bench",
    "demo": "tests.terraform.demo",
    "publish": "tools.publish",
    "release": "tools.release",
    "keep-release": "tests.releases.keep",
}


# The status that a shell gives a program whose reader ended: 128 plus the number of SIGPIPE.
READER_LEFT = 141


def main(arguments: list[str]) -> int:
    """Run a command; return its exit status, or 2 if there is no such command."""
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader ended, as with `| head`. Python's last flush must not fail either.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        return READER_LEFT


def _run(arguments: list[str]) -> int:
    name, *rest = arguments or [""]
    if name not in COMMANDS:
        print(f"usage: python -m tools {{{','.join(COMMANDS)}}} ...", file=sys.stderr)
        return 2
    try:
        status: int = import_module(COMMANDS[name]).main(rest)
    except ModuleNotFoundError as error:
        print(f"{name}: Python has no {error.name}; run: make setup", file=sys.stderr)
        return 2
    except CommandError as error:
        lines = [f"{name}: {printable(line)}" for line in str(error).splitlines()]
        print(*lines, sep="\n", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
