"""Allowed and denied cases of the policy evaluator."""

from typing import Any

import pytest

from .iam import is_allowed

WORKSPACE = "arn:aws:aps:us-east-1:123456789012:workspace/ws-1"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/A"
ISSUER = "oidc.eks.us-east-1.amazonaws.com/id/A"
SUBJECT = "system:serviceaccount:kubecost:prometheus"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    allow = {"Effect": "Allow", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [allow | s for s in statements]}


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("aps:RemoteWrite", WORKSPACE, True),
        ("APS:remotewrite", WORKSPACE, True),
        ("aps:QueryMetrics", WORKSPACE, False),
        ("aps:RemoteWrite", WORKSPACE + "2", False),
        ("aps:RemoteWrite", WORKSPACE.upper(), False),
    ],
)
def test_one_action_on_one_resource(action: str, resource: str, allowed: bool) -> None:
    writer = policy({"Action": "aps:RemoteWrite", "Resource": [WORKSPACE]})
    assert is_allowed(writer, action=action, resource=resource) is allowed


@pytest.mark.parametrize(
    ("pattern", "action", "allowed"),
    [
        ("*", "aps:RemoteWrite", True),
        ("aps:*", "aps:RemoteWrite", True),
        ("aps:Get*", "aps:GetLabels", True),
        ("aps:Get*", "aps:QueryMetrics", False),
        ("aps:Get?abels", "aps:GetLabels", True),
        ("aps:Get.abels", "aps:GetLabels", False),
    ],
)
def test_wildcards(pattern: str, action: str, allowed: bool) -> None:
    assert is_allowed(policy({"Action": pattern}), action=action, resource=WORKSPACE) is allowed


def test_explicit_deny_wins_in_any_policy() -> None:
    everything = policy({"Action": "*"})
    deny = policy({"Effect": "Deny", "Action": "aps:Delete*"})
    for order in ((everything, deny), (deny, everything)):
        assert not is_allowed(*order, action="aps:DeleteWorkspace", resource=WORKSPACE)
        assert is_allowed(*order, action="aps:RemoteWrite", resource=WORKSPACE)


def test_deny_whose_condition_is_not_met_denies_nothing() -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/team": "x"}}
    both = policy({"Action": "*"}, {"Effect": "Deny", "Action": "*", "Condition": condition})
    assert is_allowed(both, action="aps:RemoteWrite", resource=WORKSPACE)


def test_not_action_and_not_resource() -> None:
    but_iam = policy({"NotAction": ["iam:*"]})
    assert is_allowed(but_iam, action="aps:RemoteWrite", resource=WORKSPACE)
    assert not is_allowed(but_iam, action="iam:CreateRole", resource="*")
    elsewhere = {"Effect": "Allow", "Action": "*", "NotResource": WORKSPACE}
    document = {"Statement": elsewhere}
    assert is_allowed(document, action="aps:RemoteWrite", resource=WORKSPACE + "2")
    assert not is_allowed(document, action="aps:RemoteWrite", resource=WORKSPACE)


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"k": ["a", "b"]}}, {"K": "b"}, True),
        ({"StringEquals": {"k": "a"}}, {"k": "A"}, False),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringNotEquals": {"k": "a"}}, {"k": "a"}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringLike": {"k": "team-*"}}, {"k": "team-a"}, True),
        ({"StringNotLike": {"k": "team-*"}}, {"k": "team-a"}, False),
        ({"ArnLike": {"k": "arn:aws:eks:*:1:cluster/*"}}, {"k": "arn:aws:eks:x:1:cluster/a"}, True),
        ({"ArnLike": {"k": "arn:aws:*:cluster/*"}}, {"k": "arn:aws:eks:x:1:cluster/a"}, False),
        ({"Bool": {"k": True}}, {"k": "true"}, True),
        ({"Null": {"k": "false"}}, {"k": "x"}, True),
        ({"Null": {"k": "false"}}, {}, False),
        ({"NumericLessThanEquals": {"k": "3"}}, {"k": "4"}, False),
        ({"ForAnyValue:StringEquals": {"k": "a"}}, {"k": ["a", "b"]}, True),
        ({"ForAnyValue:StringEquals": {"k": "a"}}, {}, False),
        ({"ForAllValues:StringEquals": {"k": "a"}}, {"k": ["a", "b"]}, False),
        ({"StringEquals": {"k": "a"}, "StringLike": {"l": "*"}}, {"k": "a"}, False),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, Any], allowed: bool) -> None:
    document = policy({"Action": "*", "Condition": condition})
    assert is_allowed(document, action="a:B", resource="*", context=context) is allowed


@pytest.mark.parametrize(
    ("principal", "context", "allowed"),
    [
        (("Federated", PROVIDER), {"sub": SUBJECT, "aud": "sts.amazonaws.com"}, True),
        (("Federated", PROVIDER), {"sub": SUBJECT + "2", "aud": "sts.amazonaws.com"}, False),
        (("Federated", PROVIDER), {"sub": SUBJECT}, False),
        (("Federated", PROVIDER + "B"), {"sub": SUBJECT, "aud": "sts.amazonaws.com"}, False),
        (("Service", PROVIDER), {"sub": SUBJECT, "aud": "sts.amazonaws.com"}, False),
    ],
)
def test_trust_of_one_service_account(
    principal: tuple[str, str], context: dict[str, str], allowed: bool
) -> None:
    equals = {f"{ISSUER}:sub": SUBJECT, f"{ISSUER}:aud": "sts.amazonaws.com"}
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": PROVIDER},
        "Condition": {"StringEquals": equals},
    }
    given = {f"{ISSUER}:{claim}": value for claim, value in context.items()}
    assert (
        is_allowed(
            {"Statement": [statement]},
            action="sts:AssumeRoleWithWebIdentity",
            principal=principal,
            context=given,
        )
        is allowed
    )


@pytest.mark.parametrize(
    ("named", "allowed"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": "123456789012"}, True),
        ({"AWS": ["arn:aws:iam::123456789012:root"]}, True),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, False),
        ({"AWS": "arn:aws:iam::999999999999:root"}, False),
    ],
)
def test_account_principals(named: Any, allowed: bool) -> None:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": named}
    who = ("AWS", "arn:aws:iam::123456789012:role/writer")
    assert is_allowed({"Statement": statement}, action="sts:AssumeRole", principal=who) is allowed


def test_what_is_not_known_is_not_guessed() -> None:
    odd = policy({"Action": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}})
    with pytest.raises(ValueError, match="IpAddress"):
        is_allowed(odd, action="a:B", resource="*", context={"aws:SourceIp": "10.0.0.1"})
    variable = policy({"Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}"})
    with pytest.raises(ValueError, match="policy variables"):
        is_allowed(variable, action="a:B", resource="arn:aws:s3:::b/x")
    trust = {"Statement": {"Effect": "Allow", "Action": "*", "NotPrincipal": {"AWS": "*"}}}
    with pytest.raises(ValueError, match="NotPrincipal"):
        is_allowed(trust, action="sts:AssumeRole", principal=("Service", "x"))
    with pytest.raises(ValueError, match="which one"):
        is_allowed(policy({"Action": "*"}), action="a:B")
    with pytest.raises(ValueError, match="who acts"):
        is_allowed(
            {"Statement": {"Effect": "Allow", "Action": "*", "Principal": "*"}}, action="a:B"
        )
