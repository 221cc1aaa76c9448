"""Every configuration passes the strictest check there is, and the checks do find faults."""

from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from typing import Any

import pytest
import yaml

from tests.conftest import Stack
from tests.lab.conftest import NewPath
from tests.lab.scraper_config import ScraperConfiguration
from tests.lab.synthesized import PROMETHEUS, Overlay
from tests.lab.world import CLUSTERS, World, run

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
