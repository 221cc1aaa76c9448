"""The volumes of a Kubecost release, as the Helm values in force have them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cdktf import Precondition
from cdktf_cdktf_provider_kubernetes.data_kubernetes_resources import DataKubernetesResources
from cdktf_cdktf_provider_kubernetes.storage_class_v1 import StorageClassV1, StorageClassV1Metadata
from constructs import Construct

from modules.helm_release import literal

_DEFAULT = 'annotations["storageclass.kubernetes.io/is-default-class"]'


class Claim(NamedTuple):
    """A PersistentVolumeClaim that the chart makes; without a class it is the default's."""

    name: str
    storage_class: str | None


def claims(release: str, values: Mapping[str, Any]) -> Iterator[Claim]:
    """List the claims that the chart cost-analyzer makes with these values (its PVC templates)."""
    kubecost = values.get("persistentVolume", {})
    yield from _claim(f"{release}-cost-analyzer", kubecost)
    if _at(values, "global", "prometheus").get("enabled", True):
        server = _at(values, "prometheus", "server", "persistentVolume")
        yield from _claim(f"{release}-prometheus-server", server)


def _claim(name: str, volume: Any) -> Iterator[Claim]:
    if not isinstance(volume, dict):
        return  # null: the chart makes none
    if volume.get("enabled", True) and not volume.get("existingClaim"):
        yield Claim(name, volume.get("storageClass") or None)


def _at(values: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for key in path:
        values = values.get(key) or {}
    return values


def encrypted_class(scope: Construct, id: str, *, name: str, key_arn: str | None) -> StorageClassV1:
    """Make a StorageClass of encrypted gp3 volumes, with a key of one's own if it is given.

    The EBS CSI driver's own default class encrypts only where the account does so by default.
    """
    key = {"kmsKeyId": key_arn} if key_arn else {}
    return StorageClassV1(
        scope,
        id,
        metadata=StorageClassV1Metadata(name=name),
        storage_provisioner="ebs.csi.aws.com",
        parameters={"type": "gp3", "encrypted": "true"} | key,
        reclaim_policy="Delete",
        volume_binding_mode="WaitForFirstConsumer",
        allow_volume_expansion=True,
    )


def storage_conditions(
    scope: Construct,
    claims: list[Claim],
    *,
    made_here: str | None,
    cluster_name: str,
    namespace: str,
) -> list[Precondition]:
    """Say before apply what would keep the volumes, and the release with them, waiting forever.

    `made_here` is a StorageClass that need not be there before.
    """
    if not claims:
        return []
    classes = DataKubernetesResources(
        scope, "storage_classes", api_version="storage.k8s.io/v1", kind="StorageClass"
    ).fqn
    wanted = {claim.storage_class for claim in claims}
    conditions = [
        _there_is(classes, storage_class, cluster_name)
        for storage_class in sorted(wanted, key=str)
        if storage_class is None or storage_class != made_here
    ]
    named = [claim for claim in claims if claim.storage_class]
    if named:
        existing = DataKubernetesResources(
            scope,
            "volume_claims",
            api_version="v1",
            kind="PersistentVolumeClaim",
            namespace=namespace,
        ).fqn
        conditions += [_unchanged(existing, claim, namespace) for claim in named]
    return conditions


def _there_is(classes: str, storage_class: str | None, cluster_name: str) -> Precondition:
    if storage_class:
        found = f"contains({classes}.objects[*].metadata.name, {_quoted(storage_class)})"
        missing = f"Cluster {cluster_name} has no StorageClass {literal(storage_class)}"
    else:
        found = (
            f"anytrue([for each in {classes}.objects :"
            f' try(each.metadata.{_DEFAULT} == "true", false)])'
        )
        missing = f"Cluster {cluster_name} has no default StorageClass"
    return Precondition(
        condition=f"${{{found}}}",
        error_message=f"{missing}. Install the EBS CSI driver with a StorageClass (EKS user "
        'guide, "Store Kubernetes volumes with Amazon EBS"), or name one in kubecost.yaml '
        "under kubecost.storage_class.",
    )


def _unchanged(existing: str, claim: Claim, namespace: str) -> Precondition:
    """Kubernetes does not change the class of a claim, and Helm would say so late and obscurely."""
    assert claim.storage_class
    other = f'each.metadata.name != "{claim.name}"'
    same = f'try(each.spec.storageClassName, "") == {_quoted(claim.storage_class)}'
    return Precondition(
        condition=f"${{alltrue([for each in {existing}.objects : {other} || {same}])}}",
        error_message=f"The volume {claim.name} has another StorageClass than "
        f"{literal(claim.storage_class)}, and Kubernetes cannot change that. Put "
        "kubecost.storage_class back; or give up what the volume holds, and delete it before you "
        f"deploy: kubectl --namespace {namespace} delete deployment,pvc {claim.name}",
    )


def _quoted(text: str) -> str:
    quoted: str = literal(json.dumps(text))
    return quoted
