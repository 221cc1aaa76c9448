"""Draw the pictures in images/ from what is synthesized and measured."""

import sys
from collections.abc import Mapping
from pathlib import Path

from architectures import ARCHITECTURES
from tools.common import ROOT, command_line
from tools.pictures import architecture, billing, dashboard, exposed, fleet
from tools.pictures.drawing import png
from tools.synthesis import Stack, synthesize

HERE, FOLDER = Path(__file__).parent, ROOT / "images"
# What is synthesized for them.
SETTINGS = tuple(HERE / f"{name}.yaml" for name in ("defaults", "fleet", "billing", "exposed"))

_FILES = {"prom_amp_cost": "architecture_prom_ampcost.png"}


def draw(
    defaults: Mapping[str, Stack],
    of_fleet: Mapping[str, Stack],
    of_bill: Mapping[str, Stack],
    of_exposed: Mapping[str, Stack],
) -> dict[str, bytes]:
    """Draw every picture from the stacks of SETTINGS; by file name.

    Raises:
        PictureError: the stacks have what a picture does not account for.
        CommandError: the font is not installed.
    """
    pictures = {
        _FILES.get(name, f"architecture_{name}.png"): architecture.picture(name, defaults)
        for name in ARCHITECTURES
    }
    pictures["fleet.png"] = fleet.picture(of_fleet)
    pictures["billing.png"] = billing.picture(of_bill)
    pictures["exposed.png"] = exposed.picture(of_exposed)
    drawn = {name: png(picture) for name, picture in pictures.items()}
    return drawn | {"dashboard.png": dashboard.picture()}


def main(arguments: list[str]) -> int:
    """Write every picture. Raises CommandError, and leaves them as they were, if one cannot be."""
    command_line("images", __doc__).parse_args(arguments)
    stacks = []
    for settings in SETTINGS:
        print(f"images: synthesize {settings.relative_to(ROOT)}", file=sys.stderr)
        stacks.append(synthesize(ROOT, settings))
    for name, picture in draw(*stacks).items():
        file = FOLDER / name
        changed = not file.exists() or file.read_bytes() != picture
        file.write_bytes(picture)
        state = "drawn" if changed else "as it was"
        print(f"{file.relative_to(ROOT)}: {len(picture) // 1000} kB, {state}")
    return 0
