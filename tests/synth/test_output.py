"""Ring 2: whatever interrupts a synth, the last good cdktf.out stays whole."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.output import OutputError, replaced
from tests.conftest import ROOT


def tree(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in folder.rglob("*")
        if file.is_file() and file.name != ".lock"
    }


def write(folder: Path, text: str) -> None:
    for name in ("stacks/a/cdk.tf.json", "stacks/b/cdk.tf.json", "manifest.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "cdktf.out"
    with replaced(folder) as new:
        write(new, "good")
    (folder / "stacks/a/.terraform.lock.hcl").write_text("terraform's")
    (folder / "stacks/gone").mkdir()
    (folder / "stacks/gone/cdk.tf.json").write_text("good")
    return folder


def test_what_is_written_replaces_and_the_rest_stays(out: Path) -> None:
    with replaced(out) as new:
        assert list(new.iterdir()) == []
        write(new, "better")
    assert tree(out) == {
        "manifest.json": "better",
        "stacks/a/cdk.tf.json": "better",
        "stacks/b/cdk.tf.json": "better",
        "stacks/a/.terraform.lock.hcl": "terraform's",
        "stacks/gone/cdk.tf.json": "good",
    }
    assert not list(out.glob(".new-*"))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_an_exception_leaves_all_as_it_was(error: type[BaseException], out: Path) -> None:
    before = tree(out)

    def fail() -> None:
        with replaced(out) as new:
            write(new, "half")
            raise error

    with pytest.raises(error):
        fail()
    assert tree(out) == before


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "no space left on device"),
        (RuntimeError("Error: ENOSPC: no space left on device, write\n  at x"), "no space left"),
        (RuntimeError("EDQUOT: disk quota exceeded, open '/x/y'"), "disk quota exceeded"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(error: Exception, said: str, out: Path) -> None:
    before = tree(out)

    def fail() -> None:
        with replaced(out) as new:
            write(new, "half")
            raise error

    with pytest.raises(OutputError, match=f"cannot be written: {said}"):
        fail()
    assert tree(out) == before


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file/cdktf.out", Path("/proc/cdktf.out")):
        with pytest.raises(OutputError, match=r"cannot be written: [a-z ]+$"), replaced(folder):
            pass


def test_what_a_killed_synth_left_is_removed(out: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for number in (gone.pid, os.getppid()):
        (out / f".new-{number}").mkdir()
    with replaced(out) as new:
        write(new, "better")
    assert [file.name for file in out.glob(".new-*")] == [f".new-{os.getppid()}"]


def test_of_two_at_once_one_wins_as_a_whole(out: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from stacks.output import replaced\n"
        "out, text = Path(sys.argv[1]), sys.argv[2]\n"
        "for _ in range(40):\n"
        "    with replaced(out) as new:\n"
        "        for i in range(20):\n"
        "            (new / f'{i}.json').write_text(text * 1000)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(out), text], cwd=ROOT) for text in "xy"
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len({(out / f"{i}.json").read_text() for i in range(20)}) == 1


# Its program stops when all is synthesized, and nothing is moved yet.
SYNTH = (
    "import main, stacks.output, time\n"
    "move = stacks.output._move\n"
    "def slow(new, folder):\n"
    "    print('written', flush=True); time.sleep(60); move(new, folder)\n"
    "stacks.output._move = slow\n"
    "raise SystemExit(main.main())"
)


def environment(folder: Path, settings: str) -> dict[str, str]:
    file = folder / "kubecost.yaml"
    file.write_text(settings)
    return {**os.environ, "KUBECOST_CONFIG": str(file), "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synth")
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py")],
        cwd=folder,
        env=environment(folder, "architectures: [prom]"),
        check=False,
    )
    assert done.returncode == 0
    return folder


@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_a_synth_that_is_ended_leaves_all_as_it_was(
    signalled: signal.Signals, synthesized: Path
) -> None:
    before = {name: text for name, text in tree(synthesized).items() if "/.new-" not in name}
    running = subprocess.Popen(
        [sys.executable, "-c", SYNTH],
        cwd=synthesized,
        env=environment(synthesized, "{name: other, architectures: [prom]}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout
    assert running.stdout.readline() == "written\n"
    running.send_signal(signalled)
    _, said = running.communicate(timeout=60)
    assert running.returncode == (130 if signalled == signal.SIGINT else -signalled)
    assert "Traceback" not in said
    after = {name: text for name, text in tree(synthesized).items() if "/.new-" not in name}
    assert {**after, "kubecost.yaml": ""} == {**before, "kubecost.yaml": ""}
    json.loads((synthesized / "cdktf.out/stacks/prom/cdk.tf.json").read_text())


# Node.js, which jsii started by then, may write no more than 4,096 bytes into a file from here on.
FULL = (
    "import contextlib, psutil, resource\n"
    "import architectures.app, stacks.output\n"
    "replaced = stacks.output.replaced\n"
    "@contextlib.contextmanager\n"
    "def full(folder):\n"
    "    with replaced(folder) as new:\n"
    "        for each in psutil.Process().children(recursive=True):\n"
    "            resource.prlimit(each.pid, resource.RLIMIT_FSIZE, (4096, 4096))\n"
    "        yield new\n"
    "stacks.output.replaced = full\n"
    "import main\n"
    "raise SystemExit(main.main())"
)


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_a_full_disk_is_one_sentence(synthesized: Path) -> None:
    before = {name: text for name, text in tree(synthesized).items() if "/.new-" not in name}
    done = subprocess.run(
        [sys.executable, "-c", FULL],
        cwd=synthesized,
        env=environment(synthesized, "architectures: [prom]"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        "synth: cdktf.out cannot be written: file too large\n",
    )
    assert {**tree(synthesized), "kubecost.yaml": ""} == {**before, "kubecost.yaml": ""}
