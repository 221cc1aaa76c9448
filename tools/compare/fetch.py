"""Take a region's prices from AWS's price lists, which need no credentials.

A list is a CSV file: five lines about itself, a line with the names of its columns, and a line for
each price (AWS Billing user guide, "Reading the service price list file"). Lists are read line by
line: that of EC2 has gigabytes.
"""

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from http.client import HTTPException
from itertools import islice
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from modules.partitions import find_partition
from tools.common import CommandError

LISTS = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"
LONG = "AmazonEC2"  # read no further than needed; others to the end, to find what is there twice
TIMEOUT = 60  # seconds without a byte
_BILLION = 10**9

Row = Mapping[str, str]


@dataclass(frozen=True)
class Wanted:
    """A price of prices.yaml in a list.

    Attributes:
        key: of RegionPrices.
        usage: the usage type behind the prefix that stands for a region.
        unit: what the list's price is for, as a regular expression.
        per: how many such units the price of `key` is for.
        plausible: the least and the most US$ that the price of `key` can be.
        columns: what else must stand in the line, by column.
        told_by_unit: whether another unit makes another price, and no fault.
    """

    key: str
    usage: str
    unit: str
    per: int
    plausible: tuple[float, float]
    columns: Mapping[str, str] = field(default_factory=dict)
    told_by_unit: bool = False

    def is_in(self, row: Row) -> bool:
        """Tell whether a line of the list is one of this price."""
        return bool(
            re.fullmatch(rf"(?:[A-Z0-9]+-)?{self.usage}", row["usageType"])
            and row["TermType"] == "OnDemand"
            and all(row.get(column) == value for column, value in self.columns.items())
            and (not self.told_by_unit or self.has_unit(row))
        )

    def has_unit(self, row: Row) -> bool:
        """Tell whether a line's price is for the unit that it should be for."""
        return bool(re.fullmatch(self.unit, row["Unit"]))


def wanted(instance_type: str) -> dict[str, tuple[Wanted, ...]]:
    """List what is taken from each service's list; of EC2 one type of instance."""
    linux = {
        "Tenancy": "Shared",
        "Operating System": "Linux",
        "Pre Installed S/W": "NA",
        "CapacityStatus": "Used",
        "operation": "RunInstances",
    }
    samples, hours = "(Metric Datapoints|.*[Ss]amples?)", "(Hrs?|.*[Hh]ours?)"
    return {
        "AmazonPrometheus": (
            Wanted(
                "ingestion_per_10_million_samples",
                "AMP:MetricSampleCount",
                samples,
                10**7,
                (0.01, 10),
            ),
            Wanted("storage_per_gb_month", "AMP:MetricStorageByteHrs", "GB-Mo", 1, (0.003, 0.5)),
            Wanted(
                "query_per_billion_samples",
                "AMP:QuerySamplesProcessed",
                samples,
                _BILLION,
                (0.01, 2),
            ),
            # How AWS calls the collector's usage could not be read: two are told by their units.
            Wanted(
                "collector_per_hour",
                r"AMP:\w*Collect\w*",
                hours,
                1,
                (0.004, 0.5),
                told_by_unit=True,
            ),
            Wanted(
                "collector_per_10_million_samples",
                r"AMP:\w*Collect\w*",
                samples,
                10**7,
                (0.003, 1),
                told_by_unit=True,
            ),
        ),
        LONG: (
            Wanted(
                "node_per_hour",
                f"BoxUsage:{re.escape(instance_type)}",
                "Hrs",
                1,
                (0.003, 500),
                linux | {"Instance Type": instance_type},
            ),
            Wanted("gp3_per_gb_month", r"EBS:VolumeUsage\.gp3", "GB-Mo", 1, (0.02, 0.5)),
        ),
        "AmazonS3": (Wanted("s3_per_gb_month", "TimedStorage-ByteHrs", "GB-Mo", 1, (0.005, 0.2)),),
        "AmazonAthena": (
            Wanted("athena_per_tb_scanned", "DataScannedInTB", "Terabytes", 1, (1, 50)),
        ),
    }


def fetch(region: str, instance_type: str) -> dict[str, Any]:
    """Give a region's prices as prices.yaml has them; those that AWS does not list are left out.

    Raises CommandError with a line for each thing that is wrong, if any is.
    """
    if find_partition(region).name == "aws-cn":
        raise CommandError(f"AWS's price list of {region} is not in US$: write a file of prices")
    found: dict[str, Any] = {}
    faults: list[str] = []
    for offer, prices in wanted(instance_type).items():
        long = " (gigabytes: this may take minutes)" if offer == LONG else ""
        print(f"compare: reading {offer}'s prices of {region}{long}", file=sys.stderr, flush=True)
        try:
            price_list = PriceList.read(offer, region, prices)
        except (CommandError, csv.Error) as error:
            faults.append(f"{offer} of {region}: {error}")
            continue
        for each in prices:
            try:
                price = price_list.price(each)
            except CommandError as error:
                faults.append(f"{offer} of {region}: {each.key}: {error}")
                continue
            if price is None:
                print(f"compare: {offer} of {region} lists no {each.key}", file=sys.stderr)
            else:
                found[each.key] = price
    if faults:
        raise CommandError("\n".join([*faults, "nothing is written"]))
    return found


@dataclass(frozen=True)
class PriceList:
    """What is wanted of a service's list of a region.

    Attributes:
        source: names the list and its version.
        published: when.
        rows: the lines of each price, by its key.
    """

    source: str
    published: date
    rows: Mapping[str, list[Row]]

    @classmethod
    def read(cls, offer: str, region: str, prices: Iterable[Wanted]) -> "PriceList":
        """Read a list until it has given all that is wanted. Raises CommandError if it cannot."""
        url = f"{LISTS}/{offer}/current/{region}/index.csv"
        lines = _lines(url)
        about = {row[0]: row[1] for row in csv.reader(islice(lines, 5)) if len(row) > 1}
        columns = next(csv.reader(islice(lines, 1)), [])
        missing = {"usageType", "TermType", "Unit", "PricePerUnit", "StartingRange", "EndingRange"}
        if not (about.keys() >= {"Version", "Publication Date"} and missing <= {*columns}):
            raise CommandError(f"{url} is no price list of the form that AWS documents")
        rows: dict[str, list[Row]] = {each.key: [] for each in prices}
        for line in lines:
            # Cheaper than to take every line apart.
            if not any(re.search(each.usage, line) for each in prices):
                continue
            row = dict(zip(columns, next(csv.reader([line])), strict=False))
            for each in prices:
                if each.is_in(row):
                    rows[each.key].append(row)
            if offer == LONG and all(map(_is_whole, rows.values())):
                break
        try:
            published = date.fromisoformat(about["Publication Date"][:10])
        except ValueError:
            raise CommandError(f"{url} says no date of its publication") from None
        source = f"AWS Price List, {offer} of {region}, version {about['Version']}"
        return cls(source, published, rows)

    def price(self, each: Wanted) -> dict[str, Any] | None:
        """Give a price as prices.yaml has it, None if it is not listed.

        Raises CommandError if it can be none.
        """
        rows = sorted(self.rows[each.key], key=_start)
        if not rows:
            return None
        if other := [row["Unit"] for row in rows if not each.has_unit(row)]:
            raise CommandError(f"it is for {other[0]}, which is not the unit that is priced here")
        if not _is_whole(rows):
            raise CommandError("its tiers do not follow each other from 0 on, each of them once")
        # What is free each month is in free_tier.
        paid = [row for row in rows if _number(row, "PricePerUnit")]
        if not paid:
            raise CommandError("it costs nothing, which is not plausible")
        tiers = [
            {"up_to_billion": _short(end / _BILLION), "usd": usd}
            if (end := _number(row, "EndingRange")).is_finite()
            else {"usd": usd}
            for row, usd in ((row, _usd(row, each)) for row in paid)
        ]
        found = {"source": self.source, "date": self.published}
        if each.key == "ingestion_per_10_million_samples":
            return {"tiers": tiers, **found}
        machine = {}
        if each.key == "node_per_hour":
            row = paid[0]
            machine = {
                "instance_type": row["Instance Type"],
                "vcpus": _short(_number(row, "vCPU")),
                "memory_gib": _short(_number(row, "Memory")),
            }
        # Of the tiers of S3's storage the first, which has 50 TB.
        return {**machine, "usd": tiers[0]["usd"], **found}


def _lines(url: str) -> Iterator[str]:
    try:
        with urlopen(url, timeout=TIMEOUT) as answer:
            yield from io.TextIOWrapper(answer, encoding="utf-8", newline="")
            # http.client takes an early end of a body with a length for the end.
            if answer.length:
                raise CommandError(f"{url} ended {answer.length:,} bytes early")
    except HTTPError as error:
        raise CommandError(f"{url}: AWS answers {error.code}: it has no such list") from None
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise CommandError(f"{url} cannot be read: {reason}") from None


def _is_whole(rows: list[Row]) -> bool:
    """Tell whether the tiers follow each other from 0 to no end, each of them once."""
    ends = [Decimal(0), *(_number(row, "EndingRange") for row in sorted(rows, key=_start))]
    starts = [_start(row) for row in sorted(rows, key=_start)]
    return bool(rows) and starts == ends[:-1] and not ends[-1].is_finite()


def _start(row: Row) -> Decimal:
    return _number(row, "StartingRange")


def _number(row: Row, column: str) -> Decimal:
    """Read a number, behind which a unit may stand: `8 GiB`, `Inf`."""
    text = row.get(column, "").split(" ")[0]
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise CommandError(f"{column} is {text!r}, which is no number") from None


def _usd(row: Row, each: Wanted) -> float:
    if row.get("Currency") != "USD":
        raise CommandError(f"it is in {row.get('Currency')}, not in US$")
    usd = float(_number(row, "PricePerUnit") * each.per)
    least, most = each.plausible
    if not least <= usd <= most:
        raise CommandError(f"US$ {usd:g} is not plausible: it should be {least:g} to {most:g}")
    return usd


def _short(number: Decimal) -> float | int:
    """Write a whole number without a point."""
    return int(number) if number == number.to_integral_value() else float(number)
