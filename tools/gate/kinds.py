"""For each kind of resource that this project makes: what may come, change and go without a word.

To add a kind of resource, add an entry to KINDS. Name every argument that a module sets, with
`free` if it can neither expose, widen, weaken nor lose anything, and else with a rule of
`tools.gate.rules` (or `rights`, `values`). Do not name what no module sets: it asks by itself.
`tests/synth/test_gate.py` shows what is still missing for the stacks of every settings file.

* An update passes if each argument that changes has a rule that is silent.
* A new resource passes if each argument that is written has one, and `asks_to_create` is empty.
* A resource that is destroyed, or given up, always asks.
* One that is replaced asks, unless `replaceable`: it holds neither data nor rights, and its name
  is known to nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.gate import networks
from tools.gate.absent import ABSENT, is_empty
from tools.gate.rights import managed_policy, policy, trust
from tools.gate.rules import (
    Rule,
    at_least,
    block,
    blocks,
    each,
    free,
    mapping,
    matching,
    no_fewer,
    not_less,
    one_of,
    open_to,
    reference,
    settled,
    shown,
    version,
)
from tools.gate.values import (
    RULES,
    SCRAPE_CONFIGURATION,
    document,
    json_document,
    release_values,
)


@dataclass(frozen=True)
class Kind:
    """How a kind of resource may come, change and go.

    Attributes:
        arguments: the rule of each argument; tags are free with every kind.
        together: what several arguments say together (see `rules.block`).
        whole: a rule about all arguments at once.
        replaceable: whether it may be replaced without a word.
        asks_to_create: why a new one asks; "" if it may pass.
        loses: what is lost with it, for a person.
    """

    arguments: Mapping[str, Rule]
    together: Any = None
    whole: Rule | None = None
    replaceable: bool = False
    asks_to_create: str = ""
    loses: str = ""
    rule: Rule = field(init=False)

    def __post_init__(self) -> None:
        fields = {"tags": free, "tags_all": free, "timeouts": free, **self.arguments}
        object.__setattr__(self, "rule", block(fields, together=self.together))


_PRIVATE = open_to(*networks.PRIVATE)


def _api_server(before: Any, after: Any) -> Iterator[str]:
    if text := networks.opened(
        ABSENT if before is ABSENT else _api_open_to(before), _api_open_to(after)
    ):
        yield f"the Kubernetes API {text}"


def _api_open_to(network: Any) -> Any:
    """Give who reaches the public endpoint, by EKS's defaults: it is on, and for everyone."""
    if network.get("endpoint_public_access") in (False, "false"):
        return []
    cidrs = network.get("public_access_cidrs")
    return ["0.0.0.0/0"] if is_empty(cidrs) else cidrs


_SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
_UI_PORTS = {"3000", "9090"}


def _service(before: Any, after: Any) -> Iterator[str]:
    """Judge who reaches a Service from outside of the cluster, and at which ports."""
    old, new = _reach(before), _reach(after)
    if new is None:
        return
    if _internet(after) and not (old is not None and _internet(before)):
        yield "faces the internet"
    if text := networks.opened(
        ABSENT if old is None else old, new, to_create=[] if _internet(after) else _private()
    ):
        yield text
    known = _ports(before) if old is not None else _UI_PORTS
    if more := _ports(after) - known:
        yield f"gets port {', '.join(sorted(more))}"


def _private() -> list[networks.Network]:
    return networks.networks(list(networks.PRIVATE))


def _spec(service: Any) -> Any:
    return _one(service.get("spec")) if service is not ABSENT else {}


def _one(value: Any) -> Any:
    value = value[0] if isinstance(value, list) and value else value
    return value if isinstance(value, dict) else {}


def _reach(service: Any) -> Any:
    """Give the blocks that a load balancer lets in; None without one, everyone without a list."""
    spec = _spec(service)
    if spec.get("type") != "LoadBalancer":
        return None
    ranges = spec.get("load_balancer_source_ranges")
    return list(networks.EVERYONE) if is_empty(ranges) else ranges


def _internet(service: Any) -> bool:
    annotations = _one(service.get("metadata")).get("annotations") or {}
    # The controller's own default is internal; the old one of Kubernetes' is not.
    return annotations.get(_SCHEME) != "internal"


def _ports(service: Any) -> set[str]:
    listed = _spec(service).get("port") or []
    return {
        str(each.get("port"))
        for each in (listed if isinstance(listed, list) else [listed])
        if isinstance(each, dict)
    }


def _ingress_rule(before: Any, after: Any) -> Iterator[str]:
    ports = ("ip_protocol", "from_port", "to_port")
    if before is ABSENT:
        if [str(after.get(each)) for each in ports] != ["tcp", "443", "443"]:
            yield f"opens {', '.join(f'{each} {shown(after.get(each))}' for each in ports)}"
        return
    changed = [each for each in ports if str(before.get(each)) != str(after.get(each))]
    if changed:
        yield f"opens {', '.join(f'{each} {shown(after.get(each))}' for each in changed)}"


_ROLE_ARN = matching(
    r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+|\$\{aws_iam_role\.\w+\.(arn|name)\}"
)
_SERVICE_ANNOTATIONS = block(
    {
        "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": one_of("ip"),
        "service.beta.kubernetes.io/aws-load-balancer-ip-address-type": free,
        _SCHEME: free,  # _service
    }
)

_TOPIC = reference(r"aws_sns_topic\.\w+\.arn", r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+")
_METADATA = block({"name": free, "namespace": free, "generation": free, "resource_version": free})

KINDS: dict[str, Kind] = {
    "aws_cloudwatch_log_group": Kind(
        {"name": free, "retention_in_days": not_less(30)}, loses="its logs"
    ),
    "aws_cloudwatch_metric_alarm": Kind(
        {
            "alarm_name": free,
            "alarm_description": free,
            "alarm_actions": each(_TOPIC),
            "ok_actions": each(_TOPIC),
            "comparison_operator": settled,
            "evaluation_periods": settled,
            "metric_query": settled,
            "threshold": settled,
            "treat_missing_data": settled,
        },
        loses="an alarm",
    ),
    "aws_default_security_group": Kind(
        {"vpc_id": free, "ingress": one_of(ABSENT), "egress": one_of(ABSENT)}
    ),
    "aws_eip": Kind({"domain": one_of("vpc")}, loses="an address that others may list"),
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
        loses="the cluster with all that runs on it",
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
        loses="nodes with what runs on them",
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
        loses="rights",
    ),
    "aws_iam_role_policy": Kind(
        {"name": free, "role": free, "policy": policy},
        loses="rights",
    ),
    "aws_iam_role_policy_attachment": Kind(
        {"role": free, "policy_arn": managed_policy}, loses="rights"
    ),
    "aws_internet_gateway": Kind({"vpc_id": free}, loses="the way to the internet"),
    "aws_kms_key": Kind(
        {
            "description": free,
            "enable_key_rotation": one_of(True),
            "deletion_window_in_days": not_less(7),
            "policy": policy,
        },
        asks_to_create="makes a key with a policy of its own",
        loses="all that is encrypted with the key",
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
    "aws_nat_gateway": Kind(
        {"allocation_id": free, "subnet_id": free}, loses="the nodes' way to the internet"
    ),
    "aws_prometheus_alert_manager_definition": Kind(
        {"workspace_id": free, "definition": document({"template_files": free})},
        asks_to_create="sends alerts",
        loses="who is told of what",
    ),
    "aws_prometheus_rule_group_namespace": Kind(
        {"name": free, "workspace_id": free, "data": RULES}, replaceable=True, loses="its rules"
    ),
    "aws_prometheus_scraper": Kind(
        {
            "alias": free,
            "scrape_configuration": SCRAPE_CONFIGURATION,
            "source": block(
                {
                    "eks": block(
                        {
                            "cluster_arn": free,
                            "subnet_ids": free,
                            "security_group_ids": free,
                        }
                    )
                }
            ),
            "destination": block(
                {
                    "amp": block(
                        {
                            "workspace_arn": reference(
                                r"(data\.)?aws_prometheus_workspace\.\w+\.arn",
                                r"arn:aws[a-z-]*:aps:[a-z0-9-]+:\d{12}:workspace/ws-[0-9a-f-]{36}",
                            )
                        }
                    )
                }
            ),
        },
        replaceable=True,
        loses="what nobody scrapes from then on",
    ),
    "aws_prometheus_workspace": Kind(
        {"alias": free, "logging_configuration": block({"log_group_arn": free})},
        loses="all metrics in it",
    ),
    "aws_prometheus_workspace_configuration": Kind(
        {
            "workspace_id": free,
            "retention_period_in_days": not_less(1),
            "limits_per_label_set": blocks(
                lambda item: shown(item.get("label_set")),
                block(
                    {"label_set": free, "limits": block({"max_series": not_less(1)})},
                ),
            ),
        },
        loses="retention and limits",
    ),
    "aws_route": Kind(
        {
            "route_table_id": free,
            "destination_cidr_block": one_of("0.0.0.0/0"),
            "gateway_id": reference(r"aws_internet_gateway\.\w+\.id", r"igw-[0-9a-f]+"),
            "nat_gateway_id": reference(r"aws_nat_gateway\.\w+\.id", r"nat-[0-9a-f]+"),
        },
        replaceable=True,
        loses="a way out of the VPC",
    ),
    "aws_route_table": Kind({"vpc_id": free}, loses="the ways out of the VPC"),
    "aws_route_table_association": Kind(
        {"subnet_id": free, "route_table_id": free},
        replaceable=True,
        loses="a subnet's way out of the VPC",
    ),
    "aws_security_group": Kind(
        {
            "name": free,
            "description": free,
            "vpc_id": free,
            "ingress": one_of(ABSENT),
            "egress": one_of(ABSENT),
        },
        loses="what it lets in",
    ),
    "aws_sns_topic": Kind(
        {
            "name": free,
            "display_name": free,
            "kms_master_key_id": reference(r"aws_kms_key\.\w+\.arn", r"arn:aws[a-z-]*:kms:.*"),
        },
        loses="who is told of what",
    ),
    "aws_sns_topic_policy": Kind(
        {"arn": free, "policy": policy}, asks_to_create="lets services send messages"
    ),
    "aws_sns_topic_subscription": Kind(
        {}, asks_to_create="sends alerts to somebody", loses="somebody who is told"
    ),
    "aws_subnet": Kind(
        {
            "vpc_id": free,
            "availability_zone": free,
            "cidr_block": _PRIVATE,
            "map_public_ip_on_launch": one_of(False, ABSENT),
        },
        loses="room for nodes",
    ),
    "aws_vpc": Kind(
        {"cidr_block": _PRIVATE, "enable_dns_hostnames": free, "enable_dns_support": free},
        loses="the VPC with all that is in it",
    ),
    "aws_vpc_endpoint": Kind(
        {
            "vpc_id": free,
            "service_name": matching(r"com\.amazonaws\.[a-z0-9-]+\.(s3|aps-workspaces)"),
            "vpc_endpoint_type": one_of("Gateway", "Interface"),
            "private_dns_enabled": one_of(True),
            "route_table_ids": free,
            "subnet_ids": free,
            "security_group_ids": free,
        },
        loses="a private way out of the VPC",
    ),
    "aws_vpc_security_group_ingress_rule": Kind(
        {
            "security_group_id": free,
            "description": free,
            "ip_protocol": free,  # _ingress_rule
            "from_port": free,  # _ingress_rule
            "to_port": free,  # _ingress_rule
            "cidr_ipv4": _PRIVATE,
        },
        together=_ingress_rule,
        loses="what it lets in",
    ),
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
    "kubernetes_service_v1": Kind(
        {
            "metadata": block(
                {
                    "name": free,
                    "namespace": free,
                    "generation": free,
                    "annotations": _SERVICE_ANNOTATIONS,
                }
            ),
            "spec": block(
                {
                    "type": one_of("ClusterIP", "LoadBalancer"),
                    "load_balancer_class": one_of("service.k8s.aws/nlb"),
                    "load_balancer_source_ranges": free,  # _service
                    "selector": free,
                    "port": free,  # _service
                }
            ),
            "wait_for_load_balancer": free,
            "status": free,
        },
        together=_service,
        loses="the address of the UI",
    ),
}
