"""AMP's managed scraper: an agentless Prometheus that AWS runs in the cluster's network."""

from collections.abc import Sequence

from cdktf import Fn, TerraformOutput, Token
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.prometheus_scraper import (
    PrometheusScraper,
    PrometheusScraperDestination,
    PrometheusScraperDestinationAmp,
    PrometheusScraperRoleConfiguration,
    PrometheusScraperSource,
    PrometheusScraperSourceEks,
    PrometheusScraperTimeouts,
)
from constructs import Construct

from metrics.scrape_jobs import Job, for_managed_scraper, global_settings
from modules import policy
from modules.amp_workspace import AmpWorkspace
from modules.partitions import arn
from modules.placement import Placement
from modules.workload_role import bounded_name
from modules.yaml_text import to_yaml


class ManagedScraper(Construct):
    """A scraper on the cluster's subnets that writes to a workspace of the same region.

    It needs the cluster's private endpoint and the authentication mode API or API_AND_CONFIG_MAP,
    with which AMP itself creates the access entry in the cluster (AMP user guide, "Setting up
    managed collectors for Amazon EKS"). The cluster's security group lets it reach nodes and pods.
    A change of subnets or groups replaces the scraper; its configuration changes in place. AWS
    needs up to 40 minutes to create one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        jobs: Sequence[Job],
        *,
        at: Placement,
        sends_to: AmpWorkspace,
    ) -> None:
        super().__init__(scope, id)
        source_role = self._source_role(at, sends_to.role_arn) if sends_to.role_arn else None
        scraper = PrometheusScraper(
            self,
            "this",
            alias=at.prefix,
            scrape_configuration=to_yaml(
                {
                    "global": global_settings(at.cluster.cluster_id),
                    "scrape_configs": for_managed_scraper(list(jobs)),
                }
            ),
            source=[
                PrometheusScraperSource(
                    eks=[
                        PrometheusScraperSourceEks(
                            cluster_arn=at.cluster.arn,
                            subnet_ids=_at_most_five(at.cluster.subnet_ids),
                            security_group_ids=[at.cluster.security_group_id],
                        )
                    ]
                )
            ],
            destination=[
                PrometheusScraperDestination(
                    amp=[PrometheusScraperDestinationAmp(workspace_arn=sends_to.arn)]
                )
            ],
            role_configuration=[
                PrometheusScraperRoleConfiguration(
                    source_role_arn=source_role.arn, target_role_arn=sends_to.role_arn
                )
            ]
            if source_role
            else None,
            timeouts=PrometheusScraperTimeouts(create="60m", update="30m", delete="30m"),
        )
        if source_role:
            TerraformOutput(
                self,
                "trust",
                value=policy.document(policy.trust_role(source_role.arn, external_id=scraper.arn)),
                description="What the trust policy of amp.role_arn needs for this scraper",
            )

    def _source_role(self, at: Placement, target_role_arn: str) -> IamRole:
        """Make the role from which a scraper reaches a workspace of another account.

        Its trust policy has a pattern, because AWS needs the role before it names the scraper.
        """
        account, region = at.cluster.account_id, at.cluster.region
        role = IamRole(
            self,
            "source_role",
            name=bounded_name(f"{at.prefix}-scraper"),
            assume_role_policy=policy.trust_service(
                "scraper.aps.amazonaws.com",
                account=account,
                sources=arn("aps", "scraper/*", region=region, account=account),
            ),
        )
        IamRolePolicy(
            self,
            "source_role_policy",
            name="access",
            role=role.name,
            policy=policy.document(policy.allow("sts:AssumeRole", resource=target_role_arn)),
        )
        return role


def _at_most_five(subnet_ids: list[str]) -> list[str]:
    """Select at most five of a cluster's subnets, AMP's limit (API reference, "EksConfiguration").

    Clusters often have six, in three zones; any five of them are in at least two zones.
    """
    count = Fn.min([5, Fn.length_of(subnet_ids)])
    return Token.as_list(Fn.slice(Fn.sort(subnet_ids), 0, Token.as_number(count)))
