"""The templates of the lab: YAML and Prometheus text, where << >> and lines with % are Jinja's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

GIB = 1024**3
PV_HOURLY_COST = 0.0001  # $/GiB-h
INTERNET_EGRESS_COST = 0.126  # $/GiB
ZONE_EGRESS_COST = 0.01  # $/GiB
ZONE_EGRESS = 20_000  # bytes per second and pod to other zones


def _metric_labels(labels: Mapping[str, str]) -> str:
    to_name = str.maketrans("./-", "___")
    return ",".join(f'label_{name.translate(to_name)}="{text}"' for name, text in labels.items())


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    variable_start_string="<<",
    variable_end_string=">>",
    line_statement_prefix="%",
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)
_templates.filters["metric_labels"] = _metric_labels
_templates.globals |= {
    "GIB": GIB,
    "PV_HOURLY_COST": PV_HOURLY_COST,
    "INTERNET_EGRESS_COST": INTERNET_EGRESS_COST,
    "ZONE_EGRESS_COST": ZONE_EGRESS_COST,
    "ZONE_EGRESS": ZONE_EGRESS,
}


def render(template: str, **values: Any) -> str:
    """Fill in a template; raises jinja2.UndefinedError when it needs a value that is not given."""
    return _templates.get_template(template).render(**values)
