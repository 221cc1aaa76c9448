"""The default stacks, deployed: their AWS half by Terraform, their cluster half as the lab runs it.

What Helm and Kubernetes' controllers would write into the API server is written here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests
import trustme
import yaml

from architectures import ARCHITECTURES
from tests.conftest import ROOT, Stack
from tests.lab.amp import Amp, Role
from tests.lab.apiserver import ADMIN_TOKEN, JsonObject
from tests.lab.chart_objects import claim, named, storage_class, vpc_cni, workload
from tests.lab.cluster import Cluster
from tests.lab.collectors import MINUTE, Collector, Prometheus
from tests.lab.inventory import Inventory, Pod, Workload
from tests.lab.process import Process, usual_network, wait_until
from tests.lab.server import Answer, Request, Server
from tests.lab.synthesized import PROMETHEUS, SCRAPER, Overlay
from tests.lab.world import run
from tests.terraform.roots import Root
from tests.terraform.simulated_aws import SimulatedAws
from tools.objects import kubernetes_object

OVERLAYS = list(ARCHITECTURES)
LEFT_OUT = {"helm", "kubernetes"}
INDEX = 4  # the other clusters of the lab are 1 to 3
# In seconds; a minute is MINUTE here. Long enough for a machine that is busy.
FRESH = 6 * MINUTE

Change = Callable[[JsonObject, list[JsonObject]], None]  # of global settings and scrape jobs


class Outcome(NamedTuple):
    """What the command said."""

    status: int
    text: str

    def false(self) -> list[str]:
        """Give theme and line of what is false."""
        return [line[8:] for line in self.text.splitlines() if line.startswith("FAIL")]


class Deployed:
    """A cluster with the five overlays.

    Attributes:
        aws: the account, with the AWS half of base and of every overlay.
        stacks: what was deployed.
        cluster: the lab's, to which the endpoint of the EKS cluster leads.
        amps: each overlay's workspace; none for `prom`.
        collectors: what scrapes for each overlay.
    """

    def __init__(
        self,
        running: ExitStack,
        out: Path,
        stacks: dict[str, Stack],
        new_path: Callable[[], Path],
        ca: trustme.CA,
    ) -> None:
        self.stacks, self._out, self._new_path, self._ca = stacks, out, new_path, ca
        self._running = running
        self.aws = running.enter_context(SimulatedAws(region="ap-northeast-2"))
        folder = new_path()
        roots = {
            name: Root(folder / name, stacks[name], self.aws, LEFT_OUT)
            for name in ("base", *OVERLAYS)
            if name != "prom"
        }
        for root in roots.values():
            with usual_network():
                root.init()
        roots.pop("base").apply()
        with ThreadPoolExecutor() as pool:
            list(pool.map(Root.apply, roots.values()))
        self.overlays = {
            name: Overlay(stacks[name], self.workspace_id(name), new_path()) for name in OVERLAYS
        }
        releases = [overlay.release for overlay in self.overlays.values()]
        inventory = Inventory("kubecost", INDEX, releases)
        self.cluster = running.enter_context(closing(Cluster(new_path(), inventory, ca)))
        self.amps: dict[str, Amp] = {}
        self.collectors: dict[str, Collector] = {}
        for name in OVERLAYS:
            self.collect(name)
            if self.overlays[name].release.prometheus:
                # The API server leads to pods it knows; the collector has an address of its own.
                address = self._pod(name, "prometheus-server").address
                server = Server(address, 9090, partial(self._prometheus, name))
                running.callback(server.close)
        self._write_objects()

    def workspace_id(self, name: str) -> str:
        """Give the id of the workspace that Terraform made."""
        alias = f"kubecost-{name.replace('_', '-')}"
        found = self.aws.client("amp").list_workspaces(alias=alias)["workspaces"]
        return next((w["workspaceId"] for w in found if w["alias"] == alias), "ws-none")

    def collect(
        self,
        name: str,
        change: Callable[[Overlay], None] = lambda _: None,
        role: Callable[[Amp], Role | None] = lambda _: None,
    ) -> None:
        """Start an overlay's collector and an empty workspace, in place of what ran."""
        if name in self.collectors:
            self.collectors[name].close()
        if name in self.amps:
            self.amps[name].close()
        overlay = deepcopy(self.overlays[name])
        change(overlay)
        amp = Amp(
            self._new_path(), self._ca, self.workspace_id(name), rules=overlay.rules, minute=MINUTE
        )
        self._running.callback(amp.close)
        collector = run(name, overlay, self._new_path(), self.cluster, amp, role(amp))
        self._running.callback(collector.close)
        self.collectors[name] = collector
        if name != "prom":
            self.amps[name] = amp
        self._serve_kubecost(name, overlay)
        self._annotate(name)

    def await_data(self, name: str) -> None:
        """Wait until what Kubecost queries has four rounds of everything."""
        rounds = "min(count_over_time(kubecost_cluster_info[10m])) >= 4"
        ask: Callable[[str], object]
        if name in self.amps:
            ask = self.amps[name].query
        else:
            collector = self.collectors[name]
            assert isinstance(collector, Prometheus)
            ask = collector.query
        wait_until(partial(ask, rounds), 90, f"four rounds of {name}")

    def _pod(self, name: str, suffix: str) -> Pod:
        workload = f"{self.overlays[name].release.name}-{suffix}"
        (pod,) = (pod for pod in self.cluster.inventory.pods if pod.workload.name == workload)
        return pod

    def _prometheus(self, name: str, request: Request) -> Answer:
        collector = self.collectors[name]
        assert isinstance(collector, Prometheus)
        answer = requests.get(f"{collector.url}{request.target}", timeout=30)
        return answer.status_code, answer.content

    def _serve_kubecost(self, name: str, overlay: Overlay) -> None:
        """Let the UI answer, and the signing proxy do its work."""
        address = self._pod(name, "cost-analyzer").address
        self.cluster.answers[f"{address}:9090"] = lambda _: (200, "Kubecost")
        if overlay.release.sigv4_proxy:
            reader = overlay.role(overlay.values["serviceAccount"])
            self.amps[name].admit(reader)
            self.cluster.answers[f"{address}:8005"] = partial(_signed, self.amps[name], reader)

    def _annotate(self, name: str) -> None:
        """Write the service accounts as the charts would, with the role that Terraform made."""
        for role in self.stacks[name]["resource"].get("aws_iam_role", {}).values():
            arn = self.aws.client("iam").get_role(RoleName=role["name"])["Role"]["Arn"]
            subject = role["assume_role_policy"].split("system:serviceaccount:")[1]
            namespace, account = subject.split('"')[0].split(":")
            metadata = named(account, namespace) | {
                "annotations": {"eks.amazonaws.com/role-arn": arn}
            }
            self.cluster.api.apply(
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
            )

    def _write_objects(self) -> None:
        self.cluster.api.apply(storage_class())
        inventory = self.cluster.inventory
        self.cluster.api.apply(vpc_cni())
        for name, overlay in self.overlays.items():
            namespace = overlay.release.name
            kind = "kubernetes_network_policy_v1"
            policies = self.stacks[name]["resource"][kind].values()
            self.cluster.api.apply(*(kubernetes_object(kind, each) for each in policies))
            for each in inventory.workloads:
                if each.namespace == namespace:
                    count = sum(pod.workload is each for pod in inventory.pods)
                    self.cluster.api.apply(workload(each, count))
            volumes = [f"{namespace}-cost-analyzer"]
            volumes += [f"{namespace}-prometheus-server"] if overlay.release.prometheus else []
            self.cluster.api.apply(*(claim(each, namespace) for each in volumes))
        collector = Workload("kubecost-adot-amp", "kubecost-adot-amp-collector", "Deployment", {})
        self.cluster.api.apply(workload(collector, 1))

    @contextmanager
    def without_rights(self, role: str) -> Iterator[None]:
        """Take a role's inline policy away for a while."""
        iam, names = self.aws.client("iam"), {"RoleName": role, "PolicyName": "access"}
        held = iam.get_role_policy(**names)["PolicyDocument"]
        iam.delete_role_policy(**names)
        try:
            yield
        finally:
            iam.put_role_policy(**names, PolicyDocument=json.dumps(held))

    def verify(self, stack: str, *options: str, **environment: str) -> Outcome:
        """Run the command as a person in this network would, with a reader's credentials."""
        folder = self._new_path()
        (folder / "cdktf.out").symlink_to(self._out)
        eks = self.aws.client("eks").describe_cluster(name="kubecost")["cluster"]
        host = urlsplit(eks["endpoint"]).hostname
        lines = ["127.0.0.1 localhost", f"{self.cluster.api.address} {host}"]
        if amp := self.amps.get(stack):
            lines.append(f"{amp.address} {amp.host}")
            environment |= amp.reader.environment
        (folder / "hosts").write_text("".join(f"{line}\n" for line in lines))
        (folder / "kubeconfig").write_text(yaml.safe_dump(self._kubeconfig(eks["endpoint"])))
        command: list[str | Path] = [sys.executable, "-m", "tools", "verify", stack]
        process = Process(
            "verify",
            [*command, "--max-age", str(FRESH), *options],
            folder,
            {
                **self.aws.environment,
                "PYTHONPATH": str(ROOT),
                "KUBECONFIG": str(folder / "kubeconfig"),
                "AWS_CA_BUNDLE": str(self.cluster.api.ca_file),
                **environment,
            },
            {"/etc/hosts": folder / "hosts"},
        )
        return Outcome(process.wait(120), process.log())

    def _kubeconfig(self, endpoint: str) -> JsonObject:
        clusters = {
            "lab": {
                "server": endpoint,
                "certificate-authority": str(self.cluster.api.ca_file),
                "tls-server-name": "kubernetes.default.svc",
            },
            "elsewhere": {"server": "https://elsewhere.gr7.ap-northeast-2.eks.amazonaws.com"},
        }
        return {
            "apiVersion": "v1",
            "kind": "Config",
            # A person's current context is often another cluster's.
            "current-context": "elsewhere",
            "clusters": [{"name": name, "cluster": each} for name, each in clusters.items()],
            "users": [
                {"name": "admin", "user": {"token": ADMIN_TOKEN}},
                {"name": "formerly", "user": {"token": "expired"}},
                {
                    "name": "signed-out",
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "no-aws-command-here",
                            "interactiveMode": "Never",
                        }
                    },
                },
            ],
            "contexts": [
                {"name": name, "context": {"cluster": cluster, "user": user}}
                for name, cluster, user in (
                    ("elsewhere", "elsewhere", "admin"),
                    ("lab", "lab", "admin"),
                    ("expired", "lab", "formerly"),
                    ("without-aws", "lab", "signed-out"),
                )
            ],
        }


def _signed(amp: Amp, reader: Role, request: Request) -> Answer:
    """Do what the signing proxy does, for an instant query."""
    target = urlsplit(request.target)
    try:
        data = amp.get("query", reader, **dict(parse_qsl(target.query)))
    except requests.HTTPError as error:
        return 403, str(error)
    return 200, json.dumps({"status": "success", "data": data})


def edit(name: str, overlay: Overlay, change: Change) -> None:
    """Let `change` alter the global settings and the scrape jobs of an overlay's collector."""
    if name == "adot_amp":
        config = overlay.collector["alternateConfig"]["receivers"]["prometheus"]["config"]
        change(config["global"], config["scrape_configs"])
    else:
        overlay.edit(
            SCRAPER if name == "amp" else PROMETHEUS,
            lambda config: change(config["global"], config["scrape_configs"]),
        )
