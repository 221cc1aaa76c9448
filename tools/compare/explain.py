"""The formulas behind the table, with their numbers put in."""

import textwrap
from collections.abc import Iterator, Sequence

from metrics import sizes
from metrics.units import HOURS_PER_MONTH
from tools.compare import estimate as figures
from tools.compare.bill import Bill
from tools.compare.estimate import Estimate
from tools.compare.fees import Part, number
from tools.compare.fleet import Fleet
from tools.compare.prices import Prices, RegionPrices
from tools.compare.table import COLUMNS, WIDTH


def explain(estimates: Sequence[Estimate], fleet: Fleet, prices: Prices) -> str:
    """Write every formula, what is measured and what assumed, and where the prices come from."""
    known = prices.of(fleet.region)
    blocks = [
        *(_formulas(each, fleet) for each in estimates),
        _bill(fleet.bill, known) if fleet.bill else (),
        _basis(fleet.bill),
        _sources(known, prices),
    ]
    return "\n\n".join(filter(None, map("\n".join, blocks)))


def _formulas(each: Estimate, fleet: Fleet) -> Iterator[str]:
    amounts = each.amounts
    yield each.architecture.name
    if amounts.samples:
        yield f"  samples = {each.samples_formula} = {number(amounts.samples)}"
        yield (
            f"  stored = samples x {fleet.retention_days} days x 24 / {HOURS_PER_MONTH} hours"
            f" x {figures.BYTES_PER_SAMPLE} bytes / 2^30 = {number(amounts.stored_gb)} GB"
        )
        yield f"  read = {each.query_formula} = {number(amounts.query_samples)}"
    for size in each.sizes:
        yield (
            f"  {size.name} = {number(size.cpu_cores)} vCPU, {number(size.memory_gib)} GiB of"
            f" memory, {number(size.disk_gib)} GiB of disk, {fleet.clusters} x for"
            f" {HOURS_PER_MONTH} hours"
        )
    for name, (above, below) in COLUMNS.items():
        yield from _items(f"{above} {below}", each.parts[name])
    yield f"  {'total':16} ${each.total.usd:,.2f}{'' if each.total.complete else ' + ?'}"
    yield from _items("Kubecost, on top", each.kubecost)


def _bill(bill: Bill, known: RegionPrices) -> Iterator[str]:
    yield "The bill"
    yield from _items("S3", bill.storage(known))
    yield from _items("each Kubecost", bill.queries(known))


def _items(label: str, part: Part) -> Iterator[str]:
    for item in part.items:
        sum_ = "?" if item.usd is None else f"${item.usd:,.2f}"
        yield f"  {label:16} {item.how} = {sum_}"


def _basis(bill: Bill | None) -> Iterator[str]:
    yield "What the figures rest on"
    for text in (
        "measured: samples per node and pod, and what rules and alerts read (metrics/volumes.py)",
        f"AWS: a sample takes 1 or 2 bytes; here {figures.BYTES_PER_SAMPLE}, and names and labels"
        " come on top. Storage is that of a workspace as old as its retention",
        f"assumed: each Kubecost reads a sample {figures.KUBECOST_READS} times; the first cluster's"
        " reads those of all clusters, the others' their own",
        f"measured: Prometheus takes {sizes.MEMORY_PER_SERIES / 1024:g} KiB for a series and"
        f" {sizes.CPU_PER_MILLION_SAMPLES:g} CPU seconds for a million samples; assumed: on top"
        f" of {sizes.BASE_CORES} vCPU and {sizes.BASE_MEMORY / 1024**2:g} MiB. The stack requests"
        " that, for the size in kubecost.sized_for; here it is the fleet's. Other collectors: what"
        " the stack requests",
        "Kubecost itself: what its containers request, and its volume; in no total. Prometheus's"
        " volume is in the column of the clusters",
        "Kubecost's way to split a node's price: a vCPU is worth"
        f" {figures.VCPU_WEIGHT / figures.GIB_WEIGHT:.2f} GiB",
        "AMP's scraper is taken to collect what AMP takes in: whether AWS counts before or after"
        " relabelling is not documented",
        *(bill.assumed() if bill else ()),
    ):
        yield textwrap.fill(f"* {text}.", WIDTH, subsequent_indent="  ")


def _sources(known: RegionPrices, prices: Prices) -> Iterator[str]:
    yield "Where the prices come from"
    sources: dict[str, list[str]] = {}
    for key in RegionPrices.model_fields:
        if price := getattr(known, key):
            sources.setdefault(f"{price.source} ({price.date})", []).append(key)
    free = prices.free_tier
    sources.setdefault(f"{free.source} ({free.date})", []).append("free_tier")
    for source, keys in sources.items():
        text = f"* {source}: {', '.join(keys)}"
        yield textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
