"""Write the Grafana dashboards, and the recording rules that they need, to dashboards/json/.

Run by `make dashboards`. The Grafana stack and people who import them read the files.
"""

import json
from pathlib import Path

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import DASHBOARDS, build
from metrics.rules import FLEET_RULES

FOLDER = Path(__file__).with_name("json")


def files() -> dict[str, str]:
    """Give the text of every file by its name."""
    dashboards = {
        f"{name}.json": json.dumps(build(make()), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for name, make in DASHBOARDS.items()
    }
    rules = yaml.safe_dump(FLEET_RULES, sort_keys=False, width=100)
    return {**dashboards, "rules.yaml": rules}


def main(_: list[str]) -> int:
    """Write every file, and remove dashboards that are no more."""
    FOLDER.mkdir(exist_ok=True)
    written = files()
    for old in FOLDER.iterdir():
        if old.name not in written:
            old.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text)
        print(f"dashboards/json/{name}")
    return 0
