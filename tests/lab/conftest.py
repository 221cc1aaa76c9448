"""Fixtures of the lab."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import trustme

from tests.conftest import Stack, read_stacks, synthesize_into
from tests.lab.amp import Amp
from tests.lab.process import BINARIES, private_network
from tests.lab.world import World, build

NewPath = Callable[[], Path]
NewAmp = Callable[..., Amp]


@pytest.fixture(scope="session")
def new_path(tmp_path_factory: pytest.TempPathFactory) -> NewPath:
    """Return a function that makes an empty folder."""
    return lambda: tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def lab_stacks(new_path: NewPath) -> dict[str, Stack]:
    """Return the stacks of settings.yaml beside this file, red's from settings_abroad.yaml."""

    def read(name: str) -> dict[str, Stack]:
        return read_stacks(synthesize_into(new_path(), Path(__file__).with_name(name)))

    abroad = read("settings_abroad.yaml")
    return read("settings.yaml") | {
        name: stack for name, stack in abroad.items() if name.endswith("-red")
    }


@pytest.fixture(scope="session")
def ca() -> Iterator[trustme.CA]:
    """Return the authority that everything in the lab's network trusts, while in that network."""
    if not (BINARIES / "otelcol").exists():
        pytest.fail("the lab's programs are missing: run `make lab`", pytrace=False)
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: sudo --preserve-env=PATH make test-lab", pytrace=False)
    with private_network():
        yield trustme.CA()


@pytest.fixture(scope="session")
def world(lab_stacks: dict[str, Stack], ca: trustme.CA, new_path: NewPath) -> Iterator[World]:
    """Return the clusters with all collectors running."""
    with ExitStack() as running:
        yield build(running, lab_stacks, new_path, ca)


@pytest.fixture
def new_amp(ca: trustme.CA, new_path: NewPath) -> Iterator[NewAmp]:
    """Return a function that makes an empty workspace, as Amp does."""
    with ExitStack() as running:
        yield lambda *a, **k: running.enter_context(closing(Amp(new_path(), ca, *a, **k)))
