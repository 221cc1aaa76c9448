"""Ring 2: pods get their roles without an OIDC provider where they must."""

import json
from collections.abc import Callable

from tests.synth.documents import Stack, helm_values, policies, resources
from tools.documents import quotable

Stacks = Callable[[str], dict[str, Stack]]
SETTINGS = "associations"


def test_no_oidc_provider_is_made_or_looked_up(stacks: Stacks) -> None:
    for name, stack in stacks(SETTINGS).items():
        assert "aws_iam_openid_connect_provider" not in stack.get("data", {}), name
        assert not resources(stack, "aws_iam_openid_connect_provider"), name
        assert "oidc" not in json.dumps(stack), name


def test_each_role_is_associated_with_the_service_account_that_it_trusts(stacks: Stacks) -> None:
    seen = set()
    for name, stack in stacks(SETTINGS).items():
        trusted = {}
        for where, document in policies(stack):
            (statement, *_) = document["Statement"]
            if statement.get("Principal") == {"Service": "pods.eks.amazonaws.com"}:
                assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
                said = statement["Condition"]["StringEquals"]
                assert "aws_eks_cluster" in said["aws:RequestTag/eks-cluster-arn"]
                trusted[where.removesuffix(".assume_role_policy")] = (
                    said["aws:RequestTag/kubernetes-namespace"],
                    said["aws:RequestTag/kubernetes-service-account"],
                )
        associated = {
            each["role_arn"][2:-1].removesuffix(".arn"): (
                each["namespace"],
                each["service_account"],
            )
            for each in resources(stack, "aws_eks_pod_identity_association").values()
        }
        assert associated == trusted, name
        seen |= set(associated.values())
    assert ("kube-system", "ebs-csi-controller-sa") in seen
    assert ("kube-system", "aws-node") in seen
    assert ("kube-system", "aws-load-balancer-controller") in seen
    assert ("kubecost-prom-amp", "kubecost-prom-amp-prometheus-server") in seen
    assert ("kubecost-adot-amp", "kubecost-adot-amp-collector") in seen
    assert ("kubecost-grafana", "kubecost-grafana") in seen


def test_a_pod_starts_after_its_association_or_gets_no_credentials(stacks: Stacks) -> None:
    for name, stack in stacks(SETTINGS).items():
        later = [
            *resources(stack, "helm_release").values(),
            *resources(stack, "aws_eks_addon").values(),
        ]
        waited = {each for resource in later for each in resource.get("depends_on", [])}
        assert set(resources(stack, "aws_eks_pod_identity_association")) <= waited, name
        for address in resources(stack, "helm_release"):
            values = helm_values(stack, address.split(".")[1])
            assert "eks.amazonaws.com/role-arn" not in str(values), f"{name} {address}"
        for addon in resources(stack, "aws_eks_addon").values():
            assert "service_account_role_arn" not in addon


def test_the_role_of_the_workspace_admits_sessions_with_tags(stacks: Stacks) -> None:
    # Tags of EKS Pod Identity go on from role to role.
    stack = stacks(SETTINGS)["prom_amp"]
    trust = json.loads(quotable(stack["output"]["amp_role_trust"]["value"]))
    assert trust["Statement"][0]["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    for where, document in policies(stack):
        if where.endswith("_policy.policy"):
            (statement,) = document["Statement"]
            assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"], where
