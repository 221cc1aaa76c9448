"""How a kind of resource may come, change and go."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.gate.rules import Rule, Together, block, free, settled


@dataclass(frozen=True)
class Kind:
    """How a kind of resource may come, change and go.

    Attributes:
        arguments: the rule of each argument; tags are free with every kind.
        together: what several arguments say together (see `rules.block`).
        whole: a rule about all arguments at once.
        replaceable: whether it may be replaced without a word.
        asks_to_create: why a new one asks; "" if it may pass.
        loses: what is lost with it, for a person.
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
    """Name arguments that may be whatever they are at the beginning, and then not change."""
    return dict.fromkeys(names, settled)


def harmless(*names: str) -> dict[str, Rule]:
    """Name arguments that can neither expose, widen, weaken nor lose anything."""
    return dict.fromkeys(names, free)
