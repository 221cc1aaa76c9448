"""What the processes of test_processes do; it imports little, so that they start soon."""

import os
import signal
from pathlib import Path

from stacks.processes import Share

TWO = [Share(0, 2), Share(1, 2)]
# What nobody ends is ended by an alarm, long after its test has failed.
ALARM_SECONDS = 60


def write(folder: Path, share: Share) -> None:
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    (folder / share.name).write_text(f"{os.getpid()} {signal.SIGINT in blocked}")


def fail(share: Share) -> None:
    if not share.first:
        raise ValueError("role and role would share the address role")


def be_killed(share: Share) -> None:
    if not share.first:
        os.kill(os.getpid(), signal.SIGKILL)


def fail_here(share: Share) -> None:
    if share.first:
        raise ValueError("here")
    signal.alarm(ALARM_SECONDS)
    signal.pause()


def wait(share: Share) -> None:
    signal.alarm(ALARM_SECONDS)
    print(os.getpid(), flush=True)
    signal.pause()
