"""The collectors under test, each run as in a pod: token, names, credentials, an address."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.lab.amp import Amp, Role, vector
from tests.lab.cluster import Cluster
from tests.lab.process import BINARIES, SERVICE_ACCOUNT, Process, wait_until

MINUTE = 5  # seconds in the lab: every configuration must say 60s, and runs with this
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Identity:
    """Who a collector is: its cluster, its service account there, and its role in AWS."""

    cluster: Cluster
    namespace: str
    service_account: str
    role: Role | None = None


class Collector:
    """A program in a pod; `directory` takes its files and logs.

    Attributes:
        process: the program.
    """

    process: Process

    def __init__(
        self, directory: Path, identity: Identity, amp: Amp | None, files: Mapping[str, str]
    ) -> None:
        """Prepare the pod, with `files` in /etc/config."""
        api, namespace = identity.cluster.api, identity.namespace
        self.address = f"10.253.0.{next(_numbers)}"
        self.directory = directory
        self._environment = {
            "KUBERNETES_SERVICE_HOST": api.address,
            "KUBERNETES_SERVICE_PORT": "443",
            "MY_POD_IP": self.address,
            "SSL_CERT_FILE": f"{SERVICE_ACCOUNT}/ca.crt",
            **(identity.role.environment if identity.role else {}),
        }
        # localhost is the pod's own, although all pods share the loopback interface here.
        hosts = f"{api.address} kubernetes.default.svc\n{self.address} localhost\n"
        hosts += f"{amp.address} {amp.host}\n" if amp else ""
        search = f"search {namespace}.svc.cluster.local svc.cluster.local\noptions ndots:5\n"
        everything = {
            "etc/hosts": hosts,
            "etc/resolv.conf": f"nameserver {identity.cluster.dns}\n{search}",
            "secrets/token": api.token(namespace, identity.service_account),
            "secrets/ca.crt": api.ca_file.read_text(),
            "secrets/namespace": namespace,
            **{f"etc/config/{name}": text for name, text in files.items()},
        }
        for name, text in everything.items():
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def _start(self, program: str, *arguments: str) -> Process:
        mounts = {SERVICE_ACCOUNT: self.directory / "secrets", "/etc": self.directory / "etc"}
        command: list[str | Path] = [BINARIES / program, *arguments]
        return Process(program, command, self.directory, self._environment, mounts)

    def _check(self, program: str, *arguments: str) -> None:
        check = self._start(program, *arguments)
        if check.wait(60) != 0:
            raise ValueError(check.log())

    def _await(self, url: str) -> None:
        wait_until(lambda: requests.get(url, timeout=5).ok, 30, url, self.process)

    def close(self) -> None:
        self.process.close()


class Prometheus(Collector):
    """A Prometheus with `files` in /etc/config; an `agent` keeps no data of its own.

    Raises ValueError when promtool refuses the configuration.
    """

    def __init__(
        self,
        directory: Path,
        files: Mapping[str, str],
        identity: Identity,
        amp: Amp | None = None,
        *,
        agent: bool = False,
    ) -> None:
        super().__init__(directory, identity, amp, files)
        self.agent = agent
        self.url = f"http://{self.address}:9090"
        file = "/etc/config/prometheus.yml"
        mode = ["--agent"] if agent else []
        self._check("promtool", "check", "config", *mode, file)
        config = yaml.safe_load(files["prometheus.yml"])
        _hurry(config)
        (directory / "etc/config/prometheus.yml").write_text(yaml.safe_dump(config))
        data = directory / "data"
        store = f"--storage.{'agent' if agent else 'tsdb'}.path={data}"
        listen = f"--web.listen-address={self.address}:9090"
        self.process = self._start("prometheus", *mode, f"--config.file={file}", listen, store)
        self._await(f"{self.url}/-/ready")

    def query(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series of an instant query."""
        answer = requests.get(f"{self.url}/api/v1/query", {"query": promql}, timeout=30)
        return vector(answer.json()["data"])

    def targets(self) -> dict[str, list[dict[str, Any]]]:
        """Return the active targets by job, as /api/v1/targets describes them."""
        answer = requests.get(f"{self.url}/api/v1/targets", {"state": "active"}, timeout=30)
        jobs: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for target in answer.json()["data"]["activeTargets"]:
            jobs[target["scrapePool"]].append(target)
        return dict(jobs)


class Otelcol(Collector):
    """An OpenTelemetry collector with `config` and what else its command line says.

    Raises ValueError when the collector finds `config` invalid.
    """

    def __init__(
        self,
        directory: Path,
        config: dict[str, Any],
        identity: Identity,
        amp: Amp,
        arguments: Sequence[str] = (),
    ) -> None:
        super().__init__(directory, identity, amp, {"relay.yaml": yaml.safe_dump(config)})
        command = ["--config=/etc/config/relay.yaml", *arguments]
        self._check("otelcol", "validate", *command)
        config = deepcopy(config)
        _hurry(config["receivers"]["prometheus"]["config"])
        # Pods have all of their addresses for themselves, and share them here.
        health = config["extensions"]["health_check"]
        health["endpoint"] = f"{self.address}{health['endpoint']}"
        (directory / "etc/config/relay.yaml").write_text(yaml.safe_dump(config))
        self.process = self._start("otelcol", *command)
        self._await(f"http://{self.address}:13133")


def _hurry(config: dict[str, Any]) -> None:
    """Make a lab's minute of every interval."""
    for part in (config["global"], *config["scrape_configs"]):
        for key in ("scrape_interval", "evaluation_interval"):
            if part.get(key, "60s") not in ("60s", "1m"):
                raise ValueError(f"{key} is {part[key]}, not 60s")
            part.pop(key, None)
        part.pop("scrape_timeout", None)
    config["global"] |= dict.fromkeys(
        ("scrape_interval", "scrape_timeout", "evaluation_interval"), f"{MINUTE}s"
    )
