"""A made-up cluster: its objects in a real API server, and what its kubelets and pods answer."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import trustme
import yaml
from dnslib.server import DNSLogger, DNSServer
from dnslib.zoneresolver import ZoneResolver

from tests.lab.apiserver import ApiServer
from tests.lab.inventory import Inventory
from tests.lab.render import render
from tests.lab.server import Answer, Request, Server

START = time.time()  # counters started from zero then
# One after another, and none for a scraper whose time is over. On a busy machine scrapes would
# else pile up until none is answered in time.
RENDERING = threading.Lock()
# What a page has in place of the age, on both sides of its factor, and of the time.
AGE, STAMP = "\x00", "\x01"


class Cluster:
    """An API server with the objects of `inventory`; its kubelets and Kubecosts can be scraped.

    Attributes:
        answers: what answers in place of the cluster's own pages, by address and port.
    """

    def __init__(self, directory: Path, inventory: Inventory, ca: trustme.CA) -> None:
        self.inventory = inventory
        self.answers: dict[str, Callable[[Request], Answer]] = {}
        self.scrapes: list[str] = []  # the address, port and path of each
        self.dns = f"10.{inventory.index}.0.10"
        self.api = ApiServer(directory, inventory.index, ca)
        objects = yaml.safe_load(render("objects.yaml.j2", inventory=inventory))
        self.api.apply(*objects)
        self._servers: list[Server] = []
        self._serve_nodes(ca)
        self._serve_kubecosts()
        # All services are headless here: their names lead to pods.
        zone = "\n".join(
            "{name}.{namespace}.svc.cluster.local. 5 A ".format(**one["metadata"]) + ready["ip"]
            for one in objects
            if one["kind"] == "Endpoints"
            for ready in one["subsets"][0]["addresses"]
        )
        self._dns = DNSServer(ZoneResolver(zone), self.dns, logger=DNSLogger(logf=lambda _: None))
        self._dns.start_thread()

    def _serve_nodes(self, ca: trustme.CA) -> None:
        for node in self.inventory.nodes:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ca.issue_cert(node.address).configure_cert(tls)
            ca.configure_trust(tls)
            tls.verify_mode = ssl.CERT_REQUIRED  # a kubelet lets only the API server in
            pods = [pod for pod in self.inventory.pods if pod.node is node]
            pages = {"/metrics": "kubelet", "/metrics/cadvisor": "cadvisor"}
            self._serve(node.address, 10250, pages, tls, node=node, pods=pods)
            for release in self.inventory.releases:
                pages = {"/metrics": "network_costs"}
                self._serve(node.address, release.network_costs_port, pages, pods=pods)
                if port := release.node_exporter_port:
                    self._serve(node.address, port, {"/metrics": "node_exporter"}, node=node)
            for pod in pods:
                if pod.workload.labels.get("app") == "nvidia-dcgm-exporter":
                    self._serve(pod.address, 9400, {"/metrics": "dcgm"}, node=node, pods=pods)

    def _serve_kubecosts(self) -> None:
        for pod in self.inventory.pods:
            if pod.workload.labels.get("app") == "cost-analyzer":
                for container in pod.containers:
                    for port in container.ports.values():
                        page = "cost_model" if port == 9003 else "process"
                        self._serve(pod.address, port, {"/metrics": page})

    def _serve(
        self,
        address: str,
        port: int,
        pages: dict[str, str],
        tls: ssl.SSLContext | None = None,
        **values: object,
    ) -> None:
        @cache
        def page(name: str) -> Page:
            text = render(f"{name}.prom.j2", inventory=self.inventory, age=Age(), **values)
            return Page(text, timestamps=name == "cadvisor")

        def answer(request: Request) -> Answer:
            if other := self.answers.get(f"{address}:{port}"):
                return other(request)
            self.scrapes.append(f"{address}:{port}{request.target}")
            if request.target not in pages:
                return 404, ""
            with RENDERING:
                if request.client_has_gone():
                    return None
                return 200, page(pages[request.target]).at(time.time())

        self._servers.append(Server(address, port, answer, tls))

    def close(self) -> None:
        with ThreadPoolExecutor(len(self._servers)) as pool:
            list(pool.map(Server.close, self._servers))
        self._dns.stop()
        self._dns.server.server_close()  # which `stop` leaves to the garbage collector
        self.api.close()


class Age:
    """A cluster's age in seconds times a factor, in the text of a page before it is known."""

    def __init__(self, factor: float = 1) -> None:
        self._factor = factor

    def __mul__(self, other: float) -> Age:
        return Age(self._factor * other)

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> Age:
        return Age(self._factor / other)

    def __str__(self) -> str:
        return f"{AGE}{self._factor}{AGE}"


class Page:
    """Lines grouped by name and typed, as the text format wants, and stamped, as cAdvisor does.

    Only what changes is written for each scrape; the rest would take half of a processor.
    """

    def __init__(self, text: str, timestamps: bool) -> None:
        lines: list[str] = []
        previous = None
        named = [
            (line.partition("{")[0].partition(" ")[0], line) for line in text.splitlines() if line
        ]
        for name, line in sorted(named):
            if name != previous:
                kind = "counter" if name.endswith(("_total", "_bucket")) else "gauge"
                lines.append(f"# TYPE {name} {kind}\n")
            lines.append(f"{line} {STAMP}\n" if timestamps else f"{line}\n")
            previous = name
        self._parts = "".join(lines).split(AGE)
        self._factors = [float(factor) for factor in self._parts[1::2]]

    def at(self, now: float) -> str:
        """Write the page as it is at a time, in seconds."""
        parts, age = self._parts.copy(), now - START
        parts[1::2] = [str(factor * age) for factor in self._factors]
        return "".join(parts).replace(STAMP, str(int(now * 1000)))
