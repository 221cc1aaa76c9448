"""Ring 3: the policy gate on a plan by the real AWS provider, which plans without an account."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Stack
from tests.terraform.conftest import Terraform
from tools import gate

OFFLINE = {
    "region": "eu-west-1",
    "access_key": "none",
    "secret_key": "none",
    "skip_credentials_validation": True,
    "skip_requesting_account_id": True,
    "skip_metadata_api_check": "true",
}
ROLE = "arn:aws:iam::111122223333:role/eks"
SUBNETS = ["subnet-1", "subnet-2"]


def policy(action: str | list[str], resource: str) -> str:
    text = json.dumps({"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
    # CDKTF leaves the quotes of an expression inside of a document as Terraform needs them.
    return text.replace('\\"', '"')


def cluster(name: str, **network: Any) -> Stack:
    return {"name": name, "role_arn": ROLE, "vpc_config": {"subnet_ids": SUBNETS, **network}}


def grant(document: str) -> Stack:
    return {"name": "access", "role": "r", "policy": document}


def rule(cidr: str) -> Stack:
    ports = {"from_port": 443, "to_port": 443, "ip_protocol": "tcp"}
    return {"security_group_id": "sg-1", "cidr_ipv4": cidr, **ports}


def balancer(**arguments: Any) -> Stack:
    return {"load_balancer_type": "network", "subnets": ["subnet-1"], **arguments}


PUBLIC = {"endpoint_public_access": True, "public_access_cidrs": ["0.0.0.0/0"]}
# Of each resource: the version of its schema, and its attributes.
STATE = {
    "aws_vpc": {"gone": (1, {"id": "vpc-1", "cidr_block": "10.0.0.0/16"})},
    "aws_eks_node_group": {"gone": (0, {"id": "a:b", "cluster_name": "a"})},
    "aws_prometheus_workspace": {"gone": (0, {"id": "ws-1"})},
    "aws_cloudwatch_log_group": {"gone": (0, {"id": "logs", "name": "logs"})},
    "aws_eks_cluster": {
        "renamed": (1, {**cluster("old"), "id": "old", "vpc_config": [{"subnet_ids": SUBNETS}]}),
        "public_before": (
            1,
            {
                **cluster("e"),
                "id": "e",
                "bootstrap_self_managed_addons": True,
                "vpc_config": [{"subnet_ids": SUBNETS, **PUBLIC}],
            },
        ),
    },
    "aws_iam_role_policy": {
        "wide_before": (0, {**grant(policy("aps:Get*", "*")), "id": "r:access"}),
        "wider_now": (0, {**grant(policy("aps:Get*", "*")), "id": "r:access"}),
    },
}
WANTED = {
    "aws_eks_cluster": {
        "renamed": cluster("new", endpoint_public_access=False),
        "no_list": cluster("a"),
        "everyone": cluster("b", **PUBLIC),
        "office": cluster("c", public_access_cidrs=["203.0.113.0/24"]),
        "private": cluster("d", endpoint_public_access=False),
        "public_before": {**cluster("e", **PUBLIC), "tags": {"team": "platform"}},
    },
    "aws_prometheus_workspace": {"mine": {}},
    "aws_iam_role_policy": {
        "wide_before": grant(policy(["aps:Get*"], "*")),
        "wider_now": grant(policy("aps:*", "*")),
        "star": grant(policy("aps:RemoteWrite", "*")),
        "admin": grant(policy("*", "*")),
        "storage": grant(policy(["s3:Get*"], "*")),
        # These documents are unknown as a whole until the workspace exists.
        "unknown": grant(
            policy(
                ["aps:QueryMetrics"],
                'arn:aws:aps:x:${replace(aws_prometheus_workspace.mine.id, "a:", "")}:workspace/*',
            )
        ),
        "exact": grant(policy(["aps:QueryMetrics"], "${aws_prometheus_workspace.mine.arn}")),
    },
    "aws_iam_role_policy_attachment": {
        "managed": {
            "role": "r",
            "policy_arn": "arn:aws:iam::aws:policy/AmazonPrometheusFullAccess",
        }
    },
    "aws_lb": {"public": balancer(), "internal": balancer(internal=True)},
    "aws_vpc_security_group_ingress_rule": {
        "world": rule("0.0.0.0/0"),
        "office": rule("203.0.113.0/24"),
    },
}


@pytest.mark.usefixtures("missing_providers")
def test_findings_in_a_real_plan(terraform: Terraform, tmp_path: Path) -> None:
    # The state above is in the schemas of version 5.
    aws = {"source": "hashicorp/aws", "version": "~> 5.100"}
    stack = {
        "terraform": {"required_providers": {"aws": aws}},
        "provider": {"aws": OFFLINE},
        "resource": WANTED,
    }
    (tmp_path / "cdk.tf.json").write_text(json.dumps(stack))
    resources = [
        {
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
            "instances": [{"schema_version": version, "attributes": attributes}],
        }
        for kind, named in STATE.items()
        for name, (version, attributes) in named.items()
    ]
    (tmp_path / "terraform.tfstate").write_text(
        json.dumps({"version": 4, "serial": 1, "lineage": "x", "resources": resources})
    )
    assert terraform(tmp_path, "init").returncode == 0
    done = terraform(tmp_path, "plan", "-refresh=false", "-out=plan", "-no-color")
    assert done.returncode == 0, done.stderr
    plan = json.loads(terraform(tmp_path, "show", "-json", "plan").stdout)

    assert sorted(gate.findings(plan, stack)) == [
        "`aws_eks_cluster.everyone`: public API endpoint for the whole internet",
        "`aws_eks_cluster.no_list`: public API endpoint without a list of who may reach it",
        "`aws_eks_cluster.renamed`: replaces the cluster",
        "`aws_eks_node_group.gone`: destroys a node group",
        "`aws_iam_role_policy.admin`: allows `*` on `*`",
        "`aws_iam_role_policy.star`: allows `aps:RemoteWrite` on `*`",
        "`aws_iam_role_policy.unknown`: allows `aps:QueryMetrics` on `arn:aws:aps:x:"
        "${replace(aws_prometheus_workspace.mine.id, 'a:', '')}:workspace/*`",
        "`aws_iam_role_policy.wider_now`: allows `aps:*` on `*`",
        "`aws_iam_role_policy_attachment.managed`: AmazonPrometheusFullAccess allows aps actions "
        "on every workspace",
        "`aws_lb.public`: load balancer that faces the internet",
        "`aws_prometheus_workspace.gone`: destroys the workspace with its metrics",
        "`aws_vpc.gone`: destroys the VPC",
        "`aws_vpc_security_group_ingress_rule.world`: ingress from the whole internet",
    ]
