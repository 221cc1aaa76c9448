"""Ring 2: a role that a service account gets by an association in EKS."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.conftest import Stack
from tools.verify import roles
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import Finding, Status

ROLE = "arn:aws:iam::111122223333:role/kubecost-prom-amp-reader"
ACCOUNT = ("kubecost-prom-amp", "kubecost-prom-amp-cost-analyzer")


@pytest.fixture
def declared(stacks: Callable[[str], dict[str, Stack]]) -> Declared:
    return Declared("prom_amp", stacks("associations")["prom_amp"])


def look(declared: Declared, *associated: str) -> Finding:
    """Check the reader's association where EKS has these roles for its service account."""
    eks = SimpleNamespace(
        list_pod_identity_associations=lambda **asked: {
            "associations": [
                {"associationId": role}
                for role in associated
                if (asked["namespace"], asked["serviceAccount"]) == ACCOUNT
            ]
        },
        describe_pod_identity_association=lambda **asked: {
            "association": {"roleArn": asked["associationId"]}
        },
    )
    context: Any = SimpleNamespace(
        declared=declared,
        cluster={"name": "kubecost"},
        account=("aws", "111122223333"),
        aws=SimpleNamespace(client=lambda _: eks),
    )
    (reader,) = [role for role in declared.roles if role.name.endswith("-reader")]
    assert reader.service_account == ACCOUNT
    return roles._association(cast(Context, context), reader, *ACCOUNT)


def test_an_association_with_the_role_is_right(declared: Declared) -> None:
    assert declared.pod_identity
    assert look(declared, ROLE).status is Status.OK


@pytest.mark.parametrize("associated", [(), (ROLE.replace("reader", "other"),)])
def test_none_or_another_one_is_told(declared: Declared, associated: tuple[str, ...]) -> None:
    finding = look(declared, *associated)
    assert finding.status is Status.FAIL
    assert ROLE in str(finding)
