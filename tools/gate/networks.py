"""Compare blocks of addresses as sets: which addresses a list admits that it did not before."""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
    summarize_address_range,
)
from typing import Any

from tools.gate.absent import ABSENT, is_empty

Network = IPv4Network | IPv6Network
EVERYONE = ("0.0.0.0/0", "::/0")
# RFC 1918, and RFC 6598, which AWS allows inside a VPC.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
_SHOWN = 4

Ranges = dict[int, list[tuple[int, int]]]


class UnreadableError(ValueError):
    """A value from which no addresses can be read."""


def networks(value: Any) -> list[Network]:
    """Read a block, or a list of blocks.

    Raises:
        UnreadableError: one of them is not a block, for example an unknown value.
    """
    if is_empty(value):
        return []
    listed = value if isinstance(value, list) else [value]
    try:
        return [ip_network(each) for each in listed if isinstance(each, str) or _refuse(each)]
    except ValueError:
        raise UnreadableError(str(value)) from None


def _refuse(value: Any) -> bool:
    raise UnreadableError(str(value))


def newly_open(before: Sequence[Network], after: Sequence[Network]) -> list[Network]:
    """Find the fewest blocks that hold every address of `after` that `before` does not have."""
    known, found = _ranges(before), []
    for version, spans in _ranges(after).items():
        address: Any = IPv4Address if version == 4 else IPv6Address
        for first, last in spans:
            for start, end in _left(first, last, known.get(version, [])):
                found += list(summarize_address_range(address(start), address(end)))
    return found


def _ranges(blocks: Iterable[Network]) -> Ranges:
    """Merge blocks to ranges of first and last address, sorted, with a gap between any two."""
    ranges: Ranges = {}
    for block in sorted(blocks, key=lambda each: (each.version, int(each.network_address))):
        first, last = int(block.network_address), int(block.broadcast_address)
        spans = ranges.setdefault(block.version, [])
        if spans and first <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        else:
            spans.append((first, last))
    return ranges


def _left(first: int, last: int, known: list[tuple[int, int]]) -> list[tuple[int, int]]:
    left = []
    for start, end in known:
        if end < first or start > last:
            continue
        if start > first:
            left.append((first, start - 1))
        first = end + 1
    return [*left, (first, last)] if first <= last else left


def public(blocks: Sequence[Network]) -> list[Network]:
    """Find the parts of the blocks that are not private addresses."""
    return newly_open([IPv4Network(each) for each in PRIVATE], blocks)


def shown(blocks: Sequence[Network]) -> str:
    """Write blocks for a reader, the widest first, with the number of their addresses."""
    count = sum(block.num_addresses for block in blocks)
    if any(block.prefixlen == 0 for block in blocks):
        return "everyone"
    widest = sorted(blocks, key=lambda block: (-block.num_addresses, str(block)))
    more = f" and {len(blocks) - _SHOWN} more blocks" if len(blocks) > _SHOWN else ""
    names = ", ".join(str(block) for block in widest[:_SHOWN])
    return f"{names}{more} ({count:,} {'address' if count == 1 else 'addresses'})"


def opened(before: Any, after: Any, *, to_create: Sequence[Network] = ()) -> str:
    """Say which addresses a list newly admits; "" if there are none.

    Args:
        before: the list as it is; ABSENT if the resource does not exist yet.
        after: the list as planned.
        to_create: what a new resource may admit.
    """
    try:
        new = networks(after)
    except UnreadableError as error:
        return f"is open to addresses that cannot be read: {error}"
    try:
        old = list(to_create) if before is ABSENT else networks(before)
    except UnreadableError:
        old = []
    found = newly_open(old, new)
    return f"is newly open to {shown(found)}" if found else ""
