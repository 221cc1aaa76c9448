"""Ring 1: what a release says and names; tests/terraform/test_release.py makes one."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import release
from tools.common import CommandError

CHANGELOG = """\
# Changelog

## [Unreleased]

* To come.

## [1.10.0] - 2026-12-01

### Added

* A thing.

## [1.9.0] - 2026-11-01

* Older.
"""


def test_the_notes_are_those_of_the_first_version() -> None:
    assert release.newest(CHANGELOG) == ("1.10.0", "### Added\n\n* A thing.\n")
    assert release.newest(CHANGELOG.partition("## [1.9.0]")[0]) == release.newest(CHANGELOG)


@pytest.mark.parametrize("heading", ["## [Unreleased]", "## 1.0.0", "## [1.0.0] - soon"])
def test_a_changelog_without_a_version_is_no_release(heading: str) -> None:
    with pytest.raises(CommandError, match="has no heading like"):
        release.newest(f"# Changelog\n\n{heading}\n\n* A thing.\n")


def test_the_changelog_of_this_project_can_be_released() -> None:
    version, notes = release.newest((ROOT / "CHANGELOG.md").read_text())
    assert version
    assert notes.strip()


@pytest.mark.parametrize("tag", ["v1.10.0", "1.10.0", "v1.9.0"])
def test_only_the_tag_of_the_first_version_is_released(
    tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(CHANGELOG)
    monkeypatch.setattr(release, "CHANGELOG", changelog)
    monkeypatch.chdir(tmp_path)
    why = "nothing is synthesized" if tag == "v1.10.0" else "its tag is v1.10.0"
    with pytest.raises(CommandError, match=why):
        release.main([tag])
