"""A plan (`terraform show -json`), read with distrust, and what of it a rule is asked about."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.gate.absent import ABSENT, Unread, is_empty

Json = dict[str, Any]
# Of a resource's block, what is Terraform's and no argument of the resource.
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
    """A file that is no whole plan of the stack: nothing can be said about it."""


@dataclass(frozen=True)
class Change:
    """A resource that a plan makes, changes, destroys or gives up.

    Attributes:
        address, kind: where it is, and its type.
        actions: what the plan does to it.
        before, after: its arguments; ABSENT where there is no resource.
        imported: whether it is taken over from what exists.
    """

    address: str
    kind: str
    actions: tuple[str, ...]
    before: Any
    after: Any
    imported: bool = False

    @property
    def goes(self) -> bool:
        """Whether the resource that is there does not stay."""
        return bool({"delete", "forget"} & {*self.actions})


def read(plan: Any, stack: Json) -> list[Change]:
    """Give what a plan changes, put off or not.

    Args:
        plan: what `terraform show -json` printed.
        stack: the stack's cdk.tf.json. An argument with an unknown part, such as a policy for a
            workspace that is not made yet, is unknown as a whole in a plan; there it shows.

    Raises:
        PlanError: the plan is of an unknown format, errored, empty, malformed or of another stack.
    """
    try:
        return list(_changes(plan, stack))
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise PlanError(f"the plan is malformed ({type(error).__name__}: {error})") from None


def _changes(plan: Any, stack: Json) -> Iterator[Change]:
    if not isinstance(plan, dict) or "format_version" not in plan:
        raise PlanError("this is no plan of terraform show -json")
    if not str(plan["format_version"]).startswith("1."):
        raise PlanError(f"plan format {plan['format_version']} is not known")
    if plan.get("errored"):
        raise PlanError("the plan ended with an error, so it is not whole")
    listed = plan.get("resource_changes") or []
    deferred = [each["resource_change"] for each in plan.get("deferred_changes") or []]
    if not listed and not deferred:
        raise PlanError("the plan is empty")
    if plan.get("complete") is False and not deferred:
        raise PlanError("the plan is of some resources only (-target)")
    declared = _declared(stack)
    seen = set()
    for resource in [*listed, *deferred]:
        if resource["mode"] == "data" and set(resource["change"]["actions"]) <= {"read", "no-op"}:
            continue
        change = resource["change"]
        actions = tuple(change["actions"])
        address = str(resource["address"])
        # Of one for each of some names, the stack says what they have in common.
        common = address.partition("[")[0]
        if not actions or not {*actions} <= _ACTIONS or not isinstance(resource["type"], str):
            raise PlanError(f"the plan does {actions} to {address}, which is not known")
        seen.add(common)
        written = declared.get(common)
        if written is None and not {"delete", "forget"} & {*actions}:
            raise PlanError(f"{address} is not of this stack: was it synthesized anew?")
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
    # Of one for each of some names, or by a condition, there may be none.
    certain = {key for key, body in declared.items() if not {"count", "for_each"} & body.keys()}
    if missing := sorted(certain - seen):
        raise PlanError(f"the plan lacks {missing[0]}: it is not of this stack")


def _declared(stack: Json) -> dict[str, Json]:
    return {
        f"{kind}.{name}": body
        for kind, named in (stack.get("resource") or {}).items()
        for name, body in named.items()
    }


def _proposed(before: Any, change: Json, written: Json) -> Any:
    """Give the arguments as they shall be, with Unread for those that are unknown.

    Of a new resource these are the ones that the stack writes; the rest are defaults of the
    provider. Of one that is there, what is unknown and not written is AWS's, and stays.
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
    """Give for each block what the stack may say of it; a set's are in another order there."""
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
    """Give a number that stands for all that a plan does: the same plan has the same one."""
    changes = [
        resource
        for resource in plan.get("resource_changes") or []
        if resource["change"]["actions"] not in (["no-op"], ["read"])
    ]
    what = [changes, plan.get("deferred_changes") or [], plan.get("output_changes") or {}]
    return number_of(what)


def number_of(what: Any) -> str:
    """Give twelve letters that stand for data."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]
