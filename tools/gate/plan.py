"""Read a plan (`terraform show -json`) without trusting it, and find what the rules must judge."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.gate.absent import ABSENT, Unread, is_empty

Json = dict[str, Any]
# Keys of a resource's block that belong to Terraform and are not arguments of the resource.
META = {
    "//",
    "depends_on",
    "lifecycle",
    "provider",
    "count",
    "for_each",
    "provisioner",
    "connection",
}
_ACTIONS = {"no-op", "read", "create", "update", "delete", "forget"}


class PlanError(ValueError):
    """A file that is not a complete plan of the stack, so it cannot be judged."""


@dataclass(frozen=True)
class Change:
    """A resource that a plan creates, changes, destroys or removes from the state.

    Attributes:
        address, kind: the resource's address and type.
        actions: what the plan does to it.
        before, after: its arguments; ABSENT where there is no resource.
        imported: whether the plan imports an existing resource.
    """

    address: str
    kind: str
    actions: tuple[str, ...]
    before: Any
    after: Any
    imported: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether the existing resource is destroyed, replaced or removed from the state."""
        return bool({"delete", "forget"} & {*self.actions})


def read(plan: Any, stack: Json) -> list[Change]:
    """Read the changes of a plan, deferred ones included.

    Args:
        plan: the output of `terraform show -json`.
        stack: the stack's cdk.tf.json. A plan shows nothing of an argument that has an unknown
            part, such as a policy for a workspace that does not exist yet; the stack shows it.

    Raises:
        PlanError: the plan has an unknown format or an error, is empty or malformed, or is of
            another stack.
    """
    try:
        return list(_changes(plan, stack))
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise PlanError(f"the plan is malformed ({type(error).__name__}: {error})") from None


def _changes(plan: Any, stack: Json) -> Iterator[Change]:
    if not isinstance(plan, dict) or "format_version" not in plan:
        raise PlanError("this is not the output of terraform show -json")
    if not str(plan["format_version"]).startswith("1."):
        raise PlanError(f"plan format {plan['format_version']} is not known")
    if plan.get("errored"):
        raise PlanError("the plan ended with an error, so it is incomplete")
    listed = plan.get("resource_changes") or []
    deferred = [each["resource_change"] for each in plan.get("deferred_changes") or []]
    if not listed and not deferred:
        raise PlanError("the plan is empty")
    if plan.get("complete") is False and not deferred:
        raise PlanError("the plan covers some resources only (-target)")
    declared = _declared(stack)
    seen = set()
    for resource in [*listed, *deferred]:
        if resource["mode"] == "data" and set(resource["change"]["actions"]) <= {"read", "no-op"}:
            continue
        change = resource["change"]
        actions = tuple(change["actions"])
        address = str(resource["address"])
        # For a resource with for_each or count, the stack has one block for all of its instances.
        common = address.partition("[")[0]
        if not actions or not {*actions} <= _ACTIONS or not isinstance(resource["type"], str):
            raise PlanError(f"the plan has unknown actions for {address}: {actions}")
        seen.add(common)
        written = declared.get(common)
        if written is None and not {"delete", "forget"} & {*actions}:
            raise PlanError(f"{address} is not in this stack; synthesize it and plan again")
        if actions == ("no-op",) and not change.get("importing"):
            continue
        before = ABSENT if change["before"] is None else change["before"]
        yield Change(
            address,
            resource["type"],
            actions,
            before,
            ABSENT if change["after"] is None else _proposed(before, change, written or {}),
            imported=bool(change.get("importing")),
        )
    # A resource with count or for_each may have no instance.
    certain = {key for key, body in declared.items() if not {"count", "for_each"} & body.keys()}
    if missing := sorted(certain - seen):
        raise PlanError(f"the plan lacks {missing[0]}, so it is not a plan of this stack")


def _declared(stack: Json) -> dict[str, Json]:
    return {
        f"{kind}.{name}": body
        for kind, named in (stack.get("resource") or {}).items()
        for name, body in named.items()
    }


def _proposed(before: Any, change: Json, written: Json) -> Any:
    """Compute the planned arguments, with Unread for those that are unknown.

    For a new resource these are the arguments that the stack writes; the rest are defaults of the
    provider. For an existing resource, an argument that is unknown and not written is set by AWS
    and stays.
    """
    arguments = {key: value for key, value in written.items() if key not in META}
    unknown = change.get("after_unknown") or {}
    if before is ABSENT:
        return _new(change["after"], unknown, [arguments])
    return _updated(before, change["after"], unknown, [arguments])


def _new(after: Any, unknown: Any, written: list[Any]) -> Any:
    if unknown is True:
        return _unread(written)
    keys = [key for each in written if isinstance(each, dict) for key in each]
    if isinstance(after, dict) and keys:
        marks = unknown if isinstance(unknown, dict) else {}
        return {
            key: _new(after.get(key), marks.get(key), _under(written, key))
            for key in dict.fromkeys(keys)
            if key in after or key in marks
        }
    if isinstance(after, list):
        inside = _items(written, len(after))
        return [_new(each, _at(unknown, index), inside[index]) for index, each in enumerate(after)]
    return after


def _updated(before: Any, after: Any, unknown: Any, written: list[Any]) -> Any:
    if unknown is True:
        return _unread(written) if any(not is_empty(each) for each in written) else before
    if isinstance(after, dict):
        marks = unknown if isinstance(unknown, dict) else {}
        was = before if isinstance(before, dict) else {}
        return {
            key: _updated(was.get(key), after.get(key), marks.get(key), _under(written, key))
            for key in dict.fromkeys([*after, *marks])
        }
    if isinstance(after, list):
        inside = _items(written, len(after))
        was_list = before if isinstance(before, list) and len(before) == len(after) else []
        return [
            _updated(_at(was_list, index), each, _at(unknown, index), inside[index])
            for index, each in enumerate(after)
        ]
    return after


def _under(written: list[Any], key: str) -> list[Any]:
    return [each[key] for each in written if isinstance(each, dict) and key in each]


def _items(written: list[Any], count: int) -> list[list[Any]]:
    """List for each block what the stack may write for it; a set has another order there."""
    listed = [item for each in written for item in (each if isinstance(each, list) else [each])]
    return [[listed[0]]] if count == 1 and len(listed) == 1 else [listed] * count


def _at(values: Any, index: int) -> Any:
    return values[index] if isinstance(values, list) and index < len(values) else None


def _unread(written: list[Any]) -> Unread:
    return Unread(
        tuple(each if isinstance(each, str) else json.dumps(each) for each in written)
        or ("a value that is not known yet",)
    )


def digest(plan: Json) -> str:
    """Compute a number for everything that a plan does; the same plan has the same number."""
    changes = [
        resource
        for resource in plan.get("resource_changes") or []
        if resource["change"]["actions"] not in (["no-op"], ["read"])
    ]
    what = [changes, plan.get("deferred_changes") or [], plan.get("output_changes") or {}]
    return number_of(what)


def number_of(what: Any) -> str:
    """Compute twelve hexadecimal digits from data."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]
