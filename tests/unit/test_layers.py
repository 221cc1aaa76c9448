"""Ring 1: the contracts of pyproject.toml hold: no import goes up, tests stay in their groups."""

import ast
import sys

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.conftest import ROOT


def test_imports_keep_the_contracts() -> None:
    file = str(ROOT / "pyproject.toml")
    assert lint_imports(config_filename=file, no_cache=True) == EXIT_STATUS_SUCCESS


def test_the_program_imports_the_product_alone() -> None:
    """Import Linter takes packages; main.py is a module."""
    imported = set()
    for node in ast.walk(ast.parse((ROOT / "main.py").read_text())):
        match node:
            case ast.Import(names=names):
                imported |= {each.name.split(".")[0] for each in names}
            case ast.ImportFrom(module=module):
                imported.add(str(module).split(".")[0])
    assert imported - sys.stdlib_module_names == {"architectures", "settings", "stacks"}


def test_the_unit_tests_synthesize_nothing() -> None:
    """Node.js takes seconds to start; what needs it is in tests/synth."""
    for file in (ROOT / "tests/unit").glob("test_*.py"):
        text = file.read_text()
        assert "synthesize_into" not in text or file.samefile(__file__), file.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                fixtures = {each.arg for each in node.args.args}
                assert fixtures.isdisjoint({"stacks", "synthesize"}), (file.name, node.name)


@pytest.mark.xdist_group("together")
def test_groups_of_tests_stay_together(request: pytest.FixtureRequest) -> None:
    """A pytest that pytest-xdist does not know ignores groups, and says nothing."""
    if not request.config.getoption("loadgroup", False):
        pytest.skip("needs a worker of --dist loadgroup")
    assert request.node.nodeid.endswith("@together")
