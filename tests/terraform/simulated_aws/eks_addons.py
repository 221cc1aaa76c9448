"""The add-ons of an EKS cluster."""

import json
from dataclasses import dataclass
from uuid import uuid4

import yaml

from .core import Call, Json
from .eks import (
    ADDON,
    KUBERNETES_VERSIONS,
    Cluster,
    born,
    check_free,
    check_role,
    eks,
    find_cluster,
    invalid,
    updated,
)
from .eks_access import associate


@dataclass(frozen=True)
class AddonKind:
    """An add-on that EKS offers: its versions, oldest first, and what it asks for.

    The version numbers are plausible, not a copy of AWS's list.
    """

    versions: tuple[str, ...]
    needs_nodes: bool = False
    """Whether its pods are a Deployment's, which wait for a node."""
    keys: tuple[str, ...] = ()
    """Top-level keys of its configuration; none where this package does not know them."""

    @property
    def schema(self) -> Json:
        """The JSON schema of its configuration, no deeper than the top-level keys."""
        properties: Json = {key: {} for key in self.keys}
        return {"type": "object", "properties": properties, "additionalProperties": not self.keys}


ADDONS = {
    "vpc-cni": AddonKind(("v1.20.4-eksbuild.2", "v1.21.1-eksbuild.1")),
    "kube-proxy": AddonKind(tuple(f"v{minor}.0-eksbuild.2" for minor in KUBERNETES_VERSIONS)),
    "eks-pod-identity-agent": AddonKind(("v1.3.8-eksbuild.2", "v1.3.10-eksbuild.1")),
    "coredns": AddonKind(("v1.12.4-eksbuild.1", "v1.13.1-eksbuild.1"), needs_nodes=True),
    "metrics-server": AddonKind(("v0.8.0-eksbuild.3", "v0.8.0-eksbuild.6"), needs_nodes=True),
    "aws-ebs-csi-driver": AddonKind(
        ("v1.53.0-eksbuild.1", "v1.54.0-eksbuild.1"),
        needs_nodes=True,
        keys=("controller", "defaultStorageClass", "node", "sidecars"),
    ),
}


def _kind(name: str) -> AddonKind:
    if name not in ADDONS:
        raise invalid(f"Addon {name} specified is not supported")
    return ADDONS[name]


def _default_version(name: str, kubernetes: str) -> str:
    kind = _kind(name)
    return f"v{kubernetes}.0-eksbuild.2" if name == "kube-proxy" else kind.versions[0]


def _check(call: Call, version: str) -> None:
    kind = _kind(call["addonName"])
    if version not in kind.versions:
        raise invalid(f"Addon version specified is not supported: {version}")
    if call["serviceAccountRoleArn"]:
        check_role(call, call["serviceAccountRoleArn"])
    if call["configurationValues"]:
        _check_configuration(call["configurationValues"], kind)


def _check_configuration(text: str, kind: AddonKind) -> None:
    message = "ConfigurationValue provided in request is not supported"
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise invalid(f"{message}: {error}") from None
    if not isinstance(values, dict):
        raise invalid(f"{message}: it is no object")
    if kind.keys and (unknown := values.keys() - set(kind.keys)):
        raise invalid(f"{message}: unknown {', '.join(sorted(unknown))}")


def _drop_associations(cluster: Cluster, addon: Json) -> None:
    for association in [*cluster.associations.values()]:
        if association["ownerArn"] == addon["addonArn"]:
            del cluster.associations[association["associationId"]]


def _replace_associations(call: Call, cluster: Cluster, addon: Json) -> None:
    """Let the add-on own what the request asks for, where it asks for anything."""
    if (asked := call["podIdentityAssociations"]) is not None:
        _drop_associations(cluster, addon)
        made = [
            associate(call, cluster, one | {"namespace": "kube-system"}, addon["addonArn"])
            for one in asked
        ]
        addon["podIdentityAssociations"] = [association["associationArn"] for association in made]


@eks.operation
def create_addon(call: Call) -> Json:
    """Install an add-on; one that runs as a Deployment fails while there is no node."""
    cluster, name = find_cluster(call), call["addonName"]
    check_free(cluster.addons, name, "Addon already exists.")
    version = call["addonVersion"] or _default_version(name, cluster.version)
    _check(call, version)
    has_nodes = any(group["status"] == "ACTIVE" for group in cluster.nodegroups.values())
    ready = has_nodes or not ADDONS[name].needs_nodes
    message = "The add-on is unhealthy because it doesn't have the desired number of replicas."
    issue = {"code": "InsufficientNumberOfReplicas", "message": message, "resourceIds": []}
    addon = cluster.addons[name] = (call.params | born()) | {
        "addonArn": call.arn("eks", f"addon/{cluster.name}/{name}/{uuid4()}"),
        "addonVersion": version,
        "status": "ACTIVE" if ready else "CREATE_FAILED",
        "health": {"issues": [] if ready else [issue]},
        "podIdentityAssociations": [],
    }
    _replace_associations(call, cluster, addon)
    return {"addon": addon}


@eks.operation
def update_addon(call: Call) -> Json:
    cluster, addon = find_cluster(call), ADDON.find(call)
    _check(call, call["addonVersion"] or addon["addonVersion"])
    addon.update(call.given("addonVersion", "serviceAccountRoleArn", "configurationValues"))
    _replace_associations(call, cluster, addon)
    return updated(cluster, "AddonUpdate")


@eks.operation
def delete_addon(call: Call) -> Json:
    """Remove an add-on with the associations that it owns."""
    cluster, addon = find_cluster(call), ADDON.find(call)
    del cluster.addons[addon["addonName"]]
    _drop_associations(cluster, addon)
    return {"addon": addon | {"status": "DELETING"}}


@eks.operation
def describe_addon_versions(call: Call) -> Json:
    """Answer the offered versions, newest first, and for which Kubernetes each is the default."""
    minors = [call["kubernetesVersion"]] if call["kubernetesVersion"] else KUBERNETES_VERSIONS
    names = [call["addonName"]] if call["addonName"] else ADDONS

    def offers(name: str) -> list[Json]:
        found = []
        for version in reversed(_kind(name).versions):
            defaults = {minor: version == _default_version(name, minor) for minor in minors}
            fits = [
                {"clusterVersion": minor, "defaultVersion": default}
                for minor, default in defaults.items()
                if default or name != "kube-proxy"
            ]
            found.append({"addonVersion": version, "compatibilities": fits})
        return [offer for offer in found if offer["compatibilities"]]

    return {"addons": [{"addonName": name, "addonVersions": offers(name)} for name in names]}


@eks.operation
def describe_addon_configuration(call: Call) -> Json:
    schema = json.dumps(_kind(call["addonName"]).schema)
    return call.given("addonName", "addonVersion") | {"configurationSchema": schema}
