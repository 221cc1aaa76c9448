"""Draw the pictures; run by `make images`."""

import sys

from tools.diff import ROOT, SynthError, synthesize
from tools.pictures.gallery import DEFAULTS, FLEET, FOLDER, draw
from tools.pictures.picture import PictureError
from tools.pictures.rendering import ToolError


def main() -> int:
    """Write every picture, or say what is wrong and leave them as they were; 1 if anything is."""
    try:
        stacks = []
        for settings in (DEFAULTS, FLEET):
            print(f"images: synthesize {settings.relative_to(ROOT)}", file=sys.stderr)
            stacks.append(synthesize(ROOT, settings))
        drawn = draw(*stacks)
    except (PictureError, SynthError, ToolError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, picture in drawn.items():
        file = FOLDER / name
        changed = not file.exists() or file.read_bytes() != picture
        file.write_bytes(picture)
        state = "drawn" if changed else "as it was"
        print(f"{file.relative_to(ROOT)}: {len(picture) // 1000} kB, {state}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
