"""`make verify` on a deployed cluster: true where all is well, and false with the right line.

Run with -s it prints what a person would see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
import trustme

from tests import verified
from tests.conftest import SETTINGS_FILES, read_stacks, synthesize_into
from tests.lab.apiserver import JsonObject
from tests.lab.chart_objects import claim, workload
from tests.lab.collectors import Prometheus
from tests.lab.conftest import NewPath
from tests.lab.deployed import FRESH, OVERLAYS, Change, Deployed, Outcome, edit
from tests.lab.process import wait_until

WITH_AMP = [name for name in OVERLAYS if name != "prom"]
CADVISOR = "kubernetes-nodes-cadvisor"


@pytest.fixture(scope="module")
def deployed(ca: trustme.CA, new_path: NewPath) -> Iterator[Deployed]:
    out = synthesize_into(new_path() / "cdktf.out", SETTINGS_FILES["defaults"])
    with ExitStack() as running:
        made = Deployed(running, out, read_stacks(out), new_path, ca)
        for name in OVERLAYS:
            made.await_data(name)
        yield made


def look(deployed: Deployed, name: str, *options: str, **environment: str) -> Outcome:
    outcome = deployed.verify(name, *options, **environment)
    print(f"\n$ make verify STACK={name}\n{outcome.text}(exit status {outcome.status})")
    return outcome


def assert_false(outcome: Outcome, *parts: tuple[str, str, str]) -> None:
    """Each line that is expected to be false is, with these words seen and in its fix."""
    assert outcome.status == 1, outcome.text
    blocks = re.split(r"\n(?=\S)", outcome.text)
    for line, seen, fix in parts:
        (block,) = (each for each in blocks if each.startswith("FAIL") and line in each)
        assert re.search(rf"seen: .*{seen}", block), block
        assert re.search(rf"fix: .*{fix}", block), block


@pytest.mark.parametrize("name", ["base", *OVERLAYS])
def test_all_is_true(deployed: Deployed, name: str) -> None:
    outcome = look(deployed, name)
    assert outcome.status == 0
    assert outcome.false() == []
    if name in OVERLAYS:
        assert verified.shape(verified.output(name)) == verified.shape(outcome.text)


def test_ci_gets_json(deployed: Deployed) -> None:
    report = json.loads(deployed.verify("prom", "--json").text)
    assert report["exit_status"] == 0
    assert report["context"] == "lab"
    assert {each["status"] for each in report["findings"]} == {"ok"}


def test_a_pod_that_does_not_start(deployed: Deployed) -> None:
    namespace = "kubecost-prom-amp-cost"
    inventory = deployed.cluster.inventory
    (each,) = (w for w in inventory.workloads if w.name == f"{namespace}-prometheus-server")
    (pod,) = (pod for pod in inventory.pods if pod.workload is each)
    died = {
        "exitCode": 1,
        "reason": "Error",
        "message": "error loading config: could not get SigV4 credentials",
    }
    container = {
        "name": "prometheus-server",
        "image": "example/prometheus",
        "imageID": "",
        "ready": False,
        "restartCount": 5,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": died},
    }

    def statuses(*containers: JsonObject) -> None:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod.name}/status"
        found = deployed.cluster.api.call("GET", path)
        found["status"]["containerStatuses"] = list(containers)
        deployed.cluster.api.call("PUT", path, found)

    statuses(container)
    deployed.cluster.api.apply(workload(each, 1, ready=0))
    outcome = look(deployed, "prom_amp_cost")
    statuses()
    deployed.cluster.api.apply(workload(each, 1))
    said = "0 of 1 .* ended .Error, exit code 1.: .*could not get SigV4 credentials"
    assert_false(outcome, (f"Deployment {each.name} is ready", said, "roles.* delete pod"))
    assert len(outcome.false()) == 1


def test_a_volume_that_is_not_bound(deployed: Deployed) -> None:
    namespace = "kubecost-prom"
    name = f"{namespace}-prometheus-server"
    deployed.cluster.api.apply(claim(name, namespace, phase="Pending"))
    outcome = look(deployed, "prom")
    deployed.cluster.api.apply(claim(name, namespace))
    assert_false(outcome, (f"volume {name} is bound", "Pending", "EBS CSI driver"))


def test_what_is_exposed_without_being_declared(deployed: Deployed) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "open", "namespace": "kubecost-amp"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 9090, "protocol": "TCP"}]},
    }
    deployed.cluster.api.apply(service)
    outcome = look(deployed, "amp")
    deployed.cluster.api.call("DELETE", "/api/v1/namespaces/kubecost-amp/services/open")
    assert_false(outcome, ("Service open is not exposed", "LoadBalancer", "ClusterIP"))


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        (["--context", "elsewhere"], {}, "--context elsewhere leads to .*, another cluster: "),
        (
            ["--context", "typo"],
            {},
            "your kubeconfig has only elsewhere, expired, lab, without-aws$",
        ),
        (["--context", "expired"], {}, "does not accept the credentials of context expired. It "),
        (
            ["--context", "without-aws"],
            {},
            "does not accept the credentials of context without-aws",
        ),
        ([], {"KUBECONFIG": "/nowhere"}, "no kubeconfig; run: aws eks update-kubeconfig --name "),
        ([], {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "AWS cannot be reached"),
        ([], {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no AWS credentials; "),
        ([], {"AWS_PROFILE": "typo"}, r"AWS_PROFILE: .*\(typo\) could not be found"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_line(
    deployed: Deployed, options: list[str], environment: dict[str, str], said: str
) -> None:
    outcome = look(deployed, "prom", *options, **environment)
    assert outcome.status == 2
    *_, line = outcome.text.splitlines()
    assert re.search(said, line)
    assert line.startswith("verify: ")


@pytest.fixture(scope="module")
def unlabelled(deployed: Deployed) -> Deployed:
    """Let every collector overwrite labels, and none scrape cAdvisor."""

    def change(_: JsonObject, jobs: list[JsonObject]) -> None:
        for job in jobs:
            job["honor_labels"] = False
        jobs[:] = [job for job in jobs if job["job_name"] != CADVISOR]

    return restarted(deployed, change)


def restarted(deployed: Deployed, change: Change) -> Deployed:
    for name in OVERLAYS:
        deployed.collect(name, change=partial(edit, name, change=change))
    for name in OVERLAYS:
        deployed.await_data(name)
    return deployed


@pytest.mark.parametrize("name", OVERLAYS)
def test_without_honor_labels_and_cadvisor(unlabelled: Deployed, name: str) -> None:
    assert_false(
        look(unlabelled, name),
        (f"scrape job {CADVISOR}", "no target", "job is missing"),
        ("series keep the labels", "exported_instance", "honor_labels: true"),
        ("containers that request cpu", r"0 of \d+", f"requests alone.*{CADVISOR}"),
        ("containers that request memory", r"0 of \d+", f"requests alone.*{CADVISOR}"),
    )


def test_when_the_collector_has_stopped(unlabelled: Deployed) -> None:
    unlabelled.collectors["amp"].close()
    pulse = "time() - max(timestamp(node_total_hourly_cost))"
    amp = unlabelled.amps["amp"]
    wait_until(lambda: amp.value(pulse) > FRESH, 2 * FRESH, "costs to be stale")
    assert_false(
        look(unlabelled, "amp"),
        ("costs in AMP are fresh", r"newest node_total_hourly_cost is \d+ s old", "stopped"),
    )


@pytest.fixture(scope="module")
def nameless(deployed: Deployed) -> Deployed:
    def change(settings: JsonObject, _: list[JsonObject]) -> None:
        settings["external_labels"] = {"cluster_id": "cluster-one"}

    return restarted(deployed, change)


@pytest.mark.parametrize("name", WITH_AMP)
def test_with_the_charts_cluster_id(nameless: Deployed, name: str) -> None:
    assert_false(
        look(nameless, name),
        (
            "cluster_id kubecost arrives in AMP",
            "AMP has only the clusters cluster-one",
            "clusters.*id in",
        ),
        (
            "every cluster in AMP has its own cluster_id",
            "6 nodes of cluster_id cluster-one",
            "external_labels",
        ),
    )


@pytest.mark.parametrize("name", ["prom_amp_cost", "prom_amp", "adot_amp"])
def test_with_a_writer_that_may_not_write(deployed: Deployed, name: str) -> None:
    deployed.collect(name, role=lambda amp: amp.reader)
    received = deployed.amps[name].received
    wait_until(lambda: received.requests[403] >= 2, 60, "writes to be refused")
    role = f"kubecost-{name.replace('_', '-')}-writer"
    with deployed.without_rights(role):
        outcome = look(deployed, name)
    assert_false(
        outcome,
        (f"role {role} has the declared rights", "policy access: none", f"cdktf deploy {name}"),
        (f"policy simulator agrees for role {role}", "denied: aps:RemoteWrite", "boundary"),
        ("cluster_id kubecost arrives in AMP", "no node_total_hourly_cost at all", "roles"),
        ("costs in AMP are fresh", "in 6 hours", "delivery"),
    )
    if isinstance(deployed.collectors[name], Prometheus):
        assert_false(
            outcome,
            (
                "AMP accepts what Prometheus sends",
                r"(\d+) of \1 samples were refused",
                "403: the role",
            ),
        )


def test_waits_until_it_is_true(deployed: Deployed) -> None:
    deployed.collect("prom")
    outcome = look(deployed, "prom", "--wait", "2")
    assert outcome.status == 0
    assert re.search(r"verify: not yet: .*; 2 minutes left\n", outcome.text)
