"""Make NetworkPolicies as Terraform resources; network_policy_rules.py decides what they allow."""

from collections.abc import Sequence
from typing import Any

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_kubernetes.network_policy_v1 import (
    NetworkPolicyV1,
    NetworkPolicyV1Metadata,
    NetworkPolicyV1Spec,
    NetworkPolicyV1SpecEgress,
    NetworkPolicyV1SpecEgressPorts,
    NetworkPolicyV1SpecEgressTo,
    NetworkPolicyV1SpecEgressToIpBlock,
    NetworkPolicyV1SpecEgressToNamespaceSelector,
    NetworkPolicyV1SpecEgressToPodSelector,
    NetworkPolicyV1SpecIngress,
    NetworkPolicyV1SpecIngressFrom,
    NetworkPolicyV1SpecIngressFromIpBlock,
    NetworkPolicyV1SpecIngressFromNamespaceSelector,
    NetworkPolicyV1SpecIngressFromPodSelector,
    NetworkPolicyV1SpecIngressPorts,
    NetworkPolicyV1SpecPodSelector,
)
from constructs import Construct

from modules.network_policy_rules import Policy


def network_policies(
    scope: Construct,
    policies: Sequence[Policy],
    *,
    namespace: str,
    after: ITerraformDependable,
) -> list[ITerraformDependable]:
    """Add the policies to a namespace; return the resources that workloads must wait for."""
    return [
        NetworkPolicyV1(
            scope,
            f"policy_{policy.name.replace('-', '_')}",
            metadata=NetworkPolicyV1Metadata(name=policy.name, namespace=namespace),
            spec=NetworkPolicyV1Spec(
                pod_selector=NetworkPolicyV1SpecPodSelector(
                    match_labels=_labels(policy.spec["podSelector"])
                ),
                policy_types=policy.spec["policyTypes"],
                ingress=[_ingress(rule) for rule in policy.spec.get("ingress", ())] or None,
                egress=[_egress(rule) for rule in policy.spec.get("egress", ())] or None,
            ),
            depends_on=[after],
        )
        for policy in policies
    ]


def _ingress(rule: dict[str, Any]) -> NetworkPolicyV1SpecIngress:
    return NetworkPolicyV1SpecIngress(
        from_=[
            NetworkPolicyV1SpecIngressFrom(
                ip_block=NetworkPolicyV1SpecIngressFromIpBlock(cidr=peer["ipBlock"]["cidr"])
                if "ipBlock" in peer
                else None,
                namespace_selector=NetworkPolicyV1SpecIngressFromNamespaceSelector(
                    match_labels=_labels(peer["namespaceSelector"])
                )
                if "namespaceSelector" in peer
                else None,
                pod_selector=NetworkPolicyV1SpecIngressFromPodSelector(
                    match_labels=_labels(peer["podSelector"])
                )
                if "podSelector" in peer
                else None,
            )
            for peer in rule["from"]
        ],
        ports=[
            NetworkPolicyV1SpecIngressPorts(protocol=port["protocol"], port=str(port["port"]))
            for port in rule["ports"]
        ],
    )


def _egress(rule: dict[str, Any]) -> NetworkPolicyV1SpecEgress:
    return NetworkPolicyV1SpecEgress(
        to=[
            NetworkPolicyV1SpecEgressTo(
                ip_block=NetworkPolicyV1SpecEgressToIpBlock(cidr=peer["ipBlock"]["cidr"])
                if "ipBlock" in peer
                else None,
                namespace_selector=NetworkPolicyV1SpecEgressToNamespaceSelector(
                    match_labels=_labels(peer["namespaceSelector"])
                )
                if "namespaceSelector" in peer
                else None,
                pod_selector=NetworkPolicyV1SpecEgressToPodSelector(
                    match_labels=_labels(peer["podSelector"])
                )
                if "podSelector" in peer
                else None,
            )
            for peer in rule["to"]
        ],
        ports=[
            NetworkPolicyV1SpecEgressPorts(protocol=port["protocol"], port=str(port["port"]))
            for port in rule["ports"]
        ],
    )


def _labels(selector: dict[str, Any]) -> dict[str, str] | None:
    labels: dict[str, str] | None = selector.get("matchLabels")
    return labels
