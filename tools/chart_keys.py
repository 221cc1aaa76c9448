"""Write stacks/chart_keys.json: the keys that the pinned charts know in their values.

Run it after a change of a chart's version, on the folders that `helm pull --untar` makes:
`make chart-keys CHARTS="cost-analyzer grafana"`. A chart that is not given keeps its keys.
Keys come from values.yaml and from what the templates read.
"""

import json
import re
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from stacks.chart_keys import FILE
from tools.common import CommandError, command_line

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PARENTHESES = re.compile(r"\(\s*(\$?\w*\.Values[\w.]*)\s*\)")
_QUOTED = r"(?:\s+\"[^\"]+\")"
_PATH = re.compile(
    rf"\b(?:index|hasKey)\s+\$?\w*\.Values([\w.]*)({_QUOTED}+)|\.Values((?:\.\w+)+)()"
)
# What hands a whole map on, which may have any key then.
_WHOLE = re.compile(
    r":=|\b(toYaml|toJson|toRawJson|with|range|tpl|merge\w*|mustMerge\w*|dict|list|omit|pick)\b"
)
# Maps whose keys are the user's or those of Kubernetes.
_FREE = re.compile(
    r"(annotations|labels|selector|resources|context|affinity|tolerations|probe|strategy|env)$",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"(?<![\w)])\.([A-Za-z_]\w*)")
_COMMENTED = re.compile(r"^\s*#+\s*(?:-\s*)?([A-Za-z_][\w.-]*):(?:\s|$)", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Write the file."""
    parser = command_line("chart-keys", __doc__)
    parser.add_argument("charts", nargs="+", type=Path, help="folders of unpacked charts")
    options = parser.parse_args(arguments)
    charts = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    charts |= dict(read(folder) for folder in options.charts)
    FILE.write_text(render(charts), encoding="utf-8")
    return 0


def read(folder: Path) -> tuple[str, dict[str, Any]]:
    """Give a chart's name, and what is known of its values, dated.

    `keys` is a tree: a mapping has these keys alone, `true` is any value. `anywhere` has names that
    may be keys of some mapping: templates read them without the whole path, or values.yaml has them
    in a comment.
    """
    try:
        chart = yaml.safe_load((folder / "Chart.yaml").read_text(encoding="utf-8"))
        values = (folder / "values.yaml").read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{error.filename}: {(error.strerror or str(error)).lower()}") from None
    actions = [
        _without_parentheses(action)
        for file in sorted((folder / "templates").rglob("*"))
        if file.is_file()
        for action in _ACTION.findall(file.read_text(encoding="utf-8"))
    ]
    keys = _tree(yaml.safe_load(values))
    for action in actions:
        for path in _paths(action):
            _add(keys, path, whole=bool(_WHOLE.search(action)))
    names = {name for action in actions for name in _RELATIVE.findall(action)}
    return chart["name"], {
        "version": str(chart["version"]),
        "read": datetime.now(UTC).date().isoformat(),
        "keys": keys,
        "anywhere": sorted(names | set(_COMMENTED.findall(values))),
    }


def render(charts: dict[str, Any]) -> str:
    """Write JSON with a line for each key of each chart, wrapped; no key has a space."""
    return (
        "{\n"
        + ",\n".join(
            f"{json.dumps(name)}: {{\n"
            + ",\n".join(
                f'"keys": {{\n{_lines(value)}\n}}' if key == "keys" else _lines({key: value})
                for key, value in chart.items()
            )
            + "}"
            for name, chart in sorted(charts.items())
        )
        + "}\n"
    )


def _lines(mapping: dict[str, Any]) -> str:
    entries = (json.dumps({key: value}, sort_keys=True)[1:-1] for key, value in mapping.items())
    return ",\n".join(
        textwrap.fill(entry, 120, break_long_words=False, break_on_hyphens=False)
        for entry in entries
    )


def _without_parentheses(action: str) -> str:
    while (shorter := _PARENTHESES.sub(r"\1", action)) != action:
        action = shorter
    return action


def _paths(action: str) -> Iterator[list[str]]:
    for within, quoted, named, _ in _PATH.findall(action):
        parts = [part for part in (within or named).split(".") if part]
        yield [*parts, *re.findall(r'"([^"]+)"', quoted)]


def _tree(values: Any) -> Any:
    if not isinstance(values, dict) or not values:
        return True
    return {
        str(key): True if _FREE.search(str(key)) else _tree(value) for key, value in values.items()
    }


def _add(tree: dict[str, Any], path: list[str], *, whole: bool) -> None:
    *parents, last = path
    for key in parents:
        below = tree.setdefault(key, {})
        if below is True:
            return
        tree = below
    if whole or last not in tree:
        tree[last] = True
