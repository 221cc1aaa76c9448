"""Read servers' answers, which may be endless, malformed, or meant for a terminal."""

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
# The exceptions that Python raises if an answer has another shape than its API promises.
MALFORMED = (
    *(KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError),
    yaml.YAMLError,
)


def read_bounded(response: urllib3.BaseHTTPResponse, whose: str) -> bytes:
    """Read the body of an answer, up to LONGEST bytes and SLOWEST seconds.

    Raises:
        CannotCheckError: the answer is longer, or takes longer.
    """
    deadline = time.monotonic() + SLOWEST
    body = bytearray()
    while part := response.read1(_PART):
        body += part
        if len(body) > LONGEST or time.monotonic() > deadline:
            response.close()
            raise CannotCheckError(
                f"{whose} does not end: {len(body):,} bytes so far; check for a proxy in between"
            )
    return bytes(body)


def read_json(text: str | bytes, whose: str) -> Any:
    """Read an answer as JSON.

    Raises:
        CannotCheckError: it is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        shown = text if isinstance(text, str) else text.decode(errors="replace")
        said = " ".join(shown[:200].split()) or "nothing"
        raise CannotCheckError(f"{whose} is not JSON: {said}") from None


def check_encrypted(url: str, what: str, *, own_machine: bool = False) -> None:
    """Refuse to send credentials without encryption.

    Args:
        url: the address that would receive them.
        what: what would be sent, for the message.
        own_machine: whether this machine is trusted without encryption, as in tests.

    Raises:
        CannotCheckError: the address is not https, so others could read the credentials.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (own_machine and parts.hostname in _OWN):
        raise CannotCheckError(f"{what} is not sent to {url}, which is not https")
