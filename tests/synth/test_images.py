"""Ring 2: the pictures are those of the stacks, and nothing in a stack is missing unnoticed."""

import copy
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from PIL import ImageFont

from architectures import ARCHITECTURES
from tests.conftest import Stack, read_stacks, synthesize_into
from tools.canvas import FONTS, LINE_HEIGHT, WIDTH
from tools.pictures import architecture, billing, dashboard, exposed, fleet, gallery
from tools.pictures.components import components
from tools.pictures.left_out import (
    LEFT_OUT,
    LEFT_OUT_OF_BILLING,
    LEFT_OUT_OF_EXPOSED,
    LEFT_OUT_OF_FLEET,
)
from tools.pictures.picture import Box, Flow, Item, Part, Picture, PictureError, Text

# What its fixtures synthesize and draw is made by one worker (`--dist loadgroup`).
pytestmark = pytest.mark.xdist_group("images")

Stacks = dict[str, Stack]


class Synthesized(NamedTuple):
    defaults: Stacks
    fleet: Stacks
    billing: Stacks
    exposed: Stacks


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return Synthesized(
        *(
            read_stacks(synthesize_into(tmp_path_factory.mktemp(file.stem), file))
            for file in gallery.SETTINGS
        )
    )


@pytest.fixture(scope="module")
def pictures(synthesized: Synthesized) -> dict[str, Picture]:
    return {name: architecture.picture(name, synthesized.defaults) for name in ARCHITECTURES} | {
        "fleet": fleet.picture(synthesized.fleet),
        "billing": billing.picture(synthesized.billing),
        "exposed": exposed.picture(synthesized.exposed),
    }


@pytest.fixture
def stacks(synthesized: Synthesized) -> Stacks:
    """Stacks of the defaults, to be changed."""
    return copy.deepcopy(synthesized.defaults)


def test_the_committed_pictures_are_current(synthesized: Synthesized) -> None:
    drawn = gallery.draw(*synthesized)
    committed = {file.name for file in gallery.FOLDER.glob("*.png")}
    assert committed - {"costs.png"} == set(drawn)  # that one is tools/compare's
    for name, picture in drawn.items():
        # Not `==` in the assertion: pytest would print what differs in a hundred kilobytes.
        is_current = (gallery.FOLDER / name).read_bytes() == picture
        assert is_current, f"images/{name}: see make images"


def shown(picture: Picture) -> set[str]:
    return {component for item in picture.items for component in item.shows}


def test_each_reason_to_leave_out_is_needed(
    synthesized: Synthesized, pictures: dict[str, Picture]
) -> None:
    of_defaults = set()
    for name in ARCHITECTURES:
        found = components(
            {"base": synthesized.defaults["base"], "overlay": synthesized.defaults[name]}
        )
        of_defaults |= found.keys() - shown(pictures[name])
    of_fleet = components(synthesized.fleet).keys() - shown(pictures["fleet"])
    of_bill = components(synthesized.billing).keys() - shown(pictures["billing"])
    of_exposed = components(synthesized.exposed).keys() - shown(pictures["exposed"])
    for patterns, hidden in (
        (LEFT_OUT, of_defaults),
        (LEFT_OUT_OF_FLEET, of_fleet),
        (LEFT_OUT_OF_BILLING, of_bill),
        (LEFT_OUT_OF_EXPOSED, of_exposed),
    ):
        assert [
            pattern
            for pattern in patterns
            if not any(fnmatchcase(component, pattern) for component in hidden)
        ] == []


def test_each_item_is_in_some_picture(
    synthesized: Synthesized, pictures: dict[str, Picture]
) -> None:
    def kind(item: Item) -> tuple[Any, ...]:
        return type(item), item.shows, item.unless

    drawn = {kind(item) for picture in pictures.values() for item in picture.items}
    for name in ARCHITECTURES:
        found = components(
            {"base": synthesized.defaults["base"], "overlay": synthesized.defaults[name]}
        )
        for item in architecture.catalogue(found):
            assert kind(item) in drawn, f"{item} is in no picture"


@contextmanager
def values(stacks: Stacks, architecture: str) -> Iterator[dict[str, Any]]:
    """Give the values of an architecture's Kubecost, and put back what the test makes of them."""
    release = stacks[architecture]["resource"]["helm_release"]["kubecost_release"]
    read = yaml.safe_load(release["values"][0])
    yield read
    release["values"] = [yaml.safe_dump(read)]


@contextmanager
def prometheus_config(stacks: Stacks, architecture: str) -> Iterator[dict[str, Any]]:
    """Give an architecture's prometheus.yml, and put back what the test makes of it."""
    files = stacks[architecture]["resource"]["kubernetes_config_map_v1"][
        "kubecost_prometheus_config"
    ]["data"]
    read = yaml.safe_load(files["prometheus.yml"])
    yield read
    files["prometheus.yml"] = yaml.safe_dump(read)


def parts(picture: Picture) -> set[str]:
    return {item.id for item in picture.items if isinstance(item, Part)}


def flows(picture: Picture) -> set[tuple[str, str, str]]:
    return {
        (item.start, item.kind.title, item.end) for item in picture.items if isinstance(item, Flow)
    }


SCRAPED = ("kubecost", "network_costs", "nodes")


@pytest.mark.parametrize(
    ("name", "scraper", "others"),
    [
        ("prom", "prometheus", {("kubecost", "query", "prometheus")}),
        (
            "prom_amp_cost",
            "prometheus",
            {
                ("kubecost", "query", "prometheus"),
                ("prometheus", "remote write", "workspace"),
            },
        ),
        ("prom_amp", "prometheus", {("prometheus", "remote write", "workspace")}),
        ("adot_amp", "collector", {("collector", "remote write", "workspace")}),
        ("amp", "scraper", {("scraper", "remote write", "workspace")}),
    ],
)
def test_an_architecture_is_what_its_picture_says(
    name: str,
    scraper: str,
    others: set[tuple[str, str, str]],
    pictures: dict[str, Picture],
) -> None:
    if ("kubecost", "query", "prometheus") not in others:
        others = others | {("kubecost", "query", "proxy"), ("proxy", "query", "workspace")}
    assert flows(pictures[name]) == {
        ("person", "open the UI", "kubecost"),
        *((scraper, "scrape", target) for target in SCRAPED),
        *others,
    }


def test_what_is_switched_off_is_not_drawn(stacks: Stacks) -> None:
    before = parts(architecture.picture("prom_amp", stacks))
    with values(stacks, "prom_amp") as changed:
        changed["networkCosts"] = {"enabled": False}
    with prometheus_config(stacks, "prom_amp") as config:
        jobs = config["scrape_configs"]
        jobs[:] = [job for job in jobs if job["job_name"] != "kubecost-networking"]
    del stacks["base"]["resource"]["aws_vpc_endpoint"]["network_amp_endpoint"]
    after = architecture.picture("prom_amp", stacks)
    assert before - parts(after) == {"network_costs", "endpoint"}
    assert "network-costs" not in {item.text for item in after.items if isinstance(item, Text)}


def test_what_is_new_is_drawn_or_left_out_for_a_reason(stacks: Stacks) -> None:
    stacks["prom"]["resource"]["aws_s3_bucket"] = {"metrics": {"bucket": "metrics"}}
    with values(stacks, "prom") as changed:
        changed["ingress"] = {"enabled": True}
        changed["global"]["grafana"]["enabled"] = True
    with prometheus_config(stacks, "prom") as config:
        config["scrape_configs"].append({"job_name": "gpu"})
    release = "overlay:helm_release.kubecost_release"
    config_map = "overlay:kubernetes_config_map_v1.kubecost_prometheus_config"
    with pytest.raises(PictureError) as fault:
        architecture.picture("prom", stacks)
    assert str(fault.value).splitlines() == [
        f"{component}: neither drawn nor left out for a reason"
        for component in (
            "overlay:aws_s3_bucket.metrics",
            f"{release}/global.grafana.enabled",
            f"{release}/ingress.enabled",
            f"{config_map}/prometheus.yml.scrape_configs.gpu",
        )
    ]


def test_a_job_whose_target_is_gone_is_a_fault(stacks: Stacks) -> None:
    with values(stacks, "prom") as changed:
        changed["networkCosts"] = {"enabled": False}
    with pytest.raises(PictureError, match="kubecost-networking: network_costs is not in the"):
        architecture.picture("prom", stacks)


def test_arrows_lead_where_the_json_says(stacks: Stacks) -> None:
    elsewhere = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write"
    with prometheus_config(stacks, "prom_amp_cost") as config:
        (target,) = config["remote_write"]
        target["url"] = elsewhere
        target["write_relabel_configs"] = []
    policy = stacks["prom_amp_cost"]["resource"]["aws_iam_role_policy"]["kubecost_writer_policy"]
    policy["policy"] = policy["policy"].replace("${aws_prometheus_workspace.workspace.arn}", "*")
    with pytest.raises(PictureError) as fault:
        architecture.picture("prom_amp_cost", stacks)
    config_map = "overlay:kubernetes_config_map_v1.kubecost_prometheus_config"
    sends = f"{config_map}/prometheus.yml.remote_write.0"
    assert set(str(fault.value).splitlines()) == {
        f"{sends} does not name overlay:aws_prometheus_workspace.workspace",
        f'{sends} does not name "action": "keep"',
        "overlay:aws_iam_role_policy.kubecost_writer_policy"
        " does not name overlay:aws_prometheus_workspace.workspace",
    }


# What the chart brings without being told, as its values.yaml says: which part of the pictures.
BROUGHT = {
    "kubecostFrontend.enabled": "kubecost",
    "persistentVolume.enabled": "kubecost_volume",
    "prometheus.server.enabled": "prometheus",
    "prometheus.server.persistentVolume.enabled": "prometheus_volume",
}
NOT_DRAWN = {
    "forecasting.enabled": "answers the UI's forecasts only",
    "diagnostics.enabled": "looks at what is drawn",
    "diagnostics.primary.enabled": "part of diagnostics",
}
# Of what is off, and how something is, not that it is.
DETAILS = r"alertmanager|clusterController|[gG]rafana|Probe|ipv6|global\.prometheus"


def test_the_bills_arrows_lead_where_the_json_says(synthesized: Synthesized) -> None:
    changed = copy.deepcopy(synthesized.billing)
    made = changed["billing"]["resource"]
    made["aws_cur_report_definition"]["report_definition"]["s3_bucket"] = "elsewhere"
    made["aws_sqs_queue"] = {"new": {"name": "new"}}
    with pytest.raises(PictureError) as fault:
        billing.picture(changed)
    assert str(fault.value).splitlines() == [
        "billing:aws_sqs_queue.new: neither drawn nor left out for a reason",
        f"{billing.DEFINITION} does not name {billing.FILES}",
    ]


def test_a_ui_without_a_login_is_not_drawn_as_if_it_had_one(synthesized: Synthesized) -> None:
    changed = copy.deepcopy(synthesized.exposed)
    ui = changed["prom_amp"]["resource"]["kubernetes_ingress_v1"]["kubecost_ui"]
    kept = {
        key: value
        for key, value in ui["metadata"]["annotations"].items()
        if "/auth-" not in key and not key.endswith("/ssl-redirect")
    }
    ui["metadata"]["annotations"] = kept
    policies = changed["grafana"]["resource"]["kubernetes_network_policy_v1"]
    policies["grafana_policy_grafana"]["spec"]["ingress"] = [{}]
    with pytest.raises(PictureError) as fault:
        exposed.picture(changed)
    ingress = "prom_amp:kubernetes_ingress_v1.kubecost_ui"
    policy = "grafana:kubernetes_network_policy_v1.grafana_policy_grafana"
    assert set(str(fault.value).splitlines()) == {
        f'{ingress} does not name "alb.ingress.kubernetes.io/ssl-redirect": "443"',
        f"{ingress} does not name authenticate",
        f"{ingress} does not name prom_amp:aws_cognito_user_pool_client.kubecost_ui_login_client",
        f"{policy} does not name 10.0.240.0/22",
    }


def test_the_values_of_the_dashboard_are_of_its_queries() -> None:
    asked = {
        (panel["title"], target["refId"]): target["expr"]
        for panel in json.loads(dashboard.FILE.read_text())["panels"]
        for target in panel["targets"]
    }
    measured = json.loads(dashboard.VALUES.read_text())["answers"]
    assert {(each["panel"], each["query"]): each["expr"] for each in measured} == asked, (
        "see tests/lab/test_dashboard_picture.py"
    )


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0, "currencyUSD", "$0"),
        (7.25, "currencyUSD", "$7.25"),
        (567.8, "currencyUSD", "$568"),
        (1234.5, "currencyUSD", "$1.23K"),
        (-12345.6, "currencyUSD", "-$12.3K"),
        (0.4567, "percentunit", "45.7%"),
        (-0.0345, "percentunit", "-3.45%"),
        (12.0, "short", "12"),
    ],
)
def test_the_dashboard_writes_numbers_as_grafana_does(value: float, unit: str, shown: str) -> None:
    assert dashboard.formatted(value, unit) == shown


def test_the_dashboard_colors_values_by_its_thresholds() -> None:
    steps = [{"value": None, "color": "green"}, {"value": 0.5, "color": "red"}]
    for value, color in ((0.49, "green"), (0.5, "red")):
        expected = dashboard.THRESHOLDS[color]
        assert dashboard.threshold_color({"steps": steps}, value) == expected


def test_the_scrapers_arrow_leads_where_it_writes(stacks: Stacks) -> None:
    scraper = stacks["amp"]["resource"]["aws_prometheus_scraper"]["scraper"]
    scraper["destination"][0]["amp"][0]["workspace_arn"] = "arn:aws:aps:eu-west-1:1:workspace/ws-1"
    with pytest.raises(PictureError) as fault:
        architecture.picture("amp", stacks)
    assert str(fault.value) == (
        "overlay:aws_prometheus_scraper.scraper"
        " does not name overlay:aws_prometheus_workspace.workspace"
    )


@pytest.mark.skipif("CHART_VALUES" not in os.environ, reason="see test_chart_keys.py")
def test_what_the_chart_brings_by_itself_is_drawn_or_known(pictures: dict[str, Picture]) -> None:
    (file,) = Path(os.environ["CHART_VALUES"]).glob("cost-analyzer-*/values.yaml")
    chart = {"resource": {"helm_release": {"chart": {"values": [file.read_text()]}}}}
    switches = {
        component.partition("/")[2]
        for component, value in components({"": chart}).items()
        if component.endswith(".enabled") and value == "true"
    }
    assert {switch for switch in switches if not re.search(DETAILS, switch)} == {
        *BROUGHT,
        *NOT_DRAWN,
    }
    assert set(BROUGHT.values()) <= parts(pictures["prom"])


class Area(NamedTuple):
    """Where something is: its left, upper, right and lower end."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Area") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def grown(self, by: float) -> "Area":
        return Area(self.left - by, self.top - by, self.right + by, self.bottom + by)


def area_of_part(part: Part) -> Area:
    (x, y), half = part.at, part.size / 2
    return Area(x - half, y - half, x + half, y + half)


def area_of_text(text: Text) -> Area:
    weight = "600SemiBold" if text.bold else "400Regular"
    font = ImageFont.truetype(FONTS / weight / f"OpenSans_{weight}.ttf", size=100)
    lines = text.text.split("\n")
    width = max(font.getlength(line) for line in lines) * text.size / 100
    (x, y), half = text.at, text.size / 2
    left = x - width * {"left": 0, "center": 0.5, "right": 1}[text.align]
    below = (len(lines) - 1) * text.size * LINE_HEIGHT
    # Letters fill about two thirds of a line.
    return Area(left, y - half * 0.7, left + width, y + below + half * 0.7)


def test_no_text_lies_on_another_an_icon_or_an_arrow(pictures: dict[str, Picture]) -> None:
    for name, picture in pictures.items():
        texts = {item: area_of_text(item) for item in picture.items if isinstance(item, Text)}
        icons = {item.id: area_of_part(item) for item in picture.items if isinstance(item, Part)}
        lines = [
            Area(*map(min, zip(one, other, strict=True)), *map(max, zip(one, other, strict=True)))
            for item in picture.items
            if isinstance(item, Flow)
            for one, other in pairwise(item.points)
        ]
        for (one, area), (other, second) in combinations(texts.items(), 2):
            assert not area.overlaps(second), f"{name}: {one.text} and {other.text}"
        for text, area in texts.items():
            assert area.left > 8, f"{name}: {text.text}"
            assert area.right < WIDTH - 8, f"{name}: {text.text}"
            for icon, second in icons.items():
                assert not area.overlaps(second), f"{name}: {text.text} and {icon}"
            for line in lines:
                assert not area.overlaps(line.grown(1)), f"{name}: {text.text} and an arrow"


def test_arrows_touch_what_they_connect(pictures: dict[str, Picture]) -> None:
    for name, picture in pictures.items():
        areas = {item.id: [area_of_part(item)] for item in picture.items if isinstance(item, Part)}
        # An arrow may end at the frame of a thing, too.
        for part in picture.items:
            for box in picture.items:
                if isinstance(part, Part) and isinstance(box, Box) and box.shows == part.shows:
                    (x, y), (width, height) = box.corner, box.size
                    areas[part.id].append(Area(x, y, x + width, y + height))
        for flow in picture.items:
            if isinstance(flow, Flow):
                for point, end in ((flow.points[0], flow.start), (flow.points[-1], flow.end)):
                    spot = Area(*point, *point).grown(6)
                    assert any(spot.overlaps(area) for area in areas[end]), f"{name}: {end}"
