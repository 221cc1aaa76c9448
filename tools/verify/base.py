"""Check the cluster itself, for the stack `base`."""

from collections.abc import Iterator

from tools.verify.aws import explained
from tools.verify.context import Context
from tools.verify.finding import Finding, listed

ACTIVE = "ACTIVE"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"


def check(context: Context) -> Iterator[Finding]:
    """Check control plane, nodes, add-ons, and the StorageClass for Kubecost's volumes."""
    status, version = context.cluster["status"], context.cluster["version"]
    yield Finding.judge(
        f"cluster {context.declared.cluster_name} is active",
        status == ACTIVE,
        details=f"Kubernetes {version}",
        seen=status,
        expected=ACTIVE,
        fix="wait, or see the cluster's health in the EKS console",
    )
    yield _nodes(context)
    yield from _add_ons(context)
    classes = context.kube.items("/apis/storage.k8s.io/v1/storageclasses")
    default = [
        each["metadata"]["name"]
        for each in classes
        if (each["metadata"].get("annotations") or {}).get(_DEFAULT) == "true"
    ]
    yield Finding.judge(
        "there is a default StorageClass",
        bool(default),
        details=listed(default),
        seen="none is the default" if classes else "there is no StorageClass",
        expected=f"one with the annotation {_DEFAULT}",
        fix="check that the add-on aws-ebs-csi-driver is active, or set kubecost.storage_class",
    )


def _nodes(context: Context) -> Finding:
    (group,) = context.declared.resources("aws_eks_node_group").values()
    minimum = group["scaling_config"]["min_size"]
    ready = [
        each["metadata"]["name"]
        for each in context.nodes
        if any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in each.get("status", {}).get("conditions", [])
        )
    ]
    return Finding.judge(
        "nodes are ready",
        minimum <= len(ready) == len(context.nodes),
        details=len(ready),
        seen=f"{len(ready)} of {len(context.nodes)}",
        expected=f"all, and at least {minimum}",
        fix="kubectl describe nodes; aws eks describe-nodegroup --cluster-name "
        f"{context.declared.cluster_name} --nodegroup-name {group['node_group_name']}",
    )


def _add_ons(context: Context) -> Iterator[Finding]:
    eks = context.aws.client("eks")
    name = context.declared.cluster_name
    wanted = {each["addon_name"] for each in context.declared.resources("aws_eks_addon").values()}
    active = []
    for addon in sorted(wanted):
        with explained(f"describe the add-on {addon}"):
            try:
                found = eks.describe_addon(clusterName=name, addonName=addon)["addon"]
            except eks.exceptions.ResourceNotFoundException:
                found = {"status": "not there"}
        if found["status"] == ACTIVE:
            active.append(addon)
            continue
        issues = "; ".join(each["message"] for each in found.get("health", {}).get("issues", []))
        yield Finding.fail(
            f"add-on {addon} is active",
            seen=found["status"] + (f": {issues}" if issues else ""),
            expected=ACTIVE,
            fix=f"cdktf deploy base; aws eks describe-addon --cluster-name {name} --addon-name "
            + addon,
        )
    if len(active) == len(wanted):
        yield Finding.ok("add-ons are active", listed(active, 8))
