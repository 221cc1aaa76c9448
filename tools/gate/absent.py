"""The two values that no plan has: what is not there, and what cannot be read yet."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""An argument that is not there: null, an empty list, or a resource that is not made yet."""


@dataclass(frozen=True)
class Unread:
    """A value that is unknown until it is applied; `texts` is what the stack says in its place.

    There are several where a plan sorts blocks that the stack has in an order of its own: each of
    them may be the one.
    """

    texts: tuple[str, ...]

    def __str__(self) -> str:
        return " or ".join(self.texts)


def is_empty(value: Any) -> bool:
    """Tell whether a value says nothing: Terraform writes an unset block as an empty list."""
    return value is None or value is ABSENT or value in ([], {}, "")
