"""Recipes for kubecost.values: taken from the pages, synthesized, and rendered as by the chart.

Two tests need what CI may not have. `CHART_VALUES`: see test_chart_keys.py. `CHART_SOURCE` names a
folder with the source of the chart (kubecost/kubecost at v2.8.7, cost-analyzer/), and the package
helm-python-sdk renders it; run this by hand when a recipe or the chart's version changes.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from architectures import ARCHITECTURES
from modules.helm_values import merge
from modules.versions import kubecost
from settings import Settings
from tests.conftest import ROOT, read_stacks, synthesize_into
from tests.synth.chart_configs import config_maps, environment
from tests.synth.documents import Stack, helm_values
from tools.gate.rules import block
from tools.gate.values import CHARTS

PAGES = ("recipes", "day-2", "licensing")
RELEASE = "kubecost-prom"
CHART = f"cost-analyzer-{Settings().kubecost.chart_version}"


@dataclass(frozen=True)
class Recipe:
    """A settings file on a page, and the text up to the next one or the next heading."""

    name: str
    settings: str
    below: str

    @property
    def values(self) -> dict[str, Any]:
        """Its Helm values."""
        values: dict[str, Any] = yaml.safe_load(self.settings)["kubecost"]["values"]
        return values

    @property
    def shown(self) -> Iterator[tuple[str, Any]]:
        """Give what the page says the chart makes: a ConfigMap or a variable, and its content."""
        said = r"^The chart [^\n]*(?:ConfigMap|variable) `([\w-]+)`[^\n]*:\n\n```\w+\n(.+?)```"
        for name, content in re.findall(said, self.below, re.DOTALL | re.MULTILINE):
            yield name, yaml.safe_load(content)


def read(page: str) -> Iterator[Recipe]:
    """Find the recipes of a page."""
    for section in re.split(r"^#+ ", (ROOT / f"docs/{page}.md").read_text(), flags=re.MULTILINE):
        title = section.partition("\n")[0]
        parts = re.split(
            r"^```yaml\n(kubecost:\n.+?)```\n", section, flags=re.DOTALL | re.MULTILINE
        )
        for settings, below in zip(parts[1::2], parts[2::2], strict=True):
            yield Recipe(f"{page}: {title}", settings, below)


Synthesized = Callable[[Recipe], dict[str, dict[str, Any]]]
RECIPES = [recipe for page in PAGES for recipe in read(page)]
by_name = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


def test_every_recipe_is_found() -> None:
    asked_for = {"Custom prices", "Label mapping", "Slack", "Budgets", "API access"}
    with_rendering = {r.name.removeprefix("recipes: ") for r in RECIPES if list(r.shown)}
    assert with_rendering == asked_for
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES)


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Synthesize a recipe as a whole settings file; give Kubecost's values by architecture."""

    @cache
    def run(recipe: Recipe) -> dict[str, dict[str, Any]]:
        folder = tmp_path_factory.mktemp("recipe")
        file = folder / "kubecost.yaml"
        file.write_text(recipe.settings)
        stacks: dict[str, Stack] = read_stacks(synthesize_into(folder / "out", file))
        return {
            name: helm_values(stack, "kubecost_release")
            for name, stack in stacks.items()
            if name in ARCHITECTURES
        }

    return run


@by_name
def test_every_architecture_passes_the_values_on(recipe: Recipe, synthesized: Synthesized) -> None:
    values = synthesized(recipe)
    assert set(values) == set(ARCHITECTURES)
    for architecture, in_force in values.items():
        assert merge(in_force, recipe.values) == in_force, architecture


@by_name
def test_the_page_shows_what_the_chart_makes(recipe: Recipe, synthesized: Synthesized) -> None:
    for in_force in synthesized(recipe).values():
        made = contents(config_maps(in_force))
        made |= {name: {name: value} for name, value in environment(in_force).items()}
        for name, content in recipe.shown:
            assert made[name] == content


def contents(maps: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Read the JSON of a ConfigMap whose only entry it is."""
    return {
        name: json.loads(data["alerts.json"]) if [*data] == ["alerts.json"] else data
        for name, data in maps.items()
    }


def test_the_gate_passes_the_label_mapping_and_asks_about_other_recipes(
    synthesized: Synthesized, stacks: Callable[[str], dict[str, Stack]]
) -> None:
    chart = kubecost(Settings().kubecost.chart_version)
    rule = block(CHARTS[chart.repository, chart.name])
    before = helm_values(stacks("defaults")["prom"], "kubecost_release")
    passed = {
        recipe.name for recipe in RECIPES if not [*rule.judge(before, synthesized(recipe)["prom"])]
    }
    assert passed == {"recipes: Label mapping", "day-2: Resize a volume"}


def test_the_chart_drops_prices_that_are_not_enabled_or_zero_without_quotes() -> None:
    prices = {"CPU": 2.5, "RAM": 0.0, "GPU": "0.00"}
    configs: dict[str, Any] = {"customPricesEnabled": True, "defaultModelPricing": prices}
    assert config_maps({"kubecostProductConfigs": configs}) == {}
    prices["enabled"] = True
    made = {"CPU": "2.5", "GPU": "0.00", "customPricesEnabled": "true"}
    assert config_maps({"kubecostProductConfigs": configs}) == {"pricing-configs": made}


# Of the templates alone: values.yaml does not have it, not even commented out.
OF_TEMPLATES = {"alertConfigmapName"}


@by_name
@pytest.mark.skipif("CHART_VALUES" not in os.environ, reason="CHART_VALUES names no folder")
def test_every_key_is_in_the_chart(recipe: Recipe) -> None:
    text = (Path(os.environ["CHART_VALUES"]) / CHART / "values.yaml").read_text()
    assert set(paths(recipe.values)) - OF_TEMPLATES <= documented_keys(text)


@pytest.mark.skipif("CHART_VALUES" not in os.environ, reason="CHART_VALUES names no folder")
def test_the_alerts_of_slack_have_keys_of_the_chart() -> None:
    text = (Path(os.environ["CHART_VALUES"]) / CHART / "values.yaml").read_text()
    (recipe,) = (each for each in RECIPES if each.name == "recipes: Slack")
    (alerts,) = re.findall(r"```json\n(.+?)```", recipe.below, re.DOTALL)
    values = {"global": {"notifications": {"alertConfigs": json.loads(alerts)}}}
    assert set(paths(values)) <= documented_keys(text)


def paths(values: Any, prefix: str = "") -> Iterator[str]:
    """Give every key with a value, those in the entries of lists too."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from paths(value, f"{prefix}.{key}")
    elif isinstance(values, list) and any(isinstance(each, dict) for each in values):
        for each in values:
            yield from paths(each, prefix)
    else:
        yield prefix.lstrip(".")


def documented_keys(text: str) -> set[str]:
    """Read the keys of a values.yaml by their indentation, those that are commented out too."""
    found: set[str] = set()
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        line = re.sub(r"^(\s*)#(?: |$)", r"\1", line)
        if match := re.match(r"(\s*(?:- )?)([A-Za-z][\w.-]*):(?: |$)", line):
            indent = len(match[1])
            above = [each for each in above if each[0] < indent]
            above.append((indent, match[2]))
            found.add(".".join(name for _, name in above))
    return found


@by_name
@pytest.mark.skipif("CHART_SOURCE" not in os.environ, reason="CHART_SOURCE names no chart")
def test_the_chart_itself_makes_the_same(recipe: Recipe, synthesized: Synthesized) -> None:
    chart = import_module("helm_python.chart").Chart.load(os.environ["CHART_SOURCE"])
    in_force = synthesized(recipe)["prom"]
    files = chart.render(values=in_force, name=RELEASE, namespace=RELEASE)
    made = [
        document
        for name, text in files.items()
        if name.endswith(".yaml") and "/tests/" not in name
        for document in yaml.safe_load_all(text)
        if document
    ]
    data = {each["metadata"]["name"]: each.get("data") for each in made}
    expected = config_maps(in_force)
    assert {name: data[name] for name in expected} == expected
    (deployment,) = (
        each
        for each in made
        if (each["kind"], each["metadata"]["name"]) == ("Deployment", f"{RELEASE}-cost-analyzer")
    )
    containers = deployment["spec"]["template"]["spec"]["containers"]
    (model,) = (each for each in containers if each["name"] == "cost-model")
    variables = {each["name"]: each.get("value") for each in model["env"]}
    assert environment(in_force).items() <= variables.items()
