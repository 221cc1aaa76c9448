"""The section `billing`: the reports and prices by which Kubecost shows what AWS charges."""

import re
from typing import Annotated, Literal

from pydantic import Field

from settings.kinds import (
    AsTuple,
    AthenaName,
    Bucket,
    KeyPrefix,
    Region,
    RoleArn,
    TagKey,
    Workgroup,
)
from settings.section import Section

# Regions to which AWS delivers the report, without China's: AWS API reference of Cost and Usage
# Report, "ReportDefinition", S3Region (2026-11).
REPORT_REGIONS = (
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ca-central-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)

# Regions that are enabled by default, the only ones that have a spot data feed: EC2 user guide,
# "Spot Instance data feed". Every region since 20 March 2019 is disabled by default (AWS Account
# Management guide, "Specify which AWS Regions your account can use"), so the list does not grow.
FEED_REGIONS = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)

# The tags that AWS and the EBS CSI driver put on a cluster's resources (EKS user guide, "Tag your
# Amazon EKS resources for billing"; aws-ebs-csi-driver, docs/tagging.md, `extraCreateMetadata`).
CLUSTER_TAG = "aws:eks:cluster-name"
VOLUME_TAGS = (
    "kubernetes.io/created-for/pvc/name",
    "kubernetes.io/created-for/pvc/namespace",
    "kubernetes.io/created-for/pv/name",
)


class ReportSettings(Section):
    """A Cost and Usage Report that the stack `billing` creates, and a table to query it."""

    create: bool = False
    """Creates the report, its bucket, a table in Athena that needs no crawler, and the rights to
    read it. AWS delivers the first data within 24 hours."""
    region: Region | None = None
    """AWS region of the bucket and of Athena; null: `region`. The report itself is always defined
    in us-east-1."""
    retention_days: Annotated[int, Field(ge=95, le=3650)] | None = None
    """Days that the report's files are kept; null: for good. If Kubecost loses its volume, it reads
    back 91 days."""
    keep_on_destroy: bool = True
    """Whether a destroy keeps the report's files. `true`: it ends with an error while the bucket
    has files. `false`: it deletes them; AWS delivers old months again only through a support
    case."""
    results_retention_days: Annotated[int, Field(ge=1, le=365)] = 1
    """Days that the results of Athena's queries are kept."""
    query_limit_gib: Annotated[int, Field(ge=1, le=7168)] = 50
    """GiB that one query may scan before Athena ends it. So a wrong query cannot cost much: at $5
    per TB, 50 GiB cost 25 cents."""


class ExistingReportSettings(Section):
    """A Cost and Usage Report that exists already, in the columns of a legacy report."""

    database: AthenaName
    """Athena database that has the report's table."""
    table: AthenaName
    """Table or view with the report's rows."""
    workgroup: Workgroup = "primary"
    """Athena workgroup that runs Kubecost's queries."""
    region: Region
    """AWS region of Athena and of the workgroup."""
    results_bucket: Bucket
    """S3 bucket that receives the results of the queries."""
    report_bucket: Bucket | None = None
    """S3 bucket with the report's files; required unless `role_arn` is set."""
    role_arn: RoleArn | None = None
    """Role in the report's account that Kubecost assumes to query it; required if a cluster with a
    Kubecost UI is in another account than the report."""

    @property
    def account(self) -> str | None:
        """The report's account; None: the account of the identity that deploys."""
        return account_of(self.role_arn)


class SpotDataFeedSettings(Section):
    """EC2's spot data feed: what each spot instance cost, within the hour.

    AWS has one for each account; this one is for the clusters in the first cluster's account.
    """

    create: bool = False
    """Creates the feed and its bucket, in the account and region of the first cluster. If the
    account has a feed, name its bucket instead: there is one for each account."""
    bucket: Bucket | None = None
    """The bucket of an existing feed."""
    region: Region | None = None
    """AWS region of that bucket; null: that of the first cluster."""
    prefix: KeyPrefix = "spot"
    """Prefix of the feed's objects."""


class BillingSettings(Section):
    """What AWS charges: discounts, and costs outside the clusters, in place of list prices."""

    report: ReportSettings = ReportSettings()
    """A report that this project creates."""
    existing_reports: Annotated[tuple[ExistingReportSettings, ...], AsTuple] = ()
    """Reports that exist already, one for each payer account."""
    account_role_arn: RoleArn | None = None
    """Role that Terraform assumes in the payer (management) account to create the report there;
    null: the identity that deploys. A report of a member account shows only its own costs."""
    cost_allocation_tags: Annotated[tuple[TagKey, ...], AsTuple, Field(max_length=50)] = ()
    """Tag keys of your own by which Kubecost shows costs outside the clusters. Each becomes a
    column of the table and, with `activate_tags`, a cost allocation tag."""
    activate_tags: bool = True
    """Activates the cost allocation tags: `aws:eks:cluster-name`, those of Kubernetes volumes, and
    your own. AWS refuses a tag until a day after a resource first had it. Until then, deploy with
    false."""
    spot_data_feed: SpotDataFeedSettings = SpotDataFeedSettings()
    """Prices of spot instances within the hour, not only when they are billed."""
    spot_label: Literal["none", "managed_node_groups", "karpenter"] = "none"
    """The node label by which Kubecost knows spot instances: that of EKS managed node groups or of
    Karpenter."""

    @property
    def is_on(self) -> bool:
        """Whether Kubecost reads a report."""
        return self.report.create or bool(self.existing_reports)

    @property
    def has_feed(self) -> bool:
        """Whether Kubecost reads a spot data feed."""
        return self.spot_data_feed.create or self.spot_data_feed.bucket is not None

    @property
    def makes_something(self) -> bool:
        """Whether the stack `billing` exists."""
        return self.report.create or self.spot_data_feed.create

    @property
    def account(self) -> str | None:
        """The payer's account; None: the account of the identity that deploys."""
        return account_of(self.account_role_arn)

    @property
    def active_tags(self) -> tuple[str, ...]:
        """The tag keys to activate."""
        tags = (CLUSTER_TAG, *VOLUME_TAGS, *self.cost_allocation_tags)
        return tuple(dict.fromkeys(tags)) if self.activate_tags else ()


def account_of(role_arn: str | None) -> str | None:
    """Read the account in a role's ARN; return None without a role."""
    return role_arn.split(":")[4] if role_arn else None


def tag_column(key: str) -> str:
    """Name the report's column of a cost allocation tag.

    Source: AWS Cost and Usage Reports user guide, "Column names" for Athena: an underscore before
    each upper case letter, lower case, an underscore for every other character, none twice and
    none at the ends.
    """
    spaced = re.sub(r"([A-Z])", r"_\1", key).lower()
    origin = "" if key.startswith("aws:") else "user_"
    return f"resource_tags_{origin}{re.sub(r'[^a-z0-9]+', '_', spaced).strip('_')}"
