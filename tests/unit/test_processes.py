"""The shares of a synth are whole, and its processes end together."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from stacks import processes
from stacks.processes import run_in_processes, shares_of
from tests.conftest import ROOT
from tests.unit.shared_work import ALARM_SECONDS, TWO, be_killed, fail, fail_here, write


@pytest.mark.parametrize("processors", [1, 2, 16, None])
@pytest.mark.parametrize("number", [0, 1, 79, 80, 1000])
def test_shares_are_disjoint_and_whole(
    number: int, processors: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    shares = shares_of(number)
    assert sorted(each for share in shares for each in share.of(range(number))) == [*range(number)]
    assert [share.first for share in shares] == [True] + [False] * (len(shares) - 1)
    assert len({share.name for share in shares}) == len(shares)


def test_few_stacks_are_not_shared_and_many_processors_are_not_all_taken() -> None:
    assert len(shares_of(2 * processes.STACKS_WORTH_A_PROCESS - 1)) == 1
    assert len(shares_of(1_000_000)) <= processes.MOST_PROCESSES


def test_each_share_has_its_process_and_the_first_takes_ctrl_c(tmp_path: Path) -> None:
    run_in_processes(partial(write, tmp_path), TWO)
    (here, keeps_out), (there, keeps_out_there) = (
        (tmp_path / share.name).read_text().split() for share in TWO
    )
    assert int(here) == os.getpid() != int(there)
    assert (keeps_out, keeps_out_there) == ("False", "True")
    assert not psutil.pid_exists(int(there))


@pytest.mark.lengthy
def test_what_failed_elsewhere_is_told() -> None:
    with pytest.raises(RuntimeError, match="ValueError: role and role would share"):
        run_in_processes(fail, TWO)
    with pytest.raises(RuntimeError, match="was killed"):
        run_in_processes(be_killed, TWO)


def test_a_failure_here_ends_the_others() -> None:
    start = time.monotonic()
    with pytest.raises(ValueError, match="here"):
        run_in_processes(fail_here, TWO)
    assert multiprocessing.active_children() == []
    assert time.monotonic() - start < ALARM_SECONDS / 2


PROGRAM = (
    "from stacks.processes import run_in_processes\n"
    "from tests.unit.shared_work import TWO, wait\n"
    "try:\n"
    "    run_in_processes(wait, TWO)\n"
    "except KeyboardInterrupt:\n"
    "    raise SystemExit(130)\n"
)


@pytest.mark.parametrize(
    ("how", "status"), [("interrupted", 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)]
)
def test_however_it_ends_the_others_end_in_silence(how: signal.Signals | str, status: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        assert program.stdout
        started = [int(program.stdout.readline()) for _ in TWO]
        assert len(set(started)) == 2
        if isinstance(how, signal.Signals):
            program.send_signal(how)
        else:
            os.killpg(program.pid, signal.SIGINT)  # as a terminal does at Ctrl-C
        # Both pipes are closed when no process is left.
        _, said = program.communicate(timeout=ALARM_SECONDS / 2)
    assert (program.returncode, said) == (status, "")
