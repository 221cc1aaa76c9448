"""Helm releases and objects of Kubernetes."""

from typing import Any

from tools.gate import networks
from tools.gate.absent import ABSENT, is_empty
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

# Addresses on which a node itself answers, such as NodeLocal DNSCache.
_LINK_LOCAL = networks.networks(["169.254.0.0/16"])
_METADATA = block({"name": free, "namespace": free, "generation": free, "resource_version": free})


def _ingress(before: Any, after: Any) -> Complaints:
    """Let a new policy admit only pods and private addresses; refuse any other new rule."""
    new = _rules(after)
    if new is None:
        yield (), unreadable(after)
        return
    old = _rules(before) or []
    for rule in new:
        if rule not in old and (before is not ABSENT or not _is_inside(rule.get("from"))):
            yield (), f"lets in {shown(rule)}"


def _egress(_before: Any, after: Any) -> Complaints:
    """Let pods reach pods and private addresses, and other addresses by HTTPS."""
    new = _rules(after)
    if new is None:
        yield (), unreadable(after)
        return
    for rule in new:
        ports = [str(each.get("port")) for each in rule.get("ports") or []]
        if ports != ["443"] and not _is_inside(rule.get("to")):
            yield (), f"lets out {shown(rule)}"


def _rules(value: Any) -> list[Any] | None:
    if is_empty(value):
        return []
    listed = value if isinstance(value, list) else [value]
    return listed if all(isinstance(each, dict) for each in listed) else None


def _is_inside(peers: Any) -> bool:
    """Tell whether peers are pods or private addresses; a rule without peers means everyone."""
    if not isinstance(peers, list) or not peers:
        return False
    private = networks.networks(list(networks.PRIVATE))
    for peer in peers:
        block = peer.get("ip_block") or {}
        block = block[0] if isinstance(block, list) and block else block
        own = [each for each in peer.values() if not is_empty(each)]
        if not own or (
            block and networks.opened(ABSENT, block.get("cidr"), to_create=[*private, *_LINK_LOCAL])
        ):
            return False
    return True


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
        loses="the release and the data on its volumes",
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
        loses="the namespace and all volumes in it",
    ),
    "kubernetes_network_policy_v1": Kind(
        {
            "metadata": _METADATA,
            "spec": block(
                {
                    "pod_selector": settled,
                    "policy_types": no_fewer(),
                    "ingress": Rule(_ingress),
                    "egress": Rule(_egress),
                }
            ),
        },
        loses="the protection from other pods",
    ),
}
