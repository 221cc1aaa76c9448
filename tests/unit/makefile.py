"""The Makefile's targets and the variables that each takes."""

import re
from functools import cache

from tests.conftest import ROOT


@cache
def variables() -> dict[str, set[str]]:
    """Give for each target that a person runs what its recipe, or one that it needs, reads."""
    text = (ROOT / "Makefile").read_text()
    macros = dict(re.findall(r"^([A-Z_]+) [?:]?= (.*)$", text, re.MULTILINE))
    needs: dict[str, set[str]] = {}
    reads: dict[str, set[str]] = {}
    for names, prerequisites, recipe in re.findall(
        r"^([^\s#:=][^#:=\n]*):(?!=)([^=#\n]*)(?:##.*)?\n((?:\t.*\n)*)", text, re.MULTILINE
    ):
        for name in _expanded(names, macros).split():
            needs.setdefault(name, set()).update(_expanded(prerequisites, macros).split())
            reads.setdefault(name, set()).update(re.findall(r"\$\(([A-Z_]+)\)", recipe))

    def all_reads(name: str) -> set[str]:
        return reads.get(name, set()).union(*map(all_reads, needs.get(name, set())))

    return {name: all_reads(name) for name in reads if re.fullmatch("[a-z-]+", name)}


def _expanded(text: str, macros: dict[str, str]) -> str:
    return re.sub(r"\$\(([A-Z_]+)\)", lambda macro: macros.get(macro[1], ""), text)
