"""Which plans may pass a review without a word, and what of the others asks for one.

The gate knows what may pass, not what must not: for each kind of resource that this project makes,
the arguments that may change (`kinds`), the rights that a policy may give (`rights`), the values
that a chart may get (`values`). All else asks: an unknown kind, argument or value, whatever goes,
whatever is wider, weaker or open to more than before.

Standard library only: the job that judges a plan holds credentials, and installs no packages.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tools.gate import stack as stacks
from tools.gate.absent import ABSENT
from tools.gate.kinds import KINDS
from tools.gate.plan import Change, Json, PlanError, digest, number_of, read

OVERRIDE_LABEL = "gate-override"

__all__ = ["OVERRIDE_LABEL", "Finding", "PlanError", "digest", "findings", "number_of", "unsafe"]


class Finding(NamedTuple):
    """What asks for a word: where it is, and what it is. Both may quote the plan."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def unsafe(stack: Any) -> list[Finding]:
    """Give what should not even be planned with credentials: see `tools.gate.stack`."""
    return [Finding("the stack", text) for text in stacks.unsafe(stack)]


def findings(plan: Any, stack: Json) -> list[Finding]:
    """Give each thing that asks for a word.

    Args:
        plan: what `terraform show -json` printed.
        stack: the stack's cdk.tf.json, of which the plan was made.

    Raises:
        PlanError: the plan is errored, empty, malformed or of another stack.
    """
    found = unsafe(stack)
    for change in read(plan, stack):
        found += [Finding(change.address, text) for text in dict.fromkeys(_judge(change))]
    return found


def _judge(change: Change) -> Iterator[str]:
    kind = KINDS.get(change.kind)
    if change.imported:
        yield "is taken over from what exists"
    if change.goes:
        verb = "is replaced" if "create" in change.actions else "is destroyed"
        verb = "is given up" if "forget" in change.actions else verb
        if not (kind and kind.replaceable and verb == "is replaced"):
            yield f"{verb}; with it goes {kind.loses}" if kind and kind.loses else verb
    if kind is None:
        yield "is of a kind that is not known here"
        return
    if change.after is ABSENT:
        return
    if change.before is ABSENT and kind.asks_to_create:
        yield kind.asks_to_create
        return
    for rule in (kind.rule, kind.whole):
        if rule:
            for path, text in rule.judge(change.before, change.after):
                yield " ".join((".".join(path), text)) if path else text
