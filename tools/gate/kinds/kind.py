"""How resources of one kind may be created, changed and destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.gate.rules import Rule, Together, block, free, settled


@dataclass(frozen=True)
class Kind:
    """How resources of one kind may be created, changed and destroyed.

    Attributes:
        arguments: the rule of each argument; tags are free with every kind.
        together: judges several arguments at once (see `rules.block`).
        whole: a rule about all arguments.
        replaceable: whether the resource may be replaced without approval.
        asks_to_create: why the gate asks about a new resource; "" if it passes.
        loses: what is lost with the resource, in words for the reader.
    """

    arguments: Mapping[str, Rule]
    together: Together | None = None
    whole: Rule | None = None
    replaceable: bool = False
    asks_to_create: str = ""
    loses: str = ""
    rule: Rule = field(init=False)

    def __post_init__(self) -> None:
        fields = {"tags": free, "tags_all": free, "timeouts": free, **self.arguments}
        object.__setattr__(self, "rule", block(fields, together=self.together))


def unchanging(*names: str) -> dict[str, Rule]:
    """Name arguments that may have any value in a new resource, and must not change after that."""
    return dict.fromkeys(names, settled)


def harmless(*names: str) -> dict[str, Rule]:
    """Name arguments that can neither expose, widen, weaken nor lose anything."""
    return dict.fromkeys(names, free)
