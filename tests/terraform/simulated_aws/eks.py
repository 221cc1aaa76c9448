"""Amazon EKS: clusters and node groups, and what every part of a cluster needs.

Handlers are named like the operations of the API. Every transition is immediate: what a create or
update answers is already ACTIVE or failed, so no waiter of the provider waits. What only shows on
a real cluster is told from the order of the calls: nodes without a network plug-in or without the
policies of their role fail, and so does an add-on whose pods have no node to run on. Error codes:
EKS API reference, "Errors" of each operation.
"""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from moto.iam.exceptions import NotFoundException

from .core import AwsError, Call, Json, Service
from .iam import is_allowed

T = TypeVar("T")
eks = Service("eks")

KUBERNETES_VERSIONS = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36")
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
NODE_USER = "system:node:{{EC2PrivateDNSName}}"


@dataclass
class Cluster:
    """A cluster and what belongs to it; every part is the JSON that its Describe answers."""

    data: Json
    nodegroups: dict[str, Json] = field(default_factory=dict)
    addons: dict[str, Json] = field(default_factory=dict)
    access_entries: dict[str, Json] = field(default_factory=dict)
    associations: dict[str, Json] = field(default_factory=dict)
    updates: dict[str, Json] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def version(self) -> str:
        return str(self.data["version"])

    @property
    def admits_entries(self) -> bool:
        """Whether the authentication mode knows access entries."""
        return bool(self.data["accessConfig"]["authenticationMode"] != "CONFIG_MAP")


class Clusters(dict[str, Cluster]):
    """The clusters of one account and region, by name."""


@dataclass(frozen=True)
class Part:
    """How the API names one kind of what belongs to a cluster."""

    attribute: str
    """Where `Cluster` keeps it."""
    key: str
    """The parameter that names one."""
    described: tuple[str, str]
    """The operation that answers one, and the name of the answer."""
    listed: tuple[str, str]
    """The operation that answers the names of all, and the name of the answer."""
    missing: str
    """What is said of one that does not exist, with parameters in braces."""

    def all(self, cluster: Cluster) -> dict[str, Json]:
        items: dict[str, Json] = getattr(cluster, self.attribute)
        return items

    def find(self, call: Call) -> Json:
        message = self.missing.format(**call.params)
        return existing(self.all(find_cluster(call)), call[self.key], message)

    def register(self) -> None:
        """Register the two operations that only answer."""
        operation, answer = self.described
        eks.register(operation, lambda call: {answer: self.find(call)})
        listing, names = self.listed
        eks.register(listing, lambda call: {names: sorted(self.all(find_cluster(call)))})


NODEGROUP = Part(
    "nodegroups",
    "nodegroupName",
    ("DescribeNodegroup", "nodegroup"),
    ("ListNodegroups", "nodegroups"),
    "No node group found for name: {nodegroupName}.",
)
ADDON = Part(
    "addons",
    "addonName",
    ("DescribeAddon", "addon"),
    ("ListAddons", "addons"),
    "No addon: {addonName} found in cluster: {clusterName}",
)
ACCESS_ENTRY = Part(
    "access_entries",
    "principalArn",
    ("DescribeAccessEntry", "accessEntry"),
    ("ListAccessEntries", "accessEntries"),
    "The specified principalArn could not be found.",
)
ASSOCIATION = Part(
    "associations",
    "associationId",
    ("DescribePodIdentityAssociation", "association"),
    ("ListPodIdentityAssociations", "associations"),
    "No association found with associationId {associationId}",
)
UPDATE = Part(
    "updates",
    "updateId",
    ("DescribeUpdate", "update"),
    ("ListUpdates", "updateIds"),
    "No update found for ID: {updateId}",
)
PARTS = (NODEGROUP, ADDON, ACCESS_ENTRY, ASSOCIATION, UPDATE)
for _part in PARTS:
    _part.register()


def born() -> Json:
    """Return the times of something made now."""
    moment = datetime.now(UTC)
    return {"createdAt": moment, "modifiedAt": moment}


def invalid(message: str) -> AwsError:
    """Return EKS's error for an argument that it refuses."""
    return AwsError("InvalidParameterException", message)


def existing(items: dict[str, T], key: str, message: str) -> T:
    if key not in items:
        raise AwsError("ResourceNotFoundException", message)
    return items[key]


def check_free(items: dict[str, Any], key: str, message: str) -> None:
    if key in items:
        raise AwsError("ResourceInUseException", message)


def clusters(call: Call) -> Clusters:
    return call.state("eks", Clusters)


def find_cluster(call: Call) -> Cluster:
    name = call["clusterName"] or call["name"]
    return existing(clusters(call), name, f"No cluster found for name: {name}.")


def subnets_of(call: Call, ids: list[str]) -> list[Any]:
    """Return moto's subnets of these ids; refuse those that do not exist."""
    known = {subnet.id: subnet for subnet in call.backend("ec2").describe_subnets()}
    for subnet in ids:
        if subnet not in known:
            raise invalid(f"The subnet ID '{subnet}' does not exist")
    return [known[subnet] for subnet in ids]


def check_role(call: Call, arn: str, service: str | None = None, policy: str | None = None) -> None:
    """Refuse a role that is missing, that the service cannot assume, or that lacks the policy."""
    try:
        role = call.backend("iam").get_role_by_arn(arn)
    except NotFoundException:
        raise invalid(f"Role with arn: {arn}, does not exist") from None
    trust = json.loads(role.assume_role_policy_document)
    who = ("Service", f"{service}.amazonaws.com")
    if service and not is_allowed(trust, action="sts:AssumeRole", principal=who):
        reason = "could not be assumed because the trusted entity is not correct"
        raise invalid(f"Role with arn: {arn}, {reason}")
    if policy and f"arn:aws:iam::aws:policy/{policy}" not in role.managed_policies:
        raise invalid(
            "The provided role doesn't have the Amazon EKS Managed Policies associated with it. "
            f"Please ensure the following policy is attached: {policy}"
        )


def updated(cluster: Cluster, kind: str) -> Json:
    """Record a finished update; answer it as the Update operations do."""
    identifier = str(uuid4())
    update = {"id": identifier, "status": "Successful", "type": kind, "params": [], "errors": []}
    cluster.updates[identifier] = update | born()
    return {"update": cluster.updates[identifier]}


def add_entry(
    call: Call,
    cluster: Cluster,
    principal: str,
    *,
    policy: str | None = None,
    kind: str = "STANDARD",
) -> Json:
    """Make an access entry; associate an access policy for the whole cluster."""
    name, path = cluster.name, principal.split(":", 5)[5]
    user = principal.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
    user += "/{{SessionName}}" if ":role/" in principal else ""
    entry = cluster.access_entries[principal] = born() | {
        "clusterName": name,
        "principalArn": principal,
        "accessEntryArn": call.arn("eks", f"access-entry/{name}/{path}/{uuid4()}"),
        "type": kind,
        "username": user if kind == "STANDARD" else NODE_USER,
        "kubernetesGroups": [] if kind == "STANDARD" else ["system:nodes"],
        "policies": {},
    }
    if policy:
        associate_policy(entry, policy, {"type": "cluster", "namespaces": []})
    return entry


def associate_policy(entry: Json, policy: str, scope: Json) -> Json:
    arn = f"arn:aws:eks::aws:cluster-access-policy/{policy}"
    moment = datetime.now(UTC)
    made: Json = {"policyArn": arn, "accessScope": scope}
    entry["policies"][arn] = made | {"associatedAt": moment, "modifiedAt": moment}
    return made


def write_logs(call: Call, cluster: Cluster) -> None:
    """Write control plane logs: EKS makes the log group again whenever it is missing."""
    if cluster.data["logging"]["clusterLogging"][0]["enabled"]:
        call.backend("logs").ensure_log_group(f"/aws/eks/{cluster.name}/cluster")


def _logging(setup: Json | None) -> Json:
    """Return the log types that are on and those that are off, as EKS answers them."""
    setups = (setup or {}).get("clusterLogging", [])
    on = {kind for entry in setups if entry["enabled"] for kind in entry["types"]}
    types = {enabled: [t for t in LOG_TYPES if (t in on) is enabled] for enabled in (True, False)}
    return {"clusterLogging": [{"types": t, "enabled": on} for on, t in types.items() if t]}


def _check_vpc_config(config: Json) -> None:
    if not (config["endpointPublicAccess"] or config["endpointPrivateAccess"]):
        raise invalid("Private and public endpoint access cannot be false")


def _minor(version: str) -> int:
    if version not in KUBERNETES_VERSIONS:
        raise invalid(f"unsupported Kubernetes version {version}")
    return int(version.split(".")[1])


@eks.operation
def create_cluster(call: Call) -> Json:
    """Make a cluster, its security group and, with the creator as admin, an access entry."""
    name, version = call["name"], call["version"] or KUBERNETES_VERSIONS[-1]
    check_free(clusters(call), name, f"Cluster already exists with name: {name}")
    _minor(version)
    check_role(call, call["roleArn"], "eks", "AmazonEKSClusterPolicy")
    vpc: Json = {"endpointPublicAccess": True, "endpointPrivateAccess": False}
    vpc |= {"publicAccessCidrs": ["0.0.0.0/0"], "securityGroupIds": []}
    vpc |= call["resourcesVpcConfig"]
    _check_vpc_config(vpc)
    subnets = subnets_of(call, vpc.get("subnetIds", []))
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise invalid("Subnets specified must be in at least two different AZs")
    vpc["vpcId"] = subnets[0].vpc_id
    vpc["clusterSecurityGroupId"] = (
        call.backend("ec2")
        .create_security_group(
            f"eks-cluster-sg-{name}-{uuid4().int % 10**10}",
            "EKS created security group",
            vpc["vpcId"],
            {f"kubernetes.io/cluster/{name}": "owned"},
        )
        .id
    )
    identity, eks_host = uuid4().hex.upper(), f"{call.region}.eks.amazonaws.com"
    oidc_host = f"oidc.eks.{call.region}.amazonaws.com"
    certificate = base64.b64encode(f"certificate of {name}".encode()).decode()
    network: Json = {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"}
    network |= {"elasticLoadBalancing": {"enabled": False}}
    access = {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True}
    access |= call["accessConfig"] or {}
    made = call.params | {
        "arn": call.arn("eks", f"cluster/{name}"),
        "version": version,
        "status": "ACTIVE",
        "platformVersion": "eks.1",
        "endpoint": f"https://{identity}.gr7.{eks_host}",
        "certificateAuthority": {"data": certificate},
        "identity": {"oidc": {"issuer": f"https://{oidc_host}/id/{identity}"}},
        "resourcesVpcConfig": vpc,
        "kubernetesNetworkConfig": network | (call["kubernetesNetworkConfig"] or {}),
        "accessConfig": access,
        "upgradePolicy": {"supportType": "EXTENDED"} | (call["upgradePolicy"] or {}),
        "logging": _logging(call["logging"]),
        "health": {"issues": []},
    }
    cluster = clusters(call)[name] = Cluster(made | born())
    if cluster.admits_entries and access["bootstrapClusterCreatorAdminPermissions"]:
        add_entry(call, cluster, call.principal, policy="AmazonEKSClusterAdminPolicy")
    write_logs(call, cluster)
    return {"cluster": cluster.data}


@eks.operation
def describe_cluster(call: Call) -> Json:
    return {"cluster": find_cluster(call).data}


@eks.operation
def list_clusters(call: Call) -> Json:
    return {"clusters": sorted(clusters(call))}


@eks.operation
def update_cluster_config(call: Call) -> Json:
    """Change one part of the configuration; refuse a change that changes nothing."""
    cluster = find_cluster(call)
    merged: Json = {}
    for key in call.params.keys() - {"name", "clientRequestToken"}:
        old, new = cluster.data.get(key), call[key]
        merged[key] = old | new if isinstance(old, dict) else new
    if "logging" in merged:
        merged["logging"] = _logging(call["logging"])
    if all(cluster.data.get(key) == value for key, value in merged.items()):
        raise invalid(f"Cluster is already at the desired configuration with {merged}")
    if "resourcesVpcConfig" in merged:
        _check_vpc_config(merged["resourcesVpcConfig"])
        subnets_of(call, merged["resourcesVpcConfig"]["subnetIds"])
    cluster.data.update(merged)
    write_logs(call, cluster)
    return updated(cluster, "ConfigUpdate")


@eks.operation
def update_cluster_version(call: Call) -> Json:
    """Upgrade the control plane by one minor version."""
    cluster, version = find_cluster(call), call["version"]
    if _minor(version) != _minor(cluster.version) + 1:
        change = f"from {cluster.version} to {version}"
        raise invalid(f"Unsupported Kubernetes minor version update {change}")
    cluster.data["version"] = version
    return updated(cluster, "VersionUpdate")


@eks.operation
def delete_cluster(call: Call) -> Json:
    """Delete a cluster that has no node group, with its security group."""
    cluster = find_cluster(call)
    if cluster.nodegroups:
        raise AwsError("ResourceInUseException", "Cluster has nodegroups attached")
    if cluster.data.get("deletionProtection"):
        raise AwsError("InvalidRequestException", "Deletion protection is enabled on the cluster")
    del clusters(call)[cluster.name]
    group = cluster.data["resourcesVpcConfig"]["clusterSecurityGroupId"]
    call.backend("ec2").delete_security_group(group_id=group)
    return {"cluster": cluster.data | {"status": "DELETING"}}


def _node_issues(call: Call, cluster: Cluster) -> list[Json]:
    """Say why nodes would not join, judged by what exists at this moment."""
    missing = []
    if cluster.data.get("bootstrapSelfManagedAddons") is False:
        missing = [name for name in ("vpc-cni", "kube-proxy") if name not in cluster.addons]
    attached = call.backend("iam").get_role_by_arn(call["nodeRole"]).managed_policies
    if not any("/AmazonEC2ContainerRegistry" in policy for policy in attached):
        missing.append("a policy to pull images")
    cni = cluster.addons.get("vpc-cni", {})
    cni_role = cni.get("serviceAccountRoleArn") or cni.get("podIdentityAssociations")
    if not cni_role and "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy" not in attached:
        missing.append("AmazonEKS_CNI_Policy on the role of the nodes or of the add-on vpc-cni")
    if not missing:
        return []
    message = f"Instances failed to join the kubernetes cluster: without {', '.join(missing)}"
    return [{"code": "NodeCreationFailure", "message": message, "resourceIds": []}]


def _check_node_version(cluster: Cluster, version: str) -> None:
    if _minor(version) > _minor(cluster.version):
        raise invalid(f"Requested Nodegroup version {version} is not supported by the cluster")


def _scaling(old: Json, new: Json | None) -> Json:
    scaling = old | (new or {})
    low, wanted, high = scaling["minSize"], scaling["desiredSize"], scaling["maxSize"]
    if not low <= wanted <= high:
        raise invalid(f"desired capacity {wanted} must be between minimum {low} and maximum {high}")
    return scaling


def _launch_template(call: Call) -> Json | None:
    """Return the launch template of the request with id, name and version; refuse a missing one."""
    if not (asked := call["launchTemplate"]):
        return None
    for template in call.backend("ec2").launch_templates.values():
        if asked.get("id") == template.id or asked.get("name") == template.name:
            version = asked.get("version", str(template.default_version_number))
            if version.isdigit() and int(version) > len(template.versions):
                raise invalid(f"Launch template version {version} does not exist")
            return {"id": template.id, "name": template.name, "version": version}
    raise invalid(f"Launch template {asked} does not exist")


def _node_update(asked: Json) -> Json:
    """Return how nodes are updated, with EKS's strategy if the request names none."""
    return {"updateStrategy": "DEFAULT", **asked}


@eks.operation
def create_nodegroup(call: Call) -> Json:
    """Make a managed node group; it fails where its nodes could not join the cluster."""
    cluster, name, unique = find_cluster(call), call["nodegroupName"], uuid4()
    check_free(cluster.nodegroups, name, f"NodeGroup already exists with name {name}")
    version = call["version"] or cluster.version
    _check_node_version(cluster, version)
    ami = call["amiType"] or "AL2023_x86_64_STANDARD"
    if ami.startswith("AL2_") and _minor(version) >= 33:
        raise invalid(f"Requested amiType {ami} is not supported for kubernetes version {version}")
    check_role(call, call["nodeRole"], "ec2", "AmazonEKSWorkerNodePolicy")
    subnets_of(call, call["subnets"])
    template = _launch_template(call)
    if template and (call["diskSize"] or call["remoteAccess"]):
        raise invalid("Disk size and remote access must be specified within the launch template")
    issues = _node_issues(call, cluster)
    defaults = {
        "releaseVersion": f"{version}.0-20260801",
        "capacityType": "ON_DEMAND",
        "labels": {},
        "taints": [],
    } | ({} if template else {"instanceTypes": ["t3.medium"], "diskSize": 20})
    made = {
        "updateConfig": _node_update(call["updateConfig"] or {"maxUnavailable": 1}),
        "nodegroupArn": call.arn("eks", f"nodegroup/{cluster.name}/{name}/{unique}"),
        "version": version,
        "status": "CREATE_FAILED" if issues else "ACTIVE",
        "health": {"issues": issues},
        "amiType": ami,
        "scalingConfig": _scaling(
            {"minSize": 1, "desiredSize": 2, "maxSize": 2}, call["scalingConfig"]
        ),
        "launchTemplate": template,
        "resources": {"autoScalingGroups": [{"name": f"eks-{name}-{unique}"}]},
    }
    cluster.nodegroups[name] = defaults | call.params | made | born()
    if cluster.admits_entries and call["nodeRole"] not in cluster.access_entries:
        add_entry(call, cluster, call["nodeRole"], kind="EC2_LINUX")
    return {"nodegroup": cluster.nodegroups[name]}


@eks.operation
def update_nodegroup_config(call: Call) -> Json:
    group = NODEGROUP.find(call)
    group.update(call.given("nodeRepairConfig"))
    if call["updateConfig"]:
        group["updateConfig"] = _node_update(call["updateConfig"])
    group["scalingConfig"] = _scaling(group["scalingConfig"], call["scalingConfig"])
    labels, taints = call["labels"] or {}, call["taints"] or {}
    kept = {k: v for k, v in group["labels"].items() if k not in labels.get("removeLabels", [])}
    group["labels"] = kept | labels.get("addOrUpdateLabels", {})
    new = taints.get("addOrUpdateTaints", [])
    gone = [(taint["key"], taint["effect"]) for taint in (*taints.get("removeTaints", []), *new)]
    group["taints"] = [t for t in group["taints"] if (t["key"], t["effect"]) not in gone] + new
    return updated(find_cluster(call), "ConfigUpdate")


@eks.operation
def update_nodegroup_version(call: Call) -> Json:
    """Move a node group to another Kubernetes, AMI release or launch template version."""
    cluster, group = find_cluster(call), NODEGROUP.find(call)
    unasked = group["version"] if call["launchTemplate"] else cluster.version
    version = call["version"] or unasked
    _check_node_version(cluster, version)
    group["launchTemplate"] = _launch_template(call) or group["launchTemplate"]
    group["releaseVersion"] = call["releaseVersion"] or f"{version}.0-20260801"
    group["version"] = version
    return updated(cluster, "VersionUpdate")


@eks.operation
def delete_nodegroup(call: Call) -> Json:
    """Delete a node group, and the access entry of a role that no other group has."""
    cluster, group = find_cluster(call), NODEGROUP.find(call)
    del cluster.nodegroups[group["nodegroupName"]]
    if all(other["nodeRole"] != group["nodeRole"] for other in cluster.nodegroups.values()):
        cluster.access_entries.pop(group["nodeRole"], None)
    return {"nodegroup": group | {"status": "DELETING"}}


def _tags(call: Call) -> Json:
    keys = ("arn", "nodegroupArn", "addonArn", "accessEntryArn", "associationArn")
    for cluster in clusters(call).values():
        parts = (item for part in PARTS for item in part.all(cluster).values())
        for item in (cluster.data, *parts):
            if any(item.get(key) == call["resourceArn"] for key in keys):
                tags: Json = item.setdefault("tags", {})
                return tags
    raise AwsError("NotFoundException", f"Resource {call['resourceArn']} was not found")


eks.register_tagging(_tags)
