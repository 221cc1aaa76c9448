"""Ring 2: every address and argument, as committed; `make golden` accepts a change."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.synth.documents import Stack
from tools.documents import readable

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize(
    "settings",
    ["defaults", "turned", "exposed", "existing", "foreign", "fleet", "alerts", "billing"],
)
def test_stacks_are_as_committed(
    settings: str,
    stacks: Callable[[str], dict[str, Stack]],
    request: pytest.FixtureRequest,
) -> None:
    folder = GOLDEN / settings
    written = {
        f"{name}.json": json.dumps(readable(stack), indent=2, sort_keys=True) + "\n"
        for name, stack in stacks(settings).items()
    }
    if request.config.getoption("--update-golden"):
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("*.json"):
            file.unlink()
        for file_name, text in written.items():
            (folder / file_name).write_text(text)
    committed = {file.name: file.read_text() for file in folder.glob("*.json")}
    assert sorted(committed) == sorted(written)
    for file_name, text in written.items():
        assert text == committed[file_name], f"{folder.name}/{file_name}: see make golden"
