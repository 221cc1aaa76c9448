"""Check that every release has its workloads, that they are ready, and volumes are bound."""

from collections import defaultdict
from collections.abc import Iterator

from tools.common import Json
from tools.verify.context import Context
from tools.verify.declared import Release
from tools.verify.finding import CannotCheckError, Finding, listed

KINDS = {"deployments": "Deployment", "daemonsets": "DaemonSet", "statefulsets": "StatefulSet"}
# Helm writes this annotation on everything that it installs.
_RELEASE = "meta.helm.sh/release-name"
_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "RegistryUnavailable"}


def check(context: Context) -> Iterator[Finding]:
    """Check namespace, workloads and volumes of the stack's releases."""
    namespace = context.namespace
    if not context.is_deployed:
        yield Finding.fail(
            f"namespace {namespace} exists",
            seen="no such namespace",
            expected="the namespace that the stack creates",
            fix=f"cdktf deploy {context.declared.name}",
        )
        return
    workloads: dict[str | None, list[tuple[str, Json]]] = defaultdict(list)
    for plural, kind in KINDS.items():
        for each in context.kube.items(f"/apis/apps/v1/namespaces/{namespace}/{plural}"):
            release = (each["metadata"].get("annotations") or {}).get(_RELEASE)
            workloads[release].append((kind, each))
    for release in context.declared.releases:
        yield from _release(context, release, workloads[release.name])
    if context.declared.namespace:
        yield from _volumes(context)


def _release(
    context: Context, release: Release, workloads: list[tuple[str, Json]]
) -> Iterator[Finding]:
    what = f"Helm release {release.name}: every workload is ready"
    if not workloads:
        yield Finding.fail(
            what,
            seen=f"the release has no workload in {release.namespace}",
            expected="at least one Deployment or DaemonSet",
            fix=f"helm -n {release.namespace} status {release.name}; then: cdktf deploy "
            + context.declared.name,
        )
        return
    ready = []
    for kind, each in workloads:
        name = each["metadata"]["name"]
        have, want = _replicas(kind, each)
        if have < want:
            seen, fix = _why(context, each)
            yield Finding.fail(
                f"{kind} {name} is ready",
                seen=f"{have} of {want} pods are ready{seen}",
                expected=f"{want} of {want}",
                fix=fix or f"kubectl -n {release.namespace} describe {kind.lower()} {name}",
            )
        else:
            ready.append(f"{name.removeprefix(release.name + '-')} {have}/{want}")
    if len(ready) == len(workloads):
        yield Finding.ok(what, listed(ready, 6))
    yield from _one_replica(context, release, workloads)


def _replicas(kind: str, each: Json) -> tuple[int, int]:
    status = each.get("status", {})
    if kind == "DaemonSet":
        return status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
    return status.get("readyReplicas", 0), each["spec"].get("replicas", 1)


def _one_replica(
    context: Context, release: Release, workloads: list[tuple[str, Json]]
) -> Iterator[Finding]:
    """Check for a second collector, which sends every sample twice; AMP refuses duplicates."""
    if release.values.get("replicaCount") != 1:
        return
    for kind, each in workloads:
        running = [pod for pod in context.pods if _belongs(pod, each)]
        have = max(each["spec"].get("replicas", 1), len(running))
        name = each["metadata"]["name"]
        yield Finding.judge(
            f"{kind} {name} has one replica",
            have == 1,
            seen=f"{have} replicas",
            expected="1: two send every sample twice, and AMP refuses duplicates",
            fix=f"kubectl -n {release.namespace} scale {kind.lower()} {name} --replicas=1; then "
            "find out who scaled it",
        )


def _belongs(pod: Json, workload: Json) -> bool:
    wanted = workload["spec"].get("selector", {}).get("matchLabels", {})
    labels = pod["metadata"].get("labels") or {}
    return bool(wanted) and wanted.items() <= labels.items()


def _why(context: Context, workload: Json) -> tuple[str, str]:
    """Say why a workload's pods are not ready, and what to do."""
    pods = [pod for pod in context.pods if _belongs(pod, workload)]
    if not pods:
        conditions = workload.get("status", {}).get("conditions", [])
        failures = [each for each in conditions if each["type"] == "ReplicaFailure"]
        said = failures[0]["message"] if failures else "no pod was created"
        return f": {said}", ""
    for pod in pods:
        for found in _pod(context, pod):
            return found
    return "", ""


def _pod(context: Context, pod: Json) -> Iterator[tuple[str, str]]:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    describe = f"kubectl -n {context.namespace} describe pod {name}"
    for each in status.get("conditions", []):
        if each["type"] == "PodScheduled" and each["status"] == "False":
            said = each.get("message", each.get("reason", ""))
            fix = "add nodes or use larger ones (base.nodes in kubecost.yaml)"
            if "PersistentVolumeClaim" in said or "persistentvolumeclaim" in said:
                fix = "see the findings on volumes below"
            elif "free ports" in said:
                fix = "another pod has its host port: kubectl get pods -A -o wide"
            yield f"; pod {name} is not scheduled: {said}", fix
    for each in status.get("initContainerStatuses", []) + status.get("containerStatuses", []):
        state = each.get("state", {})
        waiting = state.get("waiting") or {}
        reason, said = waiting.get("reason", ""), waiting.get("message", "")
        container = f"; container {each['name']} of pod {name}"
        if reason in _IMAGE:
            yield (
                f"{container}: {reason}: {said}",
                "check that the nodes reach the registry (NAT gateway, VPC endpoints) and that the "
                f"image exists: {describe}",
            )
        ended = (each.get("lastState") or {}).get("terminated") or state.get("terminated")
        if reason == "CrashLoopBackOff" or (ended and not each.get("ready")):
            yield _crash(context, name, each["name"], ended or {}, container)
        elif reason and reason not in ("ContainerCreating", "PodInitializing"):
            yield f"{container}: {reason}: {said}", describe
        elif not each.get("ready"):
            yield f"{container} is not ready yet{': ' + reason if reason else ''}", describe


def _crash(context: Context, pod: str, container: str, ended: Json, where: str) -> tuple[str, str]:
    reason, code = ended.get("reason", "Error"), ended.get("exitCode", "?")
    last = ended.get("message") or _last_words(context, pod, container)
    seen = f"{where} ended ({reason}, exit code {code})" + (f": {last}" if last else "")
    fix = f"kubectl -n {context.namespace} logs {pod} -c {container} --previous"
    if reason == "OOMKilled":
        fix = "it needs more memory: set its resources under kubecost.values in kubecost.yaml"
    elif "SigV4" in last or "NoCredentialProviders" in last:
        fix = (
            "it gets no credentials for its role: correct the findings under roles, then: "
            f"kubectl -n {context.namespace} delete pod {pod}"
        )
    return seen, fix


def _last_words(context: Context, pod: str, container: str) -> str:
    path = f"/api/v1/namespaces/{context.namespace}/pods/{pod}/log"
    try:
        text = context.kube.text(path, container=container, previous="true", tailLines="1")
    except CannotCheckError:
        return ""
    return " ".join(text.split())[-300:]


def _volumes(context: Context) -> Iterator[Finding]:
    path = f"/api/v1/namespaces/{context.namespace}/persistentvolumeclaims"
    claims = context.kube.items(path)
    pending = [each for each in claims if each["status"].get("phase") != "Bound"]
    if claims and not pending:
        yield Finding.ok("volumes are bound", listed(each["metadata"]["name"] for each in claims))
    for each in pending:
        name, phase = each["metadata"]["name"], each["status"].get("phase")
        wanted = each["spec"].get("storageClassName")
        yield Finding.fail(
            f"volume {name} is bound",
            seen=f"{phase}, StorageClass {wanted or 'none: the cluster has no default'}",
            expected="Bound",
            fix=_storage_fix(context, wanted, name),
        )


def _storage_fix(context: Context, wanted: str | None, claim: str) -> str:
    classes = context.kube.items("/apis/storage.k8s.io/v1/storageclasses")
    names = [each["metadata"]["name"] for each in classes]
    if wanted not in names:
        there = f"the cluster has {listed(names)}" if names else "the cluster has none"
        return (
            "install the EBS CSI driver with a StorageClass, or set kubecost.storage_class "
            f"({there}); then delete the claim and cdktf deploy {context.declared.name}"
        )
    return (
        "check that the EBS CSI driver runs: kubectl -n kube-system get pods -l "
        f"app=ebs-csi-controller; and: kubectl -n {context.namespace} describe pvc {claim}"
    )
