"""The fees as stacked bars, in a picture that is the same bytes each time."""

from collections.abc import Iterator, Sequence
from math import log10

from tools.canvas import (
    GREY,
    LETTER,
    MUTED,
    WIDTH,
    card,
    heading,
    line,
    png,
    rectangle,
    text,
)
from tools.compare.estimate import Estimate
from tools.compare.fleet import Fleet
from tools.compare.table import COLUMNS, money

FORMATS = (".png", ".svg")
# Of the other pictures: what is written, kept and queried, the managed scraper, the rest.
COLORS = ("#c2410c", "#f0a868", "#0550ae", "#c7196b", GREY, "#7d4ad8")

_LEFT, _TOP, _ROW, _BAR = 132, 90, 44, 26
_RIGHT = WIDTH - 100  # room for the longest bar's total


def draw(estimates: Sequence[Estimate], fleet: Fleet, suffix: str) -> bytes:
    """Draw a bar for each architecture, as a file of FORMATS.

    Raises:
        CommandError: the font of the .png is not installed.
    """
    bottom = _TOP + _ROW * len(estimates)
    longest = max(each.total.usd for each in estimates)
    step = _round_step(longest)
    scale = (_RIGHT - _LEFT) / (longest or 1)
    shapes = heading("costs", f"US$ per month: {fleet}, in {fleet.region}.")
    for tick in range(int(longest / step) + 1):
        x = _LEFT + tick * step * scale
        shapes.append(line([(x, _TOP), (x, bottom)], color="#d8dee4"))
        shapes.append(text((x, bottom + 14), f"{tick * step:g}", align="center", color=MUTED))
    for row, each in enumerate(estimates):
        y = _TOP + _ROW * (row + 0.5)
        shapes.append(text((_LEFT - 10, y), each.architecture.name, align="right", bold=True))
        shapes += _bar(each, y, scale)
    shapes += _legend(estimates, bottom + 44)
    svg = card(bottom + 66, shapes)
    return png(svg) if suffix == ".png" else svg.encode()


def _bar(estimate: Estimate, y: float, scale: float) -> Iterator[str]:
    x: float = _LEFT
    for column, color in zip(COLUMNS, COLORS, strict=False):
        width = estimate.parts[column].usd * scale
        yield rectangle((x, y - _BAR / 2), (width, _BAR), fill=color)
        x += width
    total = f"${money(estimate.total)}"
    # What hides the lines of the scale behind the number.
    yield rectangle((x, y - 10), (LETTER * len(total) + 12, 20), fill="#ffffff")
    yield text((x + 6, y), total, bold=True)


def _legend(estimates: Sequence[Estimate], y: float) -> Iterator[str]:
    x = 24.0
    for (column, words), color in zip(COLUMNS.items(), COLORS, strict=False):
        if any(each.parts[column].usd for each in estimates):
            title = " ".join(words)
            yield rectangle((x, y - 6), (12, 12), fill=color, radius=2)
            yield text((x + 18, y), title)
            x += 44 + LETTER * len(title)


def _round_step(longest: float) -> float:
    """Choose 1, 2 or 5 times a power of ten, so that four to ten steps are the longest bar."""
    power: float = 10 ** int(log10(max(longest, 1)))
    return next(step for step in (power / 5, power / 2, power) if longest / step <= 10)
