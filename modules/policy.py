"""Write IAM policy documents as plain data."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Statement = dict[str, Any]

# EKS user guide, "Assign IAM roles to Kubernetes service accounts".
AUDIENCE = "sts.amazonaws.com"
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


@dataclass(frozen=True)
class IdentityProvider:
    """A cluster's OIDC provider: its ARN, and its issuer without https://."""

    arn: str
    issuer: str


@dataclass(frozen=True)
class PodIdentity:
    """A cluster whose pods get roles by associations: its name and ARN."""

    cluster_name: str
    cluster_arn: str


def document(*statements: Statement) -> str:
    """Write a policy document; the same statements give the same text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def read(file: Path) -> list[Statement]:
    """Read the statements of a policy document that a vendor ships."""
    statements: list[Statement] = json.loads(file.read_text(encoding="utf-8"))["Statement"]
    return statements


def allow(*actions: str, resource: str | list[str]) -> Statement:
    """Allow actions on one resource, or on several that belong together."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def allow_service(
    principal: str,
    *actions: str,
    resource: str = "*",
    source_arn: str | None = None,
    account: str | None = None,
) -> Statement:
    """Allow an AWS service actions on the resource that has the policy.

    `source_arn` and `account` restrict it to requests for that resource in that account, so that
    nobody else can make the service do it (IAM user guide, "The confused deputy problem").
    """
    statement: Statement = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": list(actions),
        "Resource": resource,
    }
    if source_arn:
        statement["Condition"] = {
            "ArnEquals": {"aws:SourceArn": source_arn},
            "StringEquals": {"aws:SourceAccount": account},
        }
    return statement


def allow_account(root_arn: str, *actions: str) -> Statement:
    """Let the account's own policies decide who may use the resource that has this policy."""
    return {
        "Effect": "Allow",
        "Principal": {"AWS": root_arn},
        "Action": list(actions),
        "Resource": "*",
    }


def deny_without_tls(bucket_arn: str) -> Statement:
    """Refuse every request to a bucket without TLS."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def trust_service(principal: str, *, account: str | None = None, sources: str | None = None) -> str:
    """Let an AWS service assume the role; if given, only for one account and its resources.

    Args:
        principal: the service's principal.
        account: the account for which the service may act.
        sources: the ARN, with wildcards, of the resources for which it may act (IAM user guide,
            "The confused deputy problem").
    """
    statement: Statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": principal},
    }
    if account:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    if account and sources:
        statement["Condition"]["ArnLike"] = {"aws:SourceArn": sources}
    return document(statement)


def trust_role(*role_arns: str, external_id: str | None = None, tagged: bool = False) -> Statement:
    """Let other roles assume the role, with an external id if one is given.

    `tagged` is for sessions of EKS Pod Identity, whose tags pass from role to role.
    """
    statement: Statement = {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:TagSession"] if tagged else "sts:AssumeRole",
        "Principal": {"AWS": list(role_arns)},
    }
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return statement


def trust_roles_to_come(
    role_arns: Iterable[str], *, root_arns: Iterable[str], tagged: bool = False
) -> str:
    """Let exactly these roles assume the role, even if they do not exist yet.

    IAM accepts only existing roles as principals. So the principals are the roles' accounts
    (`root_arns`), and a condition names the roles (IAM user guide, "AWS global condition context
    keys", aws:PrincipalArn). `tagged` is as in trust_role.
    """
    return document(
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:TagSession"] if tagged else "sts:AssumeRole",
            "Principal": {"AWS": list(root_arns)},
            "Condition": {"ArnEquals": {"aws:PrincipalArn": list(role_arns)}},
        }
    )


def trust_service_account(
    identities: IdentityProvider, *, namespace: str, service_account: str
) -> str:
    """Let one Kubernetes service account of one cluster assume the role (IRSA).

    Both conditions are exact (EKS user guide, "Assign IAM roles to Kubernetes service accounts").
    """
    subject = f"system:serviceaccount:{namespace}:{service_account}"
    return document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": identities.arn},
            "Condition": {
                "StringEquals": {
                    f"{identities.issuer}:sub": subject,
                    f"{identities.issuer}:aud": AUDIENCE,
                }
            },
        }
    )


def trust_association(cluster: PodIdentity, *, namespace: str, service_account: str) -> str:
    """Let one Kubernetes service account of one cluster assume the role (EKS Pod Identity).

    Its session tags name the service account (EKS user guide, "Create IAM role with trust policy
    required by EKS Pod Identity").
    """
    return document(
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Condition": {
                "StringEquals": {
                    "aws:RequestTag/eks-cluster-arn": cluster.cluster_arn,
                    "aws:RequestTag/kubernetes-namespace": namespace,
                    "aws:RequestTag/kubernetes-service-account": service_account,
                }
            },
        }
    )


def trust_workload(
    identities: IdentityProvider | PodIdentity, *, namespace: str, service_account: str
) -> str:
    """Let one Kubernetes service account assume the role, by IRSA or EKS Pod Identity."""
    if isinstance(identities, IdentityProvider):
        return trust_service_account(
            identities, namespace=namespace, service_account=service_account
        )
    return trust_association(identities, namespace=namespace, service_account=service_account)
