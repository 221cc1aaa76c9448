"""CONTRIBUTING.md: its sixth architecture, taken from the page, can be synthesized."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from architectures import ARCHITECTURES, Architecture, registry
from tests.conftest import ROOT, read_stacks, synthesize_into


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

    release = stacks["prom_amp_labels"]["resource"]["helm_release"]["kubecost_release"]
    (values,) = map(yaml.safe_load, release["values"])
    (write,) = values["prometheus"]["server"]["remoteWrite"]
    (rule,) = write["write_relabel_configs"]
    assert "kube_namespace_labels" in rule["regex"].split("|")
    assert "kube_pod_labels" not in rule["regex"].split("|")
    assert release["namespace"] == "kubecost-prom-amp-labels"
    assert len(stacks) == 7
