"""Ring 1: no import goes back up the layers; the contracts are in pyproject.toml."""

import ast
import sys

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
        nodes = list(ast.walk(ast.parse(file.read_text())))
        names = {each.name for each in nodes if isinstance(each, ast.alias)}
        names |= {each.arg for each in nodes if isinstance(each, ast.arg)}
        assert names.isdisjoint({"synthesize_into", "synthesize", "stacks"}), file.name
