"""Two values that a plan cannot express: an absent argument, and one that is still unknown."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""An argument that is not set (null or an empty list), or a resource that does not exist yet."""


@dataclass(frozen=True)
class Unread:
    """A value that is unknown until apply; `texts` is what the stack writes in its place.

    There are several texts if the plan sorts blocks in another order than the stack: each of them
    may belong to this value.
    """

    texts: tuple[str, ...]

    def __str__(self) -> str:
        return " or ".join(self.texts)


def is_empty(value: Any) -> bool:
    """Tell whether a value is unset: Terraform writes an unset block as an empty list."""
    return value is None or value is ABSENT or value in ([], {}, "")
