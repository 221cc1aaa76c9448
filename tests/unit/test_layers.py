"""Ring 1: no import goes back up the layers; the contracts are in pyproject.toml."""

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.conftest import ROOT


def test_imports_keep_the_contracts() -> None:
    file = str(ROOT / "pyproject.toml")
    assert lint_imports(config_filename=file, no_cache=True) == EXIT_STATUS_SUCCESS
