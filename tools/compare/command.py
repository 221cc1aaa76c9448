"""Compare the architectures: what each costs a month, keeps, shows, loses and needs.

Without options the fleet is that of kubecost.yaml.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from architectures import ARCHITECTURES
from architectures.faults import find_faults
from settings import file as settings_file
from tools.common import ROOT, CommandError, command_line
from tools.compare import chart, report, stacks
from tools.compare.estimate import Estimate, estimate
from tools.compare.explain import explain
from tools.compare.fetch import fetch
from tools.compare.fleet import Fleet, fleet_of
from tools.compare.prices import SHIPPED, Prices, load, put
from tools.compare.table import how_to_know, table

FETCH = "fetch"


def main(arguments: list[str]) -> int:
    """Print the comparison; 1, with a line for each reason on stderr, where that is impossible."""
    options = _parser().parse_args(arguments)
    try:
        estimates, fleet, prices = _compare(options)
        if options.chart:
            _draw(estimates, fleet, options.chart)
        if options.json:
            print(json.dumps(report.report(estimates, fleet, prices), indent=2))
        else:
            print(table(estimates, fleet, prices))
            if options.explain:
                print(f"\n{explain(estimates, fleet, prices)}")
    except settings_file.SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_line("compare", __doc__)
    parser.add_argument("--clusters", type=_at_least(1), help="how many, all of one size")
    parser.add_argument("--nodes", type=_at_least(0), help="of each cluster")
    parser.add_argument("--pods", type=_at_least(0), help="of each cluster")
    parser.add_argument("--region", help="of AMP and of the prices")
    parser.add_argument(
        "--prices",
        metavar="FILE",
        help=f"your prices, in the form of prices.yaml; {FETCH}: take AWS's into prices.yaml first",
    )
    parser.add_argument(
        "--no-free-tier", action="store_true", help="as if AMP's free tier were used up elsewhere"
    )
    parser.add_argument("--explain", action="store_true", help="show the formulas and the sources")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw it to a .png or .svg")
    return parser


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"given {text}; allowed: a whole number from {least}")
        return int(text)

    return number


def _compare(options: argparse.Namespace) -> tuple[list[Estimate], Fleet, Prices]:
    settings = settings_file.load(find_faults)
    fleet = fleet_of(
        settings,
        clusters=options.clusters,
        nodes=options.nodes,
        pods=options.pods,
        region=options.region,
    )
    if options.prices == FETCH:
        _take_prices(fleet.region, settings.base.nodes.instance_types[0])
    own = Path(options.prices) if options.prices not in (None, FETCH) else None
    prices = load(own)
    # The table says what is not known; bars of it would be as long as those that cost nothing.
    if fleet.region not in prices.regions and options.chart:
        raise CommandError(f"--chart: {how_to_know(fleet.region, prices)}")
    if options.no_free_tier:
        prices = prices.without_free_tier()
    print("compare: reading what the synthesized stacks run", file=sys.stderr, flush=True)
    try:
        in_clusters = stacks.read(settings, nodes=fleet.nodes, pods=fleet.pods)
    except ValueError as error:
        raise CommandError(
            f"kubecost.values: a size that Kubernetes does not know: {error}"
        ) from None
    estimates = [
        estimate(each, in_clusters[name], fleet, prices) for name, each in ARCHITECTURES.items()
    ]
    return estimates, fleet, prices


def _take_prices(region: str, instance_type: str) -> None:
    found = fetch(region, instance_type)
    try:
        put(region, found)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(f"{SHIPPED} cannot be written: {reason}") from None
    shown = SHIPPED.relative_to(ROOT) if SHIPPED.is_relative_to(ROOT) else SHIPPED
    print(f"compare: {len(found)} prices of {region} are in {shown}", file=sys.stderr)


def _draw(estimates: list[Estimate], fleet: Fleet, file: Path) -> None:
    if file.suffix not in chart.FORMATS:
        raise CommandError(f"--chart: given {file}; allowed: a file {' or '.join(chart.FORMATS)}")
    drawn = chart.draw(estimates, fleet, file.suffix)
    try:
        file.write_bytes(drawn)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(f"--chart: {file} cannot be written: {reason}") from None
