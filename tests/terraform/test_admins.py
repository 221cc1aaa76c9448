"""Ring 3, slow: who may administer the cluster that base makes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conftest import read_stacks, synthesize_into
from tests.synth.documents import Stack
from tests.terraform.roots import Root
from tests.terraform.simulated_aws import SimulatedAws

pytestmark = pytest.mark.slow
Stacks = Callable[[str], dict[str, Stack]]


def test_the_identity_that_deploys_may_be_listed_among_the_admins(
    missing_providers: set[str], tmp_path: Path
) -> None:
    with SimulatedAws(region="ap-northeast-2") as aws:
        iam, sts = aws.client("iam"), aws.client("sts")
        arns = [
            iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
            for name, path in (("deployer", "/ci/"), ("team", "/"))
        ]
        file = tmp_path / "kubecost.yaml"
        file.write_text(yaml.safe_dump({"architectures": ["prom"], "base": {"admins": arns}}))
        stack = read_stacks(synthesize_into(tmp_path / "out", file))["base"]
        base = Root(tmp_path / "base", stack, aws, missing_providers)
        base.init()

        keys = sts.assume_role(RoleArn=arns[0], RoleSessionName="ci")["Credentials"]
        base.act_as(
            AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
            AWS_SESSION_TOKEN=keys["SessionToken"],
        )
        base.apply()
        base.assert_nothing_to_do()
        entries = aws.client("eks").list_access_entries(clusterName="kubecost")["accessEntries"]
        assert set(arns) <= set(entries)

        # Whoever deploys later finds the same.
        other = {"AWS_ACCESS_KEY_ID": "simulated", "AWS_SECRET_ACCESS_KEY": "simulated"}
        base.act_as(**other, AWS_SESSION_TOKEN="")
        base.assert_nothing_to_do()
        base.destroy()
