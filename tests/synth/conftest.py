"""What the tests of `compare` share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from architectures import ARCHITECTURES, synthesis
from settings import Settings
from tests.conftest import SETTINGS_FILES, Synthesize, load_from


@pytest.fixture(scope="session")
def compare_synthesizes_once(
    synthesize: Synthesize, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Let `compare` synthesize the same settings once in all tests."""

    def key_of(settings: Settings) -> tuple[str, ...]:
        return (settings.model_dump_json(), *ARCHITECTURES)

    named = {key_of(load_from(file)): name for name, file in SETTINGS_FILES.items()}
    done: dict[tuple[str, ...], Path] = {}

    def once(settings: Settings, out: Path) -> None:
        key = key_of(settings)
        if key in named:
            done[key] = synthesize(named[key])
        elif key not in done:
            done[key] = tmp_path_factory.mktemp("compared")
            synthesis.synthesize(settings, done[key])
        shutil.copytree(done[key], out, dirs_exist_ok=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tools.compare.stacks.synthesize", once)
        yield
