"""docs/architectures: a page for each, whose expected output is what the stack puts out."""

import re
from collections.abc import Callable

import pytest
import yaml

from architectures import ARCHITECTURES
from tests.conftest import ROOT, Stack

Stacks = Callable[[str], dict[str, Stack]]
PAGES = ROOT / "docs/architectures"
SECTIONS = ["Deploy", "Validate", "Destroy", "Cost", "Limits", "When something is wrong"]
VARYING = re.compile(r"\$\{[^}]*\}")


def section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_there_is_a_page_for_each_architecture_and_no_other() -> None:
    assert {file.stem for file in PAGES.glob("*.md")} == set(ARCHITECTURES)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_page_answers_the_same_questions_in_the_same_order(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    assert page.startswith(f"# {name}: ")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == SECTIONS
    assert "| take it when | take another when |" in page.split("\n## ")[0]
    assert f"cdktf deploy {name}" in section(page, "Deploy")
    assert f"make verify STACK={name}\n" in section(page, "Validate")
    assert f"cdktf destroy {name}" in section(page, "Destroy")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_deploy_shows_the_outputs_that_the_stack_has(stacks: Stacks, name: str) -> None:
    text = section((PAGES / f"{name}.md").read_text(), "Deploy")
    shown = dict(re.findall(r"^  (\w+) = (.+)$", text, re.MULTILINE))
    outputs = stacks("defaults")[name]["output"]
    assert list(shown) == sorted(outputs)
    for key, output in outputs.items():
        literal = VARYING.split(output["value"])
        assert shown[key].endswith(literal[-1])
        assert shown[key].startswith(literal[0])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_validate_shows_the_pods_that_the_stack_has(stacks: Stacks, name: str) -> None:
    text = section((PAGES / f"{name}.md").read_text(), "Validate")
    releases = stacks("defaults")[name]["resource"]["helm_release"]
    kubecost = releases["kubecost_release"]
    release = kubecost["namespace"]
    values = yaml.safe_load(kubecost["values"][0])
    expected = {f"{release}-cost-analyzer", f"{release}-forecasting", f"{release}-network-costs"}
    if values["global"]["prometheus"]["enabled"]:
        expected.add(f"{release}-prometheus-server")
    expected |= {each["name"] for key, each in releases.items() if key != "kubecost_release"}
    shown = re.findall(
        rf"^({release}\S+?)(?:-[a-z0-9]{{8,10}})?-[a-z0-9]{{5}} ", text, re.MULTILINE
    )
    assert sorted(shown) == sorted(expected)
    # The signing proxy is one container more.
    containers = 5 if values["global"].get("amp", {}).get("enabled") else 4
    assert re.search(rf"cost-analyzer\S+ +{containers}/{containers} ", text)
    assert f"kubectl --namespace {release} get pods" in text
