"""The EKS cluster, its nodes, and roles."""

from collections.abc import Iterator
from typing import Any

from tools.gate import networks
from tools.gate.absent import ABSENT, is_empty
from tools.gate.kinds.kind import Kind
from tools.gate.rights import managed_policy, policy, trust
from tools.gate.rules import (
    at_least,
    block,
    blocks,
    free,
    matching,
    no_fewer,
    not_less,
    one_of,
    reference,
    version,
)
from tools.gate.values import json_document


def _api_server(before: Any, after: Any) -> Iterator[str]:
    if text := networks.opened(
        ABSENT if before is ABSENT else _api_open_to(before), _api_open_to(after)
    ):
        yield f"the Kubernetes API {text}"


def _api_open_to(network: Any) -> Any:
    """Find who can reach the public endpoint; by EKS's default it is on, and open to everyone."""
    if network.get("endpoint_public_access") in (False, "false"):
        return []
    cidrs = network.get("public_access_cidrs")
    return ["0.0.0.0/0"] if is_empty(cidrs) else cidrs


_ROLE_ARN = matching(
    r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+|\$\{aws_iam_role\.\w+\.(arn|name)\}"
)
KINDS: dict[str, Kind] = {
    "aws_cloudwatch_log_group": Kind(
        {"name": free, "retention_in_days": not_less(30)}, loses="its logs"
    ),
    "aws_eks_access_entry": Kind(
        {}, asks_to_create="lets a principal into the cluster", loses="a principal's access"
    ),
    "aws_eks_access_policy_association": Kind(
        {}, asks_to_create="gives a principal rights in the cluster", loses="a principal's rights"
    ),
    "aws_eks_addon": Kind(
        {
            "addon_name": one_of(
                "aws-ebs-csi-driver",
                "coredns",
                "eks-pod-identity-agent",
                "kube-proxy",
                "metrics-server",
                "vpc-cni",
            ),
            "addon_version": free,
            "cluster_name": free,
            "service_account_role_arn": _ROLE_ARN,
            "resolve_conflicts_on_create": free,
            "resolve_conflicts_on_update": free,
            "preserve": free,
            "configuration_values": json_document(
                {
                    "controller": block({"extraVolumeTags": free}),
                    "defaultStorageClass": block({"enabled": one_of(True)}),
                    "enableNetworkPolicy": one_of(True, "true"),
                }
            ),
        },
        loses="an add-on of the cluster",
    ),
    "aws_eks_cluster": Kind(
        {
            "name": free,
            "version": version(r"1\.\d+"),
            "role_arn": _ROLE_ARN,
            "bootstrap_self_managed_addons": free,
            "enabled_cluster_log_types": no_fewer("api", "audit", "authenticator"),
            "access_config": block(
                {
                    "authentication_mode": one_of("API"),
                    "bootstrap_cluster_creator_admin_permissions": free,
                }
            ),
            "upgrade_policy": block({"support_type": free}),
            "vpc_config": block(
                {
                    "subnet_ids": free,
                    "endpoint_private_access": one_of(True),
                    "endpoint_public_access": free,  # _api_server
                    "public_access_cidrs": free,  # _api_server
                },
                together=_api_server,
            ),
        },
        loses="the cluster and everything that runs on it",
    ),
    "aws_eks_node_group": Kind(
        {
            "ami_type": free,
            "cluster_name": free,
            "instance_types": free,
            "launch_template": block(
                {"id": reference(r"aws_launch_template\.\w+\.id", r"lt-[0-9a-f]+"), "version": free}
            ),
            "node_group_name": free,
            "node_role_arn": _ROLE_ARN,
            "release_version": free,
            "scaling_config": block(
                {"min_size": at_least(1), "desired_size": at_least(1), "max_size": at_least(1)}
            ),
            "subnet_ids": free,
            "update_config": block({"max_unavailable": at_least(1)}),
            "version": version(r"1\.\d+"),
        },
        loses="the nodes and what runs on them",
    ),
    "aws_iam_openid_connect_provider": Kind(
        {
            "url": reference(
                r"aws_eks_cluster\.\w+\.identity\[0\]\.oidc\[0\]\.issuer",
                r"https://oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/id/[0-9A-Za-z]+",
            ),
            "client_id_list": one_of(["sts.amazonaws.com"]),
            "thumbprint_list": free,
        },
        loses="the rights of every workload",
    ),
    "aws_iam_role": Kind(
        {"name": free, "description": free, "assume_role_policy": trust},
        loses="the rights of the role",
    ),
    "aws_iam_role_policy": Kind(
        {"name": free, "role": free, "policy": policy},
        loses="rights of a role",
    ),
    "aws_iam_role_policy_attachment": Kind(
        {"role": free, "policy_arn": managed_policy}, loses="rights of a role"
    ),
    "aws_launch_template": Kind(
        {
            "name": free,
            "update_default_version": free,
            "default_version": free,
            "latest_version": free,
            "metadata_options": block(
                {
                    "http_endpoint": one_of("enabled"),
                    "http_tokens": one_of("required", needed=True),
                    "http_put_response_hop_limit": one_of(1),
                }
            ),
            "block_device_mappings": blocks(
                lambda item: str(item.get("device_name")),
                block(
                    {
                        "device_name": one_of("/dev/xvda"),
                        "ebs": block(
                            {
                                "volume_type": free,
                                "volume_size": at_least(20),
                                "encrypted": one_of("true", needed=True),
                                "delete_on_termination": free,
                            }
                        ),
                    }
                ),
            ),
            "tag_specifications": free,
        },
        replaceable=True,
    ),
}
