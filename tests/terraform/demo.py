"""The real terraform with the real AWS provider, without an AWS account: `make demo`.

Starts a simulated AWS on loopback, applies `base` and the AWS half of `prom_amp_cost`, shows what
was made and what was left out, and destroys it all.
"""

import tempfile
from pathlib import Path

from tests.conftest import SETTINGS_FILES, read_stacks, synthesize_into
from tests.terraform.roots import Root
from tests.terraform.simulated_aws import SimulatedAws

STACKS = ("base", "prom_amp_cost")


def main(_: list[str]) -> int:
    """Run the demonstration; 1 if terraform failed, whose own words are printed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _say("synthesizing the defaults")
        stacks = read_stacks(synthesize_into(folder / "out", SETTINGS_FILES["defaults"]))
        _say("starting the simulated AWS on loopback")
        with SimulatedAws(region="ap-northeast-2") as aws:
            roots = {stack: Root(folder / stack, stacks[stack], aws, set()) for stack in STACKS}
            for stack, root in roots.items():
                for command in (["init"], ["apply", "-auto-approve"]):
                    _say(f"{stack}: terraform {' '.join(command)}")
                    if root.show(*command, "-input=false"):
                        return 1
            for stack, root in roots.items():
                made = root.run("state", "list").split()
                print(f"\n{stack}: {len(made)} resources and data sources, for example")
                for address in made[:: max(1, len(made) // 8)]:
                    print(f"  {address}")
                for address in root.cut:
                    print(f"  left out, it needs a cluster: {address}")
            for stack, root in reversed(roots.items()):
                _say(f"{stack}: terraform destroy")
                if root.show("destroy", "-auto-approve", "-input=false"):
                    return 1
            left = aws.leftovers()
            print(f"\nleft in the simulated AWS: {', '.join(left) or 'nothing'}")
    return 0


def _say(text: str) -> None:
    print(f"\n==> {text}", flush=True)
