"""Ring 2: the policy gate on plans of our own stacks, as they are and as an attacker has them."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import yaml

from tests import plans
from tests.attacks import ATTACKS, STACKS, UNKNOWN_KINDS, Attack
from tests.conftest import ROOT, SETTINGS_FILES, Stack, read_stacks, synthesize_into
from tools import gate
from tools.gate.kinds import KINDS
from tools.gate.rules import free

Stacks = Callable[[str], dict[str, Stack]]
# What a person must accept in the stacks of each settings file; nothing in the defaults.
ASKS = {
    "defaults": [],
    "s3": [],
    "terraform-cloud": [],
    "exposed": ["creates a name in DNS"],
    "alerts": [
        "creates a key with its own policy",
        "lets AWS services send messages",
        "sends alerts",
        "sends alerts to a subscriber",
    ],
}


def whats(plan: Any, stack: Stack) -> list[str]:
    return [finding.what for finding in gate.findings(plan, stack)]


def test_what_is_new_by_default_passes(stacks: Stacks) -> None:
    for settings, asks in ASKS.items():
        found = {
            what
            for stack in stacks(settings).values()
            for what in whats(plans.create(stack), stack)
        }
        assert sorted(found) == asks, settings


def test_where_nothing_changes_nothing_asks(stacks: Stacks) -> None:
    for settings in SETTINGS_FILES:
        for name, stack in stacks(settings).items():
            assert whats(plans.update(stack, stack), stack) == [], (settings, name)


def test_a_user_who_opens_something_is_asked(stacks: Stacks) -> None:
    found = {
        (finding.where.split(".")[0], finding.what)
        for stack in stacks("turned").values()
        for finding in gate.findings(plans.create(stack), stack)
    }
    assert {
        ("aws_eks_access_entry", "lets a principal into the cluster"),
        (
            "aws_eks_cluster",
            "vpc_config the Kubernetes API is newly open to 203.0.113.0/24, 198.51.100.7/32 "
            "(257 addresses)",
        ),
        ("kubernetes_ingress_v1", "metadata.annotations faces the internet"),
    } <= found


class World:
    """A stack with its plans, in which one resource at a time is put in another's place."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.bodies = plans.by_address(stack)
        self._made = [plans.new(address, body) for address, body in self.bodies.items()]
        self._kept = [plans.changed(address, body, body) for address, body in self.bodies.items()]

    def planned(self, address: str, body: Stack, *, new: bool) -> tuple[Any, Stack]:
        kind, name = address.split(".")
        others = self._made if new else self._kept
        change = (
            plans.new(address, body) if new else plans.changed(address, self.bodies[address], body)
        )
        mutated = {**self.stack["resource"], kind: {**self.stack["resource"][kind], name: body}}
        changes = [change if each["address"] == address else each for each in others]
        return plans.plan_of(changes), {**self.stack, "resource": mutated}

    def attacked(self, attack: Attack) -> Iterator[tuple[str, Any, Stack]]:
        """Give for every plan that an attack makes the address, the plan and the stack."""
        for address, body in self.bodies.items():
            if not address.startswith(f"{attack.kind}."):
                continue
            mutated = deepcopy(body)
            try:
                attack.mutate(mutated)
            except (KeyError, IndexError, TypeError):
                continue  # this one has no such argument
            if mutated != body:
                for new in (False, True) if attack.new else (False,):
                    yield address, *self.planned(address, mutated, new=new)


@pytest.fixture(scope="module")
def worlds(stacks: Stacks) -> dict[str, World]:
    chosen = {name: stacks("defaults")[name] for name in ("base", "prom", "prom_amp", "amp")}
    return {name: World(stack) for name, stack in chosen.items()} | {
        "exposed": World(stacks("exposed")["prom_amp"])
    }


def test_every_attack_is_held(worlds: dict[str, World], capsys: pytest.CaptureFixture[str]) -> None:
    tried: Counter[str] = Counter()
    distinct, passed = set(), []
    for attack in ATTACKS:
        used = False
        for name, world in worlds.items():
            if (name == "exposed") != (attack.kind == "kubernetes_ingress_v1"):
                continue
            for address, plan, stack in world.attacked(attack):
                used = True
                change = next(c for c in plan["resource_changes"] if c["address"] == address)
                text = json.dumps(change, sort_keys=True)
                tried[attack.aim] += text not in distinct
                distinct.add(text)
                if address not in {finding.where for finding in gate.findings(plan, stack)}:
                    passed.append(f"{attack.aim}: {attack.name} ({name}, {address})")
        assert used, f"no stack has what this attacks: {attack}"
    assert passed == []
    assert len(distinct) >= 300
    with capsys.disabled():
        print("".join(f"\n  {count:4} plans held: {aim}" for aim, count in tried.items()))


def test_what_cannot_be_read_asks(worlds: dict[str, World]) -> None:
    tried = 0
    for world in worlds.values():
        for address, body in world.bodies.items():
            rules = KINDS[address.split(".")[0]].arguments
            for argument in body.keys() & {key for key, rule in rules.items() if rule is not free}:
                for text in ("${var.x}", "${data.aws_ssm_parameter.x.value}", '${file("x")}'):
                    plan, stack = world.planned(address, {**body, argument: text}, new=True)
                    found = {finding.where for finding in gate.findings(plan, stack)}
                    assert address in found, (address, argument, text)
                    tried += 1
    assert tried > 100


def test_whatever_goes_asks(worlds: dict[str, World]) -> None:
    replaceable = {kind for kind, rules in KINDS.items() if rules.replaceable}
    for world in worlds.values():
        plan = plans.update(world.stack, world.stack)
        for change in plan["resource_changes"]:
            kept = change["change"]
            body = kept["before"]
            for actions, after in (
                (["delete"], None),
                (["forget"], None),
                (["delete", "create"], body),
                (["create", "delete"], body),
                (["create", "forget"], body),
            ):
                change["change"] = {"actions": actions, "before": body, "after": after}
                may = change["type"] in replaceable and {*actions} == {"create", "delete"}
                assert bool(whats(plan, world.stack)) != may, (change["address"], actions)
            change["change"] = kept
    assert whats_of_replaced_release(worlds["prom"]) == [
        "is replaced; you lose the release and the data on its volumes"
    ]


def whats_of_replaced_release(world: World) -> list[str]:
    plan = plans.update(world.stack, world.stack)
    (release,) = (each for each in plan["resource_changes"] if each["name"] == "kubecost_release")
    release["change"]["actions"] = ["delete", "create"]
    return whats(plan, world.stack)


@pytest.mark.parametrize("kind", UNKNOWN_KINDS)
def test_a_kind_that_is_not_known_asks(kind: str, worlds: dict[str, World]) -> None:
    stack = deepcopy(worlds["prom"].stack)
    stack["resource"].setdefault(kind, {})["extra"] = {"name": "x"}
    assert len(whats(plans.update(worlds["prom"].stack, stack), stack)) == 1


def test_what_is_imported_asks(worlds: dict[str, World]) -> None:
    plan = plans.update(worlds["base"].stack, worlds["base"].stack)
    plan["resource_changes"][0]["change"]["importing"] = {"id": "theirs"}
    assert whats(plan, worlds["base"].stack) == ["is imported: it exists already"]


def test_what_is_put_off_is_judged(worlds: dict[str, World]) -> None:
    stack = worlds["exposed"].stack
    plan = plans.create(stack)
    found = whats(plan, stack)
    plan["deferred_changes"] = [
        {"reason": "provider_config_unknown", "resource_change": plan["resource_changes"].pop()}
    ]
    assert whats(plan, stack) == found != []


@pytest.mark.parametrize("attack", STACKS, ids=lambda attack: attack.name)
def test_what_harms_by_being_planned_is_found_before(
    attack: Attack, worlds: dict[str, World]
) -> None:
    stack = deepcopy(worlds["prom"].stack)
    assert gate.unsafe(stack) == []
    attack.mutate(stack)
    assert gate.unsafe(stack)


def test_plans_that_are_none_are_refused(worlds: dict[str, World]) -> None:
    stack = worlds["base"].stack
    whole = plans.create(stack)
    other = plans.create(worlds["prom"].stack)
    first, *rest = whole["resource_changes"]
    broken: Any
    for broken in (
        None,
        [],
        {},
        "plan",
        {"format_version": "1.2"},
        {"format_version": "1.2", "resource_changes": []},
        {**whole, "format_version": "2.0"},
        {**whole, "errored": True},
        {**whole, "complete": False},
        {**whole, "resource_changes": rest},
        {**whole, "resource_changes": {}},
        {**whole, "resource_changes": [{}]},
        {**whole, "resource_changes": [*rest, {**first, "change": None}]},
        {**whole, "resource_changes": [*rest, {**first, "change": {"actions": []}}]},
        {**whole, "resource_changes": [*rest, {**first, "change": {"actions": ["open"]}}]},
        {**whole, "deferred_changes": [{}]},
        other,
    ):
        with pytest.raises(gate.PlanError):
            gate.findings(broken, stack)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("aws_security_group", {"description": "not internet-facing: 0.0.0.0/0 stays out"}),
        ("aws_vpc", {"tags": {"Name": "internet-facing"}}),
        ("aws_iam_role", {"description": "no AdministratorAccess"}),
        ("aws_eks_addon", {"addon_version": "v9"}),
    ],
)
def test_words_alone_stop_nothing(
    kind: str, change: dict[str, Any], worlds: dict[str, World]
) -> None:
    world = worlds["base"]
    address = next(each for each in world.bodies if each.startswith(f"{kind}."))
    for new in (True, False):
        plan, stack = world.planned(address, {**world.bodies[address], **change}, new=new)
        assert whats(plan, stack) == []


def rows() -> list[tuple[str, str]]:
    """Give the first and last cell of each row of the table of updates."""
    page = (ROOT / "docs/operations.md").read_text()
    table = page.partition("| change in `kubecost.yaml`")[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    return [(row[0], row[-1]) for row in cells]


TWO = {"base": {"availability_zones": 2}}
FEW = {"architectures": ["prom_amp", "amp"]}
ONLY_PROM = {"architectures": ["prom_amp_cost"]}
UPDATES: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "`tags`": [({}, {"tags": {"team": "finops"}})],
    "`base.kubernetes_version`": [({}, {"base": {"kubernetes_version": "1.36"}})],
    "`base.nodes.min`, `desired`, `max`": [
        ({}, {"base": {"nodes": {"min": 1, "desired": 7, "max": 9}}}),
        ({"base": {"nodes": {"desired": 4}}}, {}),
    ],
    "`base.nodes.disk_gib`": [({}, {"base": {"nodes": {"disk_gib": 90}}})],
    "`amp.retention_days`, `amp.max_series_per_cluster`, raised": [
        ({}, {"amp": {"retention_days": 300, "max_series_per_cluster": 900_000}})
    ],
    "`amp.retention_days`, `amp.max_series_per_cluster`, lowered": [
        ({}, {"amp": {"retention_days": 30}}),
        ({}, {"amp": {"max_series_per_cluster": 9000}}),
    ],
    "`alerts`": [({}, {"alerts": {"emails": ["finops@example.com"]}})],
    "what is scraped, with a Prometheus": [
        (ONLY_PROM, {**ONLY_PROM, "kubecost": {"network_costs": False}}),
        ({**ONLY_PROM, "kubecost": {"network_costs": False}}, ONLY_PROM),
    ],
    "what is scraped, without": [
        ({}, {"kubecost": {"network_costs": False}}),
        ({"kubecost": {"network_costs": False}}, {}),
        ({}, {"kubecost": {"node_exporter": True}}),
    ],
    "`base.vpc_cidr`, `name`, `region`": [({}, {"base": {"vpc_cidr": "10.9.0.0/16"}})],
    "`base.availability_zones`": [(TWO, {}), ({}, TWO)],
}
# What Terraform replaces (ForceNew in the AWS provider's schema), of what the rows change.
REPLACED = {
    "aws_vpc": {"cidr_block"},
    "aws_subnet": {"cidr_block"},
    "aws_eks_node_group": {"subnet_ids"},
}


def test_the_table_of_updates_is_whole() -> None:
    for row, _ in rows():
        assert sum(row.startswith(start) for start in UPDATES) == 1, row
    assert len(rows()) == len(UPDATES)


@pytest.fixture(scope="module")
def synthesized(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[dict[str, Any]], dict[str, Stack]]:
    @cache
    def once(text: str) -> dict[str, Stack]:
        folder = tmp_path_factory.mktemp("synthesized")
        (folder / "kubecost.yaml").write_text(text)
        return read_stacks(synthesize_into(folder / "out", folder / "kubecost.yaml"))

    return lambda settings: once(yaml.safe_dump({**FEW, **settings}))


@pytest.mark.xdist_group("updates")
@pytest.mark.parametrize(("row", "verdict"), rows(), ids=lambda text: re.sub(r"\W+", "-", text))
def test_the_table_of_updates(
    row: str, verdict: str, synthesized: Callable[[dict[str, Any]], dict[str, Stack]]
) -> None:
    changes = next(changes for start, changes in UPDATES.items() if row.startswith(start))
    for sides in changes:
        before, after = (synthesized(settings) for settings in sides)
        found, distinct = [], 0
        for name, stack in after.items():
            plan = plans.update(before[name], stack)
            distinct += _replace(plan)
            found += whats(plan, stack)
        assert distinct, "nothing changes"
        assert ("asks" if found else "passes") == verdict, found


def _replace(plan: Any) -> int:
    """Turn updates of what cannot be updated into replacements; give how much changes."""
    changing = [each for each in plan["resource_changes"] if each["change"]["actions"] != ["no-op"]]
    for each in changing:
        change = each["change"]
        for argument in REPLACED.get(each["type"], ()):
            before, after = (change[side] or {} for side in ("before", "after"))
            if before and after and before.get(argument) != after.get(argument):
                change["actions"] = ["delete", "create"]
    return len(changing)


def test_a_bill_asks_who_gets_it_and_whom_the_payer_trusts_and_nothing_else(stacks: Stacks) -> None:
    asked = {
        (name, finding.where.split(".")[0], finding.what.split(" ")[0])
        for name, stack in stacks("billing").items()
        for finding in gate.findings(plans.create(stack), stack)
    }
    billing = {(kind, what) for name, kind, what in asked if name == "billing"}
    assert billing == {
        ("aws_cur_report_definition", "sends"),
        ("aws_iam_role", "assume_role_policy"),
        ("aws_s3_bucket_policy", "lets"),
        ("aws_spot_datafeed_subscription", "sends"),
    }
    # Where Kubecost sends queries, and the role of another payer, which nobody here made.
    asked_of_kubecost = {kind for name, kind, _ in asked if name == "prom"}
    assert asked_of_kubecost == {"aws_iam_role_policy", "helm_release"}


def test_a_bill_that_loses_its_guards_is_held(stacks: Stacks) -> None:
    stack = stacks("billing")["billing"]
    changes: list[tuple[str, str, str, Any]] = [
        (
            "aws_s3_bucket_public_access_block",
            "report_files_public_access",
            "block_public_policy",
            False,
        ),
        ("aws_s3_bucket", "report_files", "force_destroy", True),
        ("aws_glue_catalog_table", "report_table", "parameters", {"projection.enabled": "false"}),
        ("aws_ce_cost_allocation_tag", "tag_aws_eks_cluster_name", "status", "Inactive"),
        ("aws_cur_report_definition", "report_definition", "s3_bucket", "another"),
    ]
    for kind, name, argument, value in changes:
        changed = deepcopy(stack)
        changed["resource"][kind][name][argument] = value
        found = gate.findings(plans.update(stack, changed), changed)
        assert any(f"{kind}.{name}" in finding.where for finding in found), (kind, argument)
