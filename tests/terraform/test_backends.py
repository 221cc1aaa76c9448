"""Ring 3: states on this machine and in a bucket, with the real terraform and a simulated S3."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from tests.conftest import Stack
from tests.terraform.conftest import Terraform
from tools.common import TERRAFORM

PATIENCE_SECONDS = 20

Stacks = Callable[[str], dict[str, Stack]]


def working_copy(project: Path, stack: Stack) -> Path:
    """Write a stack's state backend, as it is synthesized, around a resource without a provider."""
    folder = project / "cdktf.out/stacks/prom"
    folder.mkdir(parents=True, exist_ok=True)
    backend = {"backend": stack["terraform"]["backend"]}
    resource = {"terraform_data": {"kubecost": {"input": "2.8.7"}}}
    (folder / "cdk.tf.json").write_text(json.dumps({"terraform": backend, "resource": resource}))
    return folder


def initialized(project: Path, stack: Stack, terraform: Terraform, *options: str) -> Path:
    folder = working_copy(project, stack)
    # A simulated S3 has no host name for each bucket.
    path_style = ["-backend-config=use_path_style=true"] * ("s3" in stack["terraform"]["backend"])
    done = terraform(folder, "init", "-input=false", "-no-color", *path_style, *options)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def bucket(simulated_aws: None) -> str:
    s3 = boto3.client("s3", region_name="eu-west-1")
    location = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="platform-states", CreateBucketConfiguration=location)
    return "platform-states"


def keys(bucket: str) -> set[str]:
    listed = boto3.client("s3", region_name="eu-west-1").list_objects_v2(Bucket=bucket)
    return {each["Key"] for each in listed.get("Contents", [])}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def second_user_is_blocked(
    mine: Path, theirs: Path, terraform: Terraform, is_locked: Callable[[], bool]
) -> None:
    """Let one user stand before the question of `terraform apply`, and another plan meanwhile."""
    plan = ("plan", "-input=false", "-no-color", "-detailed-exitcode")
    assert terraform(theirs, *plan).returncode == 2
    with subprocess.Popen(
        [TERRAFORM, "apply", "-no-color"],
        cwd=mine,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        try:
            wait_until(is_locked)
            blocked = terraform(theirs, *plan)
        finally:
            out, _ = first.communicate("yes\n")
    assert blocked.returncode == 1
    assert "Error acquiring the state lock" in blocked.stderr
    assert "Operation: OperationTypeApply" in blocked.stderr
    assert first.returncode == 0, out
    assert not is_locked()
    assert terraform(theirs, *plan).returncode == 0


def test_local_state_is_kept_beside_the_project_and_locked(
    stacks: Stacks, terraform: Terraform, tmp_path: Path
) -> None:
    folder = initialized(tmp_path, stacks("defaults")["prom"], terraform)
    lock = tmp_path / ".terraform.prom.tfstate.lock.info"
    second_user_is_blocked(folder, folder, terraform, lock.exists)
    assert (tmp_path / "terraform.prom.tfstate").exists()


def test_state_in_a_bucket_is_shared_and_locked_and_takes_a_local_one_in(
    stacks: Stacks, terraform: Terraform, tmp_path: Path, bucket: str
) -> None:
    in_bucket = stacks("s3")["prom"]
    mine = initialized(tmp_path / "mine", in_bucket, terraform)
    theirs = initialized(tmp_path / "theirs", in_bucket, terraform)
    lock = "finops/kubecost/prom.tfstate.tflock"
    second_user_is_blocked(mine, theirs, terraform, lambda: lock in keys(bucket))
    assert keys(bucket) == {"finops/kubecost/prom.tfstate"}

    # The move that docs/terraform-cloud.md shows.
    boto3.client("s3", region_name="eu-west-1").delete_object(
        Bucket=bucket, Key="finops/kubecost/prom.tfstate"
    )
    project = tmp_path / "moves"
    folder = initialized(project, stacks("defaults")["prom"], terraform)
    assert terraform(folder, "apply", "-auto-approve").returncode == 0
    initialized(project, in_bucket, terraform, "-migrate-state", "-force-copy")
    assert keys(bucket) == {"finops/kubecost/prom.tfstate"}
    unchanged = terraform(folder, "plan", "-no-color", "-detailed-exitcode")
    assert unchanged.returncode == 0, unchanged.stdout
