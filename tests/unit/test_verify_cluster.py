"""Ring 1: what verify says of workloads, volumes, Services and Prometheus's own counters."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
import yaml

from tools.common import Json
from tools.verify import checks, delivery, door, pods, policies, ui
from tools.verify.aws import Aws
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import Finding, Status
from tools.verify.kube import Kube, NotFoundError

NAMESPACE = "kubecost-prom-amp-cost"
SERVER = f"{NAMESPACE}-prometheus-server"
VALUES = {
    "kubecostProductConfigs": {"clusterName": "kubecost"},
    "global": {"prometheus": {"enabled": True}},
}
STACK: Json = {
    "provider": {"aws": [{"region": "eu-west-1"}]},
    "data": {"aws_eks_cluster": {"cluster": {"name": "kubecost"}}},
    "resource": {
        "kubernetes_namespace_v1": {"place_namespace": {"metadata": {"name": NAMESPACE}}},
        "kubernetes_config_map_v1": {
            "kubecost_prometheus_config": {
                "data": {
                    "prometheus.yml": "remote_write: [{url: https://example}]",
                    "recording_rules.yml": "groups: []",
                }
            }
        },
        "helm_release": {
            "kubecost_release": {
                "name": NAMESPACE,
                "namespace": NAMESPACE,
                "values": [yaml.safe_dump(VALUES)],
            }
        },
    },
    "output": {"kubecost_ui_url": {"value": ""}},
}


class Cluster:
    """Lists by the last part of their path; an empty one has no namespace either."""

    def __init__(self, answer: str = "", **lists: list[Json]) -> None:
        self._lists, self._answer = lists, answer
        self.objects: dict[str, Json | None] = {}

    def get(self, path: str) -> Json:
        found = self.objects.get(path, {})
        if not self._lists or found is None:
            raise NotFoundError(path)
        return found

    def items(self, path: str) -> list[Json]:
        return self._lists.get(path.rpartition("/")[2], [])

    def text(self, path: str, **_: str) -> str:
        raise NotFoundError(path)

    def service(self, *_: str) -> str:
        return self._answer


def look(cluster: Cluster, **more: Json) -> Context:
    stack = {**STACK, "resource": STACK["resource"] | more}
    declared = Declared("prom_amp_cost", stack)
    return Context(declared, cast(Aws, None), {}, cast(Kube, cluster))


def false(findings: Iterator[Finding]) -> Finding:
    (finding,) = (each for each in findings if each.status == Status.FAIL)
    return finding


def deployment(ready: int = 0, replicas: int = 1) -> Json:
    return {
        "metadata": {"name": SERVER, "annotations": {"meta.helm.sh/release-name": NAMESPACE}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "prometheus"}}},
        "status": {"readyReplicas": ready},
    }


def pod(**status: Any) -> Json:
    return {"metadata": {"name": "pod-0", "labels": {"app": "prometheus"}}, "status": status}


def container(waiting: str = "", message: str = "", **ended: Any) -> Json:
    return {
        "name": "prometheus-server",
        "ready": False,
        "state": {"waiting": {"reason": waiting, "message": message}} if waiting else {},
        "lastState": {"terminated": ended} if ended else {},
    }


@pytest.mark.parametrize(
    ("status", "seen", "fix"),
    [
        (
            {"containerStatuses": [container("ImagePullBackOff", "not found")]},
            "; container prometheus-server of pod pod-0: ImagePullBackOff: not found",
            "check that the nodes reach the registry",
        ),
        (
            {
                "containerStatuses": [
                    container("CrashLoopBackOff", reason="OOMKilled", exitCode=137)
                ]
            },
            "ended (OOMKilled, exit code 137)",
            "it needs more memory",
        ),
        (
            {"containerStatuses": [container("CrashLoopBackOff", reason="Error", exitCode=2)]},
            "ended (Error, exit code 2)",
            f"kubectl -n {NAMESPACE} logs pod-0 -c prometheus-server --previous",
        ),
        (
            {"containerStatuses": [container("CreateContainerConfigError", "no secret")]},
            "CreateContainerConfigError: no secret",
            f"kubectl -n {NAMESPACE} describe pod pod-0",
        ),
        (
            {"initContainerStatuses": [container()]},
            "is not ready yet",
            "describe pod pod-0",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "2 no CPU"}]},
            "is not scheduled: 2 no CPU",
            "base.nodes in kubecost.yaml",
        ),
    ],
)
def test_why_a_pod_is_not_ready(status: Json, seen: str, fix: str) -> None:
    cluster = Cluster(deployments=[deployment()], pods=[pod(**status)])
    finding = false(pods.check(look(cluster)))
    assert finding.what == f"Deployment {SERVER} is ready"
    assert seen in finding.seen
    assert fix in finding.fix


def test_a_pod_that_was_never_made() -> None:
    made = deployment()
    said = 'pods "x" is forbidden: exceeded quota'
    made["status"]["conditions"] = [{"type": "ReplicaFailure", "message": said}]
    assert said in false(pods.check(look(Cluster(deployments=[made])))).seen


def test_a_release_without_workloads() -> None:
    finding = false(pods.check(look(Cluster(pods=[]))))
    assert finding.seen == f"the release has no workload in {NAMESPACE}"
    assert finding.fix.endswith("cdktf deploy prom_amp_cost")


def test_two_collectors() -> None:
    release = {"name": NAMESPACE, "namespace": NAMESPACE, "values": ["replicaCount: 1"]}
    two = deployment(ready=2, replicas=2)
    context = look(Cluster(deployments=[two]), helm_release={"collector_release": release})
    finding = false(pods.check(context))
    assert finding.seen == "2 replicas"
    assert "AMP refuses duplicates" in finding.expected


def test_a_stack_that_is_not_deployed() -> None:
    findings = [finding for _, finding in checks.run(look(Cluster()))]
    assert [each.status for each in findings] == [Status.FAIL, Status.SKIPPED]
    assert findings[0].fix == "cdktf deploy prom_amp_cost"


@pytest.mark.parametrize(
    ("classes", "wanted", "said"),
    [
        ([], None, "set kubecost.storage_class (the cluster has none)"),
        (["gp3"], None, "set kubecost.storage_class (the cluster has gp3)"),
        (["gp3"], "gp3", "check that the EBS CSI driver runs"),
    ],
)
def test_a_volume_that_waits(classes: list[str], wanted: str | None, said: str) -> None:
    claim = {
        "metadata": {"name": SERVER},
        "spec": {"storageClassName": wanted} if wanted else {},
        "status": {"phase": "Pending"},
    }
    cluster = Cluster(
        deployments=[deployment(ready=1)],
        persistentvolumeclaims=[claim],
        storageclasses=[{"metadata": {"name": name}} for name in classes],
    )
    finding = false(pods.check(look(cluster)))
    assert finding.what == f"volume {SERVER} is bound"
    assert said in finding.fix


UI = {
    "metadata": {
        "name": "ui",
        "namespace": NAMESPACE,
        "annotations": {"scheme": "internal", "certificate": "${aws_acm_certificate.x.arn}"},
    },
    "spec": {"rule": [{"host": "costs.example"}]},
}


@pytest.mark.parametrize(
    ("annotations", "balancers", "status", "seen"),
    [
        ({"scheme": "internal", "certificate": "arn"}, [{"hostname": "lb"}], Status.OK, ""),
        ({"scheme": "internal"}, [], Status.FAIL, "no load balancer yet"),
        ({"scheme": "internet-facing"}, [{"hostname": "lb"}], Status.FAIL, "other scheme"),
        ({}, [{"hostname": "lb"}], Status.FAIL, "other scheme"),
    ],
)
def test_a_ui_behind_the_load_balancer(
    annotations: dict[str, str],
    balancers: list[Json],
    status: Status,
    seen: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Json] = []

    def check(_context: object, ingress: Json) -> tuple[()]:
        asked.append(ingress)
        return ()

    monkeypatch.setattr(door, "check", check)
    ingress = {
        "metadata": {"name": "ui", "annotations": annotations},
        "status": {"loadBalancer": {"ingress": balancers}},
    }
    context = look(Cluster(ingresses=[ingress]), kubernetes_ingress_v1={"ui": UI})
    exposed, answers = ui.check(context)
    assert (exposed.status, exposed.seen) == (status, seen)
    assert answers.status == Status.OK
    assert asked == ([UI] if status is Status.OK else [])


def test_a_service_or_an_ingress_that_nobody_declared() -> None:
    service = {"metadata": {"name": "open"}, "spec": {"type": "NodePort"}}
    cluster = Cluster(services=[service], ingresses=[{"metadata": {"name": "own"}}])
    service_finding, ingress_finding, _ = ui.check(look(cluster))
    assert service_finding.what == "Service open is not exposed"
    assert ingress_finding.what == "Ingress own does not exist"
    assert service_finding.status == ingress_finding.status == Status.FAIL


POLICY = {
    "metadata": {"name": "deny-all", "namespace": NAMESPACE},
    "spec": {
        "pod_selector": {},
        "policy_types": ["Ingress"],
        "ingress": [
            {"from": [{"ip_block": {"cidr": "10.0.240.0/22"}}], "ports": [{"port": "9090"}]}
        ],
    },
}
SPEC = {
    "podSelector": {},
    "policyTypes": ["Ingress"],
    "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.240.0/22"}}], "ports": [{"port": 9090}]}],
}


def agent(*arguments: str) -> Json:
    """Give the VPC CNI's DaemonSet."""
    containers = [{"name": "aws-node"}, {"name": "aws-eks-nodeagent", "args": list(arguments)}]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


@pytest.mark.parametrize(
    ("there", "aws_node", "daemons", "addresses", "false_ones"),
    [
        ([SPEC], agent("--enable-network-policy=true"), [], ["10.0.1.7"], []),
        ([], agent("--enable-network-policy=true"), [], [], ["deny-all is missing"]),
        (
            [SPEC | {"ingress": [{}]}],
            agent("--enable-network-policy=true"),
            [],
            [],
            ["deny-all differs"],
        ),
        ([SPEC], agent("--enable-network-policy=false"), ["aws-node"], [], ["aws-node runs"]),
        ([SPEC], agent("--enable-network-policy=false"), ["calico-node"], [], []),
        ([SPEC], None, ["kube-proxy"], [], ["aws-node runs"]),
        (
            [SPEC],
            agent("--enable-network-policy=true"),
            [],
            ["10.0.1.7", "10.0.241.9"],
            ["1 pods, such as shop/pod-1"],
        ),
    ],
)
def test_policies_are_there_and_enforced(
    there: list[Json],
    aws_node: Json | None,
    daemons: list[str],
    addresses: list[str],
    false_ones: list[str],
) -> None:
    cluster = Cluster(
        networkpolicies=[{"metadata": {"name": "deny-all"}, "spec": spec} for spec in there],
        daemonsets=[{"metadata": {"name": name}} for name in daemons],
        pods=[
            {
                "metadata": {"name": f"pod-{number}", "namespace": "shop"},
                "spec": {},
                "status": {"podIP": address},
            }
            for number, address in enumerate(addresses)
        ],
    )
    cluster.objects["/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node"] = aws_node
    context = look(cluster, kubernetes_network_policy_v1={"deny": POLICY})
    failed = [each.seen for each in policies.check(context) if each.status == Status.FAIL]
    assert len(failed) == len(false_ones)
    for seen, said in zip(failed, false_ones, strict=True):
        assert seen.startswith(said)


def test_a_stack_without_policies_says_who_reaches_it() -> None:
    (finding,) = policies.check(look(Cluster(pods=[])))
    assert finding.status == Status.SKIPPED


def counters(**values: float) -> str:
    """Write what a Prometheus says about its remote writes; of 10,000 samples by default."""
    values = {"samples_total": 10_000, "samples_failed_total": 0, "too_old": 0} | values
    prefix, url = "prometheus_remote_storage_", 'remote_name="a",url="https://example"'
    return f"""
# HELP {prefix}samples_total Total number of samples sent to remote storage.
{prefix}samples_total{{{url}}} {values["samples_total"]}
{prefix}samples_failed_total{{{url}}} {values["samples_failed_total"]}
{prefix}samples_dropped_total{{reason="dropped_series",remote_name="a"}} 123456
{prefix}samples_dropped_total{{reason="too_old",remote_name="a"}} {values["too_old"]}
{prefix}queue_highest_timestamp_seconds{{remote_name="a"}} 1.7e+09
{prefix}queue_highest_sent_timestamp_seconds{{remote_name="a"}} {1.7e9 - values.get("behind", 0)}
"""


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ({}, []),
        ({"samples_failed_total": 99}, []),
        (
            {"samples_failed_total": 80, "too_old": 40},
            ["120 of 10000 samples were refused or dropped"],
        ),
        ({"samples_total": 0}, ["Prometheus has sent nothing yet"]),
        ({"behind": 1200}, ["the last sample that it sent is 20 minutes behind"]),
    ],
)
def test_what_prometheus_says_it_could_not_send(values: dict[str, float], seen: list[str]) -> None:
    context = look(Cluster(answer=counters(**values)))
    assert context.declared.writes_from_prometheus
    findings = list(delivery.check(context))
    assert len(findings) == 2
    assert [each.seen for each in findings if each.status == Status.FAIL] == seen
