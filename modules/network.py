"""The VPC: its subnets in two or three zones, and VPC endpoints for S3 and AMP."""

from cdktf import Fn, ITerraformDependable, Postcondition, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_availability_zones import (
    DataAwsAvailabilityZones,
    DataAwsAvailabilityZonesFilter,
)
from cdktf_cdktf_provider_aws.default_security_group import DefaultSecurityGroup
from cdktf_cdktf_provider_aws.eip import Eip
from cdktf_cdktf_provider_aws.internet_gateway import InternetGateway
from cdktf_cdktf_provider_aws.nat_gateway import NatGateway
from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from modules.partitions import endpoint_service
from settings import BaseSettings
from settings.network import Subnets

# Zones in which EKS cannot place its control plane (EKS user guide, "Subnet requirements").
_ZONES_WITHOUT_EKS = ["use1-az3", "usw1-az2", "cac1-az3"]


class Network(Construct):
    """A VPC whose private subnets reach the internet through NAT, but S3 and AMP without NAT.

    `Subnets` divides its block. The entry subnets are for what connects to pods and has no pod
    address: the control plane's interfaces, AMP's scraper, internal load balancers.

    Attributes:
        vpc_id: the VPC.
        private_subnet_ids: one for each zone, for nodes and pods.
        entry_subnet_ids: one for each zone, for the control plane's interfaces.
        public_subnet_ids: one for each zone, for internet-facing load balancers.
        ways_out: what nodes need before they can join the cluster.
    """

    def __init__(
        self, scope: Construct, id: str, settings: BaseSettings, *, name: str, region: str
    ) -> None:
        super().__init__(scope, id)
        # checkov:skip=CKV2_AWS_11: flow logs are priced by the gigabyte; network-costs measures
        vpc = Vpc(
            self,
            "vpc",
            cidr_block=settings.vpc_cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
        )
        self.vpc_id = vpc.id
        # Without rules it admits nothing; AWS's default rules let its members connect.
        DefaultSecurityGroup(self, "default", vpc_id=vpc.id, tags={"Name": f"{name}-unused"})
        zones = DataAwsAvailabilityZones(
            self,
            "zones",
            state="available",
            exclude_zone_ids=_ZONES_WITHOUT_EKS,
            filter=[
                DataAwsAvailabilityZonesFilter(name="opt-in-status", values=["opt-in-not-required"])
            ],
            lifecycle=TerraformResourceLifecycle(
                postcondition=[
                    Postcondition(
                        condition=f"${{length(self.names) >= {settings.availability_zones}}}",
                        error_message=f"{region} has fewer than {settings.availability_zones} "
                        "availability zones for EKS. Set base.availability_zones to 2.",
                    )
                ]
            ),
        )
        cidrs = Subnets.of(settings.vpc_cidr, settings.availability_zones)

        internet = InternetGateway(self, "internet", vpc_id=vpc.id, tags={"Name": name})
        public_routes = RouteTable(self, "public", vpc_id=vpc.id, tags={"Name": f"{name}-public"})
        to_internet = Route(
            self,
            "public_internet",
            route_table_id=public_routes.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=internet.id,
        )

        self.public_subnet_ids: list[str] = []
        self.private_subnet_ids: list[str] = []
        self.entry_subnet_ids: list[str] = []
        private_table_ids: list[str] = []
        nats: list[NatGateway] = []
        self.ways_out: list[ITerraformDependable] = [to_internet]
        for index in range(settings.availability_zones):
            zone = Fn.element(zones.names, index)
            public = Subnet(
                self,
                f"public_{index}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=cidrs.public[index],
                tags={"Name": f"{name}-public-{index}", "kubernetes.io/role/elb": "1"},
            )
            RouteTableAssociation(
                self,
                f"public_{index}_routes",
                subnet_id=public.id,
                route_table_id=public_routes.id,
            )
            if index == 0 or settings.nat_gateways == "per_zone":
                address = Eip(
                    self,
                    f"nat_{index}_address",
                    domain="vpc",
                    tags={"Name": f"{name}-nat-{index}"},
                    depends_on=[internet],
                )
                nats.append(
                    NatGateway(
                        self,
                        f"nat_{index}",
                        allocation_id=address.id,
                        subnet_id=public.id,
                        tags={"Name": f"{name}-{index}"},
                        depends_on=[to_internet],
                    )
                )
            private = Subnet(
                self,
                f"private_{index}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=cidrs.private[index],
                tags={"Name": f"{name}-private-{index}"},
            )
            entry = Subnet(
                self,
                f"entry_{index}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=cidrs.entry[index],
                tags={"Name": f"{name}-entry-{index}", "kubernetes.io/role/internal-elb": "1"},
            )
            routes = RouteTable(
                self,
                f"private_{index}_table",
                vpc_id=vpc.id,
                tags={"Name": f"{name}-private-{index}"},
            )
            association = RouteTableAssociation(
                self,
                f"private_{index}_routes",
                subnet_id=private.id,
                route_table_id=routes.id,
            )
            # A load balancer in it calls the login provider, which is outside the VPC.
            RouteTableAssociation(
                self, f"entry_{index}_routes", subnet_id=entry.id, route_table_id=routes.id
            )
            way_out = Route(
                self,
                f"private_{index}_nat",
                route_table_id=routes.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=nats[-1].id,
            )
            self.public_subnet_ids.append(public.id)
            self.private_subnet_ids.append(private.id)
            self.entry_subnet_ids.append(entry.id)
            private_table_ids.append(routes.id)
            self.ways_out += [association, way_out]

        VpcEndpoint(
            self,
            "s3",
            vpc_id=vpc.id,
            service_name=endpoint_service("s3", region),
            vpc_endpoint_type="Gateway",
            route_table_ids=private_table_ids,
            tags={"Name": f"{name}-s3"},
        )
        if settings.amp_endpoint:
            self._amp_endpoint(settings.vpc_cidr, name=name, region=region)

    def _amp_endpoint(self, vpc_cidr: str, *, name: str, region: str) -> None:
        """Keep remote writes and queries off the NAT gateway and the internet."""
        group = SecurityGroup(
            self,
            "amp_endpoint_group",
            name=f"{name}-aps-workspaces",
            description="HTTPS from the VPC to the AMP endpoint",
            vpc_id=self.vpc_id,
            tags={"Name": f"{name}-aps-workspaces"},
        )
        VpcSecurityGroupIngressRule(
            self,
            "amp_endpoint_https",
            security_group_id=group.id,
            description="HTTPS from the VPC",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=vpc_cidr,
        )
        VpcEndpoint(
            self,
            "amp_endpoint",
            vpc_id=self.vpc_id,
            service_name=endpoint_service("aps-workspaces", region),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=self.private_subnet_ids,
            security_group_ids=[group.id],
            tags={"Name": f"{name}-aps-workspaces"},
        )
