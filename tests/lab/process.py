"""Where the lab runs: a network of its own, and child processes that see the files of a pod."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

BINARIES = Path(__file__).parents[2] / ".lab/bin"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

# With --pdeathsig nothing outlives the tests, however they end.
_IN_POD = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", "-ec"]
_CLONE_NEWNET = 0x40000000  # linux/sched.h; os.unshare and os.setns exist from Python 3.12 only
_libc = ctypes.CDLL(None, use_errno=True)
T = TypeVar("T")


class Process:
    """A child process with its output in `directory`/<name>.log and files mounted as in a pod."""

    def __init__(
        self,
        name: str,
        arguments: list[str | Path],
        directory: Path,
        environment: Mapping[str, str] | None = None,
        mounts: Mapping[str, Path] | None = None,
    ) -> None:
        """Start it. `mounts` maps the path that the process sees to a file or folder."""
        secrets = "/var/run/secrets"
        script = [f"mkdir -p {secrets}", f"mount -t tmpfs lab {secrets}"]
        script += [f"mkdir -p {target}" for target in mounts or () if target.startswith(secrets)]
        script += [f"mount --bind {source} {target}" for target, source in (mounts or {}).items()]
        self.name = name
        self._log = directory / f"{name}.log"
        with self._log.open("wb") as output:
            self._child = subprocess.Popen(
                [*_IN_POD, "\n".join([*script, 'exec "$@"']), name, *map(str, arguments)],
                env={"PATH": os.environ["PATH"], **(environment or {})},
                cwd=directory,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait(self, timeout: float) -> int:
        """Return the exit code; raises subprocess.TimeoutExpired."""
        return self._child.wait(timeout)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def assert_running(self) -> None:
        """Raise RuntimeError, with the end of the log, when it has exited."""
        if self._child.poll() is not None:
            raise RuntimeError(f"{self.name} exited:\n{self.log()[-9000:]}")

    def close(self) -> None:
        """End it: SIGTERM, and SIGKILL after ten seconds."""
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def wait_until(
    condition: Callable[[], T], timeout: float, what: str, process: Process | None = None
) -> T:
    """Poll until `condition` returns something true, and return it; an OSError means "not yet".

    Raises TimeoutError, naming `what` and the last answer, after `timeout` seconds, and
    RuntimeError as soon as `process` has exited.
    """
    deadline = time.monotonic() + timeout
    while True:
        last: object
        try:
            if answer := condition():
                return answer
            last = answer
        except OSError as error:
            last = error
        if process:
            process.assert_running()
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {timeout} s still waiting for {what}; last: {last!r}")
        time.sleep(0.1)


def _succeed(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "cannot change the network namespace: run as root")


@contextmanager
def private_network() -> Iterator[None]:
    """Move this thread, and what it starts, to a network where all of 10.0.0.0/8 is local.

    Nothing outside can be reached. The API server refuses loopback addresses in Endpoints and as
    targets of its node proxy, hence 10.0.0.0/8. Raises OSError unless root.
    """
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    _succeed(_libc.unshare(_CLONE_NEWNET))
    try:
        for command in ("link set lo up", "route add local 10.0.0.0/8 dev lo"):
            subprocess.run(["ip", *command.split()], check=True)
        yield
    finally:
        _succeed(_libc.setns(outside, _CLONE_NEWNET))
        os.close(outside)


@contextmanager
def usual_network() -> Iterator[None]:
    """Go back for a while, within `private_network`, to where the tests were started from."""
    inside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    outside = os.open(f"/proc/{os.getppid()}/ns/net", os.O_RDONLY)
    try:
        _succeed(_libc.setns(outside, _CLONE_NEWNET))
        yield
    finally:
        _succeed(_libc.setns(inside, _CLONE_NEWNET))
        os.close(outside)
        os.close(inside)
