"""The fleet's dashboard as Grafana lays it out, with values that Prometheus gave in the lab.

Panels, places, units, thresholds and columns are those of dashboards/json/fleet.json; the values
are in dashboard.json beside this file, which tests/lab/test_dashboard_picture.py writes and checks.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import floor, log10
from pathlib import Path
from typing import Any, NamedTuple

from dashboards.files import FOLDER
from tools.canvas import (
    INK,
    LETTER,
    MUTED,
    WIDTH,
    Point,
    area,
    card,
    line,
    png,
    rectangle,
    text,
)

FILE = FOLDER / "fleet.json"
VALUES = Path(__file__).with_name("dashboard.json")

# Grafana's classic palette, and its threshold colors dark enough for text on white.
PALETTE = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9")
THRESHOLDS = {"green": "#1a7f37", "yellow": "#9a6700", "red": "#c4162a", "transparent": INK}
GRID = "#e4e7ea"
# Of Grafana's 24 columns, and of its rows.
_LEFT, _TOP, _GAP = 14, 74, 6
_COLUMN, _ROW = (WIDTH - 2 * _LEFT + _GAP) / 24, 23
_LINE, _LEGEND = 19, 15  # the rows of a table, and of a legend
_SMALL = 10.5
_PREFIXES = ("", "K", "M", "B")

Panel = Mapping[str, Any]


class Series(NamedTuple):
    """What a query gave: one value, or one for each step; None where there is none."""

    labels: Mapping[str, str]
    values: Sequence[float | None]

    @property
    def last(self) -> float:
        """The last value that there is."""
        return [value for value in self.values if value is not None][-1]


class Answers(NamedTuple):
    """What all queries of the dashboard gave, by title of the panel and name of the query.

    `start` is in seconds since 1970, `step` in seconds, `measured` a date.
    """

    measured: str
    start: int
    step: int
    series: Mapping[tuple[str, str], Sequence[Series]]


class Frame(NamedTuple):
    """A panel's place, without its border."""

    left: float
    top: float
    right: float
    bottom: float


def picture() -> bytes:
    """Draw the dashboard.

    Raises:
        CommandError: the font is not installed.
    """
    return png(svg(json.loads(FILE.read_text()), read_answers()))


def read_answers() -> Answers:
    """Read the values that were measured."""
    read = json.loads(VALUES.read_text())
    series = {
        (answer["panel"], answer["query"]): [Series(**each) for each in answer["found"]]
        for answer in read["answers"]
    }
    return Answers(read["measured"], read["from"], read["step"], series)


def svg(dashboard: Mapping[str, Any], answers: Answers) -> str:
    """Write the dashboard as SVG."""
    panels = dashboard["panels"]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    bottom = _TOP + rows * _ROW
    origin = (
        "Drawn from dashboards/json/fleet.json, not by Grafana. Values: Prometheus in the project's"
        f" lab, {answers.measured}."
    )
    shapes = [
        *_head(dashboard),
        *(shape for each in panels for shape in _panel(each, answers)),
        text((_LEFT + 2, bottom + 6), origin, color=MUTED, size=_SMALL),
    ]
    return card(bottom + 22, shapes, fill="#f4f5f5")


def _head(dashboard: Mapping[str, Any]) -> Iterator[str]:
    yield text((_LEFT + 2, 24), dashboard["title"], bold=True, size=15)
    yield text((WIDTH - _LEFT, 24), "Last 7 days", align="right", color=MUTED)
    chosen = {"datasource": "prom_amp_cost", "cluster": "All", "label": "team"}
    left: float = _LEFT
    for variable in dashboard["templating"]["list"]:
        title, value = variable["label"], chosen[variable["name"]]
        widths = [LETTER * len(title) + 16, LETTER * len(value) + 24]
        yield rectangle((left, 42), (sum(widths), 24), fill="#ffffff", stroke="#d0d7de", radius=3)
        yield text((left + 8, 54), title, color=MUTED)
        yield text((left + widths[0] + 4, 54), value)
        left += sum(widths) + 10


def _panel(panel: Panel, answers: Answers) -> Iterator[str]:
    place = panel["gridPos"]
    x, y = _LEFT + place["x"] * _COLUMN, _TOP + place["y"] * _ROW
    width, height = place["w"] * _COLUMN - _GAP, place["h"] * _ROW - _GAP
    yield rectangle((x, y), (width, height), fill="#ffffff", stroke=GRID, radius=3)
    yield text((x + 8, y + 13), panel["title"], bold=True, size=11.5)
    frame = Frame(x + 8, y + 26, x + width - 8, y + height - 6)
    draw = {"stat": _stat, "table": _table, "timeseries": _timeseries}[panel["type"]]
    yield from draw(panel, answers, frame)


def _stat(panel: Panel, answers: Answers, frame: Frame) -> Iterator[str]:
    (series,) = answers.series[panel["title"], "A"]
    defaults = panel["fieldConfig"]["defaults"]
    colored = panel["options"]["colorMode"] == "value"
    color = threshold_color(defaults["thresholds"], series.last) if colored else INK
    middle = (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2
    shown = formatted(series.last, defaults["unit"])
    yield text(middle, shown, align="center", bold=True, size=23, color=color)


def _table(panel: Panel, answers: Answers, frame: Frame) -> Iterator[str]:
    """Draw as many rows as the panel shows without scrolling, in the order that it has at first."""
    columns, rows = table_of(panel, answers)
    overrides = {
        each["matcher"]["options"]: each["properties"] for each in panel["fieldConfig"]["overrides"]
    }
    words = [
        {name: _cell(row[name], overrides.get(name, ())) for name in columns}
        for row in rows[: int((frame.bottom - frame.top) / _LINE) - 1]
    ]
    words.insert(0, {name: (name, MUTED) for name in columns})
    labels = [name for name in columns if _unit(overrides.get(name, ())) is None]
    widths = {name: max(_width(row[name][0]) for row in words) + 14 for name in columns}
    rest = frame.right - frame.left - sum(widths.values())
    # All columns share what is too much, labels what is too little.
    for name in columns if rest > 0 else labels:
        widths[name] += rest / (len(columns) if rest > 0 else len(labels))
    for number, row in enumerate(words):
        x, y = frame.left, frame.top + (number + 0.5) * _LINE
        if number:
            yield line([(x, y - _LINE / 2), (frame.right, y - _LINE / 2)], color=GRID)
        for name, (shown, color) in row.items():
            if name in labels:
                yield text((x, y), _cut(shown, widths[name]), color=color, size=_SMALL)
            else:
                right = (x + widths[name], y)
                yield text(right, shown, align="right", color=color, size=_SMALL)
            x += widths[name]


def _width(words: str) -> float:
    return len(words) * LETTER * _SMALL / 12


def _cut(words: str, width: float) -> str:
    """Cut text to a width, as Grafana does."""
    room = int(width / _width("x"))
    return words if len(words) <= room else f"{words[: room - 1]}…"


def _unit(properties: Sequence[Mapping[str, Any]]) -> str | None:
    return next((each["value"] for each in properties if each["id"] == "unit"), None)


def _cell(value: str | float | None, properties: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Give a cell's text and its color."""
    if value is None or isinstance(value, str):
        return value or "", INK
    thresholds = [each["value"] for each in properties if each["id"] == "thresholds"]
    color = threshold_color(thresholds[0], value) if thresholds else INK
    return formatted(value, _unit(properties) or "short"), color


def table_of(
    panel: Panel, answers: Answers
) -> tuple[list[str], list[dict[str, str | float | None]]]:
    """Merge the queries' answers by their labels, with the columns named and ordered.

    Returns the names of columns, and the rows by these names.
    """
    (organize,) = (each["options"] for each in panel["transformations"] if each["id"] == "organize")
    names, order = organize["renameByName"], organize["indexByName"]
    refs = [target["refId"] for target in panel["targets"]]
    rows: dict[tuple[tuple[str, str], ...], dict[str, str | float | None]] = {}
    for ref in refs:
        title = names["Value" if len(refs) == 1 else f"Value #{ref}"]
        for series in answers.series[panel["title"], ref]:
            labels = {names[label]: value for label, value in series.labels.items()}
            row = rows.setdefault(tuple(sorted(labels.items())), {**labels})
            row[title] = series.last
    columns = [
        names[key]
        for key in sorted(order, key=lambda key: order[key])
        if not (key == "Value" and len(refs) > 1) and not (key == "Value #A" and len(refs) == 1)
    ]
    (by,) = panel["options"]["sortBy"]

    def key(row: Mapping[str, str | float | None]) -> float:
        value = row.get(by["displayName"])
        return value if isinstance(value, float) else float("-inf")

    filled = [{name: row.get(name) for name in columns} for row in rows.values()]
    return columns, sorted(filled, key=key, reverse=by["desc"])


def _timeseries(panel: Panel, answers: Answers, frame: Frame) -> Iterator[str]:
    title, defaults = panel["title"], panel["fieldConfig"]["defaults"]
    (target,) = panel["targets"]
    lines = sorted(
        answers.series[title, target["refId"]], key=lambda each: sorted(each.labels.items())
    )
    stacked = defaults["custom"].get("stacking", {}).get("mode") == "normal"
    limits = [
        step
        for step in defaults.get("thresholds", {}).get("steps", ())
        if step["value"] and defaults["custom"].get("thresholdsStyle")
    ]
    below = [0.0] * len(lines[0].values)
    drawn = []
    for each in lines:
        values = [value or 0 for value in each.values]
        above = [b + v for b, v in zip(below, values, strict=True)] if stacked else values
        drawn.append((list(below), above))
        below = above if stacked else below
    top = max([*(max(above) for _, above in drawn), *(step["value"] for step in limits)]) * 1.05
    legend = frame.bottom - _LEGEND * (min(len(lines), 3) + 1)
    plot = Frame(frame.left + 46, frame.top + 2, frame.right - 4, legend - 16)

    def at(index: float, value: float) -> Point:
        along = index / (len(lines[0].values) - 1)
        height = value / top * (plot.bottom - plot.top)
        return plot.left + along * (plot.right - plot.left), plot.bottom - height

    yield from _axes(answers, top, defaults["unit"], plot, at)
    for (lower, upper), color in zip(drawn, PALETTE, strict=False):
        points = [at(index, value) for index, value in enumerate(upper)]
        if stacked:
            back = [at(index, value) for index, value in enumerate(lower)]
            yield area([*points, *reversed(back)], fill=color, opacity=0.3)
        yield line(points, color=color, width=1.4)
    for step in limits:
        ends = [at(0, step["value"]), at(len(lines[0].values) - 1, step["value"])]
        yield line(ends, color=THRESHOLDS[step["color"]], dashes="6 4")
    yield from _legend(lines, target["legendFormat"], defaults["unit"], frame, legend)


def _axes(answers: Answers, top: float, unit: str, plot: Frame, at: Any) -> Iterator[str]:
    power = 10 ** floor(log10(top))
    step = next(each * power for each in (0.2, 0.5, 1, 2, 5) if top / (each * power) <= 5)
    for tick in range(int(top / step) + 1):
        _, y = at(0, tick * step)
        yield line([(plot.left, y), (plot.right, y)], color=GRID)
        shown = formatted(tick * step, unit)
        yield text((plot.left - 6, y), shown, align="right", color=MUTED, size=9.5)
    steps = max(len(each.values) for found in answers.series.values() for each in found)
    for index in range(steps):
        moment = datetime.fromtimestamp(answers.start + index * answers.step, UTC)
        if moment.hour == 0:
            x, _ = at(index, 0)
            day = f"{moment:%m/%d}"
            yield text((x, plot.bottom + 9), day, align="center", color=MUTED, size=9.5)


def _legend(
    lines: Sequence[Series], form: str, unit: str, frame: Frame, top: float
) -> Iterator[str]:
    """Draw the legend's first rows, those of the highest last values first."""
    right = [frame.right - 70, frame.right - 4]
    for x, words in zip(right, ("Last *", "Max"), strict=True):
        yield text((x, top + _LEGEND / 2), words, align="right", color=MUTED, size=_SMALL)
    colored = sorted(zip(lines, PALETTE, strict=False), key=lambda pair: -pair[0].last)
    for number, (each, color) in enumerate(colored[:3], start=1):
        y, name = top + (number + 0.5) * _LEGEND, form
        for label, value in each.labels.items():
            name = name.replace(f"{{{{{label}}}}}", value)
        yield rectangle((frame.left, y - 1.5), (12, 3), fill=color, radius=1.5)
        yield text((frame.left + 18, y), name, size=_SMALL)
        most = max(value for value in each.values if value is not None)
        for x, shown in zip(right, (each.last, most), strict=True):
            yield text((x, y), formatted(shown, unit), align="right", size=_SMALL)


def threshold_color(thresholds: Mapping[str, Any], value: float) -> str:
    """Give the color of the highest step that a value reaches."""
    reached = [
        step["color"]
        for step in thresholds["steps"]
        if step["value"] is None or value >= step["value"]
    ]
    return THRESHOLDS[reached[-1]]


def formatted(value: float, unit: str) -> str:
    """Write a value with as many digits as Grafana does (@grafana/data, valueFormats)."""
    if unit == "percentunit":
        return f"{_digits(value * 100)}%"
    sign, number, prefix = "-" if value < 0 else "", abs(value), 0
    while number >= 1000 and prefix < len(_PREFIXES) - 1:
        number, prefix = number / 1000, prefix + 1
    dollar = "$" if unit == "currencyUSD" else ""
    return f"{sign}{dollar}{_digits(number)}{_PREFIXES[prefix]}"


def _digits(value: float) -> str:
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - floor(log10(abs(value))))}f}"
