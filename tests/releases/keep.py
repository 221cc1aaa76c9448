"""Keep what the version of CHANGELOG.md synthesizes, before it is tagged: `make keep-release`."""

import shutil
import tempfile
from pathlib import Path

from tests.releases import FOLDER, Released, released
from tools import release


def main(_: list[str]) -> int:
    """Write the stacks of the settings files of the release before, which may be edited first."""
    version, _notes = release.newest(release.CHANGELOG.read_text(encoding="utf-8"))
    last = [each for each in released() if each.version != version][-1].version
    (FOLDER / version).mkdir(exist_ok=True)
    for before in released():
        if before.version != last:
            continue
        now = Released(version, FOLDER / version / before.settings.name)
        if not now.settings.exists():
            shutil.copyfile(before.settings, now.settings)
        with tempfile.TemporaryDirectory() as out:
            now.keep(now.stacks_now(Path(out)))
        print(f"keep-release: {now.file.relative_to(FOLDER)}")
    return 0
