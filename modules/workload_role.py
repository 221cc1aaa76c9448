"""An IAM role for one Kubernetes service account."""

import hashlib
from collections.abc import Sequence

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.eks_pod_identity_association import EksPodIdentityAssociation
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from modules import policy

_LONGEST_NAME = 64


class WorkloadRole(Construct):
    """A role that one service account of one cluster may assume, by IRSA or EKS Pod Identity.

    Attributes:
        arn: the role's ARN.
        annotations: the annotations that the service account must have.
        grants: role, policies and association; a workload that starts before them has no rights,
            and a Prometheus that signs its remote writes exits.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        identities: policy.IdentityProvider | policy.PodIdentity,
        namespace: str,
        service_account: str,
        statements: Sequence[policy.Statement] = (),
        managed_policy_arn: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        role = IamRole(
            self,
            "this",
            name=bounded_name(name),
            assume_role_policy=policy.trust_workload(
                identities, namespace=namespace, service_account=service_account
            ),
        )
        self.arn = role.arn
        self.grants: list[ITerraformDependable] = [role]
        self.annotations: dict[str, str] = {}
        if isinstance(identities, policy.IdentityProvider):
            self.annotations = {policy.ROLE_ANNOTATION: self.arn}
        else:
            self.grants.append(
                EksPodIdentityAssociation(
                    self,
                    "association",
                    cluster_name=identities.cluster_name,
                    namespace=namespace,
                    service_account=service_account,
                    role_arn=self.arn,
                )
            )
        if statements:
            document = policy.document(*statements)
            self.grants.append(
                IamRolePolicy(self, "policy", name="access", role=role.name, policy=document)
            )
        if managed_policy_arn:
            self.grants.append(
                IamRolePolicyAttachment(
                    self, "managed_policy", role=role.name, policy_arn=managed_policy_arn
                )
            )


def bounded_name(name: str, longest: int = _LONGEST_NAME) -> str:
    """Shorten a name that AWS would refuse, keeping it unique by a digest of the whole."""
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: longest - 9]}-{digest}"
