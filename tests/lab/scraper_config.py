"""What the AMP managed scraper takes as its configuration, when it scrapes an EKS cluster.

https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-collector-how-to.html
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_API_SERVER = "kubernetes.default.svc"
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours"}


def _interval(text: str) -> str:
    parts = re.findall(r"(\d+)(ms|s|m|h)", text)
    if sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta()) < timedelta(
        seconds=30
    ):
        raise ValueError("is less than 30 s")
    return text


def _address(text: str) -> str:
    """Take an IP address, the API server's name, or what relabelling puts in."""
    host = text.rpartition(":")[0] or text
    if host != _API_SERVER and "$" not in text:
        ip_address(host)
    return text


Interval = Annotated[str, AfterValidator(_interval)]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Global(_Block):
    scrape_interval: Interval
    scrape_timeout: str | None = None
    evaluation_interval: str | None = None
    external_labels: dict[str, str] = {}


class KubernetesSd(_Block):
    role: Literal["node", "pod", "service", "endpoints", "ingress"]
    namespaces: dict[str, Any] | None = None
    selectors: list[dict[str, str]] | None = None


class StaticConfig(_Block):
    targets: list[Annotated[str, AfterValidator(_address)]]
    labels: dict[str, str] = {}


class Authorization(_Block):
    type: Literal["Bearer"] = "Bearer"
    credentials_file: Literal["/var/run/secrets/kubernetes.io/serviceaccount/token"]


class Relabelling(_Block):
    source_labels: list[str] | None = None
    separator: str | None = None
    regex: str | None = None
    modulus: int | None = None
    target_label: str | None = None
    replacement: str | None = None
    action: str | None = None

    def model_post_init(self, _context: object) -> None:
        if self.target_label == "__address__" and self.replacement:
            _address(self.replacement)


class Job(_Block):
    job_name: str
    honor_labels: bool = False
    scrape_interval: Interval | None = None
    scrape_timeout: str | None = None
    metrics_path: str | None = None
    scheme: Literal["http", "https"] = "http"
    authorization: Authorization | None = None
    kubernetes_sd_configs: list[KubernetesSd] = []
    static_configs: list[StaticConfig] = []
    relabel_configs: list[Relabelling] = []
    metric_relabel_configs: list[Relabelling] = []


class ScraperConfiguration(_Block):
    """The whole of it; pydantic.ValidationError, a ValueError, names what AMP would refuse."""

    global_: Global = Field(alias="global")
    scrape_configs: list[Job]

    @classmethod
    def parse(cls, text: str) -> ScraperConfiguration:
        """Read YAML; raises ValueError (pydantic.ValidationError) with all that AMP refuses."""
        return cls.model_validate(yaml.safe_load(text))
