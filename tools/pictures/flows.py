"""Arrows of the architectures' pictures: who scrapes, writes, queries, and by which role."""

import json
import textwrap
from collections.abc import Iterator, Mapping

from metrics.volumes import VOLUMES
from modules.policy import ROLE_ANNOTATION
from tools.canvas import Point
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
COLLECTOR_SENDS = f"{COLLECTOR}/alternateConfig.exporters.prometheus_remote_write.endpoint"

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
        OPEN,
        "person",
        "kubecost",
        ((78, MIDDLE), (LEFT - 24, MIDDLE)),
        shows=(UI,),
        names=((UI, "port-forward"),),
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
        is_first = target == "kubecost"
        yield Flow(
            SCRAPE,
            scraper,
            target,
            (start, *bend, (end, lane)),
            shows=(*(f"{jobs}.{job}" for job in wanted), *([interval] * is_first)),
            label=f"scrape\nevery {json.loads(found.get(interval, '0'))}" if is_first else "",
            label_at=(trunk + 8, LOWER - 36),
        )


def _writing(found: Mapping[str, str]) -> Iterator[Item]:
    costs, everything = (
        VOLUMES[name].samples_per_minute(_NODES, _PODS) for name in ("prom_amp_cost", "prom_amp")
    )
    some = f"cost metrics only:\n{costs / everything:.0%} of the samples"
    for start, component in (("prometheus", PROMETHEUS_SENDS), ("collector", COLLECTOR_SENDS)):
        is_part = '"write_relabel_configs"' in found.get(component, "")
        yield Flow(
            WRITE,
            start,
            "workspace",
            ((CENTER + 26, MIDDLE), (694, MIDDLE)),
            shows=(component,),
            names=((component, WORKSPACE), *([(component, '"action": "keep"')] * is_part)),
            label=some if is_part else "everything\nit scraped",
            label_at=(CENTER + 48, MIDDLE - 26),
        )
    yield Flow(
        WRITE,
        "scraper",
        "workspace",
        ((RIGHT, LOWER - 24), (RIGHT, 296)),
        shows=(SCRAPER,),
        names=((SCRAPER, WORKSPACE),),
        label="everything",
        label_at=(744, 313),
        align="right",
    )
    for name, service_account in (
        ("kubecost_writer", f"{KUBECOST}/prometheus.serviceAccounts.server"),
        ("collector_writer", f"{COLLECTOR}/serviceAccount"),
    ):
        yield from _role(name, service_account, found, (CENTER + 56, MIDDLE + 18), WRITE)


def _querying(found: Mapping[str, str]) -> Iterator[Item]:
    yield Flow(
        QUERY,
        "kubecost",
        "prometheus",
        ((LEFT + 26, MIDDLE - 8), (CENTER - 26, MIDDLE - 8)),
        shows=(KUBECOST, PROMETHEUS),
        unless=(PROXY,),
        label="all queries",
        label_at=((LEFT + CENTER) / 2, MIDDLE - 20),
        align="center",
    )
    yield Flow(
        QUERY,
        "kubecost",
        "proxy",
        ((LEFT, MIDDLE - 24), (LEFT, TOP + 18)),
        shows=(PROXY, QUERIES),
        names=((QUERIES, "http://localhost:"),),
    )
    yield Flow(
        QUERY,
        "proxy",
        "workspace",
        ((LEFT + 20, TOP), (694, TOP)),
        shows=(QUERIES,),
        names=((QUERIES, WORKSPACE),),
        label="all queries, signed",
        label_at=(274, TOP - 13),
    )
    yield from _role("kubecost_reader", f"{KUBECOST}/serviceAccount", found, (284, TOP + 17), QUERY)


def _role(
    name: str, service_account: str, found: Mapping[str, str], at: Point, kind: Kind
) -> Iterator[Item]:
    """A role that a service account has by its annotation, with what its policy allows."""
    annotation = f"{service_account}.annotations.{ROLE_ANNOTATION}"
    role, policy = f"overlay:aws_iam_role.{name}", f"overlay:aws_iam_role_policy.{name}_policy"
    if policy not in found:
        return
    (statement,) = json.loads(json.loads(found[policy])["policy"])["Statement"]
    first, *others = statement["Action"]
    actions = ", ".join([first, *(action.partition(":")[2] for action in others)])
    yield Part(
        name,
        ROLE,
        at,
        shows=(role, policy, annotation, IDENTITIES),
        names=((role, IDENTITIES), (annotation, role), (policy, role), (policy, WORKSPACE)),
        size=20,
        aside=textwrap.fill(actions, 30),
        color=kind.color,
    )
