"""Ring 3: every stack passes `terraform validate` with the real providers."""

import json
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Stack
from tests.terraform.conftest import CUT, Terraform
from tests.terraform.project import write_project
from tests.terraform.providers import Providers

Stacks = Callable[[str], dict[str, Stack]]


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, stacks: Stacks, missing_providers: set[str]
) -> Path:
    root = tmp_path_factory.mktemp("project")

    def write(folder: Path, stack: Stack) -> None:
        (folder / "cdk.tf.json").write_text(json.dumps(stack, indent=2))

    cuts = write_project(root, stacks, missing_providers, write)
    if missing_providers:
        reason = f"providers {', '.join(sorted(missing_providers))} cannot be had"
        CUT[reason] = [f"{address} ({len(names)} stacks)" for address, names in cuts.items()]
    return root


def validate(folder: Path, terraform: Terraform) -> Any:
    """Validate with one AWS provider for all provider blocks, for none is configured."""
    with closing(Providers()) as providers, providers.attached(folder, os.environ) as environment:
        return json.loads(terraform(folder, "validate", "-json", **environment).stdout)


def test_every_stack_is_valid(project: Path, terraform: Terraform) -> None:
    init = terraform(project, "init", "-no-color", "-input=false")
    assert init.returncode == 0, init.stderr
    result = validate(project, terraform)
    faults = [d for d in result["diagnostics"] if d["severity"] == "error"]
    assert not faults, json.dumps(faults, indent=1)
    assert result["valid"]


def test_a_wrong_argument_is_found(project: Path, terraform: Terraform, tmp_path: Path) -> None:
    # Shows that validation is real: the same stack with one argument misspelt does not pass.
    stack = json.loads((project / "defaults/base/cdk.tf.json").read_text())
    vpc = stack["resource"]["aws_vpc"]["network_vpc"]
    vpc["cidr_blok"] = vpc.pop("cidr_block")
    (tmp_path / "cdk.tf.json").write_text(json.dumps(stack))
    assert terraform(tmp_path, "init", "-no-color", "-input=false").returncode == 0
    result = validate(tmp_path, terraform)
    assert not result["valid"]
    assert "cidr_blok" in json.dumps(result["diagnostics"])


@pytest.mark.parametrize("settings", ["defaults", "terraform-cloud"])
def test_backends_are_valid(
    settings: str, stacks: Stacks, terraform: Terraform, tmp_path: Path
) -> None:
    for name, stack in stacks(settings).items():
        block = {
            key: value for key, value in stack["terraform"].items() if key != "required_providers"
        }
        folder = tmp_path / name
        folder.mkdir()
        (folder / "cdk.tf.json").write_text(json.dumps({"terraform": block}))
        result = json.loads(terraform(folder, "validate", "-json").stdout)
        assert result["valid"], result["diagnostics"]
