"""DOT to PNG, by what the project's packages bring: no program and no font of the machine."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import resvg_py
from PIL import Image

from tools.common import ROOT, CommandError
from tools.pictures.drawing import FONT

FONTS = ROOT / "node_modules/@expo-google-fonts/open-sans"
SCALE = 2  # for screens with two pixels where others have one

_WEIGHTS = ("400Regular", "600SemiBold")
_STYLE = ".bold text { font-weight: 600 }"


class ToolError(CommandError):
    """A program that is missing or failed, and what to do."""


def png(sources: Mapping[str, str]) -> dict[str, bytes]:
    """Render DOT sources, by name.

    Raises:
        ToolError: a program is missing or fails.
    """
    if not FONTS.is_dir():
        raise ToolError("node_modules lacks what draws: run `make setup`.")
    icons = sorted({icon for dot in sources.values() for icon in re.findall(r'image="(.+?)"', dot)})
    return {name: _rasterize(svg) for name, svg in _svg(sources, icons).items()}


def _svg(sources: Mapping[str, str], icons: list[str]) -> dict[str, str]:
    images = []
    for icon in icons:
        with Image.open(icon) as image:
            width, height = image.size
        images.append({"path": icon, "width": f"{width}px", "height": f"{height}px"})
    try:
        done = subprocess.run(
            ["node", Path(__file__).with_name("graphviz.mjs")],
            input=json.dumps({"sources": dict(sources), "images": images}),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError("There is no Node.js: run it as `make images`.") from error
    if done.returncode:
        raise ToolError(f"Graphviz failed: {done.stderr.strip()}")
    drawn: dict[str, str] = json.loads(done.stdout)
    return drawn


def _rasterize(svg: str) -> bytes:
    rendered = resvg_py.svg_to_bytes(
        svg_string=svg,
        dpi=72,  # Graphviz counts in points
        zoom=SCALE,
        skip_system_fonts=True,
        font_files=[str(FONTS / weight / f"OpenSans_{weight}.ttf") for weight in _WEIGHTS],
        font_family=FONT,
        style_sheet=_STYLE,
    )
    return bytes(rendered)
