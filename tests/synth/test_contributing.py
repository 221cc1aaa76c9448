"""CONTRIBUTING.md: its examples, taken from the page, need no other edit by hand."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from architectures import ARCHITECTURES, Architecture, registry
from modules import versions
from tests.conftest import ROOT, project_files, read_stacks, synthesize_into
from tests.synth.documents import prometheus_config


def test_a_sixth_architecture_is_a_file_and_an_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    code, entry = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    described = eval(entry, {"Architecture": Architecture})
    assert registry(*ARCHITECTURES.values(), described)
    monkeypatch.setitem(ARCHITECTURES, described.name, described)
    module = ModuleType(f"architectures.{described.name}")
    exec(code, vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    file = tmp_path / "kubecost.yaml"
    file.write_text("{}")

    stacks = read_stacks(synthesize_into(tmp_path / "out", file))

    (write,) = prometheus_config(stacks["prom_amp_labels"])["remote_write"]
    sent = write["write_relabel_configs"][0]["regex"].split("|")
    assert "kube_namespace_labels" in sent
    assert "kube_pod_labels" not in sent
    release = stacks["prom_amp_labels"]["resource"]["helm_release"]["kubecost_release"]
    assert release["namespace"] == "kubecost-prom-amp-labels"
    assert len(stacks) == 7


# The line before which each example goes.
BEFORE = {
    "settings/kubecost.py": "    expose: Expose = None\n",
    "modules/kubecost_values.py": '        "networkCosts": {"enabled": settings.network_costs},\n',
    "examples/every-key.yaml": "  # How people reach the UIs without",
    "metrics/names.py": ")\n\n# The Kubernetes labels of each namespace",
}
# What the Makefile's targets write.
WRITTEN = ("docs/settings.md", "docs/kubecost.schema.json", "images/", "tests/synth/golden/")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy what is committed or about to be, with the packages that are installed."""
    root = tmp_path / "project"
    for file in project_files():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes((ROOT / file).read_bytes())
    for name in ("node_modules", ".tools"):
        (root / name).symlink_to(ROOT / name)
    run(root, "git", "init", "--quiet", "--initial-branch", "main")
    run(root, "git", "add", "--all")
    run(root, "git", *IDENTITY, "commit", "--quiet", "--message", "Copy")
    return root


IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com")


def run(root: Path, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=root,
        env={
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTEST_", "KUBECOST_", "CDKTF_"))
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("heading", "number", "shows"),
    [
        ("Add a setting", 3, "logLevel: info"),
        ("Add a metric to the cost list", 1, "kube_pod_owner"),
    ],
)
def test_an_example_needs_no_other_edit(
    heading: str, number: int, shows: str, project: Path
) -> None:
    """The metric's second file has what the lab measures, in place of what is estimated here."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition(f"## {heading}\n")[2]
    blocks = re.findall(r"```text title=(\S+)\n(.+?)```", section.partition("\n## ")[0], re.DOTALL)
    assert len(blocks) == number
    for name, text in blocks:
        file = project / name
        written = file.read_text()
        assert written.count(BEFORE[name]) == 1, name
        file.write_text(written.replace(BEFORE[name], text + BEFORE[name]))
    python = sys.executable
    run(project, python, "-m", "tools", "reference")
    run(project, python, "-m", "pytest", "-q", "--update-golden", "tests/synth/test_golden.py")
    some = ("golden", "invariants", "chart_keys", "architectures")
    tests = ["tests/unit", *(f"tests/synth/test_{name}.py" for name in some)]
    run(project, python, "-m", "pytest", "-q", "-x", "-m", "not slow and not lengthy", *tests)

    changed = run(project, "git", "status", "--porcelain").splitlines()
    by_hand = {line[3:] for line in changed if not line[3:].startswith(WRITTEN)}
    assert by_hand == {name for name, _ in blocks}
    before, after = (
        (root / "tests/synth/golden/defaults/prom_amp_cost.json").read_text().count(shows)
        for root in (ROOT, project)
    )
    assert before < after


PRODUCT = ("architectures", "dashboards", "metrics", "modules", "settings", "stacks", "tools")


def test_a_version_is_changed_in_one_file() -> None:
    """The table says so; what a docstring names is where a fact was read, at its own version."""
    pinned = {each.version for each in vars(versions).values() if isinstance(each, versions.Chart)}
    pinned |= {versions.ADOT_IMAGE[1], *(each["version"] for each in versions.PROVIDERS.values())}
    found = set()
    for file in (each for folder in PRODUCT for each in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(file.read_text())
        prose = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in prose and node.value in pinned:
                found.add((node.value, str(file.relative_to(ROOT))))
    assert found == {(version, "modules/versions.py") for version in pinned}
