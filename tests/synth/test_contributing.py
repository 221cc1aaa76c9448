"""CONTRIBUTING.md: its sixth architecture, taken from the page, needs nothing but the registry."""

import re
from pathlib import Path

import pytest
import yaml

import architectures
from architectures.overlay import Overlay
from tests.conftest import ROOT, read_stacks, synthesize_into


def test_a_sixth_architecture_is_a_file_and_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    namespace: dict[str, type[Overlay]] = {}
    exec(code, namespace)
    sixth = namespace["PromAmpLabels"]
    monkeypatch.setitem(architectures.OVERLAYS, sixth.architecture, sixth)
    monkeypatch.setitem(architectures.ARCHITECTURES, sixth.architecture, sixth.needs)
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
