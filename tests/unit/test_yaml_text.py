"""Ring 1: Helm reads text as text."""

import pytest
import yaml

from modules.yaml_text import to_yaml


@pytest.mark.parametrize("text", ["248289e76", "1E5", "+12e-3", "0o17", "110169", "yes", "1.5"])
def test_text_that_helm_would_take_for_something_else_is_quoted(text: str) -> None:
    """PyYAML knows YAML 1.1 alone; for Helm, as for YAML 1.2, these are numbers or a boolean."""
    assert to_yaml({"user": text}) == f"user: '{text}'\n"


@pytest.mark.parametrize("text", ["a248289e76", "12e3x", "0o8", "eu-west-1"])
def test_other_text_is_not(text: str) -> None:
    assert to_yaml({"user": text}) == f"user: {text}\n"


@pytest.mark.parametrize("number", [12, 1.5, 1e22])
def test_numbers_stay_numbers(number: float) -> None:
    written = to_yaml({"size": number})
    assert "'" not in written
    assert yaml.safe_load(written) == {"size": number}
