"""What a Markdown page says that can be checked: links, anchors, code, commands."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark").enable("table")


class At(NamedTuple):
    """Some text of a page, and the line that it begins in."""

    line: int
    text: str


class Fence(NamedTuple):
    """A block of code; `line` is that of its first line of code."""

    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """A Markdown page, read as GitHub shows it."""

    path: Path

    @cached_property
    def _tokens(self) -> list[Token]:
        return PARSER.parse(self.path.read_text(encoding="utf-8"))

    def _inline(self) -> Iterator[tuple[int, Token]]:
        """Give what is inside of paragraphs, headings and table cells, with its line."""
        for block in self._tokens:
            if block.type == "inline" and block.map:
                line = block.map[0] + 1
                for token in block.children or ():
                    yield line, token
                    line += token.type in ("softbreak", "hardbreak")

    @property
    def links(self) -> list[At]:
        """The targets of links and pictures."""
        return [
            At(line, str(token.attrGet("href") or token.attrGet("src")))
            for line, token in self._inline()
            if token.type in ("link_open", "image")
        ]

    @property
    def texts(self) -> list[At]:
        """The words, without code."""
        return [At(line, token.content) for line, token in self._inline() if token.type == "text"]

    @property
    def spans(self) -> list[At]:
        """The code inside of sentences."""
        return [
            At(line, token.content) for line, token in self._inline() if token.type == "code_inline"
        ]

    @property
    def fences(self) -> list[Fence]:
        """The blocks of code."""
        return [
            Fence(block.map[0] + 2, block.info.strip(), block.content)
            for block in self._tokens
            if block.type == "fence" and block.map
        ]

    @property
    def commands(self) -> list[At]:
        """What is to be typed in blocks of console: behind `$ `, with continued lines."""
        found = []
        for fence in self.fences:
            if fence.language == "console":
                lines = list(enumerate(fence.text.splitlines(), fence.line))
                while lines:
                    number, text = lines.pop(0)
                    if text.startswith("$ "):
                        while text.endswith("\\") and lines:
                            text += f"\n{lines.pop(0)[1].removeprefix('> ')}"
                        found.append(At(number, text.removeprefix("$ ")))
        return found

    @cached_property
    def anchors(self) -> set[str]:
        """What a link can name behind the hash: GitHub's slugs of headings, and ids in HTML."""
        found: Counter[str] = Counter()
        for at, block in enumerate(self._tokens):
            if block.type == "heading_open":
                inline = self._tokens[at + 1].children or ()
                words = "".join(t.content for t in inline if t.type in ("text", "code_inline"))
                slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
                found[slug] += 1
                if found[slug] > 1:
                    found[f"{slug}-{found[slug] - 1}"] += 1
        html = [t.content for _, t in self._inline() if t.type == "html_inline"]
        html += [block.content for block in self._tokens if block.type == "html_block"]
        return {*found} | {name for tag in html for name in re.findall(r'\bid="([^"]+)"', tag)}


def simple_commands(line: str) -> Iterator[list[str]]:
    """Give the words of each command in a shell line, those in $(...) too; none if it is none."""
    for inner in re.findall(r"\$\(([^()]*)\)", line):
        yield from simple_commands(inner)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.commenters = ""
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:
        return
    words: list[str] = []
    for token in [*tokens, ";"]:
        if token.startswith("#"):
            break
        if set(token) <= {*";&|"}:
            if words:
                yield words
            words = []
        else:
            words.append(token)
    if words:
        yield words
