"""What the tests of `compare` share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from architectures import ARCHITECTURES
from architectures.synthesis import synthesize
from settings import Settings


@pytest.fixture(scope="session")
def compare_synthesizes_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let `compare` synthesize the same settings once in all tests."""
    done: dict[object, Path] = {}

    def once(settings: Settings, out: Path) -> None:
        key = (settings.model_dump_json(), *ARCHITECTURES)
        if key not in done:
            done[key] = tmp_path_factory.mktemp("compared")
            synthesize(settings, done[key])
        shutil.copytree(done[key], out, dirs_exist_ok=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tools.compare.stacks.synthesize", once)
        yield
