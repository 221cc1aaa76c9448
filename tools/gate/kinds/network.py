"""The VPC and what is in it."""

from collections.abc import Iterator
from typing import Any

from tools.gate import networks
from tools.gate.absent import ABSENT
from tools.gate.kinds.kind import Kind
from tools.gate.rules import free, matching, one_of, open_to, reference, shown

_PRIVATE = open_to(*networks.PRIVATE)


def _ingress_rule(before: Any, after: Any) -> Iterator[str]:
    ports = ("ip_protocol", "from_port", "to_port")
    if before is ABSENT:
        if [str(after.get(each)) for each in ports] != ["tcp", "443", "443"]:
            yield f"opens {', '.join(f'{each} {shown(after.get(each))}' for each in ports)}"
        return
    changed = [each for each in ports if str(before.get(each)) != str(after.get(each))]
    if changed:
        yield f"opens {', '.join(f'{each} {shown(after.get(each))}' for each in changed)}"


KINDS: dict[str, Kind] = {
    "aws_default_security_group": Kind(
        {"vpc_id": free, "ingress": one_of(ABSENT), "egress": one_of(ABSENT)}
    ),
    "aws_eip": Kind({"domain": one_of("vpc")}, loses="an address that allow-lists may have"),
    "aws_internet_gateway": Kind({"vpc_id": free}, loses="the way to the internet"),
    "aws_nat_gateway": Kind(
        {"allocation_id": free, "subnet_id": free}, loses="the nodes' way to the internet"
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
        loses="the access that its rules allow",
    ),
    "aws_subnet": Kind(
        {
            "vpc_id": free,
            "availability_zone": free,
            "cidr_block": _PRIVATE,
            "map_public_ip_on_launch": one_of(False, ABSENT),
        },
        loses="addresses for nodes",
    ),
    "aws_vpc": Kind(
        {"cidr_block": _PRIVATE, "enable_dns_hostnames": free, "enable_dns_support": free},
        loses="the VPC and everything in it",
    ),
    "aws_vpc_endpoint": Kind(
        {
            "vpc_id": free,
            "service_name": matching(r"([a-z]+\.)+[a-z0-9-]+\.(s3|aps-workspaces)"),
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
        loses="the access that it allows",
    ),
}
