"""How Kubecost's UI can be reached: as configured, and by nobody else."""

from collections.abc import Iterator

from tools.common import Json
from tools.verify.context import Context
from tools.verify.finding import CannotCheckError, Finding, listed

_EXPOSING = {"LoadBalancer", "NodePort"}


def check(context: Context) -> Iterator[Finding]:
    """The UI answers, and is exposed as declared."""
    if not context.declared.namespace:
        return
    services = context.kube.items(f"/api/v1/namespaces/{context.namespace}/services")
    yield from _exposure(context, services)
    if context.declared.kubecost and context.declared.has_ui:
        yield _answers(context, f"{context.declared.kubecost.name}-cost-analyzer")


def _exposure(context: Context, services: list[Json]) -> Iterator[Finding]:
    declared = {
        each["metadata"]["name"]: each["spec"]
        for each in context.declared.resources("kubernetes_service_v1").values()
    }
    open_ones = {
        each["metadata"]["name"]: each["spec"]["type"]
        for each in services
        if each["spec"]["type"] in _EXPOSING and each["metadata"]["name"] not in declared
    }
    for name, kind in open_ones.items():
        yield Finding.fail(
            f"Service {name} is not exposed",
            seen=f"type {kind}",
            expected="ClusterIP: the UI has no login",
            fix=f"kubectl -n {context.namespace} patch service {name} -p "
            """'{"spec":{"type":"ClusterIP"}}'; and take it out of kubecost.values""",
        )
    if not declared and not open_ones:
        yield Finding.ok("no Service is exposed: the UI is reached by port-forward only")
    there = {each["metadata"]["name"]: each for each in services}
    for name, spec in declared.items():
        yield _balancer(context, name, spec, there.get(name))


def _balancer(context: Context, name: str, spec: Json, found: Json | None) -> Finding:
    what = f"Service {name} is a load balancer with the allow-list"
    expected = f"{spec['type']} for {listed(spec['load_balancer_source_ranges'])}"
    fix = f"cdktf deploy {context.declared.name}"
    if not found:
        return Finding.fail(what, seen="no such Service", expected=expected, fix=fix)
    ranges = found["spec"].get("loadBalancerSourceRanges", [])
    if set(ranges) != set(spec["load_balancer_source_ranges"]):
        return Finding.fail(
            what,
            seen=f"{found['spec']['type']} for {listed(ranges) if ranges else 'everybody'}",
            expected=expected,
            fix=fix,
        )
    balancers = found.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    return Finding.judge(
        what,
        bool(balancers),
        details=next((each.get("hostname") for each in balancers), ""),
        seen="no load balancer yet",
        expected="a host name in its status",
        fix="is the stack load_balancer deployed? kubectl -n kube-system logs "
        "deployment/aws-load-balancer-controller",
    )


def _answers(context: Context, service: str) -> Finding:
    what = "the UI answers"
    try:
        context.kube.service(context.namespace, service, "tcp-frontend", "/")
    except CannotCheckError as error:
        return Finding.fail(
            what,
            seen=f"{service}: {error}",
            expected="a page",
            fix="if pods above are not ready, mend those first; Kubecost takes some minutes: "
            f"kubectl -n {context.namespace} logs deployment/{service} -c cost-analyzer-frontend",
        )
    return Finding.ok(
        f"{what} (kubectl -n {context.namespace} port-forward service/{service} 9090)"
    )
