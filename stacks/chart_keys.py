"""Warn about Helm values that their chart does not have, such as a misspelt key.

They are warnings, not faults, because Helm ignores such values, and no list of keys is certain to
be complete. Templates may pass a whole mapping on, and `kubecost.chart_version` may name another
release than the one whose keys were read.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings import Settings

# `make chart-keys` writes it (tools/chart_keys.py).
FILE = Path(__file__).with_name("chart_keys.json")
GLOBAL = "global"


def warnings(settings: Settings) -> Iterator[str]:
    """Warn about each key of the user's Helm values that the chart does not have."""
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
    # Read the file only if there are values, because reading it makes synth slower.
    if any(values for _, values in given.values()):
        charts = json.loads(FILE.read_text(encoding="utf-8"))
        for key, (name, values) in given.items():
            yield from ChartKeys.of(name, charts[name]).warnings(key, values)


@dataclass(frozen=True)
class ChartKeys:
    """The keys of a chart's values; tools/chart_keys.py says how they are found.

    Attributes:
        tree: the keys of each mapping; `True` stands for any value.
        anywhere: names that may be keys in any mapping.
    """

    chart: str
    tree: Mapping[str, Any]
    anywhere: frozenset[str]

    @classmethod
    def of(cls, name: str, data: Mapping[str, Any]) -> "ChartKeys":
        """Read a chart's entry of the file."""
        # Helm itself gives `global` to every chart.
        keys = {GLOBAL: True, **data["keys"]}
        return cls(f"{name} {data['version']}", keys, frozenset(data["anywhere"]))

    def warnings(self, key: str, values: Mapping[str, Any]) -> Iterator[str]:
        """Warn about each unknown key, and suggest a similar one."""
        for path, siblings in self._unknown(values, self.tree, ()):
            near = difflib.get_close_matches(path[-1], siblings, n=1, cutoff=0.75)
            # An unknown key in `global` may be for another chart.
            if path[0] == GLOBAL and not near:
                continue
            elsewhere = [*self._paths_of(path[-1], self.tree, ())]
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

    def _paths_of(
        self, name: str, known: Mapping[str, Any], above: tuple[str, ...]
    ) -> Iterator[str]:
        for key, below in known.items():
            if key == name:
                yield ".".join((*above, key))
            if isinstance(below, dict):
                yield from self._paths_of(name, below, (*above, key))
