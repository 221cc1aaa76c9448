"""Build the pages as a site, and fail when a page or a link leads nowhere.

mkdocs checks in its strict mode what mkdocs.yml says. It reads pages from one folder, while the
pages here link out of docs/, to pictures and to the README, as GitHub shows them. So what the site
has is first copied to one folder, under the same paths.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.common import ROOT, CommandError, command_line

CONFIG = "mkdocs.yml"
# The folders of CONFIG, below the one that it is in.
PAGES, SITE = Path(".tools/pages"), Path(".tools/site")
FOLDERS = ("docs", "examples", "images")
FILES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "NOTICE")


def main(arguments: list[str]) -> int:
    """Build the site of this repository; 0, or CommandError with what is wrong."""
    command_line("docs", __doc__).parse_args(arguments)
    build(ROOT)
    print(f"docs: every page and link is right; read {SITE}/index.html")
    return 0


def build(root: Path) -> None:
    """Build the site of the pages below a folder that has CONFIG.

    Raises:
        CommandError: a page is not in the navigation, or a link leads nowhere; it says which.
    """
    copy_pages(root)
    # Not with --quiet: mkdocs counts only what it prints.
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).splitlines()
        raise CommandError("\n".join(row for row in said if row and not row.startswith("INFO")))


def copy_pages(root: Path) -> None:
    """Copy what the site has to one folder, in place of what an earlier build left there."""
    pages = root / PAGES
    shutil.rmtree(pages, ignore_errors=True)
    for folder in FOLDERS:
        shutil.copytree(root / folder, pages / folder)
    for file in FILES:
        shutil.copy(root / file, pages)
