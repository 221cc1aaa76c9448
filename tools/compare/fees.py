"""Amount times price, with the free tier and AMP's tiers; no price gives no sum."""

from dataclasses import dataclass

from tools.compare.prices import Price, TieredPrice

BILLION = 10**9
INGESTION_UNIT = 10_000_000  # samples


@dataclass(frozen=True)
class Item:
    """A product with its numbers put in, and what it is in US$, rounded to cents.

    Without a price `usd` is None.
    """

    how: str
    usd: float | None


@dataclass(frozen=True)
class Part:
    """Items that belong together."""

    items: tuple[Item, ...] = ()

    def __add__(self, other: "Part") -> "Part":
        return Part(self.items + other.items)

    @property
    def usd(self) -> float:
        """The sum of what is known."""
        return round(sum(item.usd or 0 for item in self.items), 2)

    @property
    def complete(self) -> bool:
        """Whether every price that it needs is known."""
        return all(item.usd is not None for item in self.items)


def fee(amount: float, price: Price | None, *, unit: str, per: int = 1, free: float = 0) -> Part:
    """Price an amount, of which `free` costs nothing."""
    if amount <= free:
        return _nothing(amount, free, unit)
    shown = f"({number(amount)} - {number(free)} free)" if free else number(amount)
    return Part((_product(f"{shown} {unit}", amount - free, price.usd if price else None, per),))


def ingestion(samples: float, price: TieredPrice | None, *, free: float = 0) -> Part:
    """Price a month's samples by tiers; what is free is the beginning of the first tier.

    In AWS's price list (offer AmazonPrometheus) the free samples are a tier of their own, after
    which the first one with a price goes on to where it would end without them.
    """
    if samples <= free:
        return _nothing(samples, free, "samples")
    if not price:
        return Part((_product(f"{number(samples)} samples", samples, None, INGESTION_UNIT),))
    items, begin = [], 0.0
    for tier in price.tiers:
        end = samples if tier.up_to_billion is None else tier.up_to_billion * BILLION
        here = max(min(samples, end) - begin, 0)
        given = min(max(free - begin, 0), here)
        if here > given:
            shown = f"({number(here)} - {number(given)} free)" if given else number(here)
            items.append(_product(f"{shown} samples", here - given, tier.usd, INGESTION_UNIT))
        begin = end
    return Part(tuple(items))


def number(amount: float) -> str:
    """Write an amount, four digits of it at least."""
    return f"{amount:,.0f}" if amount >= 1000 or amount % 1 == 0 else f"{amount:,.4g}"


def _nothing(amount: float, free: float, unit: str) -> Part:
    if not amount:
        return Part()
    return Part((Item(f"{number(amount)} {unit}, of which {number(free)} are free", 0),))


def _product(shown: str, amount: float, usd: float | None, per: int) -> Item:
    unit = f" / {per:,}" if per > 1 else ""
    if usd is None:
        return Item(f"{shown} x ?{unit}", None)
    return Item(f"{shown} x ${usd:.6g}{unit}", round(amount * usd / per, 2))
