"""Ring 3, slow: a fleet of three clusters in two regions and two accounts, one workspace."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Stack
from tests.terraform.clusters import make_cluster, session
from tests.terraform.deployment import Deployment
from tests.terraform.roots import Root
from tests.terraform.simulated_aws import SimulatedAws
from tests.terraform.simulated_aws.iam import is_allowed

pytestmark = pytest.mark.slow
Stacks = Callable[[str], dict[str, Stack]]

OTHER_ACCOUNT = "444455556666"
AMP_ROLE = "arn:aws:iam::111122223333:role/kubecost-amp"


def policies(iam: Any, role: str) -> list[dict[str, Any]]:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]


def test_a_fleet_shares_one_workspace_for_each_architecture(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    with SimulatedAws(region="ap-northeast-2") as aws:
        ireland = session(aws, "eu-west-1")
        research = session(aws, "ap-northeast-2", OTHER_ACCOUNT)
        make_cluster(ireland, "shop-production")
        make_cluster(research, "data")
        before = set(aws.leftovers())
        fleet = Deployment(tmp_path, stacks("fleet"), aws, missing_providers)
        fleet.apply()
        fleet.assert_nothing_to_do()

        workspaces = aws.client("amp").list_workspaces()["workspaces"]
        assert sorted(each["alias"] for each in workspaces) == [
            "kubecost-adot-amp",
            "kubecost-prom-amp",
            "kubecost-prom-amp-cost",
        ]
        assert ireland("amp").list_workspaces()["workspaces"] == []
        assert research("amp").list_workspaces()["workspaces"] == []

        # Each cluster's role is in the cluster's account and may do one thing.
        for client, cluster in ((ireland, "shop"), (research, "data")):
            documents = policies(client("iam"), f"kubecost-prom-amp-cost.{cluster}-writer")
            assert is_allowed(*documents, action="sts:AssumeRole", resource=AMP_ROLE)
            for workspace in workspaces:
                assert not is_allowed(
                    *documents, action="aps:RemoteWrite", resource=workspace["arn"]
                )
            other = AMP_ROLE.replace("kubecost-amp", "admin")
            assert not is_allowed(*documents, action="sts:AssumeRole", resource=other)
        trust = json.loads(fleet.roots["prom_amp_cost-data"].outputs()["amp_role_trust"])
        (statement,) = trust["Statement"]
        assert statement["Principal"]["AWS"] == [
            f"arn:aws:iam::{OTHER_ACCOUNT}:role/kubecost-prom-amp-cost.data-writer"
        ]

        # A cluster leaves: its stacks go, those of the others do not notice.
        fleet.roots.pop("prom_amp_cost-shop").destroy()
        fleet.assert_nothing_to_do()
        fleet.destroy()
        assert set(aws.leftovers()) == before


def test_without_the_hub_a_cluster_is_told(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    with SimulatedAws(region="ap-northeast-2") as aws:
        make_cluster(session(aws, "eu-west-1"), "shop-production")
        member = stacks("fleet")["prom_amp-shop"]
        root = Root(tmp_path / "member", member, aws, missing_providers)
        root.init()
        printed = root.apply(expect=1)
        assert (
            "There must be exactly one AMP workspace with the alias kubecost-prom-amp in "
            "ap-northeast-2. If there is none, deploy the first cluster's: cdktf deploy prom_amp."
            in printed
        )


def test_two_accounts_need_a_role_to_meet(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    with SimulatedAws(region="ap-northeast-2") as aws:
        make_cluster(session(aws, "ap-northeast-2", OTHER_ACCOUNT), "data")
        aws.client("amp").create_workspace(alias="kubecost-prom-amp")
        root = Root(tmp_path / "m", stacks("accounts")["prom_amp-data"], aws, missing_providers)
        root.init()
        printed = root.apply(expect=1)
        assert "Cluster data and the AMP workspace are in different accounts." in printed
        assert "amp.role_arn" in printed


def test_a_cluster_without_an_oidc_provider_is_told_by_the_aws_provider(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    # There is no data source that lists such providers, on which a precondition could rest.
    with SimulatedAws(region="ap-northeast-2") as aws:
        make_cluster(session(aws, "ap-northeast-2"), "kubecost", oidc=False)
        root = Root(tmp_path / "hub", stacks("defaults")["prom_amp"], aws, missing_providers)
        root.init()
        printed = root.apply(expect=1)
        assert "finding IAM OIDC Provider by url" in printed
        assert "not found" in printed
