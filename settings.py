"""The settings: every key of kubecost.yaml with its type, default and limits.

`settings_file` reads them from the file. Nothing here knows CDKTF or an architecture.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)
from pydantic_core import PydanticCustomError


def _matching(pattern: str, allowed: str) -> AfterValidator:
    """Accept text that `pattern` matches whole; `allowed` says in words what that is."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise PydanticCustomError("allowed", "{allowed}", {"allowed": allowed})
        return value

    return AfterValidator(check)


def _ipv4_block(value: str) -> str:
    try:
        IPv4Network(value)
    except ValueError as error:
        hint = "; host bits must be zero" if "host bits" in str(error) else ""
        allowed = f"an IPv4 block such as 10.0.0.0/16{hint}"
        raise PydanticCustomError("allowed", "{allowed}", {"allowed": allowed}) from None
    return value


Name = Annotated[
    str,
    _matching(
        r"[A-Za-z]([A-Za-z0-9-]{0,22}[A-Za-z0-9])?",
        "1 to 24 letters, digits and hyphens, beginning with a letter, not ending with a hyphen",
    ),
]
Region = Annotated[str, _matching(r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region such as ap-northeast-2")]
ClusterName = Annotated[
    str,
    _matching(
        r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}",
        "an EKS cluster name: 1 to 100 letters, digits, hyphens and underscores",
    ),
]
# The chart prints the id unquoted (cost-analyzer-deployment-template.yaml, CLUSTER_ID), and YAML
# must still read text there: hence no number and none of the words that are no text in YAML 1.1.
ClusterId = Annotated[
    str,
    _matching(
        r"(?!(?i:cluster-one|y|n|yes|no|on|off|true|false|null)$)[A-Za-z][A-Za-z0-9_-]{0,62}",
        "1 to 63 letters, digits, hyphens and underscores, beginning with a letter; not "
        "cluster-one (the chart's default, under which clusters merge), no YAML word like true",
    ),
]
RoleArn = Annotated[
    str,
    _matching(
        r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}",
        "an IAM role ARN such as arn:aws:iam::111122223333:role/kubecost",
    ),
]
PrincipalArn = Annotated[
    str,
    _matching(
        r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]{1,576}",
        "an IAM role or user ARN such as arn:aws:iam::111122223333:role/platform "
        "(the role itself, not sts:assumed-role)",
    ),
]
Cidr = Annotated[str, AfterValidator(_ipv4_block)]
InstanceType = Annotated[
    str, _matching(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an EC2 instance type such as m7i.large")
]
TagKey = Annotated[
    str,
    _matching(
        r"(?!(?i:aws:))[\w .:/=+@-]{1,128}",
        "1 to 128 letters, digits, spaces and _.:/=+-@, not beginning with aws:",
    ),
]
TagValue = Annotated[
    str, _matching(r"[\w .:/=+@-]{0,256}", "at most 256 letters, digits, spaces and _.:/=+-@")
]
Count = Annotated[int, Field(ge=1, le=450)]
# YAML gives lists; strict mode would accept Python tuples only.
AsTuple = Field(strict=False)


def _not_empty(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise PydanticCustomError("allowed", "at least one entry")
    return value


NotEmpty = AfterValidator(_not_empty)


class Section(BaseModel):
    """A mapping of the settings file: an unknown key or a wrong type is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_section_means_defaults(cls, data: Any) -> Any:
        return {} if data is None else data


class NodesSettings(Section):
    """The managed node group of the base cluster; `disk_gib` is the root volume in GiB."""

    instance_types: Annotated[tuple[InstanceType, ...], AsTuple, NotEmpty] = ("m7i.large",)
    min: Count = 2
    desired: Count = 3
    max: Count = 5
    disk_gib: Annotated[int, Field(ge=20, le=16384)] = 50

    @property
    def cpu_architectures(self) -> frozenset[str]:
        """`arm64` for Graviton types (a g behind the generation, or a1), else `x86_64`."""
        graviton = re.compile(r"a1\.|[a-z]+\d+g")
        return frozenset("arm64" if graviton.match(t) else "x86_64" for t in self.instance_types)


class BaseSettings(Section):
    """The shared cluster that the stack `base` creates.

    Kubernetes versions are those in EKS standard support (2026-11): 1.34 until 2026-12-02,
    1.35 until 2027-03-27, 1.36 until 2027-08-02. Kubecost 2.8 is tested by its vendor up to 1.34.
    """

    kubernetes_version: Literal["1.34", "1.35", "1.36"] = "1.35"
    vpc_cidr: Cidr = "10.0.0.0/16"
    availability_zones: Annotated[int, Field(ge=2, le=3)] = 3
    nat_gateways: Literal["one", "per_zone"] = "one"
    nodes: NodesSettings = NodesSettings()
    api_access_cidrs: Annotated[tuple[Cidr, ...], AsTuple] = ()
    admins: Annotated[tuple[PrincipalArn, ...], AsTuple] = ()
    amp_endpoint: bool = True


class ClusterSettings(Section):
    """An EKS cluster that gets the overlays; `id` is the label cluster_id of its metrics."""

    name: ClusterName
    id: ClusterId | None = None
    region: Region | None = None
    role_arn: RoleArn | None = None


class AmpSettings(Section):
    """Amazon Managed Service for Prometheus; `max_series_per_cluster` counts active series."""

    workspace_id: (
        Annotated[str, _matching(r"ws-[0-9a-f-]{36}", "an AMP workspace id such as ws-1234…")]
        | None
    ) = None
    region: Region | None = None
    role_arn: RoleArn | None = None
    retention_days: Annotated[int, Field(ge=1, le=1095)] = 150
    max_series_per_cluster: Annotated[int, Field(ge=1, le=1_500_000_000)] = 500_000


class KubecostSettings(Section):
    """The Helm release; `values` are merged last, except settings_file.OWNED_VALUES."""

    chart_version: Annotated[
        str,
        _matching(
            r"2\.8\.\d+",
            "2.8.x: 2.9 needs an S3 bucket, and 3.x has neither Prometheus nor AMP",
        ),
    ] = "2.8.7"
    storage_class: (
        Annotated[str, _matching(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "a StorageClass name")]
        | None
    ) = None
    network_costs: bool = True
    node_exporter: bool = False
    expose: Literal["none", "internal", "internet"] = "none"
    allowed_cidrs: Annotated[tuple[Cidr, ...], AsTuple] = ()
    values: dict[str, JsonValue] = {}


class GrafanaSettings(Section):
    """A Grafana with the fleet's cost dashboards beside the first cluster's Kubecost."""

    enabled: bool = False


class S3Settings(Section):
    """State in an S3 bucket, one object for each stack, locked by a lock file."""

    bucket: (
        Annotated[str, _matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "an S3 bucket name")] | None
    ) = None
    region: Region | None = None
    prefix: Annotated[
        str,
        _matching(r"[\w.-]+(/[\w.-]+)*", "a key prefix without leading or trailing slash"),
    ] = "kubecost"


class CloudSettings(Section):
    """State and runs in Terraform Cloud, one workspace for each stack."""

    organization: (
        Annotated[str, _matching(r"[\w-]{1,40}", "a Terraform Cloud organization name")] | None
    ) = None
    hostname: Annotated[str, _matching(r"[A-Za-z0-9.-]+(:\d+)?", "a host name")] = (
        "app.terraform.io"
    )
    project: Annotated[str, _matching(r"[\w -]{3,40}", "a Terraform Cloud project name")] | None = (
        None
    )
    workspace_prefix: Annotated[str, _matching(r"[\w-]{0,40}", "letters, digits, - and _")] = ""


class StateSettings(Section):
    """Where Terraform keeps its state."""

    backend: Literal["local", "s3", "cloud"] = "local"
    s3: S3Settings = S3Settings()
    cloud: CloudSettings = CloudSettings()


@dataclass(frozen=True)
class ClusterTarget:
    """An entry of `clusters` with its defaults filled in; the first one is the hub."""

    name: str
    id: str
    region: str
    role_arn: str | None
    hub: bool
    made_by_base: bool


@dataclass(frozen=True)
class Needs:
    """What an architecture needs of AMP: a workspace, answers to Kubecost, the managed scraper.

    The scraper writes to AMP in the region of its cluster only.
    """

    amp: bool = True
    queries: bool = True
    scraper: bool = False


class Settings(Section):
    """Everything that a user decides, with runnable defaults (see kubecost.yaml)."""

    name: Name = "kubecost"
    region: Region = "ap-northeast-2"
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=45)] = {}
    architectures: Annotated[
        tuple[str, ...],
        AsTuple,
        NotEmpty,
        BeforeValidator(lambda value: [value] if value == "all" else value),
    ] = ("all",)
    base: BaseSettings = BaseSettings()
    clusters: Annotated[tuple[ClusterSettings, ...], AsTuple, NotEmpty] | None = None
    amp: AmpSettings = AmpSettings()
    kubecost: KubecostSettings = KubecostSettings()
    grafana: GrafanaSettings = GrafanaSettings()
    state: StateSettings = StateSettings()
    kubernetes_auth: Literal["exec", "token"] = "exec"

    def chosen(self, architectures: Iterable[str]) -> list[str]:
        """The architectures to synthesize, out of those that there are."""
        return list(architectures if self.architectures == ("all",) else self.architectures)

    @property
    def targets(self) -> tuple[ClusterTarget, ...]:
        """The clusters that get the overlays, defaults filled in."""
        listed = self.clusters or (ClusterSettings(name=self.name),)
        return tuple(
            ClusterTarget(
                name=c.name,
                id=c.id or c.name,
                region=c.region or self.region,
                role_arn=c.role_arn,
                hub=index == 0,
                made_by_base=c.name == self.name
                and c.region in (None, self.region)
                and c.role_arn is None,
            )
            for index, c in enumerate(listed)
        )

    @property
    def amp_region(self) -> str:
        """The region of the workspaces."""
        return self.amp.region or self.region
