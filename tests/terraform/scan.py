"""checkov over the plan; what it may find is justified in a comment beside the resource."""

import json
import re
import subprocess
from pathlib import Path

from tests.conftest import ROOT
from tests.terraform.roots import Root

CHECKOV = ROOT / ".tools/checkov/bin/checkov"


def justified(modules: str = "*.py") -> dict[str, str]:
    """Give the checks that comments in some of modules/ skip, with their reasons."""
    comments = [
        match
        for file in sorted((ROOT / "modules").glob(modules))
        for match in re.findall(r"# checkov:skip=(CKV\w+): (.+)", file.read_text())
    ]
    return dict(comments)


def failed_checks(roots: list[Root], folder: Path) -> set[str]:
    """Give the ids of the checks that fail for a plan of any of the roots."""
    failed: set[str] = set()
    for number, root in enumerate(roots):
        plan = folder / f"{number}.json"
        plan.write_text(root.plan_json())
        printed = subprocess.run(
            [CHECKOV, "-f", plan, "--framework", "terraform_plan", "-o", "json", "--quiet"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        report = json.loads(printed)
        assert report["summary"]["passed"] or report["summary"]["failed"], printed
        failed |= {check["check_id"] for check in report["results"]["failed_checks"]}
    return failed
