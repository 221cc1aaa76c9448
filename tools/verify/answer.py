"""Answers of servers, which may be endless, malformed, or meant for a terminal."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import urllib3
import yaml

from tools.verify.finding import CannotCheckError

LONGEST = 64 << 20  # bytes
SLOWEST = 60  # seconds
_PART = 1 << 16
_OWN = {"127.0.0.1", "::1", "localhost"}
# What it looks like in Python when an answer has another shape than its API promises.
MALFORMED = (
    *(KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError),
    yaml.YAMLError,
)


def read_bounded(response: urllib3.BaseHTTPResponse, whose: str) -> bytes:
    """Read the body of an answer, as far as anyone writes one.

    Raises:
        CannotCheckError: it is longer, or takes longer, than an answer does.
    """
    deadline = time.monotonic() + SLOWEST
    body = bytearray()
    while part := response.read1(_PART):
        body += part
        if len(body) > LONGEST or time.monotonic() > deadline:
            response.close()
            raise CannotCheckError(
                f"{whose} does not come to an end: {len(body):,} bytes so far; is it a proxy?"
            )
    return bytes(body)


def read_json(text: str | bytes, whose: str) -> Any:
    """Read an answer as JSON.

    Raises:
        CannotCheckError: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        shown = text if isinstance(text, str) else text.decode(errors="replace")
        said = " ".join(shown[:200].split()) or "nothing"
        raise CannotCheckError(f"{whose} is no JSON, but: {said}") from None


def check_encrypted(url: str, what: str, *, own_machine: bool = False) -> None:
    """Refuse to send credentials in the clear.

    Args:
        url: where they would be sent.
        what: would be sent.
        own_machine: whether this machine is trusted without encryption, as by tests.

    Raises:
        CannotCheckError: anyone on the way could read them.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (own_machine and parts.hostname in _OWN):
        raise CannotCheckError(f"{what} is not sent to {url}, which is not https")
