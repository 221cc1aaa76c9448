"""The stack `billing`: AWS's bill, for Kubecost to read.

It exists only if the settings create a report or a spot data feed (`makes_something` in
settings/billing.py); architectures/app.py lists all stacks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cdktf import TerraformOutput
from cdktf_cdktf_provider_aws.ce_cost_allocation_tag import CeCostAllocationTag
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from constructs import Construct

from metrics import bill
from modules.cost_report import (
    API_REGION,
    CostReport,
    CostReportReader,
    CreatedCostReport,
    created_report,
)
from modules.partitions import arn
from modules.spot_data_feed import CreatedSpotDataFeed, SpotDataFeed, created_bucket
from settings import Settings
from settings.billing import account_of, tag_column
from stacks.stack import Stack


@dataclass(frozen=True)
class Reader:
    """The role of a Kubecost that reads the report.

    Attributes:
        account: the role's account; None for that of the identity that deploys.
        role_name: the role's name; the role need not exist yet.
    """

    account: str | None
    role_name: str


class Billing(Stack):
    """A cost and usage report in the payer's account, and the role of its readers."""

    def __init__(self, scope: Construct, settings: Settings, *, readers: Sequence[Reader]) -> None:
        billing = settings.billing
        region = billing.report.region or settings.region
        super().__init__(
            scope,
            "billing",
            state=settings.state,
            region=region,
            role_arn=billing.account_role_arn,
            tags=settings.tags,
        )
        self._settings = settings
        if billing.report.create:
            report = created_report(
                settings.name, region=region, account=self._account(billing.account)
            )
            self._create_report(report)
            remote = [reader for reader in readers if reader.account != billing.account]
            if remote:
                self._let_in(remote, report)
        if billing.spot_data_feed.create:
            self._create_spot_data_feed()

    def _create_report(self, report: CostReport) -> None:
        settings, billing = self._settings, self._settings.billing
        api = self.aws_provider(
            "aws_us_east_1",
            alias="us_east_1",
            region=API_REGION,
            role_arn=billing.account_role_arn,
        )
        CreatedCostReport(
            self,
            "report",
            billing.report,
            name=settings.name,
            report=report,
            tag_columns=[tag_column(key) for key in billing.cost_allocation_tags],
            api=api,
        )
        for key in billing.active_tags:
            CeCostAllocationTag(
                self,
                tag_column(key).replace("resource_tags", "tag"),
                tag_key=key,
                status="Active",
                provider=api,
            )
        TerraformOutput(
            self,
            "files",
            value=f"s3://{report.report_bucket}",
            description="Where AWS puts the report: the first data within 24 hours, Kubecost shows"
            " them after 48",
        )
        TerraformOutput(
            self,
            "cost_by_cluster",
            value=bill.cost_by_cluster(report.table),
            description=f"What each cluster cost the day before yesterday: Athena in"
            f" {report.region}, workgroup {report.workgroup}, database {report.database}",
        )

    def _let_in(self, readers: Sequence[Reader], report: CostReport) -> None:
        """Add the role that readers outside the payer's account assume."""
        settings = self._settings
        accounts = {reader.account: self._account(reader.account) for reader in readers}
        CostReportReader(
            self,
            "reader",
            name=reader_role_name(settings.name),
            report=report,
            role_arns=[
                role_arn_in(
                    accounts[each.account],
                    settings.iam.path,
                    each.role_name,
                    region=report.region,
                )
                for each in readers
            ],
            accounts=accounts.values(),
            tagged=settings.workloads.identity == "pod_identity",
        )

    def _create_spot_data_feed(self) -> None:
        settings, hub = self._settings, self._settings.hub
        region = settings.billing.report.region or settings.region
        elsewhere = (hub.region, hub.role_arn) != (region, settings.billing.account_role_arn)
        account = self._account(account_of(hub.role_arn))
        CreatedSpotDataFeed(
            self,
            "spot",
            SpotDataFeed(
                account=account,
                region=hub.region,
                bucket=created_bucket(settings.name, account),
                prefix=settings.billing.spot_data_feed.prefix,
            ),
            provider=self.aws_provider(
                "aws_spot", alias="spot", region=hub.region, role_arn=hub.role_arn
            )
            if elsewhere
            else None,
        )

    def _account(self, account: str | None) -> str:
        """Return an account's id; None means the account of the identity that deploys."""
        return account or self._deployer

    @cached_property
    def _deployer(self) -> str:
        provider = None
        if self._settings.billing.account_role_arn:
            provider = self.aws_provider(
                "aws_deployer", alias="deployer", region=self._settings.region, role_arn=None
            )
        return DataAwsCallerIdentity(self, "deployer", provider=provider).account_id


def role_arn_in(account: str, path: str, name: str, *, region: str) -> str:
    """Write the ARN of a role in the partition of a region; `path` has a slash at both ends."""
    return arn("iam", f"role{path}{name}", region=region, account=account, regional=False)


def reader_role_name(name: str) -> str:
    """Name the role in the payer's account that Kubecosts of other accounts assume."""
    return f"{name}-bill-reader"
