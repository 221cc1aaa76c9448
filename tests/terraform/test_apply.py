"""Ring 3, slow: the defaults applied to a simulated AWS; what the roles may do; what faults say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.synth.documents import Stack
from tests.terraform.deployment import Deployment
from tests.terraform.roots import NOT_SIMULATED, Root
from tests.terraform.simulated_aws import SimulatedAws
from tests.terraform.simulated_aws.iam import is_allowed

Stacks = Callable[[str], dict[str, Stack]]

pytestmark = pytest.mark.slow


def test_a_second_plan_is_empty(deployed: Deployment) -> None:
    deployed.assert_nothing_to_do()


def test_what_is_not_simulated_is_named(deployed: Deployment) -> None:
    for name, root in deployed.roots.items():
        providers = {address.removeprefix("data.").split("_")[0] for address in root.cut}
        assert providers <= NOT_SIMULATED | {"output.kubecost"}
        assert bool(root.cut) is (name != "base")


def role_policies(aws: SimulatedAws, role: str) -> list[dict[str, Any]]:
    iam = aws.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]


WRITERS = ["prom-amp-cost", "prom-amp", "adot-amp"]
READERS = ["prom-amp", "adot-amp", "amp"]
QUERIES = ["aps:QueryMetrics", "aps:GetSeries", "aps:GetLabels", "aps:GetMetricMetadata"]


def workspace_arn(aws: SimulatedAws, architecture: str) -> str:
    found = aws.client("amp").list_workspaces(alias=f"kubecost-{architecture}")["workspaces"]
    (arn,) = [each["arn"] for each in found if each["alias"] == f"kubecost-{architecture}"]
    return str(arn)


@pytest.mark.parametrize("architecture", WRITERS)
def test_a_writer_writes_to_its_workspace_and_nothing_else(
    deployed: Deployment, architecture: str
) -> None:
    policies = role_policies(deployed.aws, f"kubecost-{architecture}-writer")
    own, other = workspace_arn(deployed.aws, architecture), workspace_arn(deployed.aws, "amp")
    assert is_allowed(*policies, action="aps:RemoteWrite", resource=own)
    assert not is_allowed(*policies, action="aps:RemoteWrite", resource=other)
    for action in [*QUERIES, "aps:DeleteWorkspace", "sts:AssumeRole", "ec2:DescribeVpcs"]:
        assert not is_allowed(*policies, action=action, resource=own)


@pytest.mark.parametrize("architecture", READERS)
def test_a_reader_queries_its_workspace_and_nothing_else(
    deployed: Deployment, architecture: str
) -> None:
    policies = role_policies(deployed.aws, f"kubecost-{architecture}-reader")
    own = workspace_arn(deployed.aws, architecture)
    other = workspace_arn(deployed.aws, "prom-amp-cost")
    for action in QUERIES:
        assert is_allowed(*policies, action=action, resource=own)
        assert not is_allowed(*policies, action=action, resource=other)
    for action in ("aps:RemoteWrite", "aps:DeleteWorkspace", "aps:PutRuleGroupsNamespace"):
        assert not is_allowed(*policies, action=action, resource=own)


@pytest.mark.parametrize("architecture", READERS)
def test_a_role_admits_its_own_service_account_of_its_own_cluster(
    deployed: Deployment, architecture: str
) -> None:
    aws = deployed.aws
    role = aws.client("iam").get_role(RoleName=f"kubecost-{architecture}-reader")["Role"]
    trust = role["AssumeRolePolicyDocument"]
    cluster = aws.client("eks").describe_cluster(name="kubecost")["cluster"]
    issuer = cluster["identity"]["oidc"]["issuer"].removeprefix("https://")
    (provider,) = [
        each["Arn"]
        for each in aws.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    ]
    assert provider.endswith(issuer)
    namespace = f"kubecost-{architecture}"
    own = f"system:serviceaccount:{namespace}:{namespace}-cost-analyzer"

    def admitted(subject: str, *, by: str = provider, audience: str = "sts.amazonaws.com") -> bool:
        return is_allowed(
            trust,
            action="sts:AssumeRoleWithWebIdentity",
            principal=("Federated", by),
            context={f"{issuer}:sub": subject, f"{issuer}:aud": audience},
        )

    assert admitted(own)
    assert not admitted(own, by=provider.replace(issuer, "oidc.eks.example/id/OTHER"))
    assert not admitted(own, audience="kubernetes")
    assert not admitted(f"system:serviceaccount:{namespace}:default")
    assert not admitted(f"system:serviceaccount:other:{namespace}-cost-analyzer")
    assert not is_allowed(
        trust, action="sts:AssumeRole", principal=("Service", "ec2.amazonaws.com"), context={}
    )


def test_a_taken_role_name_is_told(
    deployed: Deployment, stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    # A second settings file with the same name: what it would make exists already.
    stack = stacks("defaults")["prom_amp_cost"]
    second = Root(tmp_path / "second", stack, deployed.aws, missing_providers)
    second.init()
    printed = second.apply(expect=1)
    assert "EntityAlreadyExists" in printed
    assert "kubecost-prom-amp-cost-writer" in printed
    # It stopped beside the first one, whose workspace is still the one with the role.
    second.destroy()
    deployed.roots["prom_amp_cost"].assert_nothing_to_do()


def alone(
    name: str, settings: str, stacks: Stacks, missing: set[str], folder: Path, aws: SimulatedAws
) -> Root:
    root = Root(folder / name, stacks(settings)[name], aws, missing)
    root.init()
    return root


def test_a_missing_cluster_is_told(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    with SimulatedAws(region="ap-northeast-2") as empty:
        overlay = alone("prom_amp_cost", "defaults", stacks, missing_providers, tmp_path, empty)
        printed = overlay.apply(expect=1)
        assert (
            "There is no EKS cluster kubecost in ap-northeast-2. Create it with: cdktf deploy base."
            in printed
        )
        assert empty.leftovers() == []
