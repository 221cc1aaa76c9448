"""Check the metrics: their cluster_id, their age, and whether they include usage."""

from collections.abc import Iterator

from metrics.names import COST_ONLY, NOT_EVERYWHERE
from tools.verify.context import Context
from tools.verify.finding import Finding, listed
from tools.verify.promql import Source

# A metric of which every node has one sample a minute.
PULSE = "node_total_hourly_cost"
NETWORK = "kubecost_pod_network_egress_bytes_total"
# A container that has just started has no usage yet.
ENOUGH = 0.9
_PATIENCE = "in the first 5 minutes after a deployment there is no data: add --wait 30"


def check(context: Context) -> Iterator[Finding]:
    """Check the metrics where they are stored: in Prometheus, in AMP, or in both."""
    if not context.declared.kubecost:
        return
    yield _cluster_id_of_kubecost(context)
    if context.amp:
        yield from _cluster_id_in_amp(context, context.amp)
    for source in (context.prometheus, context.amp):
        if source:
            age = _age(source)
            yield _fresh(context, source, age)
            if age is None:
                yield Finding.skipped(f"the other metrics in {source.name}: there are none yet")
                continue
            yield _complete(context, source)
            if source is context.queried:
                yield _labels_kept(context, source)
                yield from usage_beside_requests(source)


def _cluster_id_of_kubecost(context: Context) -> Finding:
    """Check cost-model's CLUSTER_ID: if the metrics have another one, the UI shows two clusters."""
    wanted = context.declared.cluster_id
    path = f"/apis/apps/v1/namespaces/{context.namespace}/deployments"
    found = {
        variable["value"]
        for each in context.kube.items(path)
        for container in each["spec"]["template"]["spec"]["containers"]
        for variable in container.get("env", [])
        if variable["name"] == "CLUSTER_ID" and "value" in variable
    }
    return Finding.judge(
        f"Kubecost's CLUSTER_ID is {wanted}",
        found == {wanted},
        seen=f"CLUSTER_ID is {listed(found) or 'not set'}",
        expected=str(wanted),
        fix=f"cdktf deploy {context.declared.name}; remove a CLUSTER_ID from kubecost.values",
    )


def _cluster_id_in_amp(context: Context, amp: Source) -> Iterator[Finding]:
    wanted = str(context.declared.cluster_id)
    found = {
        series.labels.get("cluster_id", "(none)"): int(series.value)
        for series in amp.ask(f"count by (cluster_id) ({PULSE})")
    }
    others = listed({each for each in found if each != wanted})
    yield Finding.judge(
        f"cluster_id {wanted} arrives in AMP",
        wanted in found,
        details=f"{found.get(wanted)} nodes" + (f"; also {others}" if others else ""),
        seen=f"AMP has only the clusters {others}" if found else f"no {PULSE} at all",
        expected=f"{PULSE} of cluster_id {wanted}",
        fix=(
            "the collector has another cluster_id: set clusters[].id in kubecost.yaml, then "
            f"cdktf deploy {context.declared.name}"
            if found
            else "check that the collector writes: see the findings under roles and delivery; "
            + _PATIENCE
        ),
    )
    nameless = {"cluster-one", "(none)"} & set(found)
    if nameless:
        yield Finding.fail(
            "every cluster in AMP has its own cluster_id",
            seen=f"{found[min(nameless)]} nodes of cluster_id {listed(nameless)}",
            expected="no cluster-one, which is the chart's default and would merge clusters",
            fix="another Kubecost writes to this workspace; give it a cluster_id: "
            "prometheus.server.global.external_labels.cluster_id",
        )


def _age(source: Source) -> float | None:
    """Compute the age of the newest sample in seconds; None if there is none in six hours."""
    recent = f"max(timestamp({source.of(PULSE)}))"
    # Exact to a minute only, but it finds samples older than PromQL's five minutes.
    newest = f"max(max_over_time(timestamp({source.of(PULSE)})[6h:1m]))"
    return source.value(f"time() - ({recent} or {newest})")


def _fresh(context: Context, source: Source, age: float | None) -> Finding:
    limit = context.max_age
    return Finding.judge(
        f"costs in {source.name} are fresh",
        age is not None and age < limit,
        details=f"{age or 0:.0f} s old",
        seen=f"the newest {PULSE} is {_duration(age)} old"
        if age is not None
        else f"no {PULSE} in 6 hours",
        expected=f"less than {_duration(limit)}",
        fix="check whether the collector has stopped: see the findings under pods, targets and "
        f"delivery; {_PATIENCE}",
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _complete(context: Context, source: Source) -> Finding:
    jobs = {job["job_name"] for job in context.declared.jobs}
    wanted = set(COST_ONLY) - set(NOT_EVERYWHERE)
    if "kubecost-networking" not in jobs:
        wanted.discard(NETWORK)
    names = "|".join(sorted(wanted))
    selector = source.of("", f'__name__=~"{names}"')
    answer = source.ask(f"count by (__name__) ({selector})")
    missing = wanted - {series.labels["__name__"] for series in answer}
    return Finding.judge(
        f"{source.name} has every cost metric",
        not missing,
        details=f"{len(wanted)} names",
        seen=f"missing: {listed(missing, 6)}",
        expected=f"{len(wanted)} names (metrics/names.py)",
        fix="if egress is missing, check that network-costs is ready on every node and that there "
        f"is traffic; for other metrics see the targets and the keep rules; {_PATIENCE}",
    )


def _labels_kept(context: Context, source: Source) -> Finding:
    """Check for renamed labels, which hide to which workload a series belongs."""
    renamed = 'label_replace(count({}), "label", "{}", "", "")'
    query = " or ".join(
        renamed.format(source.of(PULSE, f'exported_{label}!=""'), f"exported_{label}")
        for label in ("instance", "namespace", "pod")
    )
    found = {series.labels["label"] for series in source.ask(query)}
    return Finding.judge(
        "series keep the labels of the workloads that they describe",
        not found,
        seen=f"labels {listed(found)} in {source.name}",
        expected="no label that begins with exported_",
        fix="the job kubecost lacks honor_labels: true, so all costs appear in Kubecost's own "
        f"namespace: cdktf deploy {context.declared.name}",
    )


def usage_beside_requests(source: Source) -> Iterator[Finding]:
    """Check that usage arrives: without it, Kubecost uses requests and only logs that."""
    by = "by (namespace, pod, container)"
    running = f"count {by} ({source.of('kube_pod_container_status_running')} == 1)"
    for resource, usage in (
        ("cpu", "container_cpu_usage_seconds_total"),
        ("memory", "container_memory_working_set_bytes"),
    ):
        requests = source.of("kube_pod_container_resource_requests", f'resource="{resource}"')
        requesting = f"(count {by} ({requests}) and {running})"
        selector = source.of(usage, 'container!=""')
        used = f"count {by} ({selector})"
        every = source.value(f"count({requesting})") or 0
        without = source.ask(f"{requesting} unless {used}")
        some = {"{namespace}/{pod}/{container}".format(**each.labels) for each in without}
        share = f"{every - len(without):.0f} of {every:.0f}"
        yield Finding.judge(
            f"containers that request {resource} have its usage in {source.name}",
            bool(every) and 1 - len(without) / every >= ENOUGH,
            details=share,
            seen=f"{share}; without: {listed(some, 2)}"
            if every
            else "no running container with a request",
            expected=f"at least {ENOUGH:.0%} have {usage}",
            fix="Kubecost charges requests alone, which is too little: see the job "
            f"kubernetes-nodes-cadvisor under targets; {_PATIENCE}",
        )
