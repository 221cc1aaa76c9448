"""From a cluster that stops to the message: real rules, a real Alertmanager, an imitated SNS.

What runs was synthesized from three lines of settings. A minute lasts five seconds, or as many as
ALERTS_MINUTE says; with 60, nothing in rules and routes is changed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import trustme
import yaml

from tests.conftest import Stack, read_stacks, synthesize_into
from tests.lab.amp import Amp, Role
from tests.lab.process import BINARIES, Process, private_network, wait_until
from tests.lab.server import Server
from tests.lab.sns import MAX_SUBJECT, Message, Sns

SETTINGS = """
alerts:
  emails:
    - finops@example.com
"""
WITH_A_BUDGET = f"""{SETTINGS.rstrip()}
  budgets:
    - usd_per_month: 100
"""
MINUTE = int(os.environ.get("ALERTS_MINUTE", "5"))  # seconds
REGION = "ap-northeast-2"
TOPIC = f"arn:aws:sns:{REGION}:111122223333:kubecost-prom-amp-cost-alerts"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
COSTS = 'kubecost_cluster_info{id="kubecost"} 1\nnode_total_hourly_cost{node="n1"} 0.1\n'

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not (BINARIES / "alertmanager").exists(),
    reason="needs root and the lab's programs: make lab, sudo make test-lab",
)


def resource(stack: Stack, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack["resource"][kind][name]
    return found


def definition(stack: Stack) -> dict[str, Any]:
    """Give the definition of the alert manager as AMP gets it, the topic's ARN filled in."""
    text = resource(stack, "aws_prometheus_alert_manager_definition", "alerts_manager")[
        "definition"
    ]
    made = yaml.safe_load(text.replace("${aws_sns_topic.alerts_topic.arn}", TOPIC))
    assert set(made) == {"template_files", "alertmanager_config"}
    return {**made, "alertmanager_config": yaml.safe_load(made["alertmanager_config"])}


def write_configuration(made: dict[str, Any], folder: Path) -> Path:
    for name, text in made["template_files"].items():
        (folder / name).write_text(text)
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(made["alertmanager_config"]))
    return file


def at_pace(duration: str) -> str:
    """Shorten a duration to what it is when a minute lasts MINUTE seconds."""
    seconds = int(duration[:-1]) * UNITS[duration[-1]]
    return f"{seconds * MINUTE * 1000 // 60}ms"


def rules_at_pace(stack: Stack) -> dict[str, Any]:
    text = resource(stack, "aws_prometheus_rule_group_namespace", "workspace_rules_alerts")["data"]
    rules: dict[str, Any] = yaml.safe_load(text)
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\b\d+[smhdw]\b", lambda m: at_pace(m[0]), rule["expr"])
            if "for" in rule:
                rule["for"] = at_pace(rule["for"])
            if rule.get("alert") == "KubecostClusterSilent":
                rule["expr"], count = re.subn(
                    r"> (\d+)$", lambda m: f"> {int(m[1]) * MINUTE // 60}", rule["expr"]
                )
                assert count == 1
    return rules


def synthesized(folder: Path, settings: str = SETTINGS) -> Stack:
    file = folder / "kubecost.yaml"
    file.write_text(settings)
    return read_stacks(synthesize_into(folder / "out", file))["prom_amp_cost"]


@pytest.mark.parametrize("settings", ["three lines", "alerts"])
def test_amtool_accepts_the_configuration(
    settings: str, stacks: Callable[[str], dict[str, Stack]], tmp_path: Path
) -> None:
    stack = (
        synthesized(tmp_path) if settings == "three lines" else stacks(settings)["prom_amp_cost"]
    )
    made = definition(stack)
    for receiver in made["alertmanager_config"]["receivers"]:
        for page in receiver.get("pagerduty_configs", []):
            # AMP's own way to a secret; Alertmanager wants the key here.
            assert set(page["routing_key"]) == {"aws_secrets_manager"}
            page["routing_key"] = "key"
    file = write_configuration(made, tmp_path)
    command: list[str | Path] = [BINARIES / "amtool", "check-config", file]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class Running(NamedTuple):
    """What takes part."""

    amp: Amp
    sns: Sns
    alertmanager: str  # its URL
    start_cluster: Callable[[], Process]


@pytest.fixture
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    """Start workspace, Alertmanager and SNS, with a cluster's Prometheus still to be started."""
    stack = synthesized(tmp_path, getattr(request, "param", SETTINGS))
    aws = Role("aws-alerts", frozenset({"sns:Publish"}), TOPIC)
    made = definition(stack)
    route = made["alertmanager_config"]["route"]
    for key in ("group_wait", "group_interval", "repeat_interval"):
        route[key] = at_pace(route[key])
    with private_network(), ExitStack() as stopping:
        sns = stopping.enter_context(closing(Sns("10.254.3.1", topic_arn=TOPIC, role=aws)))
        address = "10.254.3.2:9093"
        process = Process(
            "alertmanager",
            [
                BINARIES / "alertmanager",
                f"--config.file={write_configuration(made, tmp_path)}",
                f"--storage.path={tmp_path / 'alertmanager'}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            ],
            tmp_path,
            {**aws.environment, "AWS_ENDPOINT_URL_SNS": sns.url},
        )
        stopping.enter_context(closing(process))
        url = f"http://{address}"
        wait_until(lambda: requests.get(f"{url}/-/ready", timeout=5).ok, 30, url, process)
        ca = trustme.CA()
        amp = stopping.enter_context(
            closing(
                Amp(
                    tmp_path,
                    ca,
                    "ws-alerts",
                    rules=rules_at_pace(stack),
                    minute=MINUTE,
                    alertmanager=address,
                )
            )
        )
        stopping.enter_context(closing(Server("10.254.3.3", 9003, lambda _: (200, COSTS))))
        yield Running(amp, sns, url, lambda: _prometheus(tmp_path, amp))


def _prometheus(folder: Path, amp: Amp) -> Process:
    """Start what a cluster is for AMP: a Prometheus that scrapes costs and sends them, signed."""
    config = folder / "prometheus.yml"
    write = {"url": amp.remote_write_url, "sigv4": {"region": amp.region}}
    config.write_text(
        json.dumps(
            {
                "global": {
                    "scrape_interval": f"{MINUTE}s",
                    "scrape_timeout": f"{MINUTE}s",
                    "external_labels": {"cluster_id": "kubecost"},
                },
                "scrape_configs": [
                    {"job_name": "kubecost", "static_configs": [{"targets": ["10.254.3.3:9003"]}]}
                ],
                "remote_write": [write],
            }
        )
    )
    hosts = folder / "hosts"
    hosts.write_text(f"{amp.address} {amp.host}\n127.0.0.1 localhost\n")
    return Process(
        "prometheus",
        [
            BINARIES / "prometheus",
            "--agent",
            f"--config.file={config}",
            f"--storage.agent.path={folder / 'agent'}",
            "--web.listen-address=10.254.3.4:9090",
        ],
        folder,
        {**amp.writer.environment, "SSL_CERT_FILE": str(folder / "ca.crt")},
        {"/etc/hosts": hosts},
    )


def containing(sns: Sns, words: str) -> Message:
    """Wait for a message whose subject has these words."""

    def found() -> list[Message]:
        return [each for each in sns.messages if words in each.subject]

    return wait_until(found, 20 * MINUTE, f"{words!r} in a subject; refused: {sns.refused}")[0]


def test_a_cluster_that_stops_gives_a_message(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    amp, sns = running.amp, running.sns
    with closing(running.start_cluster()):
        wait_until(lambda: amp.query("cluster:reported:timestamp_seconds"), 4 * MINUTE, "costs")
    stopped = time.time()
    told = containing(sns, "Kubecost Cluster Silent: kubecost")
    assert told.subject == "Kubecost Cluster Silent: kubecost"
    assert told.attributes == {"severity": "critical"}
    assert "Cluster kubecost has sent no costs for" in told.text
    assert "What to do: docs/alerts.md#kubecostclustersilent" in told.text
    assert [name for name, _ in _firing(amp)] == ["KubecostClusterSilent"]

    back = time.time()
    with closing(running.start_cluster()):
        over = containing(sns, "Over: Kubecost Cluster Silent: kubecost")
        assert "* Over: Cluster kubecost has sent no costs for" in over.text
    assert [each.subject for each in sns.messages] == [told.subject, over.subject]
    assert sns.refused == []
    with capsys.disabled():
        print(f"\na minute lasts {MINUTE} s")
        print(f"from stop to message: {(told.at - stopped) / MINUTE:.1f} minutes")
        print(f"from the return to the message: {(over.at - back) / MINUTE:.1f} minutes")
        print(f"Subject: {told.subject}\n{told.text}")
    # 15 minutes, an evaluation, a minute until the group is sent, and what a scrape may be late.
    assert 14 <= (told.at - stopped) / MINUTE <= 18


def _firing(amp: Amp) -> list[tuple[str, dict[str, str]]]:
    found = amp.query('ALERTS{alertstate="firing"}')
    return [(labels["alertname"], labels) for labels, _ in found]


def post(running: Running, alerts: list[dict[str, Any]]) -> None:
    answer = requests.post(f"{running.alertmanager}/api/v2/alerts", json=alerts, timeout=30)
    answer.raise_for_status()


def alert(name: str, severity: str, summary: str, **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {"summary": summary, "runbook_url": "r" * 200},
        "endsAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }


def test_messages_keep_within_what_sns_takes(running: Running) -> None:
    """However many alerts there are, and whatever a cluster that nobody knows calls itself."""
    sns = running.sns
    wild = 'größte\n"cluster" ' + "🙂" * 1500
    unknown = alert("KubecostUnknownCluster", "warning", "ü" * 7000, cluster_id=wild)
    volumes = [
        alert("KubecostVolumeUnmounted", "info", "🙂" * 500, cluster_id=wild, n=str(n))
        for n in range(1000)
    ]
    post(running, [unknown, *volumes])
    one = containing(sns, "Unknown")
    assert one.subject.startswith('Kubecost Unknown Cluster: gr??te?"cluster" ????')
    # With the first ones, or with those that came while they were sent.
    many = containing(sns, " (1000)")
    assert many.subject.startswith("Kubecost Volume Unmounted: gr??te")
    assert "And others: 1000 in all." in many.text
    assert many.text.count("* ") == 50
    post(running, [{**each, "endsAt": datetime.now(UTC).isoformat()} for each in volumes])
    over = containing(sns, "Over: ")
    assert "And others that are over: 1000 in all." in over.text
    assert max(len(each.subject) for each in sns.messages) <= MAX_SUBJECT
    assert sns.refused == []


@pytest.mark.parametrize("running", [WITH_A_BUDGET], indirect=True)
def test_only_the_highest_level_of_a_budget_is_told(running: Running) -> None:
    levels = {"50": "info", "80": "info", "100": "warning"}
    post(
        running,
        [
            alert("KubecostBudget", severity, f"{at} %", budget="all clusters", percent=at)
            for at, severity in levels.items()
        ],
    )
    told = containing(running.sns, "Kubecost Budget: all clusters")
    assert told.text.startswith("* 100 %")

    def states() -> dict[str, str]:
        held = requests.get(f"{running.alertmanager}/api/v2/alerts", timeout=30).json()
        return {each["labels"]["percent"]: each["status"]["state"] for each in held}

    expected = {"50": "suppressed", "80": "suppressed", "100": "active"}
    wait_until(lambda: states() == expected, 2 * MINUTE, "the lower levels to be suppressed")
    assert len(running.sns.messages) == 1
