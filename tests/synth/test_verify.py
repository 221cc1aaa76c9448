"""Ring 2: `make verify` finds in every synthesized stack what it has to look for."""

import json
import re
from collections.abc import Callable

import pytest

from architectures import ARCHITECTURES
from tests.conftest import SETTINGS_FILES, Stack
from tools.common import CommandError
from tools.verify import command
from tools.verify.declared import Declared

Stacks = Callable[[str], dict[str, Stack]]


@pytest.mark.parametrize("settings", SETTINGS_FILES)
def test_every_stack_can_be_read(stacks: Stacks, settings: str) -> None:
    for name, stack in stacks(settings).items():
        declared = Declared(name, stack)
        assert declared.is_on_cluster is (name != "billing")
        if name == "billing":
            continue
        assert declared.cluster_name
        assert declared.region_and_role[0]
        for role in declared.roles:
            assert role.policies or role.attachments
        for workspace in declared.workspaces.values():
            assert workspace.id or workspace.alias
        architecture = name.partition("-")[0]
        if architecture not in ARCHITECTURES:
            continue
        described = ARCHITECTURES[architecture]
        assert declared.namespace
        assert declared.kubecost
        assert declared.cluster_id
        assert {job["job_name"] for job in declared.jobs} >= {"kubecost", "kubernetes-nodes"}
        assert bool(declared.query_url) is described.sends_to_amp
        assert bool(declared.query_proxy) is described.queries_amp
        assert bool(declared.resources("aws_prometheus_scraper")) is described.scraped_by_amp
        # Who neither has Prometheus nor a scraper of AWS's has a collector with one role more.
        writers = [role for role in declared.roles if role.name.endswith("-writer")]
        assert len(writers) == (described.sends_to_amp and not described.scraped_by_amp)
        assert declared.writes_from_prometheus is bool(writers and declared.prometheus_service)


def test_a_workspace_of_another_account_is_asked_in_the_name_of_a_role(stacks: Stacks) -> None:
    declared = Declared("amp", stacks("foreign")["amp"])
    assert declared.workspaces == {}
    assert str(declared.query_url).startswith("https://aps-workspaces.eu-west-1.amazonaws.com/")
    assert str(declared.amp_role_arn).startswith("arn:aws:iam::777788889999:role/")


def test_a_cluster_of_a_fleet_finds_the_hubs_workspace(stacks: Stacks) -> None:
    for name, has_ui in (("prom_amp", True), ("prom_amp-shop", False)):
        declared = Declared(name, stacks("fleet")[name])
        (workspace,) = declared.workspaces.values()
        assert workspace.alias == "kubecost-prom-amp"
        assert workspace.region == "ap-northeast-2"
        assert declared.has_ui is has_ui
        assert (declared.series_limit is None) is not has_ui


@pytest.mark.parametrize("name", ["prom_amp", "prom_amp-shop", "adot_amp", "amp"])
def test_a_module_may_be_renamed(stacks: Stacks, name: str) -> None:
    """What verify looks for does not hang on the names of constructs."""
    stack = stacks("fleet" if "-" in name else "defaults")[name]
    text = json.dumps(stack)
    names = {
        each
        for section in ("resource", "data")
        for kind in stack[section].values()
        for each in kind
    }
    for number, each in enumerate(sorted(names, key=len, reverse=True)):
        text = re.sub(rf'(?<=[."]){each}(?=[."])', f"renamed_{number}", text)
    changed = json.loads(text)
    changed["output"] = {f"renamed_{key}": each for key, each in changed["output"].items()}
    before, after = Declared(name, stack), Declared(name, changed)
    for attribute in (
        "cluster_name", "region_and_role", "namespace", "prometheus_service", "cluster_id",
        "has_ui", "amp_role_arn", "series_limit", "writes_from_prometheus", "jobs",
    ):  # fmt: skip
        assert getattr(after, attribute) == getattr(before, attribute), attribute
    assert [*after.workspaces.values()] == [*before.workspaces.values()]
    assert after.query_url
    assert after.query_proxy
    assert [each.name for each in after.roles] == [each.name for each in before.roles]
    for one, other in zip(after.roles, before.roles, strict=True):
        assert one.policies.keys() == other.policies.keys()
        assert len(one.attachments) == len(other.attachments)


def test_a_stack_on_no_cluster_is_told(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    bill = Declared("billing", stacks("billing")["billing"])
    monkeypatch.setattr(Declared, "read", lambda _name: bill)
    with pytest.raises(CommandError, match="billing is not on a cluster; verify a stack whose K"):
        command.main(["billing"])
