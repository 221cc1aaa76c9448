"""A stack's directory in which the real terraform runs against the simulated AWS."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from tests.terraform.cut import Stack, cut
from tests.terraform.simulated_aws import SimulatedAws
from tools.common import TERRAFORM

# Providers of what is not simulated: a cluster's API, and the internet. What needs them is cut out
# even where they can be had.
NOT_SIMULATED = {"helm", "http", "kubernetes"}
# The simulated AWS is proven with this one; where there is a registry, the newest would be taken.
AWS_PROVIDER = "5.100.0"


class Root:
    """One stack with what is not simulated cut out; its state is a file beside it."""

    def __init__(self, folder: Path, stack: Stack, aws: SimulatedAws, missing: set[str]) -> None:
        self._folder = folder
        self._missing = missing | NOT_SIMULATED
        self._environment = {
            **os.environ,
            **aws.environment,
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }
        self._aws = aws
        folder.mkdir(parents=True, exist_ok=True)
        self.cut: list[str] = []
        self.write(stack)

    def write(self, stack: Stack) -> None:
        """Replace the configuration, as a later synth would."""
        kept, self.cut = cut(stack, self._missing)
        kept["terraform"]["required_providers"]["aws"]["version"] = AWS_PROVIDER
        kept["terraform"]["backend"] = {"local": {"path": "terraform.tfstate"}}
        kept["terraform"].pop("cloud", None)
        (self._folder / "cdk.tf.json").write_text(json.dumps(kept))

    def written(self) -> Stack:
        """Give the configuration as Terraform reads it."""
        stack: Stack = json.loads((self._folder / "cdk.tf.json").read_text())
        return stack

    def run(self, *args: str, expect: int = 0) -> str:
        """Run terraform and give what it printed on one line, without its frames."""
        with self._command() as environment:
            result = subprocess.run(
                [TERRAFORM, *args, "-no-color"],
                cwd=self._folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        assert result.returncode == expect, result.stdout
        return " ".join(result.stdout.replace("│", " ").split())

    def _answer(self, *args: str) -> str:
        with self._command() as environment:
            return subprocess.run(
                [TERRAFORM, *args],
                cwd=self._folder,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout

    def _command(self) -> AbstractContextManager[Mapping[str, str]]:
        """Give the environment of a command."""
        installed = (self._folder / ".terraform.lock.hcl").exists()
        if installed and len(self.written()["provider"]["aws"]) == 1:
            return self._aws.providers.attached(self._folder, self._environment)
        return nullcontext(self._environment)

    def show(self, *args: str) -> int:
        """Run terraform and let a person watch; give its exit status."""
        return subprocess.run(
            [TERRAFORM, *args], cwd=self._folder, env=self._environment, check=False
        ).returncode

    def act_as(self, **credentials: str) -> None:
        """Sign the requests that follow with other credentials."""
        self._environment |= credentials

    def init(self) -> None:
        self.run("init", "-input=false")
        # With checksums in it, every command reads all 700 MB of the provider.
        lock = self._folder / ".terraform.lock.hcl"
        lock.write_text(re.sub(r"  hashes = \[.*?\]\n", "", lock.read_text(), flags=re.DOTALL))

    def apply(self, expect: int = 0) -> str:
        return self.run("apply", "-auto-approve", "-input=false", expect=expect)

    def assert_nothing_to_do(self) -> None:
        self.run("plan", "-detailed-exitcode", "-input=false")

    def planned(self) -> dict[str, str]:
        """Give the planned action of every address that changes."""
        lines = self._answer("plan", "-json", "-input=false").splitlines()
        changes = [
            message["change"]
            for message in map(json.loads, lines)
            if message["type"] == "planned_change"
        ]
        return {
            change["resource"]["addr"]: change["action"]
            for change in changes
            if change["action"] != "read"
        }

    def plan_json(self) -> str:
        """Give the plan as JSON, the form that policy checks read."""
        self.run("plan", "-out=plan", "-input=false")
        return self._answer("show", "-json", "plan")

    def destroy(self) -> None:
        self.run("apply", "-destroy", "-auto-approve", "-input=false")

    def outputs(self) -> dict[str, Any]:
        found = json.loads(self._answer("output", "-json"))
        return {name: output["value"] for name, output in found.items()}
