"""The EKS cluster: control plane, access, nodes and add-ons, in an order that also destroys."""

import hashlib
import json
import re
from collections.abc import Sequence

from cdktf import Fn, ITerraformDependable, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_eks_addon_version import DataAwsEksAddonVersion
from cdktf_cdktf_provider_aws.data_aws_iam_session_context import DataAwsIamSessionContext
from cdktf_cdktf_provider_aws.eks_access_entry import EksAccessEntry
from cdktf_cdktf_provider_aws.eks_access_policy_association import (
    EksAccessPolicyAssociation,
    EksAccessPolicyAssociationAccessScope,
)
from cdktf_cdktf_provider_aws.eks_addon import EksAddon
from cdktf_cdktf_provider_aws.eks_cluster import (
    EksCluster as AwsEksCluster,
)
from cdktf_cdktf_provider_aws.eks_cluster import (
    EksClusterAccessConfig,
    EksClusterUpgradePolicy,
    EksClusterVpcConfig,
)
from cdktf_cdktf_provider_aws.eks_node_group import (
    EksNodeGroup,
    EksNodeGroupLaunchTemplate,
    EksNodeGroupScalingConfig,
)
from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.launch_template import (
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappings,
    LaunchTemplateBlockDeviceMappingsEbs,
    LaunchTemplateMetadataOptions,
    LaunchTemplateTagSpecifications,
)
from constructs import Construct

from modules import partitions, policy
from modules.network import Network
from modules.policy import IdentityProvider, PodIdentity
from modules.workload_role import WorkloadRole
from settings import BaseSettings

LOG_RETENTION_DAYS = 30
# The identity that created the cluster. EKS gives it an access entry and refuses a second one.
CREATOR_TAG = "eks-kubecost:creator"


class EksCluster(Construct):
    """A cluster with a managed node group, ready for workloads with IAM roles and volumes.

    `tags` are also put on what AWS creates for the cluster, which the provider's default tags do
    not reach: instances, root volumes, and the volumes of pods.

    The order is network add-ons, nodes, then what runs on nodes. A destroy reverses it, so that no
    network interface is left in a subnet.

    Attributes:
        name: the cluster's name, which Terraform knows only after creation.
        identities: what WorkloadRole trusts.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: BaseSettings,
        *,
        name: str,
        region: str,
        volumes_key: str | None,
        pod_identity: bool,
        network: Network,
        tags: dict[str, str],
    ) -> None:
        super().__init__(scope, id)
        self._settings = settings
        self._prefix = name
        self._tags = tags
        self._region = region
        self._cluster = self._control_plane(network.entry_subnet_ids)
        self.name = self._cluster.name
        self.identities: IdentityProvider | PodIdentity = (
            PodIdentity(self.name, self._cluster.arn) if pod_identity else self._identity_provider()
        )
        for id, principal in _admin_ids(settings.admins).items():
            self._admin(id, principal)
        on_hosts = [
            self._addon(
                "vpc-cni",
                role=self._addon_role("aws-node", "AmazonEKS_CNI_Policy"),
                # Without it, nothing enforces NetworkPolicies.
                configuration={"enableNetworkPolicy": "true"}
                if settings.network_policies
                else None,
            ),
            self._addon("kube-proxy"),
            self._addon("eks-pod-identity-agent"),
        ]
        nodes = self._nodes(network.private_subnet_ids, after=[*on_hosts, *network.ways_out])
        self._addon("coredns", after=[nodes])
        self._addon("metrics-server", after=[nodes])
        self._addon(
            "aws-ebs-csi-driver",
            role=self._addon_role(
                "ebs-csi-controller-sa",
                "AmazonEBSCSIDriverPolicyV2",
                statements=_use_of_key(volumes_key) if volumes_key else (),
            ),
            # EKS has no default StorageClass since 1.30; the driver's class makes gp3 volumes.
            configuration={
                "controller": {"extraVolumeTags": tags},
                "defaultStorageClass": {"enabled": True},
            },
            after=[nodes],
        )

    def _control_plane(self, subnet_ids: list[str]) -> AwsEksCluster:
        # checkov:skip=CKV_AWS_158: CloudWatch encrypts by default; a separate key costs monthly
        # checkov:skip=CKV_AWS_338: audit logs are large; export them to keep them for a year
        log_group = CloudwatchLogGroup(
            self,
            "log_group",
            name=f"/aws/eks/{self._prefix}/cluster",
            retention_in_days=LOG_RETENTION_DAYS,
        )
        role = IamRole(
            self,
            "role",
            name=f"{self._prefix}-cluster",
            assume_role_policy=policy.trust_service("eks.amazonaws.com"),
        )
        caller = DataAwsCallerIdentity(self, "caller")
        creator = DataAwsIamSessionContext(self, "creator", arn=caller.arn).issuer_arn
        allow_lists = self._settings.api_access_cidrs
        # checkov:skip=CKV_AWS_37: scheduler and controller manager logs do not say who did what
        # checkov:skip=CKV_AWS_58: EKS encrypts all API data with its own key since 1.28
        return AwsEksCluster(
            self,
            "cluster",
            name=self._prefix,
            version=self._settings.kubernetes_version,
            role_arn=role.arn,
            enabled_cluster_log_types=["api", "audit", "authenticator"],
            bootstrap_self_managed_addons=False,
            access_config=EksClusterAccessConfig(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=True
            ),
            upgrade_policy=EksClusterUpgradePolicy(support_type="STANDARD"),
            vpc_config=EksClusterVpcConfig(
                subnet_ids=subnet_ids,
                endpoint_private_access=True,
                endpoint_public_access=bool(allow_lists),
                public_access_cidrs=list(allow_lists) or None,
            ),
            tags={CREATOR_TAG: Fn.replace(creator, ",", "_")},
            # Another identity may run later deployments.
            lifecycle=TerraformResourceLifecycle(ignore_changes=[f'tags["{CREATOR_TAG}"]']),
            depends_on=[log_group, self._attach("role_policy", role, "AmazonEKSClusterPolicy")],
        )

    def _identity_provider(self) -> IdentityProvider:
        issuer = self._cluster.identity.get(0).oidc.get(0).issuer
        provider = IamOpenidConnectProvider(
            self, "identity_provider", url=issuer, client_id_list=[policy.AUDIENCE]
        )
        return IdentityProvider(arn=provider.arn, issuer=Fn.replace(issuer, "https://", ""))

    def _admin(self, id: str, principal_arn: str) -> None:
        creator = f'lookup({self._cluster.fqn}.tags, "{CREATOR_TAG}", "")'
        entry = EksAccessEntry(
            self, f"admin_{id}", cluster_name=self.name, principal_arn=principal_arn
        )
        association = EksAccessPolicyAssociation(
            self,
            f"admin_{id}_policy",
            cluster_name=self.name,
            principal_arn=principal_arn,
            policy_arn=self._arn_of_aws("eks", "cluster-access-policy/AmazonEKSClusterAdminPolicy"),
            access_scope=EksAccessPolicyAssociationAccessScope(type="cluster"),
            depends_on=[entry],
        )
        for resource in (entry, association):
            resource.add_override("count", f'${{{creator} == "{_as_tag(principal_arn)}" ? 0 : 1}}')

    def _nodes(
        self, subnet_ids: list[str], *, after: Sequence[ITerraformDependable]
    ) -> EksNodeGroup:
        nodes = self._settings.nodes
        role = IamRole(
            self,
            "node_role",
            name=f"{self._prefix}-node",
            assume_role_policy=policy.trust_service("ec2.amazonaws.com"),
        )
        template = LaunchTemplate(
            self,
            "node_template",
            name=f"{self._prefix}-node",
            update_default_version=True,
            metadata_options=LaunchTemplateMetadataOptions(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            block_device_mappings=[
                LaunchTemplateBlockDeviceMappings(
                    device_name="/dev/xvda",
                    ebs=LaunchTemplateBlockDeviceMappingsEbs(
                        volume_type="gp3",
                        volume_size=nodes.disk_gib,
                        encrypted="true",
                        delete_on_termination="true",
                    ),
                )
            ],
            tag_specifications=[
                LaunchTemplateTagSpecifications(
                    resource_type=resource_type, tags=self._tags | {"Name": f"{self._prefix}-node"}
                )
                for resource_type in ("instance", "volume")
            ],
        )
        (cpu,) = nodes.cpu_architectures
        return EksNodeGroup(
            self,
            "nodes",
            cluster_name=self.name,
            node_group_name=self._prefix,
            node_role_arn=role.arn,
            version=self._settings.kubernetes_version,
            ami_type={"arm64": "AL2023_ARM_64_STANDARD", "x86_64": "AL2023_x86_64_STANDARD"}[cpu],
            instance_types=list(nodes.instance_types),
            subnet_ids=subnet_ids,
            scaling_config=EksNodeGroupScalingConfig(
                min_size=nodes.min, desired_size=nodes.desired, max_size=nodes.max
            ),
            # No update_config: by default EKS replaces nodes one by one, which is wanted. With a
            # block here, each plan would show a change of EKS's strategy (AWS provider from 6.26).
            launch_template=EksNodeGroupLaunchTemplate(
                id=template.id, version=Fn.tostring(template.latest_version)
            ),
            depends_on=[
                self._attach("node_role_worker", role, "AmazonEKSWorkerNodePolicy"),
                self._attach("node_role_pull", role, "AmazonEC2ContainerRegistryPullOnly"),
                *after,
            ],
        )

    def _addon(
        self,
        name: str,
        *,
        role: WorkloadRole | None = None,
        configuration: dict[str, object] | None = None,
        after: Sequence[ITerraformDependable] = (),
    ) -> EksAddon:
        """Install an add-on at AWS's default version for the cluster's Kubernetes version."""
        id = name.replace("-", "_")
        version = DataAwsEksAddonVersion(
            self,
            f"{id}_version",
            addon_name=name,
            kubernetes_version=self._settings.kubernetes_version,
        )
        return EksAddon(
            self,
            id,
            cluster_name=self.name,
            addon_name=name,
            addon_version=version.version,
            service_account_role_arn=role.arn if role and role.annotations else None,
            configuration_values=json.dumps(configuration) if configuration else None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            depends_on=[*after, *(role.grants if role else ())] or None,
        )

    def _addon_role(
        self,
        service_account: str,
        managed_policy: str,
        *,
        statements: Sequence[policy.Statement] = (),
    ) -> WorkloadRole:
        return WorkloadRole(
            self,
            f"{service_account.replace('-', '_')}_role",
            name=f"{self._prefix}-{service_account}",
            identities=self.identities,
            namespace="kube-system",
            service_account=service_account,
            managed_policy_arn=self._managed_policy(managed_policy),
            statements=statements,
        )

    def _attach(self, id: str, role: IamRole, managed_policy: str) -> IamRolePolicyAttachment:
        return IamRolePolicyAttachment(
            self, id, role=role.name, policy_arn=self._managed_policy(managed_policy)
        )

    def _managed_policy(self, name: str) -> str:
        return self._arn_of_aws("iam", f"policy/{name}")

    def _arn_of_aws(self, service: str, resource: str) -> str:
        return partitions.arn(service, resource, region=self._region, account="aws", regional=False)


def _admin_ids(principals: Sequence[str]) -> dict[str, str]:
    """Name each principal's two resources by its path and name, and a digest where those clash."""
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for principal in sorted(principals):
        id = re.sub(r"\W+", "_", principal.split("::")[1], flags=re.ASCII)
        while taken & {id, f"{id}_policy"}:
            id = f"{id}_{hashlib.sha256(principal.encode()).hexdigest()[:8]}"
        taken |= {id, f"{id}_policy"}
        ids[id] = principal
    return ids


def _use_of_key(key_arn: str) -> list[policy.Statement]:
    """Let the EBS CSI driver encrypt with a key (EKS user guide, "Create an IAM role" of EBS)."""
    grants = policy.allow("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant", resource=key_arn)
    return [
        grants | {"Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}},
        policy.allow(
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:DescribeKey",
            resource=key_arn,
        ),
    ]


def _as_tag(arn: str) -> str:
    """Write an ARN as the value of a tag, which takes no comma."""
    return arn.replace(",", "_")
