"""What a user has before the UIs are exposed: hosted zones, and a client's secret."""

import json
from typing import Any

from tests.conftest import Stack
from tests.terraform.simulated_aws import SimulatedAws

SECRET = "v3ry-s3cr3t-0f-th3-cl13nt"


def prepare(aws: SimulatedAws, stacks: dict[str, Stack]) -> dict[str, Stack]:
    """Create what the stacks look up; give them with the ARN that the secret has here."""
    arns = provide(aws, stacks)
    return {name: replaced(stack, arns) for name, stack in stacks.items()}


def provide(aws: SimulatedAws, stacks: dict[str, Stack]) -> dict[str, str]:
    """Create what the stacks look up; give the ARNs that secrets have here by those in settings."""
    arns: dict[str, str] = {}
    for zone in {each["name"] for each in _found(stacks, "data", "aws_route53_zone")}:
        aws.client("route53").create_hosted_zone(Name=zone, CallerReference=zone)
    kind = "aws_secretsmanager_secret_version"
    for arn in {each["secret_id"] for each in _found(stacks, "ephemeral", kind)}:
        made = aws.client("secretsmanager").create_secret(Name="login", SecretString=SECRET)
        arns[arn] = made["ARN"]
    return arns


def replaced(stack: Stack, arns: dict[str, str]) -> Stack:
    """Give a stack with other ARNs."""
    text = json.dumps(stack)
    for old, new in arns.items():
        text = text.replace(old, new)
    changed: Stack = json.loads(text)
    return changed


def _found(stacks: dict[str, Stack], section: str, kind: str) -> list[dict[str, Any]]:
    return [
        each for stack in stacks.values() for each in stack.get(section, {}).get(kind, {}).values()
    ]


def records(aws: SimulatedAws, zone: str) -> dict[tuple[str, str], Any]:
    """Give a zone's records by name and type, without those that every zone has."""
    route53 = aws.client("route53")
    (found,) = route53.list_hosted_zones_by_name(DNSName=zone)["HostedZones"]
    listed = route53.list_resource_record_sets(HostedZoneId=found["Id"])["ResourceRecordSets"]
    return {
        (each["Name"].rstrip("."), each["Type"]): each
        for each in listed
        if each["Type"] not in ("NS", "SOA")
    }
