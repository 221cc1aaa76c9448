"""Shapes as SVG, and SVG as PNG, with one font and one frame: what all pictures have in common.

No font and no program of the machine is used, so the same shapes give the same bytes.
"""

from collections.abc import Iterable, Sequence
from html import escape

import resvg_py

from tools.common import ROOT, CommandError

# Pixels, from the upper left corner.
Point = tuple[float, float]

FONT = "Open Sans"
FONTS = ROOT / "node_modules/@expo-google-fonts/open-sans"
WEIGHTS = ("400Regular", "600SemiBold")
LETTER = 6.2  # mean width in text of size 12
LINE_HEIGHT = 1.25
# A README's column is 830 wide on GitHub.
WIDTH = 830
TITLE_AT, TITLE_SIZE = (24, 30), 19
SUMMARY_AT, SUMMARY_SIZE = (24, 56), 14
INK, MUTED, GREY = "#1f2328", "#57606a", "#8c959f"

_SCALE = 2  # for screens with two pixels where others have one
_ANCHORS = {"left": "start", "center": "middle", "right": "end"}


def png(svg: str) -> bytes:
    """Draw an SVG.

    Raises:
        CommandError: the font is not installed.
    """
    if not FONTS.is_dir():
        raise CommandError("node_modules lacks the font; run: make setup")
    drawn = resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=_SCALE,
        skip_system_fonts=True,
        font_files=[str(FONTS / weight / f"OpenSans_{weight}.ttf") for weight in WEIGHTS],
        font_family=FONT,
    )
    return bytes(drawn)


def card(height: float, shapes: Iterable[str], *, fill: str = "#ffffff") -> str:
    """Write an SVG of shapes on a card, which is opaque for light and dark pages."""
    frame = rectangle((0.5, 0.5), (WIDTH - 1, height - 1), fill=fill, stroke=GREY, radius=12)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}"'
    body = "\n".join([frame, *shapes])
    return f'{head} font-family="{FONT}, sans-serif">\n{body}\n</svg>\n'


def heading(title: str, summary: str) -> list[str]:
    """Write what stands at the top of each picture."""
    return [
        text(TITLE_AT, title, bold=True, size=TITLE_SIZE),
        text(SUMMARY_AT, summary, size=SUMMARY_SIZE, color=MUTED),
    ]


def text(
    at: Point,
    words: str,
    *,
    align: str = "left",
    bold: bool = False,
    color: str = INK,
    size: float = 12,
) -> str:
    """Write a line of text, `at` its end or center by `align`, half-way up."""
    (x, y), weight = at, 600 if bold else 400
    return (
        f'<text x="{x:g}" y="{y + 0.35 * size:g}" font-size="{size:g}" font-weight="{weight}"'
        f' fill="{color}" text-anchor="{_ANCHORS[align]}">{escape(words)}</text>'
    )


def rectangle(
    corner: Point, size: Point, *, fill: str, stroke: str = "none", radius: float = 0
) -> str:
    """Draw a rectangle from its upper left corner."""
    (x, y), (width, height) = corner, size
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"'
        f' fill="{fill}" stroke="{stroke}"/>'
    )


def line(points: Sequence[Point], *, color: str, width: float = 1, dashes: str = "none") -> str:
    """Draw lines from point to point."""
    return (
        f'<polyline points="{_joined(points)}" fill="none" stroke="{color}"'
        f' stroke-width="{width:g}" stroke-linejoin="round" stroke-dasharray="{dashes}"/>'
    )


def area(points: Sequence[Point], *, fill: str, opacity: float) -> str:
    """Fill what lines from point to point enclose."""
    return f'<polygon points="{_joined(points)}" fill="{fill}" fill-opacity="{opacity:g}"/>'


def _joined(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
