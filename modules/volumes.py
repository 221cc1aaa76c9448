"""The volumes of a Kubecost release, by its merged Helm values."""

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
    """A PersistentVolumeClaim that the chart creates; without a class it uses the default class."""

    name: str
    storage_class: str | None


def claims(release: str, values: Mapping[str, Any]) -> Iterator[Claim]:
    """List the claims that the chart cost-analyzer creates with these values (PVC templates)."""
    kubecost = values.get("persistentVolume", {})
    yield from _claim(f"{release}-cost-analyzer", kubecost)
    if _at(values, "global", "prometheus").get("enabled", True):
        server = _at(values, "prometheus", "server", "persistentVolume")
        yield from _claim(f"{release}-prometheus-server", server)


def _claim(name: str, volume: Any) -> Iterator[Claim]:
    if not isinstance(volume, dict):
        return  # null: the chart creates none
    if volume.get("enabled", True) and not volume.get("existingClaim"):
        yield Claim(name, volume.get("storageClass") or None)


def _at(values: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for key in path:
        values = values.get(key) or {}
    return values


def encrypted_class(scope: Construct, id: str, *, name: str, key_arn: str | None) -> StorageClassV1:
    """Make a StorageClass for encrypted gp3 volumes, with a customer managed key if it is given.

    The EBS CSI driver's default class encrypts only if the account encrypts by default.
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
    """Check before apply what would make the volumes, and so the release, wait forever.

    `made_here` is a StorageClass that this stack creates, so it need not exist yet.
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
    """Refuse another class for an existing claim.

    Kubernetes cannot change the class, and Helm's error would come late and be unclear.
    """
    assert claim.storage_class
    other = f'each.metadata.name != "{claim.name}"'
    same = f'try(each.spec.storageClassName, "") == {_quoted(claim.storage_class)}'
    return Precondition(
        condition=f"${{alltrue([for each in {existing}.objects : {other} || {same}])}}",
        error_message=f"The volume {claim.name} has another StorageClass than "
        f"{literal(claim.storage_class)}, and Kubernetes cannot change that. Restore "
        "kubecost.storage_class. Or delete the volume with its data before you deploy: kubectl "
        f"--namespace {namespace} delete deployment,pvc {claim.name}",
    )


def _quoted(text: str) -> str:
    quoted: str = literal(json.dumps(text))
    return quoted
