"""The front door of the tools: `python -m tools <command>`, each also a target of the Makefile.

Where no module but this project's own and Python's may be loaded, as by the job that judges a pull
request: `python3 -I path/to/tools <command>`.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

if not __package__:
    # Python started a folder, in which alone it looks for modules: look in the one around it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tools.common import CommandError
from tools.documents import printable

# Where each command's `main` is. Only the one that runs is imported: `plan` and `gate` run where
# no package is installed.
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


# What a shell says of a program that its reader left: 128 and the number of SIGPIPE.
READER_LEFT = 141


def main(arguments: list[str]) -> int:
    """Run a command; give its exit status, 2 if there is none of that name."""
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # As with `| head`. Python flushes once more at its end, which must not fail, too.
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
