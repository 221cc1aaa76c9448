"""Ring 2: from each release to now no address goes, nor what Helm and Kubernetes replace for.

tests/terraform/test_upgrade.py plans the AWS resources, whose provider knows what it replaces.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Stack
from tests.releases import Released, released
from tests.synth.documents import resources

# A resource of another name or place is another resource: ForceNew in both providers' schemas.
IDENTITY = {"helm_release": ("name", "namespace"), "kubernetes_": ("metadata",)}


@pytest.mark.parametrize("release", released(), ids=str)
def test_every_address_of_a_release_lives_on(release: Released, tmp_path: Path) -> None:
    now = release.stacks_now(tmp_path)
    for name, before in release.stacks().items():
        assert name in now, f"the stack {name} is gone"
        gone = list(gone_or_replaced(before, now[name]))
        assert not gone, f"{name}: {gone}"


def gone_or_replaced(before: Stack, now: Stack) -> Iterator[str]:
    moved = {each["from"]: each["to"] for each in now.get("moved", [])}
    there = resources(now)
    for address, was in resources(before).items():
        found = there.get(moved.get(address, address))
        if found is None:
            yield f"{address} would be destroyed: it needs a moved block"
            continue
        for kind, names in IDENTITY.items():
            if address.startswith(kind) and any(
                identity(was, argument) != identity(found, argument) for argument in names
            ):
                yield f"{address} would be replaced"


def identity(resource: dict[str, Any], argument: str) -> object:
    value = resource[argument]
    if argument != "metadata":
        return value
    (metadata,) = value if isinstance(value, list) else [value]
    return metadata["name"], metadata.get("namespace")


def test_what_goes_or_is_replaced_is_told() -> None:
    def stack(name: str, **more: Any) -> Stack:
        kept = {"metadata": {"name": name}}
        return {"resource": {"kubernetes_namespace_v1": {"a": kept, **more}}}

    before = stack("x", b={"metadata": {"name": "y"}})
    assert list(gone_or_replaced(before, before)) == []
    assert list(gone_or_replaced(before, stack("x"))) == [
        "kubernetes_namespace_v1.b would be destroyed: it needs a moved block"
    ]
    assert list(gone_or_replaced(stack("x"), stack("z"))) == [
        "kubernetes_namespace_v1.a would be replaced"
    ]
    moved = {"moved": [{"from": "kubernetes_namespace_v1.b", "to": "kubernetes_namespace_v1.c"}]}
    assert list(gone_or_replaced(before, stack("x", c={"metadata": {"name": "y"}}) | moved)) == []
