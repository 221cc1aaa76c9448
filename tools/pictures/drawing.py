"""A picture as DOT, the language of Graphviz, with everything at a fixed place."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from diagrams import Cluster, Diagram, Edge, Node, setdiagram

from tools.pictures.picture import (
    MUTED,
    QUERY,
    SCRAPE,
    WIDTH,
    WRITE,
    Box,
    Flow,
    Kind,
    Part,
    Picture,
    Point,
    Text,
)

FONT = "Open Sans"
LINE_HEIGHT = 1.25  # Graphviz's 1.2 and a little air

_POINTS_PER_INCH = 72
_ARROW = 8
_LETTER = 6.2  # mean width in text of size 12


class _Source(Diagram):  # type: ignore[misc]
    """A diagram that is not rendered by Graphviz's own program, which may not be there."""

    def __exit__(self, *_: object) -> None:
        setdiagram(None)


def dot(picture: Picture) -> str:
    """Write the DOT source of a picture; the same picture gives the same text."""
    draw = _Pen(picture.height)
    with _Source(
        picture.title,
        show=False,
        graph_attr={
            "label": "",
            "pad": "0",
            "bgcolor": "transparent",
            "outputorder": "edgesfirst",
            "bb": f"0,0,{WIDTH},{picture.height}",
        },
        node_attr={"fontname": FONT, "margin": "0"},
    ) as diagram:
        with draw.frame(Box(corner=(0, 0), size=(WIDTH, picture.height))):
            pass
        nodes: dict[str, Node] = {}
        for item in picture.items:
            if isinstance(item, Box):
                with draw.frame(item):
                    pass
                draw.title(item)
            elif isinstance(item, Part):
                nodes[item.id] = draw.icon(item.icon, item.at, item.size)
            elif isinstance(item, Text):
                draw.text(item)
        for item in picture.items:
            if isinstance(item, Flow):
                draw.arrow(item.kind, item.points, nodes[item.start], nodes[item.end])
        draw.legend(picture)
    return str(diagram.dot.source)


class _Pen:
    """Draws in a diagram that is open; counts what it draws, to name it the same each time."""

    def __init__(self, height: float) -> None:
        self._height = height
        self._drawn = 0

    @contextmanager
    def frame(self, box: Box) -> Iterator[None]:
        (left, top), (width, height) = box.corner, box.size
        lower, upper = self._place((left, top + height)), self._place((left + width, top))
        attributes = {
            "label": "",
            "bb": f"{lower},{upper}",
            "pencolor": box.border,
            "bgcolor": "",
            "fillcolor": box.fill,
            "style": "rounded,filled" + (",dashed" if box.dashed else ""),
        }
        with Cluster(self._name(), graph_attr=attributes):
            yield

    def title(self, box: Box) -> None:
        (left, top), inset = box.corner, 8.0
        if box.icon:
            self.icon(box.icon, (left + 15, top + 14), 18)
            inset = 30
        if box.title:
            self.text(
                Text(
                    at=(left + inset, top + 14),
                    text=box.title,
                    align="left",
                    bold=True,
                    color=box.border,
                )
            )

    def icon(self, icon: type[Node], at: Point, size: float) -> Node:
        side = str(size / _POINTS_PER_INCH)
        return icon("", nodeid=self._name(), pos=self._place(at), width=side, height=side)

    def text(self, text: Text) -> None:
        lines = text.text.split("\n")
        x, y = text.at
        # The node reaches from the anchor to the picture's edge; Graphviz aligns the text in it.
        width, shift, end = {
            "left": (WIDTH - x, 0.5, r"\l"),
            "center": (2 * min(x, WIDTH - x), 0, r"\n"),
            "right": (x, -0.5, r"\r"),
        }[text.align]
        Node(
            "".join(line + end for line in lines),
            nodeid=self._name(),
            pos=self._place(
                (x + width * shift, y + (len(lines) - 1) * text.size * LINE_HEIGHT / 2)
            ),
            shape="none",
            width=str(width / _POINTS_PER_INCH),
            height="0",
            labelloc="c",
            fontsize=str(text.size),
            fontcolor=text.color,
            **{"class": "bold" if text.bold else "regular"},
        )

    def arrow(self, kind: Kind, points: Sequence[Point], start: Node, end: Node) -> None:
        *_, before, tip = points
        length = max(abs(tip[0] - before[0]), abs(tip[1] - before[1]))
        neck = tuple(
            b + (t - b) * (length - _ARROW) / length for t, b in zip(tip, before, strict=True)
        )
        corners = [*points[:-1], (neck[0], neck[1])]
        # A straight line is a Bézier curve whose controls are its ends.
        path = [corners[0]]
        for one, other in pairwise(corners):
            path += [one, other, other]
        edge = Edge(
            pos=f"e,{self._place(tip)} " + " ".join(map(self._place, path)),
            color=kind.color,
            style=kind.style,
            penwidth=str(kind.width),
            arrowsize=str(_ARROW / 10),
        )
        start >> edge >> end

    def legend(self, picture: Picture) -> None:
        """Explain the arrows and the small icons that are in the picture."""
        left, y = 24.0, picture.height - 24
        kinds = {item.kind for item in picture.items if isinstance(item, Flow)}
        for kind in (SCRAPE, WRITE, QUERY):
            if kind in kinds:
                ends = [(left, y), (left + 34, y)]
                self.arrow(kind, ends, *map(self._end, ends))
                self.text(Text(at=(left + 42, y), text=kind.title, align="left", color=kind.color))
                left += 66 + _LETTER * len(kind.title)
        used = {item.icon for item in picture.items if isinstance(item, Part)}
        for icon, title in picture.icons.items():
            if icon in used:
                self.icon(icon, (left + 9, y), 20)
                self.text(Text(at=(left + 24, y), text=title, align="left"))
                left += 48 + _LETTER * len(title)
        rule = "Arrows start at who acts."
        self.text(Text(at=(WIDTH - 24, y), text=rule, align="right", color=MUTED))

    def _end(self, at: Point) -> Node:
        return Node(
            "", nodeid=self._name(), pos=self._place(at), shape="none", width="0", height="0"
        )

    def _place(self, point: Point) -> str:
        """Write a point as Graphviz counts: from below."""
        return f"{point[0]:g},{self._height - point[1]:g}"

    def _name(self) -> str:
        self._drawn += 1
        return f"n{self._drawn}"
