"""What the processes of test_processes do; it imports little, so that they start soon."""

import os
import signal
from pathlib import Path

from stacks.processes import Share

TWO = [Share(0, 2), Share(1, 2)]


def write(folder: Path, share: Share) -> None:
    (folder / share.name).write_text(str(os.getpid()))


def fail(share: Share) -> None:
    if not share.first:
        raise ValueError("role and role would share the address role")


def be_killed(share: Share) -> None:
    if not share.first:
        os.kill(os.getpid(), signal.SIGKILL)


def fail_here(share: Share) -> None:
    if share.first:
        raise ValueError("here")
    signal.pause()


def wait(share: Share) -> None:
    print(os.getpid(), flush=True)
    signal.pause()
