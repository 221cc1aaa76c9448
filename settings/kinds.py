"""The kinds of values in the settings: which text each kind allows, for Python and for editors.

`settings` assigns them to keys. Nothing here knows a key.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class _Checked:
    """A check that pydantic runs after it checked the type."""

    def check(self, value: Any) -> Any:
        """Return the value, or raise an error that says what is allowed."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))


@dataclass(frozen=True)
class Matching(_Checked):
    """Text that `pattern` matches as a whole; `allowed` describes it in words."""

    pattern: str
    allowed: str

    def check(self, value: str) -> str:
        """Return the text, or raise an error that says what is allowed."""
        if not self.fits(value):
            raise PydanticCustomError("allowed", "{allowed}", {"allowed": self.allowed})
        return value

    def fits(self, value: str) -> bool:
        """Tell whether a text is of the kind."""
        return bool(re.fullmatch(self.pattern, value, re.ASCII))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # patternErrorMessage is what editors show in place of the pattern.
        return {
            **handler(schema),
            "pattern": f"^(?:{_ecma_262(self.pattern)})$",
            "patternErrorMessage": f"Allowed: {self.allowed}.",
        }


def _ecma_262(pattern: str) -> str:
    """Spell out (?i:...), which JavaScript engines before ES2025 do not know."""

    def both_cases(group: re.Match[str]) -> str:
        return re.sub("[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", group[1])

    return re.sub(r"\(\?i:([^()]*)\)", lambda group: f"(?:{both_cases(group)})", pattern)


class _NotEmpty(_Checked):
    """A list with an entry. Field(min_length=1) would count faulty entries as missing too."""

    def check(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the entries, or raise an error if there are none."""
        if not value:
            raise PydanticCustomError("allowed", "at least one entry")
        return value

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "minItems": 1}


class _AllOrListed:
    """The word `all`, which is None here, or a list of names without an empty one."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        listed = handler.generate_schema(Annotated[tuple[str, ...], AsTuple, NotEmpty])
        return core_schema.no_info_wrap_validator_function(
            lambda value, validate: None if value == "all" else validate(value), listed
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        listed = {**handler(schema), "uniqueItems": True}
        return {"anyOf": [{"const": "all"}, listed]}


def _no_host_bits(value: str) -> str:
    try:
        IPv4Network(value)
    except ValueError:
        allowed = "an IPv4 block such as 10.0.0.0/16; host bits must be zero"
        raise PydanticCustomError("allowed", "{allowed}", {"allowed": allowed}) from None
    return value


_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"

Name = Annotated[
    str,
    Matching(
        r"[A-Za-z]([A-Za-z0-9-]{0,22}[A-Za-z0-9])?",
        "1 to 24 letters, digits and hyphens, beginning with a letter, not ending with a hyphen",
    ),
]
Region = Annotated[
    str, Matching(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", "an AWS region such as ap-northeast-2")
]
ClusterName = Annotated[
    str,
    Matching(
        r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}",
        "an EKS cluster name: 1 to 100 letters, digits, hyphens and underscores",
    ),
]
# The chart prints the id without quotes (cost-analyzer-deployment-template.yaml, CLUSTER_ID), and
# YAML must still read it as text. So it is not a number or a YAML 1.1 word such as true.
ClusterId = Annotated[
    str,
    Matching(
        r"(?!(?i:cluster-one|y|n|yes|no|on|off|true|false|null)$)[A-Za-z][A-Za-z0-9_-]{0,62}",
        "1 to 63 letters, digits, hyphens and underscores, beginning with a letter; not a YAML "
        "word such as true, and not cluster-one (the chart's default, which would merge clusters)",
    ),
]
RoleArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}",
        "an IAM role ARN such as arn:aws:iam::111122223333:role/kubecost",
    ),
]
PolicyArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]{1,576}",
        "an IAM policy ARN such as arn:aws:iam::111122223333:policy/boundary",
    ),
]
RolePath = Annotated[
    str,
    Matching(
        r"/([\w+=,.@-]{1,100}/){0,5}",
        "a path that begins and ends with a slash, such as /platform/",
    ),
]
KmsKeyArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]{1,100}",
        "a KMS key ARN (not an alias) such as arn:aws:kms:eu-west-1:111122223333:key/1234-abcd",
    ),
]
PrincipalArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]{1,576}",
        "an IAM role or user ARN such as arn:aws:iam::111122223333:role/platform "
        "(the role itself, not sts:assumed-role)",
    ),
]
Cidr = Annotated[
    str,
    Matching(
        rf"({_OCTET}\.){{3}}{_OCTET}/(3[0-2]|[12]?\d)",
        "an IPv4 block such as 10.0.0.0/16, or a single address such as 203.0.113.7/32",
    ),
    AfterValidator(_no_host_bits),
]
InstanceType = Annotated[
    str, Matching(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an EC2 instance type such as m7i.large")
]
# The EBS CSI driver does not start if it is given a tag that it reserves (aws-ebs-csi-driver,
# pkg/driver/validation.go).
TagKey = Annotated[
    str,
    Matching(
        r"(?!(?i:aws:)|kubernetes\.io|(CSIVolumeName|CSIVolumeSnapshotName|ebs\.csi\.aws\.com/cluster)$)"
        r"[\w .:/=+@-]{1,128}",
        "1 to 128 letters, digits, spaces and _.:/=+-@, not beginning with aws: or kubernetes.io, "
        "and not a tag that the EBS CSI driver sets",
    ),
]
TagValue = Annotated[
    str, Matching(r"[\w .:/=+@-]{0,256}", "at most 256 letters, digits, spaces and _.:/=+-@")
]
WorkspaceId = Annotated[str, Matching(r"ws-[0-9a-f-]{36}", "an AMP workspace id such as ws-1234…")]
ChartVersion = Annotated[
    str,
    Matching(r"2\.8\.\d+", "2.8.x: 2.9 needs an S3 bucket, and 3.x has neither Prometheus nor AMP"),
]
StorageClass = Annotated[
    str, Matching(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "a StorageClass name")
]
LabelPattern = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9*][A-Za-z0-9._/*-]{0,316}",
        "the name of a Kubernetes label, such as feature.node.kubernetes.io/* (* is any text)",
    ),
]
ImageRegistry = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*",
        "a registry's host name and path, without https:// and without a slash at the end",
    ),
]
ChartRepository = Annotated[
    str,
    Matching(
        r"(https|oci)://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._-]+)*/?",
        "an address that begins with https:// or oci://",
    ),
]
LabelKey = Annotated[
    str,
    Matching(
        r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
        "the name of a Kubernetes label, such as pod-security.kubernetes.io/enforce",
    ),
]
LabelValue = Annotated[
    str,
    Matching(
        r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?",
        "at most 63 letters, digits and ._-, beginning and ending with a letter or digit",
    ),
]
Bucket = Annotated[str, Matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "an S3 bucket name")]
KeyPrefix = Annotated[
    str, Matching(r"[\w.-]+(/[\w.-]+)*", "a key prefix without leading or trailing slash")
]
# Names that need no quotes: Amazon Athena user guide, "Name databases, tables, and columns".
AthenaName = Annotated[
    str,
    Matching(
        r"[a-z_][a-z0-9_]{0,254}",
        "an Athena database or table: lower case letters, digits and underscores",
    ),
]
Workgroup = Annotated[
    str, Matching(r"[\w.-]{1,128}", "an Athena workgroup: 1 to 128 letters, digits and ._-")
]
Organization = Annotated[str, Matching(r"[\w-]{1,40}", "a Terraform Cloud organization name")]
Project = Annotated[str, Matching(r"[\w -]{3,40}", "a Terraform Cloud project name")]
Hostname = Annotated[str, Matching(r"[A-Za-z0-9.-]+(:\d+)?", "a host name")]
WorkspacePrefix = Annotated[str, Matching(r"[\w-]{0,40}", "letters, digits, - and _")]

Email = Annotated[
    str, Matching(r"[\w.+-]{1,64}@[\w-]+(\.[\w-]+)+", "an address such as finops@example.com")
]
TopicArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}",
        "the ARN of a standard SNS topic such as arn:aws:sns:eu-west-1:111122223333:finops "
        "(AMP cannot send to a FIFO topic)",
    ),
]
SecretArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}",
        "the ARN of a secret such as arn:aws:secretsmanager:eu-west-1:111122223333:secret:pager-a1",
    ),
]
SecretKey = Annotated[
    str, Matching(r"[\w.-]{1,64}", "a key of the secret's JSON: letters, digits, dots, - and _")
]
PageUrl = Annotated[
    str,
    Matching(r"[\w.~:/?=&@+-]{1,200}", "a URL or path of at most 200 characters, without a #"),
]
Namespace = Annotated[
    str, Matching(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "a Kubernetes namespace")
]
_LABEL_PART = r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?"
LabelSelector = Annotated[
    str,
    Matching(
        rf"([a-z0-9.-]{{1,253}}/)?{_LABEL_PART}={_LABEL_PART}",
        "a Kubernetes label and its value, such as team=payments",
    ),
]

Count = Annotated[int, Field(ge=1, le=450)]
# YAML gives lists; strict mode would accept Python tuples only.
AsTuple = Field(strict=False)
NotEmpty = _NotEmpty()
AllOrListed = _AllOrListed()
