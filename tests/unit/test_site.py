"""Ring 1: the site builds, and what leads nowhere in it ends the build."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import site
from tools.common import CommandError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Copy the pages, so that a test can spoil them."""
    for folder in site.FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in (*site.FILES, site.CONFIG):
        shutil.copy(ROOT / file, tmp_path)
    return tmp_path


@pytest.mark.lengthy
def test_the_site_has_every_page_and_every_link_leads_somewhere(root: Path) -> None:
    site.build(root)
    home = (root / site.SITE / "index.html").read_text()
    for page in (root / "docs").rglob("*.md"):
        address = page.relative_to(root).with_suffix(".html")
        assert (root / site.SITE / address).exists()
        assert f'href="{address}"' in home


WRONG = {
    "[gone](gone.md)": "'docs/gone.md' is not found",
    "[out of the site](../modules/versions.py)": "'modules/versions.py' is not found",
    "[heading](#gone)": "'#gone', but there is no such anchor",
    "[heading](costs.md#gone)": "'docs/costs.md' does not contain an anchor '#gone'",
    "[folder](architectures/)": "unrecognized relative link 'architectures/'",
    "[absolute](/docs/costs.md)": "absolute link '/docs/costs.md'",
}


@pytest.mark.lengthy
def test_what_leads_nowhere_is_named(root: Path) -> None:
    with (root / "docs/operations.md").open("a") as page:
        page.write("\n\n".join(("", *WRONG)))
    (root / "docs/forgotten.md").write_text("# A page that is not in the navigation\n")
    with pytest.raises(CommandError) as error:
        site.build(root)
    faults = str(error.value)
    assert [said for said in (*WRONG.values(), "docs/forgotten.md") if said not in faults] == []
    assert faults.count("docs/operations.md") == len(WRONG)
