"""Ring 1: what a new reader sees first: the README's first screen, and a path to every page."""

import re

from architectures import ARCHITECTURES
from tests.conftest import ROOT
from tests.unit.markdown import Page

README, INDEX = ROOT / "README.md", ROOT / "docs/index.md"
READERS = ["Choose", "Deploy", "Run", "Audit", "Change"]


def test_the_first_screen_has_prices_commands_a_picture_and_the_two_ends_of_life() -> None:
    text = README.read_text()
    first, _, _ = text.partition("\n## ")
    for name in ARCHITECTURES:
        assert re.search(rf"^\| \[`{name}`\].+\| \$\d+ \|$", first, re.MULTILINE)
    assert len(re.findall(r"^\$ make \w+ ", first, re.MULTILINE)) == 3
    assert "![" in first
    assert "**Kubecost 2.8** is the last line" in first
    assert "archived by HashiCorp on 10 December 2025" in first
    assert len(first.splitlines()) <= 45
    assert len(text.splitlines()) <= 190


def test_the_index_has_a_path_for_each_reader_and_leads_to_every_page() -> None:
    assert re.findall(r"^## (.+)$", INDEX.read_text(), re.MULTILINE) == READERS
    led_to = {(INDEX.parent / link.text.partition("#")[0]).resolve() for link in Page(INDEX).links}
    assert {*ROOT.glob("docs/**/*.md")} - {INDEX} <= led_to
    assert {ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md"} <= led_to
