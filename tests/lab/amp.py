"""A stand-in for Amazon Managed Service for Prometheus: SigV4 and a quota before a real store."""

from __future__ import annotations

import itertools
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import cramjam
import requests
import trustme
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from tests.lab.process import BINARIES, Process, wait_until
from tests.lab.server import Answer, Request, Server
from tests.lab.signature import access_key, is_signed

REGION = "ap-northeast-2"
# https://docs.aws.amazon.com/prometheus/latest/userguide/AMP_quotas.html
MAX_REQUEST_BYTES = 1_000_000
AWAY = 0
_ACTIONS = {
    "remote_write": "aps:RemoteWrite",
    "query": "aps:QueryMetrics",
    "query_range": "aps:QueryMetrics",
    "series": "aps:GetSeries",
    "labels": "aps:GetLabels",
    "label/__name__/values": "aps:GetLabels",
    "metadata": "aps:GetMetricMetadata",
}
_numbers = itertools.count(1)


def host(region: str) -> str:
    """Return the name under which AMP is found in a region."""
    return f"aps-workspaces.{region}.amazonaws.com"


def workspace_arn(workspace_id: str) -> str:
    return f"arn:aws:aps:{REGION}:111122223333:workspace/{workspace_id}"


@dataclass(frozen=True)
class Role:
    """An IAM role as AMP sees it: credentials, and what its policy allows on which workspace."""

    name: str
    actions: frozenset[str]
    resource: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables in which AWS's SDKs look for credentials."""
        return {"AWS_ACCESS_KEY_ID": self.name, "AWS_SECRET_ACCESS_KEY": f"secret of {self.name}"}

    @property
    def credentials(self) -> Credentials:
        return Credentials(*self.environment.values())


@dataclass
class Received:
    """Remote writes that came in: how they were answered, and what the accepted ones held."""

    requests: Counter[int] = field(default_factory=Counter)  # by status; AWAY when cut
    bytes: int = 0  # compressed
    samples: Counter[str] = field(default_factory=Counter)  # by metric name


class Amp:
    """A workspace, at https://aps-workspaces.<region>.amazonaws.com for who finds its address.

    It evaluates `rules`, with `minute` seconds for a minute, and lets in the roles that it was told
    to `admit`. Alerts go to the `alertmanager` at an address.

    Attributes:
        reader, writer: roles of AWS's own, which may query it and write to it.
        received: the remote writes so far.
        recorded: the names that its rules write.
    """

    def __init__(
        self,
        directory: Path,
        ca: trustme.CA,
        workspace_id: str,
        *,
        region: str = REGION,
        rules: Mapping[str, Any] | None = None,
        minute: int = 60,
        alertmanager: str | None = None,
    ) -> None:
        number = next(_numbers)
        self.region = region
        groups = deepcopy((rules or {}).get("groups", []))
        for group in groups:
            group["interval"] = f"{int(group.get('interval', '1m').removesuffix('m')) * minute}s"
        self.recorded = {
            rule["record"] for group in groups for rule in group["rules"] if "record" in rule
        }
        self.address = f"10.254.0.{number}"
        self.host = host(region)
        self._arn = workspace_arn(workspace_id)
        self._path = f"/workspaces/{workspace_id}/api/v1/"
        self.remote_write_url = f"https://{self.host}{self._path}remote_write"
        self.writer = Role("aws-writer", frozenset({"aps:RemoteWrite"}), self._arn)
        self.reader = Role(
            "aws-reader", frozenset(_ACTIONS.values()) - self.writer.actions, self._arn
        )
        self._roles: dict[str, Role] = {}
        self.admit(self.reader, self.writer)
        self.received = Received()
        self._lock = threading.Lock()
        self._fault: int | None = None

        config, rule_file = directory / "store.yaml", directory / "rules.yaml"
        rule_file.write_text(json.dumps({"groups": groups}))
        targets = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
        store = {
            "rule_files": [str(rule_file)],
            "storage": {"tsdb": {"out_of_order_time_window": "1m"}},  # AMP's default
            "alerting": {"alertmanagers": targets},
        }
        config.write_text(json.dumps(store))
        # With alerts, what is not in the rules goes at the same pace: these are the defaults.
        pace = [f"--query.lookback-delta={5 * minute}s", f"--rules.alert.resend-delay={minute}s"]
        self._store = f"10.254.1.{number}:9090"
        self._prometheus = Process(
            "store",
            [
                BINARIES / "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address={self._store}",
                "--web.enable-remote-write-receiver",
                *(pace if alertmanager else []),
            ],
            directory,
        )
        self._ca_file = directory / "ca.crt"
        ca.cert_pem.write_to_path(str(self._ca_file))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(self.host).configure_cert(tls)
        self._gateway = Server(self.address, 443, self._answer, tls)
        ready = f"http://{self._store}/-/ready"
        wait_until(lambda: requests.get(ready, timeout=5).ok, 30, "the store", self._prometheus)

    def admit(self, *roles: Role) -> None:
        """Let IAM know these roles."""
        self._roles |= {role.name: role for role in roles}

    @contextmanager
    def failing(self, status: int) -> Iterator[None]:
        """Answer every request with `status`; AWAY cuts the connection instead."""
        self._fault = status
        try:
            yield
        finally:
            self._fault = None

    def query(self, promql: str, ago: float = 0) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series of an instant query, seconds `ago`."""
        return vector(self.get("query", query=promql, time=str(time.time() - ago)))

    def value(self, promql: str) -> float:
        """Return the value of the only series of an instant query, 0 if there is none."""
        return sum(value for _, value in self.query(promql))

    def times(self, selector: str) -> list[float]:
        """Return when the only series of `selector` had samples in the last ten minutes."""
        (series,) = self.get("query", query=f"{selector}[10m]")["result"]
        return [float(time) for time, _ in series["values"]]

    def names(self) -> set[str]:
        """Return the names of all metrics that it holds."""
        return set(self.get("label/__name__/values"))

    def get(self, call: str, role: Role | None = None, **parameters: str) -> Any:
        """Return the data of a call to the query API, signed as `role` or else the reader.

        Raises requests.HTTPError when AMP refuses it.
        """
        role = role or self.reader
        path = f"{self._path}{call}?{urlencode(parameters)}"
        signed = AWSRequest("GET", f"https://{self.host}{path}", headers={"Host": self.host})
        SigV4Auth(role.credentials, "aps", self.region).add_auth(signed)
        pool = urllib3.HTTPSConnectionPool(
            self.address, server_hostname=self.host, ca_certs=str(self._ca_file)
        )
        answer = pool.request("GET", path, headers=dict(signed.headers.items()), retries=False)
        if answer.status != 200:
            raise requests.HTTPError(f"{answer.status} {answer.data!r}")
        return answer.json()["data"]

    def _answer(self, request: Request) -> Answer:
        call = urlsplit(request.target).path.removeprefix(self._path)
        status = self._fault if self._fault is not None else self._refusal(call, request)
        content = b""
        if status is None:
            stored = requests.request(
                request.method,
                f"http://{self._store}/api/v1/{'write' if call == 'remote_write' else call}",
                params=urlsplit(request.target).query,
                data=request.body,
                headers={k: v for k, v in request.headers.items() if k.startswith("content-")},
                timeout=30,
            )
            status, content = stored.status_code, stored.content
        if call == "remote_write":
            with self._lock:
                self.received.requests[status] += 1
                if status in (200, 204):
                    self.received.bytes += len(request.body)
                    self.received.samples.update(_samples(request.body))
        return None if status == AWAY else (status, content)

    def _refusal(self, call: str, request: Request) -> int | None:
        if call not in _ACTIONS:
            return 404
        role = self._signer(request)
        if not role or _ACTIONS[call] not in role.actions or role.resource != self._arn:
            return 403
        return 413 if len(request.body) > MAX_REQUEST_BYTES else None

    def _signer(self, request: Request) -> Role | None:
        """Return whose valid signature for this region and service the request carries."""
        role = self._roles.get(access_key(request) or "")
        if role and is_signed(request, role.credentials, service="aps", region=self.region):
            return role
        return None

    def close(self) -> None:
        self._gateway.close()
        self._prometheus.close()


def vector(data: Any) -> list[tuple[dict[str, str], float]]:
    """Return labels and value of each series of what Prometheus's /api/v1/query calls data."""
    return [(series["metric"], float(series["value"][1])) for series in data["result"]]


# What is counted of remote write 1.0: https://prometheus.io/docs/specs/prw/remote_write_spec/
_SCHEMA = """
name: "remote.proto" package: "prometheus" syntax: "proto3"
message_type { name: "WriteRequest"
  field { name: "timeseries" number: 1 label: LABEL_REPEATED type_name: ".prometheus.TimeSeries" }}
message_type { name: "TimeSeries"
  field { name: "labels" number: 1 label: LABEL_REPEATED type_name: ".prometheus.Label" }
  field { name: "samples" number: 2 label: LABEL_REPEATED type_name: ".prometheus.Sample" }}
message_type { name: "Label"
  field { name: "name" number: 1 type: TYPE_STRING }
  field { name: "value" number: 2 type: TYPE_STRING }}
message_type { name: "Sample"
  field { name: "value" number: 1 type: TYPE_DOUBLE }}
"""
_pool = descriptor_pool.DescriptorPool()
_pool.Add(text_format.Parse(_SCHEMA, descriptor_pb2.FileDescriptorProto()))
_WriteRequest: Any = message_factory.GetMessageClass(
    _pool.FindMessageTypeByName("prometheus.WriteRequest")
)


def _samples(body: bytes) -> Counter[str]:
    samples: Counter[str] = Counter()
    for series in _WriteRequest.FromString(bytes(cramjam.snappy.decompress_raw(body))).timeseries:
        name = next(label.value for label in series.labels if label.name == "__name__")
        samples[name] += len(series.samples)
    return samples
