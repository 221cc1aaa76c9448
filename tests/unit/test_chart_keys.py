"""Ring 1: a misspelt Helm value is told, at every depth, and what the chart takes is not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules import versions
from settings import Settings
from stacks import chart_keys
from stacks.chart_keys import FILE, ChartKeys
from tools import chart_keys as tool
from tools.common import CommandError

CHARTS: dict[str, Any] = json.loads(FILE.read_text())


def test_the_keys_are_those_of_the_pinned_charts() -> None:
    pinned = [
        versions.kubecost(Settings().kubecost.chart_version),
        versions.OPENTELEMETRY_COLLECTOR,
        versions.NODE_EXPORTER,
        versions.LOAD_BALANCER_CONTROLLER,
        versions.GRAFANA,
    ]
    assert {name: chart["version"] for name, chart in CHARTS.items()} == {
        chart.name: chart.version for chart in pinned
    }


def told(values: dict[str, Any], **releases: Any) -> list[str]:
    settings = {"kubecost": {"values": values}, "workloads": {"values": releases}}
    return [*chart_keys.warnings(Settings.model_validate(settings))]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            {"persistantVolume": {"size": "64Gi"}},
            "kubecost.values.persistantVolume: chart cost-analyzer 2.8.7 has no such key;"
            " did you mean persistentVolume?",
        ),
        (
            {"prometheus": {"server": {"persistentVolume": {"storageclass": "gp3"}}}},
            "kubecost.values.prometheus.server.persistentVolume.storageclass: chart cost-analyzer"
            " 2.8.7 has no such key; did you mean storageClass?",
        ),
        (
            {"retention": "14d"},
            "kubecost.values.retention: chart cost-analyzer 2.8.7 has no such key;"
            " did you mean prometheus.server.retention or diagnostics.primary.retention?",
        ),
        (
            {"global": {"notificatons": {}}},
            "kubecost.values.global.notificatons: chart cost-analyzer 2.8.7 has no such key;"
            " did you mean notifications?",
        ),
        (
            {"nothingLikeIt": 1},
            "kubecost.values.nothingLikeIt: chart cost-analyzer 2.8.7 has no such key",
        ),
    ],
)
def test_a_key_that_the_chart_has_not_is_told(values: dict[str, Any], says: str) -> None:
    assert told(values) == [says]


def test_the_other_releases_are_judged_by_their_charts() -> None:
    (warning,) = told({}, grafana={"tolerations": [], "toleration": []})
    assert warning == (
        "workloads.values.grafana.toleration: chart grafana 12.11.1 has no such key;"
        " did you mean tolerations?"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"tolerations": [{"key": "team", "operator": "Exists"}]},
        {"nodeSelector": {"kubernetes.io/os": "linux"}},
        {"prometheus": {"server": {"podAnnotations": {"any/key": "x"}, "resources": {"any": 1}}}},
        {"kubecostModel": {"extraEnv": [{"nmae": "not judged: a list"}]}},
        {"kubecostProductConfigs": {"clusterName": "x", "labelMappingConfigs": {"enabled": True}}},
        {"global": {"shared_with_other_charts": 1, "additionalLabels": {"any": "x"}}},
        {"persistentVolume": None},
    ],
)
def test_what_the_chart_takes_is_not_told(values: dict[str, Any]) -> None:
    assert told(values) == []


def keys_of(tree: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, below in tree.items():
        yield (*above, key)
        if isinstance(below, dict):
            yield from keys_of(below, (*above, key))


@pytest.mark.parametrize("chart", CHARTS)
def test_a_letter_too_few_is_told_at_every_depth(chart: str) -> None:
    known = ChartKeys.of(chart, CHARTS[chart])
    typos = hits = 0
    depths = set()
    for *above, name in keys_of(CHARTS[chart]["keys"]):
        typo = name[:2] + name[3:]
        if len(name) < 6 or typo in known.anywhere:
            continue
        values: dict[str, Any] = {typo: 1}
        for key in reversed(above):
            values = {key: values}
        said = [*known.warnings("values", values)]
        typos += 1
        depths.add(len(above))
        hits += said == [
            f"values.{'.'.join((*above, typo))}: chart {known.chart} has no such key;"
            f" did you mean {name}?"
        ]
    assert hits / typos > 0.98  # some keys are alike: limitIngress, limitEgress
    assert depths == {len(path) - 1 for path in keys_of(CHARTS[chart]["keys"])}


def test_no_values_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_keys, "FILE", Path("not/there.json"))
    assert [*chart_keys.warnings(Settings())] == []


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "made-up"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("{name: made-up, version: 1.2.3}\n")
    (folder / "values.yaml").write_text(
        "image: {tag: a}\nempty: {}\nlist: [a]\n# commented:\nlabels: {a: b}\nhanded: {on: 1}\n"
    )
    (folder / "templates/a.yaml").write_text(
        "{{ .Values.image.registry }} {{- if (((.Values.deep).er)).est }}"
        "{{ toYaml .Values.handed }}"
        '{{ index .Values.image "dotted.key" }} {{ $.Values.empty.inner }} {{ .relative }}'
        ".Values.of.no.action"
    )
    return folder


def test_keys_come_from_values_and_templates(chart: Path) -> None:
    name, known = tool.read(chart)
    assert (name, known["version"]) == ("made-up", "1.2.3")
    assert known["keys"] == {
        "image": {"tag": True, "registry": True, "dotted.key": True},
        "empty": True,
        "list": True,
        "labels": True,
        "handed": True,
        "deep": {"er": {"est": True}},
    }
    assert {"commented", "relative"} <= {*known["anywhere"]}


def test_a_chart_that_is_not_given_stays(
    chart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(FILE.read_text())
    monkeypatch.setattr(tool, "FILE", file)
    assert tool.main([str(chart)]) == 0
    written = json.loads(file.read_text())
    assert written.pop("made-up")["keys"]
    assert written == CHARTS
    assert max(map(len, file.read_text().splitlines())) <= 120
    with pytest.raises(CommandError, match="no such file"):
        tool.main([str(tmp_path)])
