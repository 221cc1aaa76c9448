"""Replace the folder of synthesized JSON as a whole or not at all.

A synth writes to a new folder beside it, and renames the files only after all are written. So a
synth that is interrupted, killed, or finds the disk full leaves the last good files as they were.
If two run at once, all files are those of the later one.
"""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

MANIFEST = "manifest.json"

_NEW = ".new-"
# The operating system's error in the text of jsii's exception, as Node.js writes it.
_REFUSED = re.compile(r"\bE[A-Z]{2,}: ([a-z][^,\n]*), [a-z]+")


class OutputError(Exception):
    """The folder cannot be written; the message says why."""


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Provide an empty folder to write to; at the end its files replace those of `folder`.

    Files that are not written again stay: Terraform's files beside a stack, and stacks that the
    settings no longer name.

    Raises:
        OutputError: the folder or a file in it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        new = folder / f"{_NEW}{os.getpid()}"
        new.mkdir()
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {_reason(error)}") from None
    try:
        yield new
        _move(new, folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {_reason(error)}") from None
    except Exception as error:
        # jsii raises Node.js's exception, which has the operating system's error only as text.
        if refused := _REFUSED.search(str(error)):
            raise OutputError(f"{folder} cannot be written: {refused[1]}") from None
        raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def merge(parts: Sequence[Path], folder: Path) -> None:
    """Move what several apps of CDKTF wrote into one empty folder, with one manifest of all stacks.

    Raises:
        OSError: two apps wrote the same stack, or the folder cannot be written.
    """
    manifests = [json.loads((part / MANIFEST).read_text(encoding="utf-8")) for part in parts]
    stacks = {name: stack for each in manifests for name, stack in each["stacks"].items()}
    whole = json.dumps({**manifests[0], "stacks": stacks}, indent=2, sort_keys=True)
    (folder / "stacks").mkdir(exist_ok=True)
    for part in parts:
        for stack in (part / "stacks").iterdir():
            stack.rename(folder / "stacks" / stack.name)
        shutil.rmtree(part)
    (folder / MANIFEST).write_text(whole, encoding="utf-8")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _move(new: Path, folder: Path) -> None:
    written = sorted(file for file in new.rglob("*") if file.is_file())
    # The manifest lists the stacks, so it is moved last.
    written.sort(key=lambda file: file.parent == new)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in written:
            target = folder / file.relative_to(new)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


def _remove_leftovers(folder: Path) -> None:
    """Remove the folders of killed synths, whose processes no longer run."""
    for left in folder.glob(f"{_NEW}*"):
        number = left.name.removeprefix(_NEW)
        if number.isdigit() and not _is_running(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
