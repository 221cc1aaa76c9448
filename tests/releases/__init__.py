"""What each release synthesized, so that an update to now can be tested.

`<version>/<name>.yaml` are settings of that release, `<version>/<name>.json.gz` the stacks that
it made of them. `make keep-release` adds the version of CHANGELOG.md, before it is tagged.
"""

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import Stack, read_stacks, synthesize_into

FOLDER = Path(__file__).parent


class Released(NamedTuple):
    """Stacks that a release made of a settings file, as that release reads it."""

    version: str
    settings: Path

    @property
    def file(self) -> Path:
        return self.settings.with_suffix(".json.gz")

    def stacks(self) -> dict[str, Stack]:
        stacks: dict[str, Stack] = json.loads(gzip.decompress(self.file.read_bytes()))
        return stacks

    def stacks_now(self, folder: Path) -> dict[str, Stack]:
        """Give what the code as it is makes of the same settings."""
        return read_stacks(synthesize_into(folder, self.settings))

    def keep(self, stacks: dict[str, Any]) -> None:
        text = json.dumps(stacks, sort_keys=True, separators=(",", ":"))
        self.file.write_bytes(gzip.compress(text.encode(), mtime=0))

    def __str__(self) -> str:
        return f"{self.version}-{self.settings.stem}"


def released() -> list[Released]:
    """Give what is kept of all releases, the oldest first."""
    found = [Released(file.parent.name, file) for file in FOLDER.glob("*/*.yaml")]
    return sorted(found, key=lambda each: ([*map(int, each.version.split("."))], each.settings))
