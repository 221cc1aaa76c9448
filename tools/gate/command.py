"""Judge a plan: print each change that a person must accept."""

import json
import sys
from pathlib import Path

from tools.common import command_line
from tools.documents import printable
from tools.gate import findings


def main(arguments: list[str]) -> int:
    """Print the findings; return 1 if there are any and no override, 2 if there is no plan."""
    parser = command_line("gate", __doc__)
    parser.add_argument("plan", type=Path, help="output of terraform show -json")
    parser.add_argument("synthesized", type=Path, help="the stack's cdk.tf.json")
    parser.add_argument("--override", action="store_true", help="the findings are accepted")
    options = parser.parse_args(arguments)
    try:
        plan, synthesized = (
            json.loads(file.read_text(encoding="utf-8"))
            for file in (options.plan, options.synthesized)
        )
        found = findings(plan, synthesized)
    except (OSError, ValueError, RecursionError) as error:
        print(f"gate: {error}; give the output of terraform show -json", file=sys.stderr)
        return 2
    print("\n".join(map(printable, map(str, found))) or "The plan passes: nothing to accept.")
    return 1 if found and not options.override else 0
