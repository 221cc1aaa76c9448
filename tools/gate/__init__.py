"""The policy gate: which changes in a plan pass, and which a person must accept.

The gate lists what may pass, not what must not. For each kind of resource that this project
creates, it lists the arguments that may change (`kinds`), the rights that a policy may give
(`rights`) and the values that a chart may get (`values`). It asks a person about everything else:
an unknown kind, argument or value; a resource that is lost; and anything that becomes wider,
weaker or open to more addresses.

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
    """A change that a person must accept: where it is, and what it is. Both may quote the plan."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def unsafe(stack: Any) -> list[Finding]:
    """Find what must not even be planned with credentials: see `tools.gate.stack`."""
    return [Finding("the stack", text) for text in stacks.unsafe(stack)]


def findings(plan: Any, stack: Json) -> list[Finding]:
    """Find each change that a person must accept.

    Args:
        plan: the output of `terraform show -json`.
        stack: the stack's cdk.tf.json, which was planned.

    Raises:
        PlanError: the plan has an error, is empty or malformed, or is of another stack.
    """
    found = unsafe(stack)
    for change in read(plan, stack):
        found += [Finding(change.address, text) for text in dict.fromkeys(_judge(change))]
    return found


def _judge(change: Change) -> Iterator[str]:
    kind = KINDS.get(change.kind)
    if change.imported:
        yield "is imported: it exists already"
    if change.is_lost:
        verb = "is replaced" if "create" in change.actions else "is destroyed"
        verb = "is removed from the state, not destroyed" if "forget" in change.actions else verb
        if not (kind and kind.replaceable and verb == "is replaced"):
            yield f"{verb}; you lose {kind.loses}" if kind and kind.loses else verb
    if kind is None:
        yield "is of a kind that the gate does not know"
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
