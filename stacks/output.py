"""The folder of synthesized JSON, which is changed as a whole or not at all.

Whoever synthesizes writes beside it. Only when every file is there are they moved, by renames.
So a synth that is interrupted, killed, or finds the disk full leaves the last good files as they
were, and of two at once the later one wins as a whole.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW = ".new-"
# How Node.js says what the operating system refused, in the text of jsii's exception.
_REFUSED = re.compile(r"\bE[A-Z]{2,}: ([a-z][^,\n]*), [a-z]+")


class OutputError(Exception):
    """The folder cannot be written, and why."""


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write to, whose files replace those of `folder` at the end.

    Files that are not written again stay: what Terraform keeps beside a stack, and the stacks that
    are no longer asked for.

    Raises:
        OutputError: the folder, or what is written to it, cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_what_others_left(folder)
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
        # jsii gives what Node.js threw: of the operating system's refusals, only a text.
        if refused := _REFUSED.search(str(error)):
            raise OutputError(f"{folder} cannot be written: {refused[1]}") from None
        raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _move(new: Path, folder: Path) -> None:
    written = sorted(file for file in new.rglob("*") if file.is_file())
    # The manifest says which stacks there are: it goes last.
    written.sort(key=lambda file: file.parent == new)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in written:
            target = folder / file.relative_to(new)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


def _remove_what_others_left(folder: Path) -> None:
    """Remove what a killed synth left, whose process is no more."""
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
