"""What a check says."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tools.common import CommandError


class Status(StrEnum):
    """How it stands with one thing.

    SKIPPED was not looked at, and need not be; UNKNOWN should have been and could not.
    """

    OK = "ok"
    FAIL = "FAIL"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One thing that must be true.

    Attributes:
        status: whether it is.
        what: the thing, in one line; with its reason where it was not looked at.
        seen, expected, fix: of what is false.
    """

    status: Status
    what: str
    seen: str = ""
    expected: str = ""
    fix: str = ""

    @classmethod
    def ok(cls, what: str, details: object = "") -> Self:
        """Say that it is true."""
        return cls(Status.OK, f"{what}: {details}" if details != "" else what)

    @classmethod
    def fail(cls, what: str, *, seen: str, expected: str, fix: str) -> Self:
        """Say that it is false, and what to do."""
        return cls(Status.FAIL, what, seen, expected, fix)

    @classmethod
    def judge(
        cls, what: str, is_true: bool, *, details: object = "", seen: str, expected: str, fix: str
    ) -> Self:
        """Say whether it is true: with details if it is, and else what to do."""
        if is_true:
            return cls.ok(what, details)
        return cls.fail(what, seen=seen, expected=expected, fix=fix)

    @classmethod
    def skipped(cls, what: str) -> Self:
        """Say why it was not looked at."""
        return cls(Status.SKIPPED, what)


class CannotCheckError(CommandError):
    """Something cannot be found out; the message says in one line why, and what to do."""

    status = 2


class MissingError(CannotCheckError):
    """What is looked for is not there, or not the only one."""


def listed(names: Iterable[str], most: int = 4) -> str:
    """Name a few, and how many more there are."""
    every = sorted(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
