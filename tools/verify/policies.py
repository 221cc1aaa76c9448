"""Check NetworkPolicies: present, enforced, and not open to pods by their addresses."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from tools.common import Json
from tools.objects import kubernetes_object
from tools.verify.context import Context
from tools.verify.finding import Finding, listed
from tools.verify.kube import NotFoundError

_KIND = "kubernetes_network_policy_v1"
_EVERYWHERE = "0.0.0.0/0"

# DaemonSets of other network plugins that enforce NetworkPolicies.
_ENFORCING = {"antrea-agent", "calico-node", "canal", "cilium", "kube-router"}


def check(context: Context) -> Iterator[Finding]:
    """Check that the policies are present and enforced, and admit no pod of another namespace."""
    declared = [
        kubernetes_object(_KIND, each) for each in context.declared.resources(_KIND).values()
    ]
    if not declared:
        yield Finding.skipped(
            "no NetworkPolicies: every pod of the cluster reaches the UI and what is behind it"
            " (clusters[].network_policies, base.network_policies)"
        )
        return
    yield _present(context, declared)
    yield _enforced(context)
    yield _strangers(context, declared)


def _present(context: Context, declared: list[Json]) -> Finding:
    what = f"{len(declared)} NetworkPolicies are as declared"
    path = f"/apis/networking.k8s.io/v1/namespaces/{context.namespace}/networkpolicies"
    there = {each["metadata"]["name"]: each["spec"] for each in context.kube.items(path)}
    wanted = {each["metadata"]["name"]: each["spec"] for each in declared}
    wrong = [
        f"{name} is missing" if name not in there else f"{name} differs"
        for name, spec in wanted.items()
        if there.get(name) != spec
    ]
    wrong += [f"{name} is not declared and allows more" for name in there if name not in wanted]
    if wrong:
        return Finding.fail(
            what,
            seen=listed(wrong),
            expected=listed(wanted),
            fix=f"cdktf deploy {context.declared.name}; for others find out who created them:"
            f" kubectl -n {context.namespace} get networkpolicies",
        )
    return Finding.ok(what)


def _enforced(context: Context) -> Finding:
    what = "NetworkPolicies are enforced"
    try:
        agent = context.kube.get("/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node")
    except NotFoundError:
        agent = {}
    containers = agent.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ())
    if any("--enable-network-policy=true" in (each.get("args") or ()) for each in containers):
        return Finding.ok(f"{what} by the VPC CNI")
    daemons = {each["metadata"]["name"] for each in context.kube.items("/apis/apps/v1/daemonsets")}
    if others := daemons & _ENFORCING:
        return Finding.ok(f"{what} by {listed(others)}")
    cluster = context.declared.cluster_name
    return Finding.fail(
        what,
        seen="aws-node runs without --enable-network-policy=true, and there is no other CNI",
        expected="a CNI that enforces them",
        fix="cdktf deploy base with base.network_policies; on an existing cluster: aws eks"
        f" update-addon --cluster-name {cluster} --addon-name vpc-cni --resolve-conflicts PRESERVE"
        """ --configuration-values '{"enableNetworkPolicy": "true"}'""",
    )


def _strangers(context: Context, declared: list[Json]) -> Finding:
    """Check for pods in the subnets of the load balancer, because its blocks admit them too."""
    blocks = sorted(
        {
            peer["ipBlock"]["cidr"]
            for policy in declared
            for rule in policy["spec"].get("ingress", ())
            for peer in rule["from"]
            if "ipBlock" in peer
        }
        - {_EVERYWHERE}
    )
    what = f"no pod has an address in {listed(blocks)}"
    inside = [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in context.kube.items("/api/v1/pods")
        if not pod["spec"].get("hostNetwork")
        and (address := pod.get("status", {}).get("podIP"))
        and any(ip_address(address) in ip_network(block) for block in blocks)
    ]
    if inside:
        return Finding.fail(
            what,
            seen=f"{len(inside)} pods, such as {listed(inside)}",
            expected="none: a NetworkPolicy takes them for the load balancer or the API server",
            fix="give pods and load balancers different subnets, then correct"
            " clusters[].network_policies",
        )
    return Finding.ok(what)
