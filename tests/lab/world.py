"""Three clusters with four Kubecosts each, and every collector that the synthesized stacks have."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import trustme
import yaml

import architectures
from tests.conftest import Stack
from tests.lab.amp import Amp, Role
from tests.lab.cluster import Cluster
from tests.lab.collectors import MINUTE, Collector, Identity, Otelcol, Prometheus
from tests.lab.inventory import Inventory
from tests.lab.process import wait_until
from tests.lab.render import render
from tests.lab.synthesized import Overlay

ARCHITECTURES = [each.name for each in architectures.ARCHITECTURES.values() if each.sends_to_amp]
FULL = [each.name for each in architectures.ARCHITECTURES.values() if each.queries_amp]
CLUSTERS = ("blue", "green", "red")
CHART = "prom_amp"  # the architecture whose Kubecost the chart's own jobs scrape
# What the HCL project, of which this one is the successor, lets through to AMP.
JOB_FILTER = [{"source_labels": ["job"], "regex": "kubecost|kubecost-networking", "action": "keep"}]
RBAC: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("rbac.yaml").read_text())


def run(
    architecture: str,
    overlay: Overlay,
    directory: Path,
    cluster: Cluster,
    amp: Amp,
    role: Role | None = None,
) -> Collector:
    """Run an overlay's collector in a cluster, with the role that it was synthesized with.

    Raises ValueError when a program refuses its configuration.
    """
    namespace, values = overlay.release.name, overlay.values
    if architecture == "adot_amp":
        values = overlay.collector
        account, rules = values["serviceAccount"], values["clusterRole"]["rules"]
        cluster.api.grant(namespace, account["name"], rules)
        amp.admit(role := role or overlay.role(account))
        identity = Identity(cluster, namespace, account["name"], role)
        arguments = values["command"].get("extraArgs", [])
        return Otelcol(directory, values["alternateConfig"], identity, amp, arguments)
    if architecture == "amp":
        # AWS runs it, from outside; where it writes to is not in its configuration.
        identity = Identity(cluster, "aws-scraper", "scraper", amp.writer)
        cluster.api.grant("aws-scraper", "scraper", RBAC["managed_scraper"])
        write = {"url": amp.remote_write_url, "sigv4": {"region": amp.region}}
        config = {**yaml.safe_load(overlay.scraper), "remote_write": [write]}
        files = {"prometheus.yml": yaml.safe_dump(config)}
        return Prometheus(directory, files, identity, amp, agent=True)
    account_name = f"{namespace}-prometheus-server"
    cluster.api.grant(namespace, account_name, RBAC["prometheus"])
    if architecture != "prom":
        role = role or overlay.role(values["prometheus"]["serviceAccounts"]["server"])
        amp.admit(role)
    identity = Identity(cluster, namespace, account_name, role)
    return Prometheus(directory, overlay.prometheus_files, identity, amp)


def run_chart(
    release: str, directory: Path, cluster: Cluster, amp: Amp, keep: list[dict[str, Any]]
) -> Collector:
    """Run the chart's Prometheus with the chart's own jobs, for comparison."""
    identity = Identity(cluster, release, f"{release}-prometheus-server", amp.writer)
    cluster_id = cluster.inventory.cluster_id
    text = render(
        "chart_prometheus.yaml.j2", cluster_id=cluster_id, release=release, amp=amp, keep=keep
    )
    return Prometheus(directory, {"prometheus.yml": text}, identity, amp)


@dataclass
class World:
    """What runs; `overlays` and `collectors` by architecture and cluster, `amps` by architecture.

    The clusters share one workspace per architecture. `chart` and `job_filter` are workspaces to
    which the chart's own jobs of blue's prom_amp are sent, all of it and filtered by job.
    """

    clusters: dict[str, Cluster]
    amps: dict[str, Amp]
    overlays: dict[tuple[str, str], Overlay]
    collectors: dict[tuple[str, str], Collector]

    def up(self, name: str, cluster: str) -> dict[str, list[float]]:
        """Return, by job, how many targets are up and how many there are.

        Costs only have no `up`: there, the collector itself is asked.
        """
        collector, amp = self.collectors[name, cluster], self.amps[name]
        found: dict[str, list[float]] = {}
        for query in ("count by (job) (up{} == 1)", "count by (job) (up{})"):
            if name == "prom_amp_cost":
                assert isinstance(collector, Prometheus)
                answer = collector.query(query)
            else:
                answer = amp.query(query.replace("{}", f'{{cluster_id="{cluster}"}}'))
            for labels, value in answer:
                found.setdefault(labels["job"], []).append(value)
        return found


def build(
    running: ExitStack,
    stacks: dict[str, Stack],
    new_path: Callable[[], Path],
    ca: trustme.CA,
) -> World:
    """Start it all, to be closed with `running`."""
    overlays = {
        (name, cluster): Overlay(
            stacks[name if cluster == "blue" else f"{name}-{cluster}"], f"ws-{name}", new_path()
        )
        for name in ARCHITECTURES
        for cluster in CLUSTERS
    }
    clusters = {}
    for index, cluster in enumerate(CLUSTERS, 1):
        releases = [overlays[name, cluster].release for name in ARCHITECTURES]
        made = Cluster(new_path(), Inventory(cluster, index, releases), ca)
        clusters[cluster] = running.enter_context(closing(made))
    amps = {}
    for name in (*ARCHITECTURES, "chart", "job_filter"):
        rules = overlays[name, "blue"].rules if name in ARCHITECTURES else None
        amp = Amp(new_path(), ca, f"ws-{name}", rules=rules, minute=MINUTE)
        amps[name] = running.enter_context(closing(amp))
    collectors = {
        (name, cluster): run(name, overlay, new_path(), clusters[cluster], amps[name])
        for (name, cluster), overlay in overlays.items()
    }
    for name, keep in {"chart": [], "job_filter": JOB_FILTER}.items():
        release, blue = overlays[CHART, "blue"].release.name, clusters["blue"]
        collectors[name, "blue"] = run_chart(release, new_path(), blue, amps[name], keep)
    for collector in collectors.values():
        running.enter_context(closing(collector))
    # Enough for every rate, so that the recording rules, too, have something to record.
    rounds = "min(count_over_time(kubecost_cluster_info[10m])) >= 4"
    for name, amp in amps.items():
        wait_until(partial(amp.query, rounds), 60, f"four rounds in {name}")
    return World(clusters, amps, overlays, collectors)
