"""All pictures, each as the file that it is."""

from collections.abc import Mapping
from pathlib import Path

from architectures import ARCHITECTURES
from tools.diff import Stack
from tools.pictures import architecture, fleet
from tools.pictures.drawing import dot
from tools.pictures.rendering import png

HERE, FOLDER = Path(__file__).parent, Path(__file__).parents[2] / "images"
# What is synthesized for them.
DEFAULTS, FLEET = HERE / "defaults.yaml", HERE / "fleet.yaml"

_FILES = {"prom_amp_cost": "architecture_prom_ampcost.png"}


def draw(defaults: Mapping[str, Stack], of_fleet: Mapping[str, Stack]) -> dict[str, bytes]:
    """Draw every picture from the stacks of DEFAULTS and FLEET; by file name.

    Raises:
        PictureError: the stacks have what a picture does not account for.
        ToolError: a program that draws is missing or fails.
    """
    sources = {
        _FILES.get(name, f"architecture_{name}.png"): dot(architecture.picture(name, defaults))
        for name in ARCHITECTURES
    }
    return png(sources | {"fleet.png": dot(fleet.picture(of_fleet))})
