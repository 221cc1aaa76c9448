"""Plans as Terraform's JSON has them, made of synthesized stacks without Terraform.

What refers to something is unknown in them, as in the plan of a stack that is not there yet.
"""

from copy import deepcopy
from typing import Any

from tools.gate.plan import META

Stack = dict[str, Any]
Plan = dict[str, Any]


def create(stack: Stack) -> Plan:
    """Give a plan that makes all of a stack."""
    return plan_of([new(address, body) for address, body in by_address(stack).items()])


def update(before: Stack, after: Stack) -> Plan:
    """Give a plan that turns one synthesized stack into another, all references being known."""
    old, will = by_address(before), by_address(after)
    return plan_of(
        [changed(address, old.get(address), will.get(address)) for address in {**old, **will}]
    )


def plan_of(changes: list[Any]) -> Plan:
    return {"format_version": "1.2", "resource_changes": changes}


def by_address(stack: Stack) -> dict[str, Stack]:
    return {
        f"{kind}.{name}": body
        for kind, named in stack.get("resource", {}).items()
        for name, body in named.items()
    }


def new(address: str, body: Stack) -> Any:
    """Give the change that makes a resource."""
    return _change(address, ["create"], None, *_split(_arguments(body)))


def changed(address: str, old: Stack | None, new: Stack | None) -> Any:
    """Give the change that turns a resource into another; None where there is none."""
    before, after = (side and _resolved(_arguments(side)) for side in (old, new))
    if before is None:
        return _change(address, ["create"], before, after, {})
    if after is None:
        return _change(address, ["delete"], before, after, {})
    return _change(address, ["no-op" if before == after else "update"], before, after, {})


def _change(address: str, actions: list[str], before: Any, after: Any, unknown: Any) -> Any:
    kind, name = address.split(".")
    change = {"actions": actions, "before": before, "after": after, "after_unknown": unknown}
    return {"address": address, "mode": "managed", "type": kind, "name": name, "change": change}


def _arguments(body: Stack) -> Stack:
    return {key: deepcopy(value) for key, value in body.items() if key not in META}


def _split(value: Any) -> tuple[Any, Any]:
    """Part what is known from marks of what is not; a list of texts is unknown as a whole."""
    if isinstance(value, dict):
        parts = {key: _split(each) for key, each in value.items()}
        known = {key: part[0] for key, part in parts.items() if part[1] is not True}
        return known, {key: part[1] for key, part in parts.items() if part[1] not in (False, {})}
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        listed = [_split(each) for each in value]
        return [part[0] for part in listed], [part[1] for part in listed]
    if "${" in str(value).replace("$${", ""):
        return None, True
    return _resolved(value), False


def _resolved(value: Any) -> Any:
    """Undo the escapes of what is no reference."""
    if isinstance(value, dict):
        return {_resolved(key): _resolved(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each) for each in value]
    return value.replace("$${", "${").replace("%%{", "%{") if isinstance(value, str) else value
