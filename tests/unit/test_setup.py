"""Ring 1: what the installers are told, and what a person is told of them."""

import re
import sys

import pytest

from tools import setup
from tools.common import ROOT, CommandError

LOCK = {
    "default": {"yaml": {"version": "==6.0", "hashes": ["sha256:aa", "sha256:bb"]}},
    "develop": {
        "moto": {
            "version": "==5.2",
            "extras": ["s3", "server"],
            "markers": "python_version >= '3.10'",
            "hashes": ["sha256:cc"],
        },
        "yaml": {"version": "==6.0", "hashes": ["sha256:aa", "sha256:bb"]},
    },
}
YAML = "yaml==6.0 --hash=sha256:aa --hash=sha256:bb"
MOTO = "moto[s3,server]==5.2 ; python_version >= '3.10' --hash=sha256:cc"


@pytest.mark.parametrize(
    ("sections", "lines"), [(["default"], [YAML]), (["default", "develop"], [MOTO, YAML])]
)
def test_a_lock_is_written_with_its_hashes(sections: list[str], lines: list[str]) -> None:
    assert list(setup.requirements(LOCK, sections)) == lines


@pytest.mark.parametrize("everything", [False, True])
def test_the_fork_replaces_cdktf_and_nothing_else(everything: bool) -> None:
    ours = set(setup.locked(setup.CDKTF, everything=everything))
    fork = set(setup.locked(setup.CDKTN, everything=everything))
    assert {line.partition("==")[0] for line in ours - fork} == {
        "cdktf",
        *(f"cdktf-cdktf-provider-{name}" for name in ("aws", "helm", "kubernetes")),
    }
    assert {line.partition("==")[0] for line in fork - ours} == {
        "cdktn",
        *(f"cdktn-provider-{name}" for name in ("aws", "helm", "kubernetes")),
    }
    assert all("--hash=sha256:" in line for line in fork)


def test_a_mirror_that_pip_knows_is_told_to_uv() -> None:
    settings = (
        ":env:.index-url='https://mirror.example/simple'\n"
        "global.extra-index-url='\\nhttps://a.example\\nhttps://b.example'\n"
        "global.timeout='60'\n"
    )
    assert setup.from_pip(settings) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://a.example https://b.example",
    }


def test_a_step_tells_its_time_and_keeps_the_noise(capsys: pytest.CaptureFixture[str]) -> None:
    with setup.step("nothing of note"):
        setup.run(sys.executable, "-c", "print('noise')")
    assert re.fullmatch(r"setup: nothing of note \.\.\. \d+ s\n", capsys.readouterr().out)


def test_what_an_installer_says_is_shown_when_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match=r"^no route to host\nIf the download failed"):  # noqa: SIM117
        with setup.step("a package"):
            setup.run(sys.executable, "-c", "import sys; sys.exit('no route to host')")
    assert capsys.readouterr().out == "setup: a package ... failed\n"


@pytest.mark.parametrize("name", ["uv", "pipenv"])
def test_what_installs_packages_is_locked_by_digest(name: str) -> None:
    text = (ROOT / f"tools/locked/{name}.txt").read_text()
    versions = {
        "uv": setup.UV_VERSION,
        "pipenv": re.findall(r"PIPENV_VERSION := (\S+)", (ROOT / "Makefile").read_text())[0],
    }
    packages = re.split(r"\n(?=\S)", text.strip())
    assert any(each.startswith(f"{name}=={versions[name]} ") for each in packages)
    assert all("--hash=sha256:" in each for each in packages)
