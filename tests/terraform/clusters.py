"""Clusters that somebody else made, in any region and account of the simulated AWS."""

import json
from collections.abc import Callable
from typing import Any

import boto3

from tests.terraform.simulated_aws import ACCOUNT, SimulatedAws


def session(aws: SimulatedAws, region: str, account: str = ACCOUNT) -> Callable[[str], Any]:
    """Give clients of a region and account."""
    keys: Any = {"aws_access_key_id": "simulated", "aws_secret_access_key": "simulated"}
    if account != ACCOUNT:
        answer = aws.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/terraform", RoleSessionName="fleet"
        )["Credentials"]
        keys = {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }
    made: Any = boto3.Session(region_name=region, **keys)
    return lambda service: made.client(service, endpoint_url=aws.url)


def make_cluster(client: Callable[[str], Any], name: str, *, oidc: bool = True) -> None:
    """Make a cluster as somebody else would have made it, with an OIDC provider in IAM or not."""
    ec2, iam, eks = client("ec2"), client("iam"), client("eks")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)
        for n, zone in enumerate(zones[:2])
    ]
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "eks.amazonaws.com"},
    }
    role = iam.create_role(
        RoleName=f"{name}-cluster",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]
    iam.attach_role_policy(
        RoleName=role["RoleName"], PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
    )
    cluster = eks.create_cluster(
        name=name,
        roleArn=role["Arn"],
        resourcesVpcConfig={"subnetIds": [each["Subnet"]["SubnetId"] for each in subnets]},
    )["cluster"]
    issuer = cluster["identity"]["oidc"]["issuer"]
    if oidc:
        iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
