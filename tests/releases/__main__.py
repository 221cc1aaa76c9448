"""Keep what the version of CHANGELOG.md synthesizes: `python -m tests.releases`."""

import shutil
import tempfile
from pathlib import Path

from tests.releases import FOLDER, Released, released
from tools import release

version, _ = release.newest(release.CHANGELOG.read_text(encoding="utf-8"))
last = [each for each in released() if each.version != version][-1].version
folder = FOLDER / version
folder.mkdir(exist_ok=True)
for before in released():
    if before.version == last:
        now = Released(version, folder / before.settings.name)
        if not now.settings.exists():
            shutil.copyfile(before.settings, now.settings)
        with tempfile.TemporaryDirectory() as out:
            now.keep(now.stacks_now(Path(out)))
        print(f"{now.file.relative_to(FOLDER)} is written")
