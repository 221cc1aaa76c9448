"""Check that Kubecost's UI answers, and is exposed as declared and no further."""

from collections.abc import Iterator

from tools.common import Json
from tools.verify import door
from tools.verify.context import Context
from tools.verify.finding import CannotCheckError, Finding, Status, listed

_EXPOSING = {"LoadBalancer", "NodePort"}


def check(context: Context) -> Iterator[Finding]:
    """Check that the UI answers and is exposed as declared."""
    if not context.declared.namespace:
        return
    yield from _exposure(context)
    if context.declared.kubecost and context.declared.has_ui:
        yield _answers(context, f"{context.declared.kubecost.name}-cost-analyzer")


def _exposure(context: Context) -> Iterator[Finding]:
    services = context.kube.items(f"/api/v1/namespaces/{context.namespace}/services")
    open_ones = {
        each["metadata"]["name"]: each["spec"]["type"]
        for each in services
        if each["spec"]["type"] in _EXPOSING
    }
    for name, kind in open_ones.items():
        yield Finding.fail(
            f"Service {name} is not exposed",
            seen=f"type {kind}",
            expected="ClusterIP: the UI has no login",
            fix=f"kubectl -n {context.namespace} patch service {name} -p "
            """'{"spec":{"type":"ClusterIP"}}'; and remove it from kubecost.values""",
        )
    there = {
        each["metadata"]["name"]: each
        for each in context.kube.items(
            f"/apis/networking.k8s.io/v1/namespaces/{context.namespace}/ingresses"
        )
    }
    declared = {
        each["metadata"]["name"]: each
        for each in context.declared.resources("kubernetes_ingress_v1").values()
    }
    for name in there.keys() - declared.keys():
        yield Finding.fail(
            f"Ingress {name} does not exist",
            seen="an Ingress that the stack does not declare",
            expected=f"only {listed(declared)}" if declared else "none",
            fix=f"kubectl -n {context.namespace} delete ingress {name}; and remove it from "
            "kubecost.values",
        )
    if not declared and not open_ones and not there:
        yield Finding.ok("no Service is exposed: the UI is reached by port-forward only")
    for name, ingress in declared.items():
        finding = _balancer(context, name, ingress, there.get(name))
        yield finding
        if finding.status is Status.OK:
            yield from door.check(context, ingress)


def _balancer(context: Context, name: str, declared: Json, found: Json | None) -> Finding:
    host = declared["spec"]["rule"][0]["host"]
    what = f"Ingress {name} leads {host} to the UI as declared"
    deploy = f"cdktf deploy {context.declared.name}"
    if not found:
        return Finding.fail(what, seen="no such Ingress", expected=host, fix=deploy)
    annotations = found["metadata"].get("annotations", {})
    differing = {
        key
        for key, value in declared["metadata"]["annotations"].items()
        # A value that Terraform knew only at apply is not known here.
        if "${" not in value and annotations.get(key) != value
    }
    if differing:
        return Finding.fail(what, seen=f"other {listed(differing)}", expected=host, fix=deploy)
    balancers = found.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    if not balancers:
        return Finding.fail(
            what,
            seen="no load balancer yet",
            expected="a host name in its status",
            fix="check that the stack load_balancer is deployed; see the events: kubectl -n"
            f" {context.namespace} describe ingress {name}",
        )
    return Finding.ok(f"{what}, by {balancers[0].get('hostname')}")


def _answers(context: Context, service: str) -> Finding:
    what = "the UI answers"
    try:
        context.kube.service(context.namespace, service, "tcp-frontend", "/")
    except CannotCheckError as error:
        return Finding.fail(
            what,
            seen=f"{service}: {error}",
            expected="a page",
            fix="if pods above are not ready, correct those first; Kubecost needs some minutes to "
            f"start: kubectl -n {context.namespace} logs deployment/{service} "
            "-c cost-analyzer-frontend",
        )
    return Finding.ok(
        f"{what} (kubectl -n {context.namespace} port-forward service/{service} 9090)"
    )
