"""The comparison as text of at most 100 columns."""

import textwrap
from collections.abc import Iterator, Sequence

from tools.compare.bill import PAYER_USD
from tools.compare.estimate import Estimate
from tools.compare.fees import Part, number
from tools.compare.fleet import Fleet
from tools.compare.prices import Prices

WIDTH = 100
COLUMNS = {
    "ingestion": ("AMP", "ingestion"),
    "storage": ("AMP", "storage"),
    "query": ("AMP", "query"),
    "collector": ("AMP", "collector"),
    "in_cluster": ("in the", "clusters"),
}
_LABEL = 13


def table(estimates: Sequence[Estimate], fleet: Fleet, prices: Prices) -> str:
    """Write everything that a person needs to choose."""
    free = "the free tier taken off" if prices.free_tier.samples else "the free tier not counted"
    blocks = [
        [f"{fleet}, in {fleet.region}. US$ per month, {free}."],
        _fees(estimates),
        cheapest(estimates, fleet),
        _bill(fleet, prices),
        *(_facts(each, fleet) for each in estimates),
        notes(estimates, fleet, prices),
    ]
    return "\n\n".join(filter(None, map("\n".join, blocks)))


def _fees(estimates: Sequence[Estimate]) -> Iterator[str]:
    yield _row("", "samples", *(above for above, _ in COLUMNS.values()))
    yield _row("", "per month", *(below for _, below in COLUMNS.values()), "total")
    for each in estimates:
        fees = (money(each.parts[name]) for name in COLUMNS)
        yield _row(each.architecture.name, short(each.amounts.samples), *fees, money(each.total))


def cheapest(estimates: Sequence[Estimate], fleet: Fleet) -> Iterator[str]:
    """Name the cheapest of all, and of those that show more; as far as prices tell."""
    several = fleet.clusters > 1
    for what, choice in {
        "Cheapest": list(estimates),
        "Cheapest with all clusters on one screen": [
            e for e in estimates if several and e.architecture.sends_to_amp
        ],
        "Cheapest with all clusters in one Kubecost": [
            e for e in estimates if several and e.architecture.queries_amp
        ],
    }.items():
        least = min(choice, key=lambda each: each.total.usd, default=None)
        # What others lack makes them dearer still.
        if least and least.total.complete:
            yield f"{what}: {least.architecture.name}, ${money(least.total)}"


def _bill(fleet: Fleet, prices: Prices) -> Iterator[str]:
    """Say what the bill costs and gives, or that there is one to be had."""
    if not fleet.bill:
        text = (
            "The bill: off, so Kubecost shows list prices. billing.report.create adds discounts and"
            " costs outside the clusters, for a few dollars (docs/billing.md)."
        )
    else:
        known = prices.of(fleet.region)
        fees = f"{_usd(fleet.bill.queries(known))} of Athena for each Kubecost with a UI"
        if fleet.bill.kept_months:
            fees = f"{_usd(fleet.bill.storage(known))} of S3 and {fees}"
        text = (
            f"The bill: {fees}, if the payer's is ${PAYER_USD:,} a month. Kubecost shows what AWS"
            " charges, with discounts and costs outside the clusters."
        )
    yield from textwrap.wrap(text, WIDTH, break_on_hyphens=False)


def _usd(part: Part) -> str:
    return f"${money(part)}" if part.complete else money(part)


def _facts(each: Estimate, fleet: Fleet) -> Iterator[str]:
    yield f"{each.architecture.name}: {each.architecture.summary}"
    for label, text in {
        "keeps": ", ".join(keeps(each, fleet)),
        "one screen": one_screen(each, fleet),
        "AMP outage": outage(each),
        "needs": ", ".join(needed(each)),
    }.items():
        yield textwrap.fill(
            text, WIDTH, initial_indent=f"  {label:11}", subsequent_indent=" " * _LABEL
        )


def notes(estimates: Sequence[Estimate], fleet: Fleet, prices: Prices) -> Iterator[str]:
    """Say what was assumed and what is not counted, in lines."""
    texts = [*fleet.notes]
    if not all(each.total.complete for each in estimates):
        texts.append(f"? marks what needs an unknown price: {how_to_know(fleet.region, prices)}")
    texts.append(_kubecost(estimates))
    texts.append(
        "Not counted: EKS, data transfer, and the private endpoint to AMP. "
        "--explain shows every formula"
    )
    for text in texts:
        yield textwrap.fill(f"* {text[0].upper()}{text[1:]}.", WIDTH, subsequent_indent="  ")


def how_to_know(region: str, prices: Prices) -> str:
    """Say how to get those prices of a region that are not known."""
    known = " or ".join(each for each in prices.complete_regions if each != region)
    return (
        f"prices of {region} are not all known here. Take AWS's with --prices fetch, give yours"
        f" with --prices FILE, or look at another region: --region {known}"
    )


def _kubecost(estimates: Sequence[Estimate]) -> str:
    """Say what Kubecost itself takes on top of the totals, architectures alike in one part."""
    alike: dict[str, list[str]] = {}
    for each in estimates:
        alike.setdefault(_usd(each.kubecost), []).append(each.architecture.name)
    sums = "; ".join(f"{usd} in {', '.join(names)}" for usd, names in alike.items())
    return f"On top of each total comes Kubecost itself, what its containers request: {sums}"


def _row(label: str, samples: str, *fees: str) -> str:
    return f"{label:{_LABEL}}{samples:>9}" + "".join(f"{fee:>13}" for fee in fees)


def money(part: Part) -> str:
    """Write a sum, with a question mark for what it lacks."""
    if part.complete:
        return f"{part.usd:,.2f}"
    return f"{part.usd:,.2f} + ?" if part.usd else "?"


def short(amount: float) -> str:
    """Write an amount in millions or billions."""
    for limit, unit in ((10**9, "B"), (10**6, "M")):
        if amount >= limit:
            return f"{amount / limit:,.4g} {unit}"
    return number(amount)


def keeps(each: Estimate, fleet: Fleet) -> list[str]:
    """Say how long what is kept where."""
    kept = []
    if each.in_cluster.prometheus_retention:
        kept.append(f"Prometheus {each.in_cluster.prometheus_retention}")
    if each.architecture.sends_to_amp:
        kept.append(f"AMP {fleet.retention_days}d")
    return [*kept, f"Kubecost's daily costs {each.in_cluster.kubecost_days}d"]


def one_screen(each: Estimate, fleet: Fleet) -> str:
    """Say how many clusters are on one screen, and on which."""
    if fleet.clusters == 1:
        return "the cluster"
    if each.architecture.queries_amp:
        return f"all {fleet.clusters} clusters in the first one's Kubecost"
    own = "1 cluster: each has a Kubecost of its own"
    if each.architecture.sends_to_amp:
        return f"{own}; all {fleet.clusters} in Grafana (grafana.enabled)"
    return own


def outage(each: Estimate) -> str:
    """Say what an outage of AMP loses."""
    lost = each.architecture.outage
    return f"{lost}; Kubecost sees nothing new meanwhile" if each.architecture.queries_amp else lost


def needed(each: Estimate) -> list[str]:
    """Say what must be there; docs/fleet.md has what the plan says otherwise."""
    needs = ["a default StorageClass (EBS CSI driver)"]
    if each.architecture.sends_to_amp:
        needs += ["AMP", "an IAM OIDC provider of the cluster"]
    if each.architecture.scraped_by_amp:
        needs += [
            "the cluster's private endpoint",
            "access entries",
            "two subnets in two zones",
            "AMP in the cluster's region",
            "up to 40 minutes for AWS to make the scraper",
        ]
    return needs
