"""What the fleet's picture shows: clusters of two regions and two accounts, one workspace.

The settings are those in fleet.yaml, the architecture is `prom_amp`; how a cluster is scraped is
left to the picture of that architecture.
"""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from diagrams.aws.general import User
from diagrams.aws.management import AmazonManagedPrometheus
from diagrams.onprem.monitoring import Grafana, Prometheus

from modules.policy import ROLE_ANNOTATION
from tools.canvas import Point
from tools.pictures import frames
from tools.pictures.components import components
from tools.pictures.left_out import LEFT_OUT, LEFT_OUT_OF_FLEET
from tools.pictures.marks import KUBECOST
from tools.pictures.picture import (
    OPEN,
    QUERY,
    ROLE,
    WRITE,
    Box,
    Flow,
    Item,
    Part,
    Picture,
    Text,
    true_items,
)
from tools.synthesis import Stack

HUB, REGIONAL, FOREIGN = "prom_amp", "prom_amp-shop", "prom_amp-research"
WORKSPACE = f"{HUB}:aws_prometheus_workspace.workspace"
CONFIGURATION = f"{HUB}:aws_prometheus_workspace_configuration.workspace_configuration"
DATA_SOURCE = "grafana:helm_release.grafana_release/datasources.datasources.yaml.datasources.0"
_CONFIG = "kubernetes_config_map_v1.kubecost_prometheus_config/prometheus.yml"
KUBECOST_UI, GRAFANA_UI = f"{HUB}:output.kubecost_ui", "grafana:output.grafana_ui"

HEIGHT = 598
LEFT, CENTER, EDGE, RIGHT, FLOOR = 200, 330, 640, 722, 396
ROWS = {HUB: 190, REGIONAL: 356, FOREIGN: 504}
GRAFANA_ROW = 260


def picture(stacks: Mapping[str, Stack]) -> Picture:
    """Draw the fleet.

    Raises:
        PictureError: the stacks have what the picture does not account for.
    """
    found = components(stacks)
    summary = "Every cluster writes to the hub's workspace, and the hub's Kubecost shows them all."
    items = [
        *_accounts(found, stacks),
        *_workspace(found, stacks),
        *(item for stack in ROWS for item in _cluster(stack, found, stacks)),
        *_grafana(),
        *_person(),
    ]
    return Picture(
        "fleet",
        summary,
        HEIGHT,
        true_items(items, found, LEFT_OUT | LEFT_OUT_OF_FLEET),
        icons={ROLE: "IAM role"},
    )


def _assumed(found: Mapping[str, str]) -> str:
    arn: str = json.loads(found[f"{HUB}:helm_release.kubecost_release/sigV4Proxy.role_arn"])
    return arn


def _accounts(found: Mapping[str, str], stacks: Mapping[str, Stack]) -> Iterator[Item]:
    (terraform,) = stacks[FOREIGN]["provider"]["aws"][0]["assume_role"]
    for arn, top, size in (
        (_assumed(found), 76, (714, FLOOR - 66)),
        (terraform["role_arn"], 414, (426, 136)),
    ):
        yield Box(
            (104, top),
            size,
            frames.ACCOUNT,
            f"AWS account {arn.split(':')[4]}",
        )


def _workspace(found: Mapping[str, str], stacks: Mapping[str, Stack]) -> Iterator[Item]:
    yield Box(
        (EDGE, 106),
        (166, FLOOR - 106),
        frames.WORKSPACE,
        shows=(WORKSPACE, CONFIGURATION),
    )
    days = json.loads(found[CONFIGURATION])["retention_period_in_days"]
    region = stacks[HUB]["provider"]["aws"][0]["region"]
    yield Part(
        "workspace",
        AmazonManagedPrometheus,
        (RIGHT, 188),
        shows=(WORKSPACE, CONFIGURATION),
        names=((CONFIGURATION, WORKSPACE),),
        size=60,
        title="AMP workspace",
        note=f"{region}\nkeeps {days} days",
    )
    arn, identities = _assumed(found), _identities()
    yield Part(
        "role",
        ROLE,
        (660, 324),
        shows=tuple(component for each in identities for component in each),
        names=tuple(
            pair
            for each in identities
            for pair in (
                (each.annotation, each.role),
                (each.policy, each.role),
                (each.policy, arn),
                (each.signing, arn),
            )
        ),
        size=20,
        aside=f"{arn.rpartition('/')[2]}:\nevery reader and\nwriter assumes it",
    )


def _sends(stack: str) -> str:
    """What tells a cluster's Prometheus to write."""
    return f"{stack}:{_CONFIG}.remote_write.0"


class _Identity(NamedTuple):
    """A service account's role, and what signs for it with the role in the workspace's account."""

    role: str
    policy: str
    annotation: str
    signing: str


def _identities() -> list[_Identity]:
    found = [_identity("grafana", "grafana_reader", "grafana_release/serviceAccount", DATA_SOURCE)]
    for stack in ROWS:
        proxy = f"{stack}:helm_release.kubecost_release/sigV4Proxy.role_arn"
        for name, account, signing in (
            ("kubecost_writer", "prometheus.serviceAccounts.server", _sends(stack)),
            ("kubecost_reader", "serviceAccount", proxy),
        ):
            found.append(_identity(stack, name, f"kubecost_release/{account}", signing))
    return found


def _identity(stack: str, name: str, account: str, signing: str) -> _Identity:
    return _Identity(
        role=f"{stack}:aws_iam_role.{name}",
        policy=f"{stack}:aws_iam_role_policy.{name}_policy",
        annotation=f"{stack}:helm_release.{account}.annotations.{ROLE_ANNOTATION}",
        signing=signing,
    )


def _cluster(stack: str, found: Mapping[str, str], stacks: Mapping[str, Stack]) -> Iterator[Item]:
    y, release = ROWS[stack], f"{stack}:helm_release.kubecost_release"
    top = y - (86 if stack == HUB else 64)
    cluster = f"{stack}:data.aws_eks_cluster.cluster"
    region = stacks[stack]["provider"]["aws"][0]["region"]
    hub = ", the hub" if stack == HUB else ""
    yield Box(
        (114, top),
        (406, (GRAFANA_ROW + 24 if stack == HUB else y + 38) - top),
        frames.CLUSTER,
        f"{json.loads(found[cluster])['name']}, {region}{hub}",
        shows=(cluster,),
    )
    agent = (f"{release}/federatedETL.agentOnly", f"{release}/federatedETL.useMultiClusterDB")
    kubecost, prometheus = f"{stack} kubecost", f"{stack} prometheus"
    for more, unless, title in (((), agent, "Kubecost UI"), (agent, (), "Kubecost agent")):
        yield Part(
            kubecost,
            KUBECOST,
            (LEFT, y),
            shows=(release, *more),
            unless=unless,
            size=38,
            title=title,
        )
    scrapes = f"{release}/global.prometheus.enabled"
    yield Part(prometheus, Prometheus, (CENTER, y), shows=(scrapes,), size=38, title="Prometheus")
    yield from _to_workspace(stack, found)


def _to_workspace(stack: str, found: Mapping[str, str]) -> Iterator[Item]:
    """Arrows from a cluster; one that is not the hub knows the workspace by the hub's alias."""
    y, release = ROWS[stack], f"{stack}:helm_release.kubecost_release"
    workspace = WORKSPACE
    look_ups: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    if stack != HUB:
        workspace = f"{stack}:data.aws_prometheus_workspace.workspace"
        by_alias = f"{stack}:data.aws_prometheus_workspaces.workspace_by_alias"
        look_ups = (workspace, by_alias)
        names = ((workspace, by_alias), (by_alias, json.loads(found[WORKSPACE])["alias"]))
    endpoint, sends = f"{release}/global.amp.prometheusServerEndpoint", _sends(stack)
    cluster_id = f"{stack}:{_CONFIG}.global.external_labels.cluster_id"
    is_agent = f"{release}/federatedETL.agentOnly" in found
    yield Flow(
        QUERY,
        f"{stack} kubecost",
        "workspace",
        ((LEFT, y - 21), (LEFT, y - 30), *_arrival(stack, y - 30, 700)),
        shows=(endpoint, f"{release}/global.amp.enabled", *look_ups),
        names=((endpoint, workspace), *names),
        label=f"queries {'its own cluster' if is_agent else 'all clusters'}",
        label_at=(CENTER + 46, y - 43),
    )
    yield Flow(
        WRITE,
        f"{stack} prometheus",
        "workspace",
        ((CENTER + 22, y), *_arrival(stack, y, 744)),
        shows=(sends, cluster_id, *look_ups),
        names=((sends, workspace), *names),
        label=f"cluster_id: {json.loads(found[cluster_id])}",
        label_at=(CENTER + 46, y - 12),
    )


def _arrival(stack: str, y: float, x: float) -> tuple[Point, ...]:
    """From the left or, for what is in the other account, from below."""
    return ((x, y), (x, FLOOR)) if stack == FOREIGN else ((EDGE, y),)


def _grafana() -> Iterator[Item]:
    release = "grafana:helm_release.grafana_release"
    workspace = "grafana:data.aws_prometheus_workspace.workspace_prom_amp"
    yield Part("grafana", Grafana, (LEFT, GRAFANA_ROW), shows=(release,), size=32)
    yield Text(
        (LEFT + 26, GRAFANA_ROW - 12),
        "Grafana (optional)",
        shows=(release,),
        align="left",
        bold=True,
        size=13,
    )
    yield Flow(
        QUERY,
        "grafana",
        "workspace",
        ((LEFT + 20, GRAFANA_ROW), (EDGE, GRAFANA_ROW)),
        shows=(DATA_SOURCE, workspace),
        names=((DATA_SOURCE, workspace),),
        label="queries all clusters",
        label_at=(CENTER + 46, GRAFANA_ROW - 12),
    )


def _person() -> Iterator[Item]:
    y = ROWS[HUB]
    yield Part("person", User, (48, y), shows=(KUBECOST_UI,), note="kubectl\nport-forward")
    for ui, end, points in (
        (KUBECOST_UI, f"{HUB} kubecost", ((74, y), (LEFT - 21, y))),
        (
            GRAFANA_UI,
            "grafana",
            ((74, y), (94, y), (94, GRAFANA_ROW), (LEFT - 20, GRAFANA_ROW)),
        ),
    ):
        yield Flow(OPEN, "person", end, points, shows=(ui,), names=((ui, "port-forward"),))
