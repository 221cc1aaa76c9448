"""Rules for the arguments that may change without approval.

A rule judges an argument that is new or changes. It returns complaints, or none. An argument
without a rule may not change. `before` is ABSENT if the resource does not exist yet, and None if it
exists without the argument. `after` is ABSENT if the argument is removed, and an Unread if its
value is unknown until apply.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.gate import networks
from tools.gate.absent import ABSENT, Unread, is_empty
from tools.gate.expressions import unknown_expressions

Complaints = Iterator[tuple[tuple[str, ...], str]]
_LONGEST = 80


@dataclass(frozen=True)
class Rule:
    """How to judge an argument.

    Attributes:
        judge: yields a path below the argument, and the complaint, for each complaint.
        needed: whether it also judges an argument that is absent before and after, because the
            default of AWS or Kubernetes is then open.
    """

    judge: Callable[[Any, Any], Complaints]
    needed: bool = False


Together = Callable[[Any, Any], Iterator[str]]


def shown(value: Any) -> str:
    """Write a value for a reader, on one line and shortened."""
    if value is ABSENT or value is None:
        return "nothing"
    text = value if isinstance(value, str) else str(value)
    if isinstance(value, dict | list | bool):
        text = json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def complain(about: Callable[[Any, Any], str], *, needed: bool = False) -> Rule:
    """Make a rule from a function that returns the complaint about an argument, or ""."""

    def judge(before: Any, after: Any) -> Complaints:
        if text := about(before, after):
            yield (), text

    return Rule(judge, needed)


free = complain(lambda _before, _after: "")
"""Any value."""


def _settled(before: Any, after: Any) -> str:
    if before is not ABSENT:
        return f"changes from {shown(before)} to {shown(after)}"
    texts = after.texts if isinstance(after, Unread) else ()
    return unreadable(after) if any(map(unknown_expressions, texts)) else ""


settled = complain(_settled)
"""Any value in a new resource; after that, the gate asks about each change."""


def one_of(*allowed: Any, needed: bool = False) -> Rule:
    """Allow one of these values; if ABSENT is among them, the argument may be removed."""
    plain = {_plain(each) for each in allowed if each is not ABSENT}

    def about(_before: Any, after: Any) -> str:
        if is_empty(after):
            return "" if ABSENT in allowed else "is removed"
        return "" if _plain(after) in plain else f"is {shown(after)}"

    return complain(about, needed=needed)


def _plain(value: Any) -> str:
    """Write a value as Terraform does, for which `true` and "true" are the same."""
    return json.dumps(value) if isinstance(value, bool) else shown(value)


def matching(pattern: str) -> Rule:
    """Allow a text that matches as a whole and has only expressions of known shapes."""

    def about(_before: Any, after: Any) -> str:
        texts = after.texts if isinstance(after, Unread) else (after,)
        for text in texts:
            if not isinstance(text, str) or unknown_expressions(text):
                return unreadable(after)
            if not re.fullmatch(pattern, text, re.DOTALL):
                return f"is {shown(text)}"
        return ""

    return complain(about)


def unreadable(value: Any) -> str:
    """Say that a value cannot be judged."""
    return f"cannot be read: {shown(value)}"


def reference(shape: str, literal: str) -> Rule:
    """Allow a reference of this shape to a resource; in a new resource, a literal id too."""

    def about(before: Any, after: Any) -> str:
        texts = after.texts if isinstance(after, Unread) else ()
        if texts and all(re.fullmatch(rf"\$\{{{shape}\}}", text) for text in texts):
            return ""
        if before is ABSENT and isinstance(after, str) and re.fullmatch(literal, after):
            return ""
        return f"changes from {shown(before)} to {shown(after)}"

    return complain(about)


def at_least(least: int) -> Rule:
    """Allow a number that is not lower than `least`."""

    def about(_before: Any, after: Any) -> str:
        number = _number(after)
        if number is None:
            return unreadable(after)
        return "" if number >= least else f"is {shown(after)}, less than {least}"

    return complain(about)


def not_less(least: int) -> Rule:
    """Allow a number that is not lower than before; in a new resource, than `least`."""

    def about(before: Any, after: Any) -> str:
        number, old = _number(after), _number(before)
        if number is None:
            return unreadable(after)
        bound = least if old is None else old
        return "" if number >= bound else f"is {shown(after)}, less than {bound:g}"

    return complain(about)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def version(pattern: str = r"v?\d+(\.\d+)*") -> Rule:
    """Allow a version of the same major version that is not lower than before."""

    def about(before: Any, after: Any) -> str:
        if not isinstance(after, str) or not re.fullmatch(pattern, after):
            return unreadable(after)
        if not isinstance(before, str):
            return ""
        old, new = (tuple(map(int, re.findall(r"\d+", each))) for each in (before, after))
        return "" if new[:1] == old[:1] and new >= old else f"changes from {before} to {after}"

    return complain(about)


def no_fewer(*least: str) -> Rule:
    """Allow a list that has all its old items, and those in `least`."""

    def about(before: Any, after: Any) -> str:
        old, new = ([] if is_empty(side) else side for side in (before, after))
        if not isinstance(new, list):
            return unreadable(after)
        had = set(least) | set(map(str, old if isinstance(old, list) else []))
        gone = had - set(map(str, new))
        return f"no longer has {', '.join(sorted(gone))}" if gone else ""

    return complain(about, needed=bool(least))


def open_to(*first: str, needed: bool = False) -> Rule:
    """Allow blocks that admit no new addresses; in a new resource, they may admit `first`."""
    to_create = networks.networks(list(first))
    return complain(
        lambda before, after: networks.opened(before, after, to_create=to_create), needed=needed
    )


def each(item: Rule) -> Rule:
    """Allow a list whose items follow a rule."""

    def judge(before: Any, after: Any) -> Complaints:
        if is_empty(after):
            return
        listed = _items(after)
        if listed is None:
            yield (), unreadable(after)
            return
        for new in listed:
            if not (isinstance(before, list) and new in before):
                yield from item.judge(_nothing(before), new)

    return Rule(judge)


def _items(value: Any) -> list[Any] | None:
    """List the items; if the list is unknown, list what the stack writes for each."""
    if isinstance(value, Unread) and len(value.texts) == 1:
        try:
            value = [Unread((item,)) for item in json.loads(value.texts[0])]
        except (ValueError, TypeError):
            return None
    return value if isinstance(value, list) else None


def mapping(each: Rule) -> Rule:
    """Allow a mapping of any keys whose values follow a rule."""

    def judge(before: Any, after: Any) -> Complaints:
        old, new = _as_mapping(before), _as_mapping(after)
        if old is None or new is None:
            yield (), unreadable(after)
            return
        for key in _changed(old, new):
            here, there = old.get(key, _nothing(before)), new.get(key, ABSENT)
            for path, text in each.judge(here, there):
                yield (key, *path), text

    return Rule(judge)


def block(
    fields: Mapping[str, Rule],
    *,
    together: Together | None = None,
    needed: bool = False,
) -> Rule:
    """Allow a block, or a mapping, with these fields and no others.

    Args:
        fields: the rule of each field.
        together: judges several fields at once, if anything in the block changes.
        needed: see Rule.
    """

    def judge(before: Any, after: Any) -> Complaints:
        old, new = _as_mapping(before), _as_mapping(after)
        if new is None:
            yield (), unreadable(after)
            return
        was, nothing = old or {}, _nothing(before)
        for name in _changed(was, new):
            here, there = was.get(name, nothing), new.get(name, ABSENT)
            if name not in fields:
                yield (name,), f"has no rule here: it changes from {shown(here)} to {shown(there)}"
                continue
            for path, text in fields[name].judge(here, there):
                yield (name, *path), text
        for name, rule in fields.items():
            if rule.needed and before is ABSENT and is_empty(new.get(name)):
                for path, text in rule.judge(ABSENT, ABSENT):
                    yield (name, *path), text
        if together and was != new:
            yield from (((), text) for text in together(ABSENT if before is ABSENT else was, new))

    return Rule(judge, needed)


def blocks(key: Callable[[Any], str], each: Rule, *, may_go: bool = False) -> Rule:
    """Allow a list of blocks, each known by a key. Blocks may be removed only if `may_go`."""

    def judge(before: Any, after: Any) -> Complaints:
        old, new = _keyed(before, key), _keyed(after, key)
        if new is None:
            yield (), unreadable(after)
            return
        for name in _changed(old or {}, new):
            here, there = (old or {}).get(name, _nothing(before)), new.get(name, ABSENT)
            if there is ABSENT:
                if not may_go:
                    yield (name,), "is removed"
                continue
            for path, text in each.judge(here, there):
                yield (name, *path), text

    return Rule(judge)


def _nothing(before: Any) -> Any:
    """Return what a missing part was before: None in an existing resource, ABSENT in a new one."""
    return ABSENT if before is ABSENT else None


def _keyed(value: Any, key: Callable[[Any], str]) -> dict[str, Any] | None:
    if is_empty(value):
        return {}
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in listed):
        return None
    found = {key(each): each for each in listed}
    return found if len(found) == len(listed) else None


def _as_mapping(value: Any) -> dict[str, Any] | None:
    if is_empty(value):
        return {}
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) else None


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """List the names whose values differ; all ways to be unset are equal."""
    names = dict.fromkeys([*old, *new])
    return [
        name
        for name in names
        if old.get(name, ABSENT) != new.get(name, ABSENT)
        and not (is_empty(old.get(name)) and is_empty(new.get(name)))
    ]
