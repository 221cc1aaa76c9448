"""Warnings about Helm values that their chart does not know, such as a misspelt key.

Warnings and no faults: Helm hands values that a chart does not know to nothing, so nothing breaks;
and no list of keys is sure to be whole. Templates may hand a mapping on as it is, and
`kubecost.chart_version` may name another release than the one whose keys were read.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings import Settings

# Made by `make chart-keys` (tools/chart_keys.py).
FILE = Path(__file__).with_name("chart_keys.json")
GLOBAL = "global"


def warnings(settings: Settings) -> Iterator[str]:
    """Name each key of the user's Helm values that the chart does not know."""
    releases = settings.workloads.values
    given = {
        "kubecost.values": ("cost-analyzer", settings.kubecost.values),
        "workloads.values.collector": ("opentelemetry-collector", releases.collector),
        "workloads.values.node_exporter": ("prometheus-node-exporter", releases.node_exporter),
        "workloads.values.grafana": ("grafana", releases.grafana),
        "workloads.values.load_balancer_controller": (
            "aws-load-balancer-controller",
            releases.load_balancer_controller,
        ),
    }
    # The file is read only for those who give values: every synth would pay for it.
    if any(values for _, values in given.values()):
        charts = json.loads(FILE.read_text(encoding="utf-8"))
        for key, (name, values) in given.items():
            yield from ChartKeys.of(name, charts[name]).warnings(key, values)


@dataclass(frozen=True)
class ChartKeys:
    """The keys that a chart knows in its values; tools/chart_keys.py says how they are found.

    Attributes:
        tree: a mapping has these keys alone, `True` is any value.
        anywhere: names that may be keys of some mapping.
    """

    chart: str
    tree: Mapping[str, Any]
    anywhere: frozenset[str]

    @classmethod
    def of(cls, name: str, data: Mapping[str, Any]) -> "ChartKeys":
        """Take a chart's entry of the file."""
        # Helm itself gives `global` to every chart.
        keys = {GLOBAL: True, **data["keys"]}
        return cls(f"{name} {data['version']}", keys, frozenset(data["anywhere"]))

    def warnings(self, key: str, values: Mapping[str, Any]) -> Iterator[str]:
        """Name each key that is unknown, and what may be meant."""
        for path, siblings in self._unknown(values, self.tree, ()):
            near = difflib.get_close_matches(path[-1], siblings, n=1, cutoff=0.75)
            # What a person shares between charts is no mistake.
            if path[0] == GLOBAL and not near:
                continue
            elsewhere = [*self._places(path[-1], self.tree, ())]
            meant = near or (elsewhere if len(elsewhere) <= 3 else [])
            hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
            yield f"{'.'.join((key, *path))}: chart {self.chart} has no such key{hint}"

    def _unknown(
        self, values: Mapping[str, Any], known: Mapping[str, Any], above: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
        for name, value in values.items():
            path = (*above, name)
            if name not in known:
                if name not in self.anywhere:
                    yield path, known
            elif isinstance(value, dict) and isinstance(known[name], dict):
                yield from self._unknown(value, known[name], path)

    def _places(self, name: str, known: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[str]:
        for key, below in known.items():
            if key == name:
                yield ".".join((*above, key))
            if isinstance(below, dict):
                yield from self._places(name, below, (*above, key))
