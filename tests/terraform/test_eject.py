"""Ring 3: a stack's folder elsewhere, and its HCL, plan the same, on a simulated AWS."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from modules.versions import PROVIDERS
from tests.conftest import Stack
from tests.terraform.conftest import CUT, Terraform
from tests.terraform.cut import cut
from tests.terraform.project import write_project
from tools.eject import eject, provider_schemas, to_hcl

STACK = "prom_amp_cost"
# moto itself knows workspaces, but not their configuration, and not when rules are ready.
UNSIMULATED = ["aws_prometheus_workspace_configuration", "aws_prometheus_rule_group_namespace"]


@pytest.fixture
def cluster(simulated_aws: None) -> None:
    ec2 = boto3.client("ec2")
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]]
    made = boto3.client("eks").create_cluster(
        name="kubecost",
        roleArn="arn:aws:iam::123456789012:role/kubecost-cluster",
        resourcesVpcConfig={"subnetIds": subnets[:2]},
    )
    boto3.client("iam").create_open_id_connect_provider(
        Url=made["cluster"]["identity"]["oidc"]["issuer"], ThumbprintList=["0" * 40]
    )


def planned(terraform: Terraform, folder: Path) -> Any:
    init = terraform(folder, "init", "-input=false", "-no-color")
    assert init.returncode == 0, init.stderr
    done = terraform(folder, "plan", "-input=false", "-no-color", "-out=plan")
    assert done.returncode == 0, done.stderr
    shown = json.loads(terraform(folder, "show", "-json", "plan").stdout)
    return shown["resource_changes"], shown["output_changes"]


@pytest.mark.slow
@pytest.mark.usefixtures("cluster", "missing_providers")
def test_a_stack_elsewhere_and_as_hcl(
    stacks: Callable[[str], dict[str, Stack]],
    terraform: Terraform,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Releases need a cluster that answers, and moto's does not.
    stack, _ = cut(stacks("defaults")[STACK], {"helm", "kubernetes"})
    # The simulation is known to fit this one.
    stack["terraform"]["required_providers"]["aws"]["version"] = "~> 5.100"
    for kind in UNSIMULATED:
        del stack["resource"][kind]
    CUT["not simulated"] = UNSIMULATED
    project = tmp_path / "project"
    folder = project / "cdktf.out/stacks" / STACK
    folder.mkdir(parents=True)
    (folder / "cdk.tf.json").write_text(json.dumps(stack))

    elsewhere = tmp_path / "some/other/place/of/mine"
    shutil.copytree(folder, elsewhere)
    changes, outputs = planned(terraform, folder)
    made = [each["address"] for each in changes if each["mode"] == "managed"]
    assert sorted(made) == sorted(
        f"{kind}.{name}" for kind, named in stack["resource"].items() for name in named
    )
    assert planned(terraform, elsewhere) == (changes, outputs)

    assert terraform(folder, "apply", "-auto-approve").returncode == 0
    monkeypatch.chdir(project)
    ejected = Path("ejected") / STACK
    eject(stack, ejected)
    assert terraform(ejected, "init", "-input=false").returncode == 0
    plan = ("plan", "-input=false", "-no-color", "-detailed-exitcode")
    same = terraform(ejected, *plan)
    assert same.returncode == 0, same.stdout + same.stderr
    # Shows that it is the same state and that a difference would be seen.
    text = (ejected / "main.tf").read_text()
    (ejected / "main.tf").write_text(text.replace("aps:RemoteWrite", "aps:QueryMetrics"))
    other = terraform(ejected, *plan)
    assert other.returncode == 2, other.stderr
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in other.stdout


@pytest.mark.slow
def test_every_stack_is_valid_as_hcl(
    stacks: Callable[[str], dict[str, Stack]],
    terraform: Terraform,
    missing_providers: set[str],
    tmp_path: Path,
) -> None:
    required = {name: each for name, each in PROVIDERS.items() if name not in missing_providers}
    schemas = provider_schemas({"terraform": {"required_providers": required}})

    def write(folder: Path, stack: Stack) -> None:
        (folder / "main.tf").write_text(to_hcl(stack, schemas))

    write_project(tmp_path, stacks, missing_providers, write)
    init = terraform(tmp_path, "init", "-input=false", "-no-color")
    assert init.returncode == 0, init.stderr
    result = json.loads(terraform(tmp_path, "validate", "-json").stdout)
    faults = [d for d in result["diagnostics"] if d["severity"] == "error"]
    assert not faults, json.dumps(faults, indent=1)
    assert result["valid"]
