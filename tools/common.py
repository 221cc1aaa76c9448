"""What the commands share; standard library only, because `plan` and `gate` need no packages."""

import argparse
import difflib
import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# The program to run: terraform or tofu. CDKTF's command line reads the same variable.
TERRAFORM = os.environ.get("TERRAFORM_BINARY_NAME") or "terraform"
# Relative to the current directory, as for cdktf.
STACKS = Path("cdktf.out/stacks")

Json = dict[str, Any]


class CommandError(Exception):
    """The reasons why a command cannot do its work, one on each line, with what to do.

    Attributes:
        status: the command's exit status.
    """

    status = 1


class NoStackError(CommandError):
    """There is no synthesized stack of that name."""

    status = 2


def read_stack(name: str, stacks: Path = STACKS) -> Json:
    """Read a synthesized stack from a folder of stacks.

    Raises:
        NoStackError: there is no stack of that name, or its file is not JSON. The message suggests
            the nearest name.
    """
    names = sorted(file.parent.name for file in stacks.glob("*/cdk.tf.json"))
    if not names:
        raise NoStackError("nothing is synthesized; run: make synth")
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        raise NoStackError(f"there is no stack {name!r}; {hint}The stacks are: {', '.join(names)}")
    file = stacks / name / "cdk.tf.json"
    try:
        stack: Json = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise NoStackError(f"{file} cannot be read: {error}; run: make synth") from None
    return stack


def write_whole(file: Path, text: str) -> None:
    """Write the whole file or leave it unchanged; raises OSError."""
    whole = file.resolve()
    draft = whole.with_name(f".{whole.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(whole)
    finally:
        draft.unlink(missing_ok=True)


def command_line(command: str, description: str | None) -> argparse.ArgumentParser:
    """Make the parser of a command's arguments."""
    return argparse.ArgumentParser(prog=f"python -m tools {command}", description=description)


def as_list(value: Any) -> list[Any]:
    """Return a list of the items of a value that is a list, a single item or None."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
