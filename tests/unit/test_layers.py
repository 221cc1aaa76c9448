"""Ring 1: no import goes back up the layers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

CDK = {"cdktf", "constructs", "jsii"}
PROVIDERS = {
    "cdktf_cdktf_provider_aws",
    "cdktf_cdktf_provider_helm",
    "cdktf_cdktf_provider_kubernetes",
}
# What each layer must not import.
FORBIDDEN = {
    "settings/*.py": {"metrics", "modules", "stacks", "architectures", "main"} | CDK | PROVIDERS,
    "metrics/*.py": {"settings", "modules", "stacks", "architectures", "main"} | CDK | PROVIDERS,
    "modules/*.py": {"stacks", "architectures", "main"},
    "architectures/*.py": {"main"} | PROVIDERS,
    "main.py": {"modules", "metrics"} | PROVIDERS,
}
FILES = [(file, layer) for layer in FORBIDDEN for file in sorted(ROOT.glob(layer))]


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield str(node.module).split(".")[0]


@pytest.mark.parametrize(("file", "layer"), FILES, ids=[str(f.relative_to(ROOT)) for f, _ in FILES])
def test_imports_go_down(file: Path, layer: str) -> None:
    assert not FORBIDDEN[layer] & set(imports(file))
