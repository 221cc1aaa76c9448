"""Objects that Helm and Kubernetes' controllers would have written, of which the lab has none."""

from __future__ import annotations

from tests.lab.apiserver import JsonObject
from tests.lab.inventory import Workload

STORAGE_CLASS = "ebs-csi-default-sc"


def named(name: str, namespace: str) -> JsonObject:
    return {"name": name, "namespace": namespace}


def workload(each: Workload, count: int, ready: int | None = None) -> JsonObject:
    """Give the object that runs `count` pods, of which all or `ready` are ready."""
    ready = count if ready is None else ready
    labels = {"app.kubernetes.io/name": each.name, **each.labels}
    environment = [{"name": "CLUSTER_ID", "value": "kubecost"}]
    containers = [
        {"name": name, "image": f"example/{name}"}
        | ({"env": environment} if name == "cost-model" else {})
        for name in each.containers or ["collector"]
    ]
    spec: JsonObject = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
    }
    status: JsonObject
    if each.kind == "DaemonSet":
        numbers = ("currentNumberScheduled", "desiredNumberScheduled")
        status = dict.fromkeys(numbers, count) | {"numberReady": ready, "numberMisscheduled": 0}
    else:
        spec["replicas"] = count
        status = {"replicas": count, "readyReplicas": ready}
    release = each.name if each.name.endswith("-collector") else each.namespace
    metadata = named(each.name, each.namespace) | {
        "labels": labels,
        "annotations": {"meta.helm.sh/release-name": release},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": each.kind,
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


def claim(name: str, namespace: str, phase: str = "Bound") -> JsonObject:
    """Give a volume claim of the chart."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": named(name, namespace),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            "resources": {"requests": {"storage": "32Gi"}},
        },
        "status": {"phase": phase},
    }


def storage_class() -> JsonObject:
    """Give the default class, which the EBS CSI add-on brings."""
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS, "annotations": default},
        "provisioner": "ebs.csi.aws.com",
    }


def vpc_cni() -> JsonObject:
    """Write what verify reads of the VPC CNI add-on with `enableNetworkPolicy`.

    The container and its argument: chart aws-vpc-cni (aws/eks-charts), templates/daemonset.yaml.
    """
    labels = {"k8s-app": "aws-node"}
    agent = {
        "name": "aws-eks-nodeagent",
        "image": "none",
        "args": ["--enable-network-policy=true"],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": named("aws-node", "kube-system"),
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [agent]}},
        },
    }
