"""CONTRIBUTING.md: its sixth architecture, taken from the page, can be synthesized."""

import ast
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from architectures import ARCHITECTURES, Architecture, registry
from modules import versions
from tests.conftest import ROOT, read_stacks, synthesize_into
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
