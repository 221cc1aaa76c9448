"""What it costs to read AWS's bill: the storage of its report, and Athena's queries of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from metrics.units import HOURS_PER_MONTH
from settings import Settings
from tools.compare.fees import Part, fee
from tools.compare.prices import RegionPrices

# Assumed: how much of a report a payer of so many dollars a month has, in Parquet, each month.
PAYER_USD, REPORT_GB = 1_000_000, 1
# Assumed: a report that is kept for good is priced when it is a year old.
MONTHS_OF_GOOD = 12
# Kubecost asks every 6 hours (chart cost-analyzer 2.8.7, templates/_helpers.tpl,
# CLOUD_COST_REFRESH_RATE_HOURS); assumed is that each time it scans all of two months.
RUNS_PER_DAY, MONTHS_PER_RUN = 4, 2


@dataclass(frozen=True)
class Bill:
    """Reports that a fleet's Kubecosts read.

    Attributes:
        reports: how many, one for each payer.
        kept_months: of the one that is created here; 0 where none is.
    """

    reports: int
    kept_months: float

    def storage(self, prices: RegionPrices) -> Part:
        """Price what S3 keeps of the report that is created here."""
        return fee(self.kept_months * REPORT_GB, prices.s3_per_gb_month, unit="GB")

    def queries(self, prices: RegionPrices) -> Part:
        """Price what Athena scans for one Kubecost."""
        runs = RUNS_PER_DAY * HOURS_PER_MONTH / 24
        scanned = self.reports * runs * MONTHS_PER_RUN * REPORT_GB
        return fee(scanned, prices.athena_per_tb_scanned, unit="GB scanned", per=1024)

    def assumed(self) -> Iterator[str]:
        """Say what the sums rest on."""
        yield (
            f"assumed: a payer of ${PAYER_USD:,} a month has {REPORT_GB} GB of report a month; one"
            f" that is kept for good is priced when it has {MONTHS_OF_GOOD} months"
        )
        yield (
            f"assumed: a Kubecost with a UI, which asks {RUNS_PER_DAY} times a day, scans all of"
            f" {MONTHS_PER_RUN} months each time, though Athena reads only the columns asked for"
        )


def bill_of(settings: Settings) -> Bill | None:
    """Say what the settings have Kubecost read; None for nothing."""
    billing = settings.billing
    if not billing.is_on:
        return None
    days, kept = billing.report.retention_days, 0.0
    if billing.report.create:
        kept = days * 24 / HOURS_PER_MONTH if days else MONTHS_OF_GOOD
    return Bill(len(billing.existing_reports) + billing.report.create, kept)
