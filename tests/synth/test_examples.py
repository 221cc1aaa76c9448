"""Ring 2: the examples are synthesized as committed, and say no more than they need to."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from settings import Settings
from tests.conftest import EXAMPLES, ROOT
from tests.synth.documents import Stack, helm_values, resources
from tools.synthesis import addresses

GOLDEN = ROOT / "tests/synth/golden/examples.json"
Stacks = Callable[[str], dict[str, Stack]]


def test_examples_make_what_is_committed(stacks: Stacks, request: pytest.FixtureRequest) -> None:
    """Compare addresses: every argument is in the other goldens, and would change here, too."""
    written = {
        example: {name: sorted(addresses(stack)) for name, stack in stacks(example).items()}
        for example in EXAMPLES
    }
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n")
    committed = json.loads(GOLDEN.read_text())
    assert written == committed, "see make golden"


def test_the_page_has_a_sentence_for_each() -> None:
    page = (ROOT / "examples/README.md").read_text()
    rows = re.findall(r"^\| \[([\w.-]+)\]\(\1\) \| [A-Z].*\. \|$", page, re.MULTILINE)
    assert sorted(rows) == sorted(each.name for each in (ROOT / "examples").glob("*.yaml"))


def leaves(data: Any, default: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            below = default.get(key) if isinstance(default, dict) else None
            yield from leaves(value, below, f"{path}.{key}".lstrip("."))
    else:
        yield path, data, default


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_says_only_what_it_needs(example: str) -> None:
    text = EXAMPLES[example].read_text()
    defaults = Settings().model_dump(mode="json")
    same = [
        path for path, given, default in leaves(yaml.safe_load(text), defaults) if given == default
    ]
    assert same == []
    schema, what, *_ = text.splitlines()
    assert schema == "# yaml-language-server: $schema=../docs/kubecost.schema.json"
    assert re.match(r"# [A-Z].*", what)
    # None deploys five Kubecosts because somebody left a default.
    assert len(yaml.safe_load(text)["architectures"]) == 1


def test_air_gapped_takes_all_from_the_registry(stacks: Stacks) -> None:
    (stack,) = stacks("air-gapped-mirror").values()
    (release,) = resources(stack, "helm_release").values()
    assert release["repository"] == "oci://registry.example.com/charts"
    values = helm_values(stack, "kubecost_release")
    images = [
        value
        for path, value, _ in leaves(values, None)
        if path.endswith((".image", ".image.repository"))
    ]
    assert len(images) > 4
    assert all(image.startswith("registry.example.com/mirror/") for image in images)
    assert "aws_prometheus_workspace" not in json.dumps(stack)


@pytest.mark.parametrize("example", ["air-gapped-mirror", "private-cluster"])
def test_prices_do_not_need_the_internet(example: str, stacks: Stacks) -> None:
    (overlay,) = (each for name, each in stacks(example).items() if name.startswith("prom"))
    configured = helm_values(overlay, "kubecost_release")["kubecostProductConfigs"]
    assert configured["customPricesEnabled"] is True
    assert configured["defaultModelPricing"]["CPU"] == "28.0"


def test_three_accounts_meet_in_one_workspace(stacks: Stacks) -> None:
    fleet = stacks("three-accounts")
    made = [name for name, stack in fleet.items() if resources(stack, "aws_prometheus_workspace")]
    assert made == ["prom_amp_cost"]
    roles = {
        provider["assume_role"][0]["role_arn"]
        for stack in fleet.values()
        for provider in stack["provider"]["aws"]
        if provider.get("assume_role")
    }
    assert {arn.split(":")[4] for arn in roles} == {"222233334444", "333344445555"}


def test_no_cluster_is_made_where_one_exists(stacks: Stacks) -> None:
    assert set(stacks("existing-cluster")) == {"prom_amp_cost"}
