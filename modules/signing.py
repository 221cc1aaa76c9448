"""Write how requests to AMP are signed, in the configuration of each program that sends them."""

from dataclasses import dataclass
from typing import Any

from modules.partitions import host_name


@dataclass(frozen=True)
class Signing:
    """The signature (SigV4) of requests to AMP in a region, with a role to assume if given."""

    region: str
    role_arn: str | None

    @property
    def host(self) -> str:
        """The host name in the signature."""
        return host_name("aps-workspaces", self.region)

    def for_prometheus(self) -> dict[str, Any]:
        """Write it for Prometheus, and for the proxy in Kubecost's chart."""
        return {"region": self.region} | ({"role_arn": self.role_arn} if self.role_arn else {})

    def for_grafana(self) -> dict[str, Any]:
        """Write it as jsonData of Grafana's AMP data source."""
        role = {"sigV4AssumeRoleArn": self.role_arn} if self.role_arn else {}
        signed = {"sigV4Auth": True, "sigV4AuthType": "default", "sigV4Region": self.region}
        return signed | role

    def for_collector(self) -> dict[str, Any]:
        """Write it for the OpenTelemetry collector's extension sigv4auth."""
        role = {"assume_role": {"arn": self.role_arn}} if self.role_arn else {}
        return {"region": self.region, "service": "aps"} | role
