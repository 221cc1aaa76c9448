"""What must never pass a review unseen, found in a plan (`terraform show -json`).

Only what the plan newly does is a finding: an exposure that is there already was accepted before.
Standard library only, like tools.review: a job that plans needs no Python packages.
"""

import json
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tools.common import Json, as_list, command_line
from tools.documents import quotable

OVERRIDE_LABEL = "gate-override"

# Their loss takes workloads or metrics with it.
IRREPLACEABLE = {
    "aws_eks_cluster": "the cluster",
    "aws_eks_node_group": "a node group",
    "aws_prometheus_workspace": "the workspace with its metrics",
    "aws_vpc": "the VPC",
}
ANYWHERE = {"0.0.0.0/0", "::/0"}
_LOAD_BALANCER_ANNOTATION = "service.beta.kubernetes.io/aws-load-balancer-"


def findings(plan: Json, synthesized: Json) -> list[str]:
    """Give a sentence for each finding.

    Args:
        plan: the plan; its format's major version must be 1 (ValueError).
        synthesized: the stack's cdk.tf.json. An argument with an unknown part, such as a policy
            for a workspace that is not made yet, is unknown as a whole in a plan; there it shows.
    """
    if not plan["format_version"].startswith("1."):
        raise ValueError(f"plan format {plan['format_version']} is not known")
    found = []
    for resource in changes(plan):
        change = resource["change"]
        kind, address = resource["type"], resource["address"]
        if "delete" in change["actions"]:
            if kind in IRREPLACEABLE:
                verb = "replaces" if "create" in change["actions"] else "destroys"
                found.append(f"`{address}`: {verb} {IRREPLACEABLE[kind]}")
            if "create" not in change["actions"]:
                continue
        elif not {"create", "update"} & set(change["actions"]):
            continue
        written = synthesized.get("resource", {}).get(kind, {}).get(resource["name"], {})
        before = set(_risks(kind, change["before"])) if change["before"] else set()
        after = _risks(kind, _proposed(change, written))
        found += [f"`{address}`: {risk}" for risk in dict.fromkeys(after) if risk not in before]
    return found


def changes(plan: Json) -> Iterator[Json]:
    """Give every resource's change, put off or not."""
    yield from plan.get("resource_changes", [])
    yield from (deferred["resource_change"] for deferred in plan.get("deferred_changes", []))


def _proposed(change: Json, written: Json) -> Json:
    proposed = dict(change["after"] or {})
    for argument, unknown in (change.get("after_unknown") or {}).items():
        if unknown and argument in written:
            proposed[argument] = written[argument]
    return proposed


def _risks(kind: str, arguments: Json) -> Iterator[str]:
    if kind == "aws_eks_cluster":
        yield from _public_endpoint(arguments)
    if kind.startswith("aws_iam_") or kind == "aws_prometheus_resource_policy":
        yield from _wide_access_to_amp(arguments)
    yield from _exposure(kind, arguments)


def _public_endpoint(arguments: Json) -> Iterator[str]:
    for network in _blocks(arguments.get("vpc_config")):
        if network.get("endpoint_public_access") is False:
            continue
        cidrs = network.get("public_access_cidrs")
        if not cidrs:
            yield "public API endpoint without a list of who may reach it"
        elif ANYWHERE & set(cidrs):
            yield "public API endpoint for the whole internet"


def _wide_access_to_amp(arguments: Json) -> Iterator[str]:
    attached = [arguments.get("policy_arn"), *(arguments.get("managed_policy_arns") or [])]
    for arn in attached:
        if isinstance(arn, str) and "/AmazonPrometheus" in arn:
            yield f"{arn.rpartition('/')[2]} allows aps actions on every workspace"
    for text in _texts(arguments):
        for statement in _statements(text):
            actions = [a for a in as_list(statement.get("Action")) if _reaches_amp(a)]
            actions += [f"all but {a}" for a in as_list(statement.get("NotAction"))]
            wide = [r for r in as_list(statement.get("Resource", "*")) if _is_every_workspace(r)]
            if statement.get("Effect") == "Allow" and actions and wide:
                yield f"allows {_codes(actions)} on {_codes(wide)}"


def _codes(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _reaches_amp(action: str) -> bool:
    action = action.lower()
    return action.startswith("aps:") or fnmatchcase("aps:remotewrite", action)


def _is_every_workspace(resource: str) -> bool:
    if resource == "*":
        return True
    # A colon inside of an expression is not the ARN's.
    parts = re.sub(r"\$\{[^}]*\}", "x", resource).split(":", 5)
    return len(parts) == 6 and parts[2] in ("aps", "*") and "*" in parts[5].split("/")[1:2]


def _statements(text: str) -> list[Json]:
    if '"Statement"' not in text:
        return []
    try:
        policy = json.loads(quotable(text))
    except ValueError:
        return []
    return as_list(policy.get("Statement")) if isinstance(policy, dict) else []


def _exposure(kind: str, arguments: Json) -> Iterator[str]:
    if kind in ("aws_lb", "aws_alb", "aws_elb") and not arguments.get("internal"):
        yield "load balancer that faces the internet"
    if kind.startswith("kubernetes_service"):
        yield from _exposed_service(arguments)
    if kind in ("aws_security_group", "aws_default_security_group"):
        for rule in _blocks(arguments.get("ingress")):
            yield from _open_rule(rule)
    if kind == "aws_vpc_security_group_ingress_rule" or (
        kind == "aws_security_group_rule" and arguments.get("type") == "ingress"
    ):
        yield from _open_rule(arguments)
    for text in _texts(arguments):
        if "internet-facing" in text:
            yield "load balancer that faces the internet (internet-facing)"
        # Values are YAML text here, and YAML is no part of the standard library.
        if kind == "helm_release" and re.search(r"""\btype"?:\s*["']?LoadBalancer\b""", text):
            yield "a Service of type LoadBalancer in Helm values"


def _exposed_service(arguments: Json) -> Iterator[str]:
    annotations = [
        value
        for metadata in _blocks(arguments.get("metadata"))
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(_LOAD_BALANCER_ANNOTATION)
        and key.removeprefix(_LOAD_BALANCER_ANNOTATION) in ("scheme", "internal")
    ]
    for spec in _blocks(arguments.get("spec")):
        if spec.get("type") != "LoadBalancer":
            continue
        if not annotations:
            yield "load balancer without a scheme, which may face the internet"
        if ANYWHERE & set(spec.get("load_balancer_source_ranges") or ()):
            yield "load balancer for the whole internet"


def _open_rule(rule: Json) -> Iterator[str]:
    sources = [rule.get("cidr_ipv4"), rule.get("cidr_ipv6")]
    sources += [*(rule.get("cidr_blocks") or ()), *(rule.get("ipv6_cidr_blocks") or ())]
    if ANYWHERE & set(sources):
        yield "ingress from the whole internet"


def _blocks(value: Any) -> list[Json]:
    return [block for block in as_list(value) if isinstance(block, dict)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def main(arguments: list[str]) -> int:
    """Print the findings; 1 if there are any and no label overrides them, 2 without a plan."""
    parser = command_line("gate", __doc__)
    parser.add_argument("plan", type=Path, help="output of terraform show -json")
    parser.add_argument("synthesized", type=Path, help="the stack's cdk.tf.json")
    parser.add_argument("--labels", nargs="*", default=[], help="of the pull request")
    options = parser.parse_args(arguments)
    try:
        plan, synthesized = (
            json.loads(file.read_text(encoding="utf-8"))
            for file in (options.plan, options.synthesized)
        )
    except (OSError, ValueError) as error:
        print(f"gate: {error}; a plan comes from terraform show -json", file=sys.stderr)
        return 2
    found = findings(plan, synthesized)
    print("\n".join(found) or "Nothing that must not pass unseen.")
    return 1 if found and OVERRIDE_LABEL not in options.labels else 0
