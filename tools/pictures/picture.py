"""What pictures are made of, and the rule by which a picture shows what the stacks have."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from diagrams import Node
from diagrams.aws.security import IdentityAndAccessManagementIamRole
from diagrams.aws.storage import ElasticBlockStoreEBSVolume

from tools.canvas import GREY, INK, MUTED, Point
from tools.common import CommandError

# The colors of AWS's and Kubernetes's icons, dark enough for text on white.
NETWORK, EKS, AMP, KUBERNETES = "#7d4ad8", "#b85300", "#c7196b", "#326ce5"

# Small icons that need a legend.
ROLE, VOLUME = IdentityAndAccessManagementIamRole, ElasticBlockStoreEBSVolume


class PictureError(CommandError):
    """What keeps a picture from being true, a line each."""


class Mark(NamedTuple):
    """An icon of our own, for what the package diagrams has none of."""

    svg: str


class Kind(NamedTuple):
    """How a kind of arrow looks, and what it is called; it leads from the one who acts."""

    title: str
    color: str
    width: float
    dashed: bool = False


SCRAPE = Kind("scrape", "#1a7f37", 1.8, dashed=True)
WRITE = Kind("remote write", "#c2410c", 2.6)
DELIVER = Kind("deliver", "#c2410c", 2.6)
QUERY = Kind("query", "#0550ae", 1.8)
OPEN = Kind("open the UI", MUTED, 1.4)
LOGIN = Kind("log in", "#7d4ad8", 1.8)
SET_UP = Kind("set up", "#b85300", 1.8, dashed=True)


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something that is drawn if, and only if, the stacks have all that it shows.

    Attributes:
        shows: the components that it stands for (`tools.pictures.components`).
        unless: components that must not be there.
        names: pairs of a component and what its JSON must name: another component, or a word.
    """

    shows: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()

    def texts(self) -> "Iterator[Text]":
        """Give what is written at it."""
        yield from ()


class Frame(NamedTuple):
    """How a kind of box looks; its icon is beside the title."""

    icon: type[Node] | None = None
    border: str = GREY
    fill: str = "#ffffff"
    dashed: bool = False


PLAIN = Frame()


@dataclass(frozen=True)
class Box(Item):
    """A frame around other things, with a title in its upper left corner."""

    corner: Point
    size: Point
    frame: Frame = PLAIN
    title: str = ""


@dataclass(frozen=True)
class Part(Item):
    """An icon; flows lead to it by its id.

    Attributes:
        title, note: what is written below it.
        aside: what is written to its right.
    """

    id: str
    icon: type[Node] | Mark
    at: Point
    size: float = 44
    title: str = ""
    note: str = ""
    aside: str = ""
    color: str = INK

    def texts(self) -> "Iterator[Text]":
        """Give its title, note and aside."""
        (x, y), below = self.at, self.size * 0.75
        yield Text((x, y + below), self.title, bold=True, size=13, color=self.color)
        yield Text((x, y + below + (16 if self.title else 2)), self.note, color=self.color)
        yield Text((x + self.size / 2 + 6, y), self.aside, align="left", color=self.color)


@dataclass(frozen=True)
class Text(Item):
    """Lines of text; `at` is the end or center of the first line, by `align`."""

    at: Point
    text: str
    align: str = "center"
    bold: bool = False
    color: str = INK
    size: float = 12


@dataclass(frozen=True)
class Flow(Item):
    """An arrow between parts along straight lines, with a label in its color."""

    kind: Kind
    start: str
    end: str
    points: tuple[Point, ...]
    label: str = ""
    label_at: Point = (0, 0)
    align: str = "left"

    def texts(self) -> Iterator[Text]:
        """Give its label."""
        yield Text(self.label_at, self.label, align=self.align, color=self.kind.color)


@dataclass(frozen=True)
class Picture:
    """What is drawn; `icons` are small ones that the legend explains where they occur."""

    title: str
    summary: str
    height: float
    items: tuple[Item, ...]
    icons: Mapping[type[Node], str]


def true_items(
    catalogue: Iterable[Item], components: Mapping[str, str], left_out: Mapping[str, str]
) -> tuple[Item, ...]:
    """Choose what the components ask for, with what is written at it.

    Args:
        catalogue: everything that could be drawn.
        components: what the stacks have.
        left_out: patterns of components that no picture shows, with the reason.

    Raises:
        PictureError: a component would be neither drawn nor left out for a reason, an item does
            not lead where the JSON says, or a flow starts or ends at a part that is not drawn.
    """
    items = tuple(
        item
        for item in catalogue
        if components.keys() >= set(item.shows) and components.keys().isdisjoint(item.unless)
    )
    shown = {component for item in items for component in item.shows}
    faults = [
        f"{component}: neither drawn nor left out for a reason"
        for component in sorted(components.keys() - shown)
        if not any(fnmatchcase(component, pattern) for pattern in left_out)
    ]
    parts = {item.id for item in items if isinstance(item, Part)}
    for item in items:
        faults += [
            f"{component} does not name {word}"
            for component, word in item.names
            if _address(word, components) not in components.get(component, "")
        ]
        if isinstance(item, Flow):
            faults += [
                f"{item.shows[0]}: {end} is not in the picture"
                for end in (item.start, item.end)
                if end not in parts
            ]
    if faults:
        raise PictureError("\n".join(faults))
    return (*items, *(text for item in items for text in item.texts() if text.text))


def _address(word: str, components: Mapping[str, str]) -> str:
    """Write a component as JSON refers to it; any other word stays as it is."""
    return word.partition(":")[2] if word in components else word
