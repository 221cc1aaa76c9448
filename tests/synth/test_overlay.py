"""Ring 2: a mistake in a new architecture ends at import, with one sentence."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from architectures import ARCHITECTURES, Architecture, registry
from architectures.overlay import Overlay, overlay
from modules.kubecost import BundledPrometheus, Costs, Everything, Kubecost


def without_compose() -> type:
    class Unfinished(Overlay):
        architecture = "prom"

    return Unfinished


def not_in_the_registry() -> type:
    class Foreign(Overlay):
        architecture = "prom_x"

        def compose(self) -> None:
            """Nothing."""

    return Foreign


def without_architecture() -> type:
    class Nameless(Overlay):
        def compose(self) -> None:
            """Nothing."""

    return Nameless


def in_the_module_of_another_one() -> type:
    class Second(Overlay):
        architecture = "prom"

        def compose(self) -> None:
            """Nothing."""

    return Second


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (without_compose, r"Unfinished has no method compose\(\)"),
        (not_in_the_registry, "Foreign: the architecture prom_x is not in architectures/__init__"),
        (without_architecture, "Nameless: the architecture None is not in architectures/__init__"),
        (
            in_the_module_of_another_one,
            r"Second composes prom; it belongs in architectures/prom\.py",
        ),
    ],
)
def test_a_class_that_cannot_be_synthesized(make: Callable[[], type], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize("attribute", ["name", "slot"])
def test_what_only_one_architecture_may_have(attribute: str) -> None:
    prom, other = ARCHITECTURES["prom"], ARCHITECTURES["amp"]
    taken: Architecture = replace(other, **{attribute: getattr(prom, attribute)})
    with pytest.raises(ValueError, match=f"have the {attribute}"):
        registry(prom, taken)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_has_its_class(name: str) -> None:
    assert overlay(name).architecture == name


QUERIED: Any = object()
ANOTHER: Any = object()
NOTHING: Any = None


@pytest.mark.parametrize("sends", [None, Costs(to=QUERIED), Everything(to=ANOTHER)])
def test_kubecost_queries_no_workspace_that_lacks_metrics(
    sends: Costs | Everything | None,
) -> None:
    with pytest.raises(TypeError, match="sends Everything to it"):
        Kubecost(
            NOTHING,
            "kubecost",
            NOTHING,
            at=NOTHING,
            bill=NOTHING,
            scraper=BundledPrometheus([], sends=sends),
            queries=QUERIED,
        )
