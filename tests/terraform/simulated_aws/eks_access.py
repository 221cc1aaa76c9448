"""Access entries of an EKS cluster, and the IAM roles of its pods."""

from uuid import uuid4

from .core import AwsError, Call, Json
from .eks import (
    ACCESS_ENTRY,
    ASSOCIATION,
    Cluster,
    add_entry,
    associate_policy,
    born,
    check_free,
    check_role,
    eks,
    existing,
    find_cluster,
    invalid,
)

POLICY_ARN = "arn:aws:eks::aws:cluster-access-policy/"
POLICIES = (
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
    "AmazonPrometheusScraperPolicy",
)
ENTRY_TYPES = ("STANDARD", "EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX")


def _check_groups(call: Call) -> None:
    for group in call["kubernetesGroups"] or []:
        if group.startswith("system:"):
            reason = "is invalid, it cannot start with system:"
            raise invalid(f"The kubernetes group name {group} {reason}")


def _check_principal(call: Call, cluster: Cluster) -> None:
    """Refuse principals that EKS refuses; those of other accounts cannot be looked up here."""
    principal, iam = call["principalArn"], call.backend("iam")
    if ":role/aws-service-role/" in principal:
        what = "access entries with a principalArn value of a Service Linked Role"
        raise invalid(f"The caller is not allowed to modify {what}")
    if not cluster.admits_entries:
        modes = "must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
        message = f"The cluster's authentication mode {modes}"
        raise AwsError("InvalidRequestException", message)
    known = [item.arn for item in (*iam.get_roles(), *iam.users.values())]
    if f":{call.account}:" in principal and principal not in known:
        raise invalid("The specified principalArn is invalid: invalid principal.")


@eks.operation
def create_access_entry(call: Call) -> Json:
    cluster, principal, kind = find_cluster(call), call["principalArn"], call["type"] or "STANDARD"
    _check_principal(call, cluster)
    _check_groups(call)
    if kind not in ENTRY_TYPES:
        raise invalid(f"The specified access entry type {kind} is not supported")
    message = "The specified access entry resource is already in use on this cluster."
    check_free(cluster.access_entries, principal, message)
    entry = add_entry(call, cluster, principal, kind=kind)
    entry.update(call.given("kubernetesGroups", "username", "tags"))
    return {"accessEntry": entry}


@eks.operation
def update_access_entry(call: Call) -> Json:
    entry = ACCESS_ENTRY.find(call)
    _check_groups(call)
    entry.update(call.given("kubernetesGroups", "username"))
    return {"accessEntry": entry}


@eks.operation
def delete_access_entry(call: Call) -> Json:
    cluster, entry = find_cluster(call), ACCESS_ENTRY.find(call)
    _check_principal(call, cluster)
    del cluster.access_entries[entry["principalArn"]]
    return {}


@eks.operation
def associate_access_policy(call: Call) -> Json:
    entry, scope = ACCESS_ENTRY.find(call), call["accessScope"]
    policy = call["policyArn"].removeprefix(POLICY_ARN)
    if policy not in POLICIES:
        raise invalid("The policyArn parameter format is not valid")
    if entry["type"] != "STANDARD":
        message = f"Policies cannot be associated with an entry of type {entry['type']}"
        raise AwsError("InvalidRequestException", message)
    if (scope["type"] == "namespace") != bool(scope.get("namespaces")):
        raise invalid("namespaces belong to, and are required for, an access scope of namespaces")
    made = associate_policy(entry, policy, scope)
    return call.given("clusterName", "principalArn") | {"associatedAccessPolicy": made}


@eks.operation
def disassociate_access_policy(call: Call) -> Json:
    policies = ACCESS_ENTRY.find(call)["policies"]
    existing(policies, call["policyArn"], "The specified policyArn is not associated.")
    del policies[call["policyArn"]]
    return {}


@eks.operation
def list_associated_access_policies(call: Call) -> Json:
    policies = [*ACCESS_ENTRY.find(call)["policies"].values()]
    return call.given("clusterName", "principalArn") | {"associatedAccessPolicies": policies}


@eks.operation
def list_access_policies(_: Call) -> Json:
    return {"accessPolicies": [{"name": name, "arn": POLICY_ARN + name} for name in POLICIES]}


def associate(call: Call, cluster: Cluster, asked: Json, owner: str | None = None) -> Json:
    """Give a service account a role; `owner` is the ARN of the add-on that asks."""
    check_role(call, asked["roleArn"])
    where = (asked["namespace"], asked["serviceAccount"])
    if any((a["namespace"], a["serviceAccount"]) == where for a in cluster.associations.values()):
        message = f"Association already exists for service account {'/'.join(where)}"
        raise AwsError("ResourceInUseException", message)
    identifier = f"a-{uuid4().hex[:17]}"
    path = f"podidentityassociation/{cluster.name}/{identifier}"
    made = {"clusterName": cluster.name, "associationId": identifier, "ownerArn": owner}
    made |= {"associationArn": call.arn("eks", path)}
    cluster.associations[identifier] = asked | made | born()
    return cluster.associations[identifier]


@eks.operation
def create_pod_identity_association(call: Call) -> Json:
    return {"association": associate(call, find_cluster(call), call.params)}


@eks.operation
def list_pod_identity_associations(call: Call) -> Json:
    every = find_cluster(call).associations.values()
    wanted = call.given("namespace", "serviceAccount").items()
    return {"associations": [a for a in every if all(a[key] == value for key, value in wanted)]}


@eks.operation
def update_pod_identity_association(call: Call) -> Json:
    association = ASSOCIATION.find(call)
    check_role(call, call["roleArn"] or association["roleArn"])
    association.update(call.given("roleArn", "targetRoleArn", "disableSessionTags"))
    return {"association": association}


@eks.operation
def delete_pod_identity_association(call: Call) -> Json:
    association = ASSOCIATION.find(call)
    del find_cluster(call).associations[association["associationId"]]
    return {"association": association}
