"""Find the reports and the spot data feed that a cluster's Kubecost reads."""

from functools import cached_property

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity

from modules.bill import Bill
from modules.cost_report import CostReport, created_report
from modules.spot_data_feed import SpotDataFeed, created_bucket
from settings import Cluster
from settings.billing import account_of
from stacks.billing import reader_role_name, role_arn_in
from stacks.on_cluster import OnCluster


def bill_for(stack: OnCluster, cluster: Cluster, *, has_ui: bool) -> Bill:
    """Describe the bill that a Kubecost on a cluster reads, and the role for that.

    It looks nothing up, because names depend only on the settings and the account's id.
    """
    if not has_ui:
        return Bill(spot_label=stack.settings.billing.spot_label)
    return _BillFinder(stack, cluster).bill()


class _BillFinder:
    def __init__(self, stack: OnCluster, cluster: Cluster) -> None:
        self._stack = stack
        self._cluster = cluster
        self._settings = stack.settings
        self._billing = stack.settings.billing

    def bill(self) -> Bill:
        billing = self._billing
        created = [self._created()] if billing.report.create else []
        existing = [
            CostReport(
                account=each.account or self._deployer,
                region=each.region,
                database=each.database,
                table=each.table,
                workgroup=each.workgroup,
                results_bucket=each.results_bucket,
                report_bucket=each.report_bucket,
                role_arn=each.role_arn,
            )
            for each in billing.existing_reports
        ]
        return Bill(
            reports=(*created, *existing),
            feed=self._feed(),
            spot_label=billing.spot_label,
            tagged=self._stack.cluster.pod_identity,
            asks_for_trust=any(each.role_arn for each in existing),
        )

    def _created(self) -> CostReport:
        billing, settings = self._billing, self._settings
        payer = billing.account or self._deployer
        local = account_of(self._cluster.role_arn) == billing.account
        region = billing.report.region or settings.region
        role_arn = role_arn_in(
            payer, settings.iam.path, reader_role_name(settings.name), region=region
        )
        return created_report(
            settings.name,
            region=region,
            account=payer,
            role_arn=None if local else role_arn,
        )

    def _feed(self) -> SpotDataFeed | None:
        feed, hub = self._billing.spot_data_feed, self._settings.hub
        same_account = account_of(self._cluster.role_arn) == account_of(hub.role_arn)
        if not same_account or not (feed.create or feed.bucket):
            return None
        account = self._stack.cluster.account_id
        return SpotDataFeed(
            account=account,
            region=feed.region or hub.region,
            bucket=feed.bucket or created_bucket(self._settings.name, account),
            prefix=feed.prefix,
        )

    @cached_property
    def _deployer(self) -> str:
        """The account of the identity that deploys, which assumes no role."""
        if not self._cluster.role_arn:
            return self._stack.cluster.account_id
        provider = self._stack.aws_provider(
            "aws_deployer", alias="deployer", region=self._cluster.region, role_arn=None
        )
        return DataAwsCallerIdentity(self._stack, "deployer", provider=provider).account_id
