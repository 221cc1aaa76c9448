"""What AWS charges: prices.yaml beside this file, and what the user's own file adds to it.

`python -m tools compare --prices fetch` takes a region's prices from AWS into prices.yaml.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from settings import file as settings_file
from settings.kinds import AsTuple, InstanceType, NotEmpty, Region
from settings.section import Section
from tools.common import write_whole

SHIPPED = Path(__file__).with_name("prices.yaml")

Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


class Price(Section):
    """US$ for the unit that its key names, where and when it was read."""

    usd: Usd
    source: Text
    date: date


class Tier(Section):
    """What samples cost up to a number of them in a month; the last tier has no end.

    `usd` is null where the price of a tier is not known.
    """

    up_to_billion: Positive | None = None
    usd: Usd | None


def _rising(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    *closed, last = (tier.up_to_billion for tier in tiers)
    ends = [end for end in closed if end is not None]
    if last is not None or len(ends) < len(closed) or ends != sorted(set(ends)):
        raise PydanticCustomError(
            "allowed", "tiers that rise by up_to_billion, the last one without it"
        )
    return tiers


class TieredPrice(Section):
    """US$ for the unit that its key names, by tiers of a month's samples."""

    tiers: Annotated[tuple[Tier, ...], AsTuple, NotEmpty, AfterValidator(_rising)]
    source: Text
    date: date


class NodePrice(Price):
    """An hour of the EC2 instance whose CPU and memory the collectors in a cluster take."""

    instance_type: InstanceType
    vcpus: Positive
    memory_gib: Positive


class RegionPrices(Section):
    """The prices of a region, as far as they are known; each key says for how much."""

    ingestion_per_10_million_samples: TieredPrice | None = None
    storage_per_gb_month: Price | None = None
    query_per_billion_samples: Price | None = None
    collector_per_hour: Price | None = None
    collector_per_10_million_samples: Price | None = None
    node_per_hour: NodePrice | None = None
    gp3_per_gb_month: Price | None = None
    s3_per_gb_month: Price | None = None
    athena_per_tb_scanned: Price | None = None


class FreeTier(Section):
    """What AMP gives away each month to a payer."""

    samples: Annotated[int, Field(ge=0)]
    storage_gb: Annotated[int, Field(ge=0)]
    query_samples: Annotated[int, Field(ge=0)]
    source: Text
    date: date


class PriceFile(Section):
    """A file of prices; a region may leave out what is not known."""

    regions: dict[Region, RegionPrices] = Field(default_factory=dict)
    free_tier: FreeTier | None = None


@dataclass(frozen=True)
class Prices:
    """All prices that are known, by region."""

    regions: dict[str, RegionPrices]
    free_tier: FreeTier

    def of(self, region: str) -> RegionPrices:
        """Give the prices of a region, none of which may be known."""
        return self.regions.get(region, RegionPrices())

    @property
    def complete_regions(self) -> list[str]:
        """List the regions of which every price is known."""
        return [
            region
            for region, prices in self.regions.items()
            if all(getattr(prices, key) for key in RegionPrices.model_fields)
            and prices.ingestion_per_10_million_samples
            and all(tier.usd is not None for tier in prices.ingestion_per_10_million_samples.tiers)
        ]

    def without_free_tier(self) -> "Prices":
        """Give the same for a payer who has used up the free tier elsewhere."""
        nothing = {"samples": 0, "storage_gb": 0, "query_samples": 0}
        return replace(self, free_tier=self.free_tier.model_copy(update=nothing))


def load(own: Path | None = None) -> Prices:
    """Read the prices that are known; those in the user's `own` file go before them, one by one.

    Raises SettingsError with every fault in a file.
    """
    known = settings_file.parse(SHIPPED, PriceFile)
    added = settings_file.parse(own, PriceFile) if own else PriceFile()
    regions = dict(known.regions)
    for region, prices in added.regions.items():
        given = {key: getattr(prices, key) for key in prices.model_fields_set}
        regions[region] = regions.get(region, RegionPrices()).model_copy(update=given)
    free = added.free_tier or known.free_tier
    assert free, f"{SHIPPED.name} has no free_tier"
    return Prices(regions, free)


def put(region: str, found: Mapping[str, Any]) -> None:
    """Write prices of a region into prices.yaml, in place of those there; keep all others.

    Raises SettingsError, and writes nothing, if the file would not be one of prices any more.
    """
    text = SHIPPED.read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    known = data["regions"].get(region, {}) | found
    data["regions"][region] = {key: known[key] for key in RegionPrices.model_fields if key in known}
    data["regions"] = dict(sorted(data["regions"].items()))
    draft = render(text, data)
    settings_file.parse_text(draft, PriceFile, SHIPPED.name)
    write_whole(SHIPPED, draft)


def render(text: str, data: Mapping[str, Any]) -> str:
    """Write the file of prices: the comments at its head, and the data in one form."""
    head = text[: text.index("regions:")]
    return head + yaml.safe_dump(data, sort_keys=False, width=1000)
