"""The comparison as data for programs: keys may be added, none is renamed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tools.compare.estimate import Estimate
from tools.compare.fees import Part
from tools.compare.fleet import Fleet
from tools.compare.prices import Prices
from tools.compare.table import keeps, needed, one_screen, outage


def report(estimates: Sequence[Estimate], fleet: Fleet, prices: Prices) -> dict[str, Any]:
    """Give the fleet, the prices with their sources, and each architecture.

    US$ are null where a price is not known; `known_total` is the sum of the others.
    """
    return {
        "fleet": {**asdict(fleet), "notes": list(fleet.notes)},
        "prices": prices.of(fleet.region).model_dump(mode="json"),
        "free_tier": prices.free_tier.model_dump(mode="json"),
        "architectures": [_architecture(each, fleet) for each in estimates],
    }


def _architecture(each: Estimate, fleet: Fleet) -> dict[str, Any]:
    return {
        "name": each.architecture.name,
        "description": each.architecture.summary,
        "per_month": asdict(each.amounts),
        "usd_per_month": {
            **{name: _usd(part) for name, part in each.parts.items()},
            "total": _usd(each.total),
            "known_total": each.total.usd,
            "kubecost": _usd(each.kubecost),
        },
        "keeps": keeps(each, fleet),
        "one_screen": one_screen(each, fleet),
        "outage": outage(each),
        "needs": needed(each),
    }


def _usd(part: Part) -> float | None:
    return part.usd if part.complete else None
