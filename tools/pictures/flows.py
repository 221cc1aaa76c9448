"""Arrows of the architectures' pictures: who scrapes, writes, queries, and by which role."""

import json
import textwrap
from collections.abc import Iterator, Mapping

from metrics.volumes import VOLUMES
from tools.pictures.parts import (
    BOTTOM,
    CENTER,
    COLLECTOR,
    IDENTITIES,
    KUBECOST,
    LEFT,
    LOWER,
    MIDDLE,
    PROMETHEUS,
    PROMETHEUS_CONFIG,
    PROXY,
    QUERIES,
    RECEIVER,
    RIGHT,
    SCRAPE_LANE,
    SCRAPER,
    TOP,
    UI,
    WORKSPACE,
)
from tools.pictures.picture import (
    OPEN,
    QUERY,
    ROLE,
    SCRAPE,
    WRITE,
    Flow,
    Item,
    Kind,
    Part,
    Point,
    Text,
)

# Who scrapes: how often, and the jobs.
SCRAPING = {
    "prometheus": (
        f"{PROMETHEUS_CONFIG}.global.scrape_interval",
        f"{PROMETHEUS_CONFIG}.scrape_configs",
    ),
    "collector": (f"{RECEIVER}.global.scrape_interval", f"{RECEIVER}.scrape_configs"),
    "scraper": (f"{SCRAPER}/global.scrape_interval", f"{SCRAPER}/scrape_configs"),
}
# What tells a scraper in the cluster to write.
PROMETHEUS_SENDS = f"{PROMETHEUS_CONFIG}.remote_write.0"
COLLECTOR_SENDS = f"{COLLECTOR}/alternateConfig.exporters.prometheusremotewrite.endpoint"

# The cluster in which the volumes were measured.
_NODES, _PODS = 3, 62


def flows(found: Mapping[str, str]) -> Iterator[Item]:
    """Give all arrows that can be in a picture, with their labels."""
    yield from _opening()
    for scraper in SCRAPING:
        yield from _scraping(scraper, found)
    yield from _writing(found)
    yield from _querying(found)


def _opening() -> Iterator[Item]:
    yield Flow(
        shows=(UI,),
        names=((UI, "port-forward"),),
        kind=OPEN,
        start="person",
        end="kubecost",
        points=((78, MIDDLE), (LEFT - 24, MIDDLE)),
    )


def _scraping(scraper: str, found: Mapping[str, str]) -> Iterator[Item]:
    interval, jobs = SCRAPING[scraper]
    start = (RIGHT - 26, LOWER) if scraper == "scraper" else (CENTER - 24, SCRAPE_LANE)
    trunk, end = 312, LEFT + 24
    for target, lane, wanted in (
        ("kubecost", SCRAPE_LANE, ("kubecost",)),
        ("network_costs", LOWER, ("kubecost-networking",)),
        ("nodes", BOTTOM, ("kubernetes-nodes", "kubernetes-nodes-cadvisor")),
    ):
        bend = () if lane == start[1] else ((trunk, start[1]), (trunk, lane))
        yield Flow(
            shows=tuple(f"{jobs}.{job}" for job in wanted),
            kind=SCRAPE,
            start=scraper,
            end=target,
            points=(start, *bend, (end, lane)),
        )
    if interval in found:
        yield Text(
            shows=(interval, f"{jobs}.kubecost"),
            at=(trunk + 8, LOWER - 36),
            text=f"scrape\nevery {json.loads(found[interval])}",
            align="left",
            color=SCRAPE.color,
        )


def _writing(found: Mapping[str, str]) -> Iterator[Item]:
    costs, everything = (
        VOLUMES[name].samples_per_minute(_NODES, _PODS) for name in ("prom_amp_cost", "prom_amp")
    )
    some = f"cost metrics only:\n{costs / everything:.0%} of the samples"
    for start, component in (("prometheus", PROMETHEUS_SENDS), ("collector", COLLECTOR_SENDS)):
        is_part = '"write_relabel_configs"' in found.get(component, "")
        what = some if is_part else "everything\nit scraped"
        yield Flow(
            shows=(component,),
            names=((component, WORKSPACE), *([(component, '"action": "keep"')] * is_part)),
            kind=WRITE,
            start=start,
            end="workspace",
            points=((CENTER + 26, MIDDLE), (694, MIDDLE)),
        )
        yield Text(
            shows=(component,),
            at=(CENTER + 48, MIDDLE - 26),
            text=what,
            align="left",
            color=WRITE.color,
        )
    yield Flow(
        shows=(SCRAPER,),
        names=((SCRAPER, WORKSPACE),),
        kind=WRITE,
        start="scraper",
        end="workspace",
        points=((RIGHT, LOWER - 24), (RIGHT, 296)),
    )
    yield Text(shows=(SCRAPER,), at=(744, 313), text="everything", align="right", color=WRITE.color)
    for name, service_account in (
        ("kubecost_writer", f"{KUBECOST}/prometheus.serviceAccounts.server"),
        ("collector_writer", f"{COLLECTOR}/serviceAccount"),
    ):
        yield from _role(name, service_account, found, (CENTER + 56, MIDDLE + 18), WRITE)


def _querying(found: Mapping[str, str]) -> Iterator[Item]:
    yield Flow(
        shows=(KUBECOST, PROMETHEUS),
        unless=(PROXY,),
        kind=QUERY,
        start="kubecost",
        end="prometheus",
        points=((LEFT + 26, MIDDLE - 8), (CENTER - 26, MIDDLE - 8)),
    )
    yield Text(
        shows=(KUBECOST, PROMETHEUS),
        unless=(PROXY,),
        at=((LEFT + CENTER) / 2, MIDDLE - 20),
        text="all queries",
        color=QUERY.color,
    )
    yield Flow(
        shows=(PROXY, QUERIES),
        names=((QUERIES, "http://localhost:"),),
        kind=QUERY,
        start="kubecost",
        end="proxy",
        points=((LEFT, MIDDLE - 24), (LEFT, TOP + 18)),
    )
    yield Flow(
        shows=(QUERIES,),
        names=((QUERIES, WORKSPACE),),
        kind=QUERY,
        start="proxy",
        end="workspace",
        points=((LEFT + 20, TOP), (694, TOP)),
    )
    yield Text(
        shows=(QUERIES,),
        at=(274, TOP - 13),
        text="all queries, signed",
        align="left",
        color=QUERY.color,
    )
    yield from _role("kubecost_reader", f"{KUBECOST}/serviceAccount", found, (284, TOP + 17), QUERY)


def _role(
    name: str, service_account: str, found: Mapping[str, str], at: Point, kind: Kind
) -> Iterator[Item]:
    """A role that a service account has by its annotation, with what its policy allows."""
    annotation = f"{service_account}.annotations.eks.amazonaws.com/role-arn"
    role, policy = f"overlay:aws_iam_role.{name}", f"overlay:aws_iam_role_policy.{name}_policy"
    if policy not in found:
        return
    (statement,) = json.loads(json.loads(found[policy])["policy"])["Statement"]
    first, *others = statement["Action"]
    actions = ", ".join([first, *(action.partition(":")[2] for action in others)])
    yield Part(shows=(role,), names=((role, IDENTITIES),), id=name, icon=ROLE, at=at, size=20)
    yield Text(
        shows=(role, policy, annotation, IDENTITIES),
        names=((annotation, role), (policy, role), (policy, WORKSPACE)),
        at=(at[0] + 16, at[1]),
        text=textwrap.fill(actions, 30),
        align="left",
        color=kind.color,
    )
