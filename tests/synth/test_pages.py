"""docs/architectures: a page for each, whose expected output is what the stack puts out."""

import re
from collections.abc import Callable

import pytest
import yaml

from architectures import ARCHITECTURES
from metrics.volumes import VOLUMES
from tests import verified
from tests.conftest import ROOT, Stack

Stacks = Callable[[str], dict[str, Stack]]
PAGES = ROOT / "docs/architectures"
SECTIONS = ["Deploy", "Verify", "Destroy", "Cost", "Limits", "Troubleshoot"]
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
    assert "| choose it when | choose another when |" in page.split("\n## ")[0]
    assert f"cdktf deploy {name}" in section(page, "Deploy")
    assert f"make verify STACK={name}\n" in section(page, "Verify")
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
def test_verify_shows_the_pods_that_the_stack_has(stacks: Stacks, name: str) -> None:
    text = section((PAGES / f"{name}.md").read_text(), "Verify")
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


def shown(name: str) -> list[str]:
    """Give the lines that `make verify` prints on a page; `...` stands for lines left out."""
    text = section((PAGES / f"{name}.md").read_text(), "Verify")
    return text.split(f"$ make verify STACK={name}\n")[1].split("```")[0].splitlines()


def test_one_page_shows_all_that_verify_prints() -> None:
    assert shown(verified.WHOLE) == verified.output(verified.WHOLE).splitlines()


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != verified.WHOLE])
def test_the_other_pages_show_what_they_print_beside_it(name: str) -> None:
    """Each line that is not on the whole page is shown, and nothing that is not printed."""
    printed = verified.output(name).splitlines()
    rest = iter(printed)
    for line in shown(name):
        assert line == "..." or line in rest, f"not printed, or in another order: {line}"
    assert shown(name)[-1] == printed[-1]

    known = verified.shape(
        verified.output(verified.WHOLE)
        .replace(verified.WHOLE.replace("_", "-"), name.replace("_", "-"))
        .replace(verified.WHOLE, name)
    )
    beside = [line for line in verified.shape("\n".join(printed)) if line not in known]
    assert [line for line in verified.shape("\n".join(shown(name))) if line not in known] == beside


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if VOLUMES[name].per_node])
def test_cost_shows_the_measured_volumes(name: str) -> None:
    text = " ".join(section((PAGES / f"{name}.md").read_text(), "Cost").split())
    if name == "amp":
        assert "AMP receives what it receives in [adot_amp](adot_amp.md#cost)" in text
        assert VOLUMES[name] == VOLUMES["adot_amp"]
        return
    sentence = r"AMP receives ([\d.]+) samples a minute for each node and ([\d.]+) for each pod"
    shown = re.search(sentence, text)
    assert shown
    for figure, measured in zip(shown.groups(), VOLUMES[name], strict=True):
        decimals = len(figure.partition(".")[2])
        assert f"{measured:.{decimals}f}" == figure
