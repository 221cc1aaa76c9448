"""Check that every scrape job has its targets, and that they are up."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from tools.common import Json
from tools.verify.context import Context
from tools.verify.finding import Finding, listed


@dataclass
class Targets:
    """The targets of a job.

    Attributes:
        up: the number of targets that are up.
        down: for each other target, the scraper's reason; "" if it gives none.
    """

    up: int = 0
    down: list[str] = field(default_factory=list)


def check(context: Context) -> Iterator[Finding]:
    """Check targets by Prometheus's list, or for other collectors by the metric `up` in AMP."""
    if not context.declared.jobs:
        return
    found = _of_prometheus(context) if context.prometheus else _in_amp(context)
    good, faults = [], 0
    for job in context.declared.jobs:
        name = job["job_name"]
        targets = found.get(name, Targets())
        want = len(context.nodes) if _on_every_node(job) else 0 if _may_find_none(job) else 1
        if targets.up >= want and not targets.down:
            good += [f"{name} {targets.up}"] if targets.up else []
            continue
        faults += 1
        every = targets.up + len(targets.down)
        reasons = listed({each for each in targets.down if each}, 2)
        yield Finding.fail(
            f"scrape job {name}: every target is up",
            seen=f"{targets.up} of {every} up" + (f": {reasons}" if reasons else "")
            if every
            else "no target",
            expected=f"{max(want, every)} of {max(want, every)}",
            fix=_fix(context, job, every),
        )
    if not faults:
        yield Finding.ok("every target is up", listed(good, 6))


def _on_every_node(job: Json) -> bool:
    return any(each.get("role") == "node" for each in job.get("kubernetes_sd_configs", []))


def _may_find_none(job: Json) -> bool:
    """Tell whether a job looks for something that only some clusters have, such as DCGM."""
    return any("selectors" in each for each in job.get("kubernetes_sd_configs", []))


def _of_prometheus(context: Context) -> dict[str, Targets]:
    answer = json.loads(context.ask_prometheus("/api/v1/targets", state="active"))
    found: dict[str, Targets] = {}
    for each in answer["data"]["activeTargets"]:
        targets = found.setdefault(each["scrapePool"], Targets())
        if each["health"] == "up":
            targets.up += 1
        else:
            targets.down.append(each.get("lastError") or f"{each['scrapeUrl']} not scraped yet")
    return found


def _in_amp(context: Context) -> dict[str, Targets]:
    amp = context.amp
    assert amp
    found: dict[str, Targets] = {}
    for labels, value in amp.ask(f"count by (job) ({amp.of('up')})"):
        found[labels["job"]] = Targets(up=int(value))
    for labels, value in amp.ask(f"count by (job) ({amp.of('up')} == 0)"):
        targets = found[labels["job"]]
        targets.up -= int(value)
        targets.down = [""] * int(value)
    return found


def _fix(context: Context, job: Json, every: int) -> str:
    name, namespace = job["job_name"], context.namespace
    if _on_every_node(job):
        if every:
            return (
                "the collector reaches kubelets through the API server: check that it may get "
                "nodes/proxy (by its ClusterRole; for a managed scraper, by its access entry)"
            )
        return (
            f"the job is missing or may not list nodes: cdktf deploy {context.declared.name}; "
            "see also the collector's log"
        )
    if every:
        return f"check that what {name} scrapes is ready: kubectl -n {namespace} get pods,endpoints"
    return (
        f"check that the job's pods exist: kubectl -n {namespace} get pods,endpoints; if they do: "
        f"cdktf deploy {context.declared.name}"
    )
