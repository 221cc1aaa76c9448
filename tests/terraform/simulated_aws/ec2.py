"""Amazon EC2: what moto lacks, and the order of deletion that AWS insists on.

moto deletes what is still in use. AWS answers DependencyViolation, and a destroy in a wrong order
hangs in the provider's retries; the API reference of each operation names what must go first.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .amp import State
from .core import TRAFFIC, AwsError, Call, Json, Service
from .eks import clusters

ec2 = Service("ec2")


def _users(call: Call) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield who has network interfaces: its name, subnets and security groups."""
    for name, cluster in clusters(call).items():
        vpc = cluster.data["resourcesVpcConfig"]
        groups = [*vpc["securityGroupIds"], vpc["clusterSecurityGroupId"]]
        yield f"EKS cluster {name}", vpc["subnetIds"], groups
        for group in cluster.nodegroups.values():
            yield f"EKS node group {group['nodegroupName']}", group["subnets"], []
    for scraper in call.state("amp", State).scrapers.values():
        source = scraper["source"]["eksConfiguration"]
        yield f"AMP scraper {scraper['scraperId']}", source["subnetIds"], source["securityGroupIds"]
    for endpoint in call.backend("ec2").vpc_end_points.values():
        if endpoint.state != "deleted":
            yield (
                f"VPC endpoint {endpoint.id}",
                endpoint.subnet_ids or [],
                endpoint.security_group_ids or [],
            )
    for gateway in _gateways(call):
        yield f"NAT gateway {gateway.id}", [gateway.subnet_id], []


def _gateways(call: Call) -> list[Any]:
    gateways = call.backend("ec2").nat_gateways.values()
    return [gateway for gateway in gateways if gateway.state == "available"]


def _refuse_while_used(resource: str, users: list[str]) -> None:
    """Refuse a deletion as AWS does, the first two times.

    The provider repeats it for 20 minutes, in case AWS is still removing what depends on the
    resource. Here nothing is removed later, so the third refusal has a code that ends the wait.
    """
    if users:
        TRAFFIC.refusals[resource] += 1
        last = ".Lasting" if TRAFFIC.refusals[resource] > 2 else ""
        message = f"{resource} has dependencies and cannot be deleted: {', '.join(users)}"
        raise AwsError(f"DependencyViolation{last}", message)


@ec2.operation
def delete_subnet(call: Call) -> None:
    """Refuse while something has a network interface in the subnet."""
    subnet = call["SubnetId"]
    _refuse_while_used(
        f"The subnet '{subnet}'", [who for who, subnets, _ in _users(call) if subnet in subnets]
    )


@ec2.operation
def delete_security_group(call: Call) -> None:
    """Refuse while a network interface or a rule of another group names the group."""
    group = call["GroupId"]
    users = [who for who, _, groups in _users(call) if group in groups]
    for other in call.backend("ec2").describe_security_groups():
        rules = (*other.ingress_rules, *other.egress_rules)
        named = {rule.source_group.get("GroupId") for rule in rules}
        if other.id != group and group in named:
            users.append(f"security group {other.id}")
    _refuse_while_used(f"resource {group}", users)


@ec2.operation
def detach_internet_gateway(call: Call) -> None:
    """Refuse while a NAT gateway of the VPC has a public address."""
    mapped = [gateway.id for gateway in _gateways(call) if gateway.vpc_id == call["VpcId"]]
    _refuse_while_used(f"Network {call['VpcId']} with mapped public addresses", mapped)


@ec2.operation
def delete_vpc(call: Call) -> None:
    """Refuse while a subnet, a gateway, an endpoint or a security group is left in the VPC."""
    backend, vpc = call.backend("ec2"), call["VpcId"]
    gateways = [g for g in backend.internet_gateways.values() if g.vpc and g.vpc.id == vpc]
    endpoints = [e for e in backend.vpc_end_points.values() if e.state != "deleted"]
    groups = [g for g in backend.describe_security_groups() if g.name != "default"]
    within = [x for x in (*backend.describe_subnets(), *endpoints, *groups) if x.vpc_id == vpc]
    _refuse_while_used(f"The vpc '{vpc}'", [item.id for item in (*gateways, *within)])


@ec2.operation
def create_nat_gateway(call: Call) -> None:
    """Refuse a public gateway in a VPC that has no internet gateway."""
    backend = call.backend("ec2")
    vpc = backend.get_subnet(call["SubnetId"]).vpc_id
    attached = [g.vpc.id for g in backend.internet_gateways.values() if g.vpc]
    if call["ConnectivityType"] != "private" and vpc not in attached:
        raise AwsError("Gateway.NotAttached", f"Network {vpc} has no Internet gateway attached")


@ec2.operation
def describe_nat_gateways(call: Call) -> None:
    """Add to each gateway that it is in one zone, because moto answers nothing about that."""
    for gateway in call.backend("ec2").nat_gateways.values():
        gateway.availability_mode = "zonal"


@ec2.operation
def describe_vpc_block_public_access_options(call: Call) -> Json:
    """Answer the account's default: public access is not blocked."""
    return {
        "VpcBlockPublicAccessOptions": {
            "AwsAccountId": call.account,
            "AwsRegion": call.region,
            "State": "default-state",
            "InternetGatewayBlockMode": "off",
            "ManagedBy": "account",
            "LastUpdateTimestamp": datetime(2025, 1, 1, tzinfo=UTC),
        }
    }


@ec2.operation
def describe_launch_template_versions(call: Call) -> None:
    """Remove the template's own tags, which moto also gives to the instances of each version."""
    for template in call.backend("ec2").launch_templates.values():
        for version in template.versions:
            tags = version.data.get("TagSpecifications", [])
            own = [t for t in tags if t["ResourceType"] != "launch-template"]
            version.data["TagSpecifications"] = own


@ec2.operation
def describe_launch_templates(call: Call) -> None:
    """Give each template the tags that it has now; moto answers those of its creation."""
    for template in call.backend("ec2").launch_templates.values():
        template.tags = template.get_tags()


@ec2.operation
def delete_nat_gateway(call: Call) -> None:
    """Delete the gateway's network interface too, which moto leaves behind."""
    backend = call.backend("ec2")
    for gateway in _gateways(call):
        if gateway.id == call["NatGatewayId"]:
            backend.enis.pop(gateway._eni.id)
