"""What an architecture's picture shows: its stack and base's, with the settings' defaults."""

from collections.abc import Mapping

from architectures import ARCHITECTURES
from tools.pictures.components import components
from tools.pictures.flows import flows
from tools.pictures.left_out import LEFT_OUT
from tools.pictures.parts import parts
from tools.pictures.picture import (
    ROLE,
    VOLUME,
    Item,
    Picture,
    true_items,
)
from tools.synthesis import Stack

HEIGHT = 536


def picture(architecture: str, stacks: Mapping[str, Stack]) -> Picture:
    """Draw an architecture.

    Raises:
        PictureError: the stacks have what the picture does not account for.
    """
    found = components({"base": stacks["base"], "overlay": stacks[architecture]})
    return Picture(
        architecture,
        ARCHITECTURES[architecture].summary,
        HEIGHT,
        true_items(catalogue(found), found, LEFT_OUT),
        icons={VOLUME: "EBS volume", ROLE: "IAM role (IRSA)"},
    )


def catalogue(found: Mapping[str, str]) -> list[Item]:
    """Give everything that an architecture's picture can show."""
    return [*parts(found), *flows(found)]
