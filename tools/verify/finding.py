"""The results of checks."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tools.common import CommandError


class Status(StrEnum):
    """The result of one check.

    SKIPPED: it was not checked and need not be. UNKNOWN: it should be checked and cannot be.
    """

    OK = "ok"
    FAIL = "FAIL"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One statement that must be true, and whether it is.

    Attributes:
        status: the result.
        what: the statement, on one line; with the reason if it was not checked.
        seen, expected, fix: if it is false, what was seen and expected, and what to do.
    """

    status: Status
    what: str
    seen: str = ""
    expected: str = ""
    fix: str = ""

    @classmethod
    def ok(cls, what: str, details: object = "") -> Self:
        """Report that it is true."""
        return cls(Status.OK, f"{what}: {details}" if details != "" else what)

    @classmethod
    def fail(cls, what: str, *, seen: str, expected: str, fix: str) -> Self:
        """Report that it is false, and what to do."""
        return cls(Status.FAIL, what, seen, expected, fix)

    @classmethod
    def judge(
        cls, what: str, is_true: bool, *, details: object = "", seen: str, expected: str, fix: str
    ) -> Self:
        """Report whether it is true: with details if it is, else with what to do."""
        if is_true:
            return cls.ok(what, details)
        return cls.fail(what, seen=seen, expected=expected, fix=fix)

    @classmethod
    def skipped(cls, what: str) -> Self:
        """Report why it was not checked."""
        return cls(Status.SKIPPED, what)


class CannotCheckError(CommandError):
    """Something cannot be checked; the message says on one line why, and what to do."""

    status = 2


class MissingError(CannotCheckError):
    """The thing to check does not exist, or there are several."""


def listed(names: Iterable[str], most: int = 4) -> str:
    """List a few names, and how many more there are."""
    every = sorted(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
