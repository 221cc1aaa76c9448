"""Every configuration passes the strictest check there is, and the checks do find faults."""

import re
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from typing import Any

import pytest
import requests
import trustme
import yaml

from tests.conftest import Stack
from tests.lab.conftest import NewPath
from tests.lab.process import BINARIES, Process, wait_until
from tests.lab.scraper_config import ScraperConfiguration
from tests.lab.synthesized import PROMETHEUS, Overlay
from tests.lab.world import CLUSTERS, World, run

HEALTH_PORT = 23133  # no pod of the world has it
REFUSED: dict[str, Callable[[Any], object]] = {
    "remote_write": lambda c: c.update(remote_write=[{"url": "https://example.com"}]),
    "rule_files": lambda c: c.update(rule_files=["/etc/rules.yml"]),
    "less than 30 s": lambda c: c["global"].update(scrape_interval="29s"),
    "dns_sd_configs": lambda c: c["scrape_configs"][0].update(dns_sd_configs=[{"names": ["a"]}]),
    "tls_config": lambda c: c["scrape_configs"][0].update(tls_config={"ca_file": "/ca.crt"}),
    "basic_auth": lambda c: c["scrape_configs"][0].update(basic_auth={"username": "a"}),
    "credentials_file": lambda c: c["scrape_configs"][2]["authorization"].update(
        credentials_file="/etc/token"
    ),
    "role": lambda c: c["scrape_configs"][0]["kubernetes_sd_configs"][0].update(
        role="endpointslice"
    ),
    "does not appear to be an IPv4": lambda c: c["scrape_configs"][0].update(
        static_configs=[{"targets": ["kubecost.kubecost.svc:9003"]}]
    ),
    "relabel_configs": lambda c: c["scrape_configs"][0]["relabel_configs"].append(
        {"target_label": "__address__", "replacement": "kubecost.kubecost.svc:9003"}
    ),
}


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_managed_scraper_takes_its_configuration(world: World, cluster: str) -> None:
    ScraperConfiguration.parse(world.overlays["amp", cluster].scraper)


@pytest.mark.parametrize("words", REFUSED)
def test_what_the_managed_scraper_refuses_is_found(world: World, words: str) -> None:
    configuration = yaml.safe_load(world.overlays["amp", "blue"].scraper)
    REFUSED[words](configuration)
    with pytest.raises(ValueError, match=words):
        ScraperConfiguration.parse(yaml.safe_dump(configuration))


def test_the_local_prometheus_starts_too(
    world: World, lab_stacks: dict[str, Stack], new_path: NewPath
) -> None:
    # All others run in the world, which has each checked before it starts.
    overlay = Overlay(lab_stacks["prom"], "none", new_path())
    with closing(run("prom", overlay, new_path(), world.clusters["blue"], world.amps["amp"])) as it:
        it.process.assert_running()


def test_a_key_that_prometheus_does_not_know_is_found(world: World, new_path: NewPath) -> None:
    overlay = deepcopy(world.overlays["prom_amp", "blue"])
    overlay.edit(
        PROMETHEUS, lambda config: config["remote_write"][0]["queue_config"].update(retry=True)
    )
    with pytest.raises(ValueError, match="field retry not found"):
        run("prom_amp", overlay, new_path(), world.clusters["blue"], world.amps["prom_amp"])


def test_a_component_that_adot_does_not_have_is_found(world: World, new_path: NewPath) -> None:
    overlay = deepcopy(world.overlays["adot_amp", "blue"])
    config = overlay.collector["alternateConfig"]
    config["exporters"]["logging"] = {}
    with pytest.raises(ValueError, match="logging"):
        run("adot_amp", overlay, new_path(), world.clusters["blue"], world.amps["adot_amp"])


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_the_collector_is_healthy_on_ipv4_and_on_ipv6(
    lab_stacks: dict[str, Stack], ca: trustme.CA, new_path: NewPath, host: str
) -> None:
    """In a pod of an IPv6 cluster there is no other address; `ca` is there for the network.

    The world's collectors have the port that is synthesized, each at an address of its own.
    """
    folder = new_path()
    given = Overlay(lab_stacks["adot_amp"], "none", folder).collector["alternateConfig"]
    job = {"job_name": "none", "static_configs": [{"targets": ["127.0.0.1:1"]}]}
    exporter = {"endpoint": "http://127.0.0.1:1"}
    address, _, _ = given["extensions"]["health_check"]["endpoint"].rpartition(":")
    config = {
        "receivers": {"prometheus": {"config": {"scrape_configs": [job]}}},
        "exporters": {"prometheus_remote_write": exporter},
        "extensions": {"health_check": {"endpoint": f"{address}:{HEALTH_PORT}"}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {
                "metrics": {
                    "receivers": ["prometheus"],
                    "exporters": ["prometheus_remote_write"],
                }
            },
        },
    }
    file = folder / "relay.yaml"
    file.write_text(yaml.safe_dump(config))
    with closing(Process("otelcol", [BINARIES / "otelcol", f"--config={file}"], folder)) as it:
        wait_until(
            lambda: requests.get(f"http://{host}:{HEALTH_PORT}", timeout=5).status_code == 200,
            60,
            "the health check",
            it,
        )


def test_the_api_server_has_the_version_that_it_was_built_from(world: World) -> None:
    # Charts compare it; unless told at the link, it calls itself v0.0.0-master.
    version = world.clusters["blue"].api.call("GET", "/version")["gitVersion"]
    assert re.fullmatch(r"v1\.\d+\.\d+", version)
