"""Ring 3: docs/moving.md, its commands taken from the page and run."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Stack
from tests.terraform.clusters import make_cluster, session
from tests.terraform.roots import Root
from tests.terraform.simulated_aws import SimulatedAws

pytestmark = pytest.mark.slow
Stacks = Callable[[str], dict[str, Stack]]

OLD, NEW = "prom_amp", "adot_amp"
COMMAND = re.compile(
    r"^ *\$ (?:terraform -chdir=cdktf\.out/stacks/(\w+)|cdktf) (.+)$", re.MULTILINE
)


def commands() -> list[tuple[str, list[str]]]:
    """Give stack and arguments of each command by which the page takes a workspace along."""
    page = (ROOT / "docs/moving.md").read_text()
    section = page.split("\n## Move the workspace")[1].split("\n## ")[0]
    found = []
    for stack, words in COMMAND.findall(section):
        arguments = shlex.split(words, comments=True)
        found.append((stack or arguments.pop(), arguments))
    return found


def test_a_workspace_moves_to_another_architecture(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    with SimulatedAws(region="ap-northeast-2") as aws:
        make_cluster(session(aws, "ap-northeast-2"), "kubecost")
        amp = aws.client("amp")
        roots = {
            name: Root(tmp_path / name, stacks("defaults")[name], aws, missing_providers)
            for name in (OLD, NEW)
        }
        roots[OLD].init()
        roots[OLD].apply()
        (before,) = amp.list_workspaces()["workspaces"]

        taken = set()
        for stack, (command, *arguments) in commands():
            taken.add(command)
            root = roots[stack]
            arguments = [each.replace("$workspace", before["workspaceId"]) for each in arguments]
            if command == "destroy":
                root.destroy()
            elif command == "deploy":
                planned = root.planned()
                assert "delete" not in planned.values()
                assert "replace" not in planned.values()
                assert planned["aws_prometheus_workspace.workspace"] == "update"
                root.apply()
            else:
                root.run(command, *arguments)
        assert taken == {"init", "state", "destroy", "import", "deploy"}

        roots[NEW].assert_nothing_to_do()
        (after,) = amp.list_workspaces()["workspaces"]
        assert after["workspaceId"] == before["workspaceId"]
        assert after["alias"] == "kubecost-adot-amp"
        held = json.loads(roots[NEW].run("show", "-json"))["values"]["root_module"]["resources"]
        assert "aws_prometheus_workspace.workspace" in {each["address"] for each in held}
