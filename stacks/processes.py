"""Share the work of a large fleet among processes, each with a Node.js of its own."""

import os
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from typing import NamedTuple, TypeVar

# A process starts in the time of 30 stacks, and takes some 300 MiB (`make bench`).
STACKS_WORTH_A_PROCESS = 40
MOST_PROCESSES = 4

T = TypeVar("T")


class Share(NamedTuple):
    """The share of one process: every `total`-th of what there is, from `number` on."""

    number: int
    total: int

    @property
    def name(self) -> str:
        """Name a folder for the share."""
        return f"share-{self.number}"

    @property
    def first(self) -> bool:
        """Whether it is the share with what there is once."""
        return self.number == 0

    def of(self, all: Sequence[T]) -> Sequence[T]:
        """Pick what belongs to the share."""
        return all[self.number :: self.total]


def shares_of(stacks: int) -> list[Share]:
    """Give the shares in which a number of stacks is synthesized soonest."""
    most = min(os.cpu_count() or 1, MOST_PROCESSES)
    count = max(1, min(most, stacks // STACKS_WORTH_A_PROCESS))
    return [Share(number, count) for number in range(count)]


def run_in_processes(work: Callable[[Share], None], shares: Sequence[Share]) -> None:
    """Call `work` with each share: with the first here, with each other in a new process.

    The other processes end with this one, however it ends.

    Raises:
        RuntimeError: another process failed, with its traceback, or was killed.
    """
    spawn = get_context("spawn")  # a fork would share the Node.js of this process
    others = []
    try:
        for share in shares[1:]:
            receiver, sender = spawn.Pipe(duplex=False)
            process = spawn.Process(target=_run, args=(partial(work, share), sender), daemon=True)
            resource_tracker.ensure_running()  # when it starts, it unblocks signals
            # Ctrl-C reaches all processes of a terminal; only this one is to take it.
            taken = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, taken)
            sender.close()
            others.append((process, receiver))
        work(shares[0])
        for _, receiver in others:
            _await(receiver)
    finally:
        for process, _ in others:
            process.terminate()
            process.join()


def _await(receiver: Connection) -> None:
    try:
        failure = receiver.recv()
    except EOFError:
        failure = "a process that synthesized a part of the stacks was killed"
    if failure:
        raise RuntimeError(failure)


def _run(work: Callable[[], None], sender: Connection) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    failure = None
    try:
        work()
    except Exception:
        failure = traceback.format_exc()
    sender.send(failure)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    parent.join()
    os._exit(1)
