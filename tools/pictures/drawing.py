"""A picture as SVG and as PNG, by what the project's packages bring: no font of the machine."""

import base64
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import diagrams
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tools import canvas
from tools.canvas import (
    FONT,
    LETTER,
    LINE_HEIGHT,
    MUTED,
    SUMMARY_AT,
    SUMMARY_SIZE,
    TITLE_AT,
    TITLE_SIZE,
    WIDTH,
    Point,
)
from tools.pictures.picture import (
    DELIVER,
    LOGIN,
    QUERY,
    SCRAPE,
    SET_UP,
    WRITE,
    Box,
    Flow,
    Item,
    Mark,
    Part,
    Picture,
    Text,
)

_ARROW = 8
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)


def svg(picture: Picture) -> str:
    """Write a picture as SVG; the same picture gives the same text."""
    card = Box((0.5, 0.5), (WIDTH - 1, picture.height - 1))
    boxes = [card, *(item for item in picture.items if isinstance(item, Box))]
    titles = [item for box in boxes for item in _title(box)]
    items = [*titles, *_heading(picture), *picture.items, *_legend(picture)]
    flows = [item for item in items if isinstance(item, Flow)]
    return _TEMPLATES.get_template("picture.svg.j2").render(
        width=WIDTH,
        height=picture.height,
        font=FONT,
        line_height=LINE_HEIGHT,
        arrow=_ARROW,
        kinds=dict.fromkeys(flow.kind for flow in flows),
        boxes=boxes,
        flows=flows,
        parts=[item for item in items if isinstance(item, Part)],
        texts=[item for item in items if isinstance(item, Text)],
        icon=_icon,
        shortened=_shortened,
    )


def png(picture: Picture) -> bytes:
    """Draw a picture.

    Raises:
        CommandError: the font is not installed.
    """
    return canvas.png(svg(picture))


@cache
def _icon(icon: type[diagrams.Node] | Mark) -> str:
    """Give a mark, or an icon of the package diagrams, as an address that holds it."""
    if isinstance(icon, Mark):
        return f"data:image/svg+xml;base64,{base64.b64encode(icon.svg.encode()).decode()}"
    file = Path(diagrams.__file__).parents[1] / icon._icon_dir / icon._icon
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"


def _shortened(points: Sequence[Point]) -> list[Point]:
    """End a line where the head of its arrow begins."""
    *others, (x, y), (tip_x, tip_y) = points
    length = abs(tip_x - x) + abs(tip_y - y)  # lines are level or upright
    rest = (length - _ARROW) / length
    return [*others, (x, y), (x + (tip_x - x) * rest, y + (tip_y - y) * rest)]


def _heading(picture: Picture) -> Iterator[Text]:
    yield Text(TITLE_AT, picture.title, align="left", bold=True, size=TITLE_SIZE)
    yield Text(SUMMARY_AT, picture.summary, align="left", size=SUMMARY_SIZE, color=MUTED)


def _title(box: Box) -> Iterator[Item]:
    (left, top), inset = box.corner, 30 if box.frame.icon else 8
    if box.frame.icon:
        yield Part("", box.frame.icon, (left + 15, top + 14), size=18)
    at = (left + inset, top + 14)
    yield Text(at, box.title, align="left", bold=True, color=box.frame.border)


def _legend(picture: Picture) -> Iterator[Item]:
    """Explain the arrows and the small icons that are in the picture."""
    left, y = 24.0, picture.height - 24
    kinds = {item.kind for item in picture.items if isinstance(item, Flow)}
    for kind in (SCRAPE, WRITE, DELIVER, QUERY, LOGIN, SET_UP):
        if kind in kinds:
            yield Flow(kind, "", "", ((left, y), (left + 34, y)))
            yield Text((left + 42, y), kind.title, align="left", color=kind.color)
            left += 66 + LETTER * len(kind.title)
    used = {item.icon for item in picture.items if isinstance(item, Part)}
    for icon, title in picture.icons.items():
        if icon in used:
            yield Part("", icon, (left + 9, y), size=20)
            yield Text((left + 24, y), title, align="left")
            left += 48 + LETTER * len(title)
    rule = "Arrows start at who acts."
    yield Text((WIDTH - 24, y), rule, align="right", color=MUTED)
