"""Refuse texts, numbers and keys that CDKTF or JavaScript would misread.

They would become another value, or end a later program with a traceback. So they are refused
anywhere in the data that was read from YAML.
"""

import re
import struct
from collections.abc import Iterator
from typing import Any

from settings.faults import Fault

# CDKTF resolves tokens inside any text (cdktf 0.21, tokens/private/encoding.ts). A token's number
# would become another value of the app, such as a resource of another stack.
_TOKEN = re.compile(r"[$#&]\{TfToken\[")
_NUMBER = re.compile(r"[-+]?[\d.]+[eE][-+]?\d+")
_NUMBER_MARK = b"\xfb\xff"
_SURROGATE = re.compile("[\ud800-\udfff]")
_PROTO = "__proto__"


def find_texts(data: Any, key: str = "") -> Iterator[Fault]:
    """Find each text, number and key that a program would misread."""
    if isinstance(data, dict):
        for name, value in data.items():
            if isinstance(name, str):
                path = f"{key}.{name}" if key else name
                if name == _PROTO:
                    yield Fault(path, name, problem="JavaScript reserves this key; rename it")
                yield from _refused(path, name)
                yield from find_texts(value, path)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from find_texts(value, f"{key}[{index}]")
    else:
        yield from _refused(key, data)


def _refused(key: str, value: Any) -> Iterator[Fault]:
    if isinstance(value, float) and _is_token(value):
        yield Fault(key, value, problem="CDKTF reads this number as a reference; change it")
    if not isinstance(value, str):
        return
    if _SURROGATE.search(value):
        yield Fault(key, value, problem="it is not Unicode, but has half of a surrogate pair")
    numbers = (_is_token(float(number)) for number in _NUMBER.findall(value) if _is_float(number))
    if _TOKEN.search(value) or any(numbers):
        yield Fault(key, value, problem="CDKTF reads part of this text as a reference; change it")


def _is_float(text: str) -> bool:
    return text.count(".") <= 1 and text.strip("+-.") != ""


def _is_token(number: float) -> bool:
    """Tell whether CDKTF would read a number as a token: its first two bytes say so."""
    return struct.pack(">d", number)[:2] == _NUMBER_MARK
