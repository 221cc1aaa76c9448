"""Write ARNs and host names, which differ between AWS's partitions; plain data.

Source: botocore 1.44, data/partitions.json.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Partition:
    """A part of AWS with separate accounts: the commercial regions, China, GovCloud and others.

    Attributes:
        name: the second field of an ARN.
        dns_suffix: the end of the host names of its services.
    """

    name: str
    dns_suffix: str

    @property
    def is_commercial(self) -> bool:
        """Whether it is the partition of the commercial regions, which has every service."""
        return self == _COMMERCIAL


_COMMERCIAL = Partition("aws", "amazonaws.com")
# By the prefix of their regions' names.
_OTHERS = {
    "cn-": Partition("aws-cn", "amazonaws.com.cn"),
    "eu-isoe-": Partition("aws-iso-e", "cloud.adc-e.uk"),
    "eusc-": Partition("aws-eusc", "amazonaws.eu"),
    "us-gov-": Partition("aws-us-gov", "amazonaws.com"),
    "us-iso-": Partition("aws-iso", "c2s.ic.gov"),
    "us-isob-": Partition("aws-iso-b", "sc2s.sgov.gov"),
    "us-isof-": Partition("aws-iso-f", "csp.hci.ic.gov"),
}


def find_partition(region: str) -> Partition:
    """Find the partition of a region."""
    return next(
        (other for prefix, other in _OTHERS.items() if region.startswith(prefix)), _COMMERCIAL
    )


def host_name(service: str, region: str) -> str:
    """Write the host name of a service's endpoint in a region."""
    return f"{service}.{region}.{find_partition(region).dns_suffix}"


def endpoint_service(service: str, region: str) -> str:
    """Write the name under which a VPC endpoint reaches a service.

    It is the reversed host name. S3 in China is an exception: it has the commercial name (eksctl,
    pkg/cfn/builder/vpc_endpoint.go).
    """
    partition = find_partition(region)
    exception = partition.name == "aws-cn" and service == "s3"
    suffix = _COMMERCIAL.dns_suffix if exception else partition.dns_suffix
    return ".".join([*reversed(suffix.split(".")), region, service])


def bucket_arn(bucket: str, *, region: str) -> str:
    """Write the ARN of an S3 bucket, which names neither region nor account."""
    return arn("s3", bucket, region=region, account="", regional=False)


def arn(service: str, resource: str, *, region: str, account: str, regional: bool = True) -> str:
    """Write an ARN in the partition of a region; ARNs of global services have no region."""
    partition = find_partition(region).name
    return f"arn:{partition}:{service}:{region if regional else ''}:{account}:{resource}"
