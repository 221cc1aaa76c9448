"""How requests to AMP are signed, in the words of each program that sends them."""

from dataclasses import dataclass
from typing import Any

from modules.partitions import host_name


@dataclass(frozen=True)
class Signing:
    """A signature (SigV4) for AMP in a region, in the name of a role if one is given."""

    region: str
    role_arn: str | None

    @property
    def host(self) -> str:
        """The host name that the signature is for."""
        return host_name("aps-workspaces", self.region)

    def for_prometheus(self) -> dict[str, Any]:
        """Spell it as Prometheus, and Kubecost's chart for its proxy."""
        return {"region": self.region} | ({"role_arn": self.role_arn} if self.role_arn else {})

    def for_grafana(self) -> dict[str, Any]:
        """Spell it as the jsonData of Grafana's AMP data source."""
        role = {"sigV4AssumeRoleArn": self.role_arn} if self.role_arn else {}
        signed = {"sigV4Auth": True, "sigV4AuthType": "default", "sigV4Region": self.region}
        return signed | role

    def for_collector(self) -> dict[str, Any]:
        """Spell it as the OpenTelemetry collector's sigv4auth extension."""
        role = {"assume_role": {"arn": self.role_arn}} if self.role_arn else {}
        return {"region": self.region, "service": "aps"} | role
