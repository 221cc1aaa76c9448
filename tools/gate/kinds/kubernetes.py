"""Helm releases and objects of Kubernetes."""

from typing import Any

from tools.gate import networks
from tools.gate.absent import ABSENT, Unread
from tools.gate.kinds.kind import Kind
from tools.gate.rules import (
    Complaints,
    Rule,
    block,
    free,
    mapping,
    no_fewer,
    one_of,
    settled,
    shown,
    unreadable,
    version,
)
from tools.gate.values import RULES, SCRAPE_CONFIGURATION, release_values

_METADATA = block({"name": free, "namespace": free, "generation": free, "resource_version": free})


def _traffic(whom: str) -> Rule:
    """What may pass: at the beginning nothing from outside, and from then on no change."""

    def judge(before: Any, after: Any) -> Complaints:
        if before is not ABSENT:
            yield (), f"changes from {shown(before)} to {shown(after)}"
        elif isinstance(after, Unread):
            yield (), unreadable(after)
        elif whom == "from":
            peers = [peer for rule in after for peer in rule.get("from") or [{}]]
            if any(not peer for peer in peers):
                yield (), "lets everybody in"
            blocks = [_block(peer)["cidr"] for peer in peers if _block(peer)]
            private = networks.networks(list(networks.PRIVATE))
            if text := networks.opened(ABSENT, blocks, to_create=private):
                yield (), text

    return Rule(judge)


def _block(peer: Any) -> Any:
    value = peer.get("ip_block") or {}
    return value[0] if isinstance(value, list) else value


KINDS: dict[str, Kind] = {
    "helm_release": Kind(
        {
            "name": free,
            "namespace": free,
            "repository": free,  # release_values
            "chart": free,  # release_values
            "version": version(),
            "create_namespace": free,
            "wait": free,
            "timeout": free,
            "upgrade_install": free,
            "skip_crds": one_of(True),
            "values": free,  # release_values
            "metadata": free,
            "status": free,
        },
        whole=release_values,
        loses="the release and, by its volumes, what only they hold",
    ),
    "kubernetes_config_map_v1": Kind(
        {
            "metadata": _METADATA,
            "data": block({"prometheus.yml": SCRAPE_CONFIGURATION, "recording_rules.yml": RULES}),
        },
        loses="a configuration",
    ),
    "kubernetes_namespace_v1": Kind(
        {"metadata": block({"name": free, "labels": mapping(one_of()), "generation": free})},
        loses="the namespace with all volumes in it",
    ),
    "kubernetes_network_policy_v1": Kind(
        {
            "metadata": _METADATA,
            "spec": block(
                {
                    "pod_selector": settled,
                    "policy_types": no_fewer(),
                    "ingress": _traffic("from"),
                    "egress": _traffic("to"),
                }
            ),
        },
        loses="what keeps other pods out",
    ),
}
