"""Texts and keys that no program takes as what they are, in whatever was read from YAML.

They would come out as something else, or end a later program with a traceback, so they are refused
wherever they stand.
"""

import re
import struct
from collections.abc import Iterator
from typing import Any

from settings.faults import Fault

# What CDKTF resolves inside of any text (cdktf 0.21, tokens/private/encoding.ts): a number of a
# token would be another value of the app, such as a resource of another stack.
_TOKEN = re.compile(r"[$#&]\{TfToken\[")
_NUMBER = re.compile(r"[-+]?[\d.]+[eE][-+]?\d+")
_NUMBER_MARK = b"\xfb\xff"
_SURROGATE = re.compile("[\ud800-\udfff]")
_PROTO = "__proto__"


def find_texts(data: Any, key: str = "") -> Iterator[Fault]:
    """Give a fault for each text, number and key that is none for a program."""
    if isinstance(data, dict):
        for name, value in data.items():
            if isinstance(name, str):
                path = f"{key}.{name}" if key else name
                if name == _PROTO:
                    yield Fault(path, name, "another key: JavaScript takes this one for its own")
                yield from _refused(path, name)
                yield from find_texts(value, path)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from find_texts(value, f"{key}[{index}]")
    else:
        yield from _refused(key, data)


def _refused(key: str, value: Any) -> Iterator[Fault]:
    if isinstance(value, float) and _is_token(value):
        yield Fault(key, value, "another number: CDKTF takes this one for a reference of its own")
    if not isinstance(value, str):
        return
    if _SURROGATE.search(value):
        yield Fault(key, value, "text that is Unicode: this has half of a surrogate pair")
    numbers = (_is_token(float(number)) for number in _NUMBER.findall(value) if _is_float(number))
    if _TOKEN.search(value) or any(numbers):
        yield Fault(key, value, "another text: CDKTF takes this one for a reference of its own")


def _is_float(text: str) -> bool:
    return text.count(".") <= 1 and text.strip("+-.") != ""


def _is_token(number: float) -> bool:
    """Tell whether CDKTF would read a number as a token: its first two bytes say so."""
    return struct.pack(">d", number)[:2] == _NUMBER_MARK
