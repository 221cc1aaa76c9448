"""EC2's spot data feed, which has the price of each spot instance within the hour."""

from dataclasses import dataclass

from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.spot_datafeed_subscription import SpotDatafeedSubscription
from constructs import Construct

from modules import policy
from modules.cost_report import may_read_bucket
from modules.partitions import bucket_arn
from modules.private_bucket import PrivateBucket

RETENTION_DAYS = 30


@dataclass(frozen=True)
class SpotDataFeed:
    """The location of a feed's objects, and the account of its spot instances."""

    account: str
    region: str
    bucket: str
    prefix: str

    def may_read(self) -> list[policy.Statement]:
        """Allow reading the feed's objects."""
        return may_read_bucket(bucket_arn(self.bucket, region=self.region))

    def for_kubecost(self) -> dict[str, str]:
        """Describe it as the chart's kubecostProductConfigs does."""
        return {
            "projectID": self.account,
            "awsSpotDataRegion": self.region,
            "awsSpotDataBucket": self.bucket,
            "awsSpotDataPrefix": self.prefix,
        }


def created_bucket(name: str, account: str) -> str:
    """Name the bucket of the feed that the stack `billing` creates."""
    return f"{name.lower()}-spot-{account}"


class CreatedSpotDataFeed(Construct):
    """The feed and its bucket; an account has at most one feed.

    EC2 gets access by an ACL (EC2 user guide, "Track your Spot Instance costs using the Spot
    Instance data feed").
    """

    def __init__(
        self, scope: Construct, id: str, feed: SpotDataFeed, *, provider: AwsProvider | None
    ) -> None:
        super().__init__(scope, id)
        bucket = PrivateBucket(
            self,
            "files",
            name=feed.bucket,
            expire_days=RETENTION_DAYS,
            force_destroy=True,
            takes_acls=True,
            provider=provider,
        )
        SpotDatafeedSubscription(
            self,
            "this",
            bucket=bucket.name,
            prefix=feed.prefix,
            depends_on=bucket.ready,
            provider=provider,
        )
