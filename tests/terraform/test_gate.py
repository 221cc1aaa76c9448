"""Ring 3, slow: the policy gate on plans of the real AWS provider, as they are and under attack."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.attacks import ATTACKS
from tests.conftest import SETTINGS_FILES, Stack, read_stacks, synthesize_into
from tests.terraform.deployment import Deployment
from tests.terraform.roots import Root
from tools import gate

pytestmark = pytest.mark.slow

# What a user changes without asking anybody: docs/operations.md, "Change a setting".
UPDATED = {
    "tags": {"team": "finops"},
    "base": {
        "kubernetes_version": "1.36",
        "nodes": {"min": 1, "desired": 4, "max": 9, "disk_gib": 90},
    },
    "amp": {"retention_days": 300, "max_series_per_cluster": 900_000},
    "kubecost": {"network_costs": False},
}
STACKS = ("base", "prom_amp", "amp")
# A second settings file in the same account: everything of it is new.
OTHER = {"name": "other", "clusters": [{"name": "kubecost"}], "architectures": ["prom_amp", "amp"]}
OTHER_BASE = {"name": "other", "architectures": ["prom"]}


class Planned(NamedTuple):
    """A real plan, and the stack that it is of."""

    plan: Any
    stack: Stack


def synthesized(folder: Path, settings: dict[str, Any]) -> dict[str, Stack]:
    folder.mkdir()
    file = folder / "kubecost.yaml"
    written = yaml.safe_load(SETTINGS_FILES["defaults"].read_text())
    file.write_text(yaml.safe_dump({**written, **settings}))
    return read_stacks(synthesize_into(folder / "out", file))


@pytest.fixture(scope="module")
def updates(deployed: Deployment, tmp_path_factory: pytest.TempPathFactory) -> list[Planned]:
    folder = tmp_path_factory.mktemp("updates")
    changed = synthesized(folder / "changed", UPDATED)
    found = []
    for name in STACKS:
        root = deployed.roots[name]
        kept = root.written()
        root.write(changed[name])
        try:
            found.append(Planned(json.loads(root.plan_json()), root.written()))
        finally:
            root.write(kept)
    return found


@pytest.fixture(scope="module")
def creations(
    deployed: Deployment, missing_providers: set[str], tmp_path_factory: pytest.TempPathFactory
) -> list[Planned]:
    folder = tmp_path_factory.mktemp("creations")
    overlays = synthesized(folder / "other", OTHER)
    stacks = {**overlays, "base": synthesized(folder / "base", OTHER_BASE)["base"]}
    found = []
    for name in STACKS:
        root = Root(folder / "roots" / name, stacks[name], deployed.aws, missing_providers)
        root.init()
        found.append(Planned(json.loads(root.plan_json()), root.written()))
    return found


def test_new_stacks_and_usual_updates_pass(
    updates: list[Planned], creations: list[Planned]
) -> None:
    for planned in (*updates, *creations):
        actions = [each["change"]["actions"] for each in planned.plan["resource_changes"]]
        assert actions.count(["create"]) + actions.count(["update"]) > 0
        assert gate.findings(*planned) == []


def attacked(planned: Planned) -> Iterator[tuple[str, str, Planned]]:
    """Give each attack on each resource of a plan: its name, the address, and the plan with it."""
    for attack in ATTACKS:
        for index, resource in enumerate(planned.plan["resource_changes"]):
            change = resource["change"]
            if resource["type"] != attack.kind or not change["after"]:
                continue
            if change["before"] is None and not attack.new:
                continue
            after, stack = deepcopy(change["after"]), deepcopy(planned.stack)
            body = stack["resource"][resource["type"]][resource["name"]]
            try:
                attack.mutate(after)
                attack.mutate(body)
            except (KeyError, IndexError, TypeError, ValueError):
                continue  # this one has no such argument, or it is unknown until it is applied
            if after in (change["after"], change["before"]):
                continue
            actions = ["create"] if change["before"] is None else ["update"]
            mutated = {**resource, "change": {**change, "after": after, "actions": actions}}
            changes = [*planned.plan["resource_changes"]]
            changes[index] = mutated
            plan = {**planned.plan, "resource_changes": changes}
            yield f"{attack.aim}: {attack.name}", resource["address"], Planned(plan, stack)


def test_attacks_on_real_plans_are_held(updates: list[Planned], creations: list[Planned]) -> None:
    passed, tried = [], set()
    for planned in (*updates, *creations):
        for name, address, mutated in attacked(planned):
            tried.add((name, address, mutated.plan["resource_changes"][0]["address"]))
            found = {finding.where for finding in gate.findings(*mutated)}
            if address not in found:
                passed.append(f"{name} ({address})")
    assert passed == []
    assert len(tried) >= 300
