"""Ring 1: hosts and ARNs of every partition."""

import json
from pathlib import Path

import botocore
import pytest

from modules.partitions import arn, bucket_arn, endpoint_service, find_partition, host_name

PARTITIONS = json.loads((Path(botocore.__path__[0]) / "data/partitions.json").read_text())


@pytest.mark.parametrize(
    ("region", "name", "suffix"),
    [
        (region, each["id"], each["outputs"]["dnsSuffix"])
        for each in PARTITIONS["partitions"]
        for region in each["regions"]
        if "global" not in region
    ],
)
def test_every_region_is_in_the_partition_that_aws_says(
    region: str, name: str, suffix: str
) -> None:
    assert find_partition(region).name == name
    assert host_name("aps-workspaces", region) == f"aps-workspaces.{region}.{suffix}"


@pytest.mark.parametrize(
    ("region", "service", "expected"),
    [
        ("eu-west-1", "s3", "com.amazonaws.eu-west-1.s3"),
        ("eusc-de-east-1", "aps-workspaces", "eu.amazonaws.eusc-de-east-1.aps-workspaces"),
        ("cn-north-1", "aps-workspaces", "cn.com.amazonaws.cn-north-1.aps-workspaces"),
        ("cn-north-1", "s3", "com.amazonaws.cn-north-1.s3"),
    ],
)
def test_a_vpc_endpoint_names_its_service(region: str, service: str, expected: str) -> None:
    assert endpoint_service(service, region) == expected


def test_arns_name_their_partition() -> None:
    assert (
        arn("aps", "workspace/ws-1", region="cn-north-1", account="111122223333")
        == "arn:aws-cn:aps:cn-north-1:111122223333:workspace/ws-1"
    )
    assert (
        arn("iam", "policy/A", region="eusc-de-east-1", account="aws", regional=False)
        == "arn:aws-eusc:iam::aws:policy/A"
    )
    assert bucket_arn("files", region="us-gov-west-1") == "arn:aws-us-gov:s3:::files"
