"""Read the YAML that this project writes, with the standard library alone.

The job that judges a plan installs no packages, so PyYAML is not there. A whole YAML parser has
5,000 lines. `modules.yaml_text.to_yaml` writes a small part of YAML: block mappings and lists,
one-line scalars, literal blocks, and quoted texts. This module reads that part and refuses the
rest, because a gate must not misunderstand a document. A test compares the two: PyYAML reads the
same from every document that is read here.
"""

import re
from typing import Any

# Scalars that readers of YAML 1.1 and 1.2 read as different values.
_AMBIGUOUS = re.compile(
    r"(?i:y|n|yes|no|on|off)"
    r"|[-+]?0[0-9_xob].*|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[-+]?[0-9]*_[0-9_.]*"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|[-+]?\.(?i:inf|nan)|=|<<"
    r"|[-+]?([0-9]+|[0-9]*\.[0-9]+)[eE][-+]?[0-9]+|[-+]?\.[0-9]+.*"
    r"|[-+]?[0-9]+(\.[0-9_]*)?([eE][-+]?[0-9]+)?"
)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+][0-9]+)?")
_WORDS = {"null": None, "true": True, "false": False}
_ODD_WORDS = re.compile(r"(?i:null|true|false)|~")
_PLAIN = re.compile(r"""[^\s\-?:,\[\]{}#&*!|>'"%@`][^\n]*|[-?:][^\s][^\n]*""")
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_KEY = re.compile(r"""('(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^\s'"].*?)\s*:(?= |$)""")
_LITERAL = re.compile(r"\|([1-9]?)([-+]?)|\|([-+])([1-9])")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0",
    "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
# Control characters, line breaks of YAML 1.1 other than `\n`, and byte order marks.
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\t]")
_DEEPEST = 60


class UnreadableError(ValueError):
    """A text outside the part of YAML that this module reads."""


def read(text: str) -> Any:
    """Read a document.

    Raises:
        UnreadableError: with the number of the line that cannot be read.
    """
    if match := _REFUSED.search(text):
        raise UnreadableError(f"line {text.count(chr(10), 0, match.start()) + 1}: {match[0]!a}")
    if text in ("{}\n", "[]\n"):
        return {} if text == "{}\n" else []
    if not text.endswith("\n"):
        raise UnreadableError("the last line has no line break")
    reader = _Reader(text.split("\n")[:-1])
    data = reader.node(0, 0)
    reader.skip_empty()
    if reader.at < len(reader.lines):
        reader.refuse()
    return data


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a mapping from a JSON document's pairs; refuse a key that appears twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UnreadableError("a key appears twice")
    return found


class _Reader:
    """The lines of a document, and the number of those that are read."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0

    def refuse(self) -> None:
        raise UnreadableError(f"line {self.at + 1}")

    def skip_empty(self) -> None:
        while self.at < len(self.lines) and not self.lines[self.at].strip():
            self.at += 1

    def _indent(self) -> int:
        """Return the indentation of the next line that is not empty; -1 at the end."""
        self.skip_empty()
        if self.at == len(self.lines):
            return -1
        return len(self.lines[self.at]) - len(self.lines[self.at].lstrip(" "))

    def node(self, indent: int, depth: int) -> Any:
        """Read a mapping or a list whose lines have exactly this indentation."""
        if self._indent() != indent or depth > _DEEPEST:
            self.refuse()
        line = self.lines[self.at][indent:]
        if line == "-" or line.startswith("- "):
            return self._list(indent, depth)
        return self._mapping(indent, depth)

    def _list(self, indent: int, depth: int) -> list[Any]:
        items = []
        while self._indent() == indent:
            line = self.lines[self.at]
            if not (line[indent:] == "-" or line.startswith("- ", indent)):
                break
            content = line[indent + 1 :].lstrip(" ")
            inner = len(line) - len(content)
            if content and (_KEY.match(content) or content.startswith("- ")):
                # A mapping or a list that begins on the line of the dash.
                self.lines[self.at] = " " * inner + content
                items.append(self.node(inner, depth + 1))
            else:
                items.append(self._value(content, indent, depth, in_list=True))
        return items

    def _mapping(self, indent: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._indent() == indent:
            line = self.lines[self.at][indent:]
            match = _KEY.match(line)
            if not match or line.startswith(("- ", "? ")):
                self.refuse()
            assert match
            key = self._scalar(match[1])
            if not isinstance(key, str):
                self.refuse()
            if key in found:
                raise UnreadableError(f"line {self.at + 1}: {key} appears twice")
            found[key] = self._value(line[match.end() :].lstrip(" "), indent, depth, in_list=False)
        return found

    def _value(self, content: str, indent: int, depth: int, *, in_list: bool) -> Any:
        """Read the value of a dash or a key: the rest of this line, and the lines below it."""
        if content.startswith("|"):
            return self._literal(content, indent)
        if content[:1] in ("'", '"'):
            return self._quoted(content, indent)
        if content:
            value = (
                {"{}": {}, "[]": []}[content]
                if content in ("{}", "[]")
                else (self._scalar(content))
            )
            self.at += 1
            if self._indent() > indent:
                self.refuse()
            return value
        self.at += 1
        below = self._indent()
        if below > indent:
            return self.node(below, depth + 1)
        if below == indent and not in_list and self.lines[self.at].startswith("- ", indent):
            return self._list(indent, depth + 1)
        self.refuse()
        return None

    def _literal(self, content: str, indent: int) -> str:
        match = _LITERAL.fullmatch(content)
        if not match:
            self.refuse()
        assert match
        hint, chomp = match[1] or match[4] or "", match[2] or match[3] or ""
        self.at += 1
        lines: list[str] = []
        # An empty text needs no hint; else the first line that is not empty shows the depth.
        depth = indent + int(hint) if hint else max(self._peek(), indent + 1)
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip(" ") and len(line) - len(line.lstrip(" ")) < depth:
                break
            lines.append(line[depth:])
            self.at += 1
        text = "".join(f"{line}\n" for line in lines)
        if chomp == "+":
            return text
        text = text.rstrip("\n")
        return text + "\n" if text and not chomp else text

    def _peek(self) -> int:
        for line in self.lines[self.at :]:
            if line.strip(" "):
                return len(line) - len(line.lstrip(" "))
        return 0

    def _quoted(self, content: str, indent: int) -> str:
        """Read a quoted text, which in single quotes may go on over lines that are folded."""
        pattern = _SINGLE if content[0] == "'" else _DOUBLE
        parts = [content]
        self.at += 1
        while not (match := pattern.fullmatch("\n".join(parts).rstrip(" "))):
            if pattern.match("\n".join(parts)) or content[0] == '"' or self.at == len(self.lines):
                self.at -= 1
                self.refuse()
            line = self.lines[self.at]
            if line.strip(" ") and len(line) - len(line.lstrip(" ")) <= indent:
                self.refuse()
            parts.append(line)
            self.at += 1
        if self._indent() > indent:
            self.refuse()
        return (
            _folded(match[1].replace("''", "'")) if content[0] == "'" else self._escaped(match[1])
        )

    def _scalar(self, text: str) -> Any:
        text = text.rstrip(" ")
        if match := _SINGLE.fullmatch(text):
            return match[1].replace("''", "'")
        if match := _DOUBLE.fullmatch(text):
            return self._escaped(match[1])
        if not _PLAIN.fullmatch(text) or ": " in text or " #" in text or text.endswith(":"):
            self.refuse()
        if text in _WORDS:
            return _WORDS[text]
        if _ODD_WORDS.fullmatch(text) or text in ("---", "...") or text.startswith("--- "):
            self.refuse()
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _AMBIGUOUS.fullmatch(text):
            self.refuse()
        return text

    def _escaped(self, text: str) -> str:
        def character(match: re.Match[str]) -> str:
            code = match[1]
            if len(code) > 1:
                number = int(code[1:], 16)
                if number > 0x10FFFF or 0xD800 <= number < 0xE000:
                    self.refuse()
                return chr(number)
            if code not in _ESCAPES:
                self.refuse()
            return _ESCAPES[code]

        return _ESCAPE.sub(character, text)


def _folded(text: str) -> str:
    """Join the lines of a quoted text as YAML does: one break is a space, n + 1 breaks are n."""
    if "\n" not in text:
        return text
    first, *others = text.split("\n")
    folded, breaks = first.rstrip(" "), 0
    for index, line in enumerate(others):
        last = index == len(others) - 1
        content = line.lstrip(" ") if last else line.strip(" ")
        if not content and not last:
            breaks += 1
            continue
        folded += "\n" * breaks if breaks else " "
        folded, breaks = folded + content, 0
    return folded
