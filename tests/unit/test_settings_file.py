"""Ring 1: what the settings file may say, and what is said when it may not."""

import time
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from architectures.faults import find_faults
from modules.owned_values import OWNED_VALUES, OWNED_VALUES_OF_RELEASES
from settings import Settings
from settings import file as settings_file
from settings.file import SettingsError
from tests.conftest import SETTINGS_FILES


def load(text: str | bytes, folder: Path) -> Settings:
    file = folder / "kubecost.yaml"
    file.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECOST_CONFIG", str(file))
        return settings_file.load(find_faults)


def faults(text: str | bytes, folder: Path) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(text, folder)
    assert str(error.value) == "\n".join(error.value.faults)
    return [fault.removeprefix("kubecost.yaml: ") for fault in error.value.faults]


def keys(data: Any, prefix: str = "") -> set[str]:
    if not isinstance(data, dict) or not data:
        return {prefix}
    return {key for name, value in data.items() for key in keys(value, f"{prefix}.{name}")}


def test_the_example_shows_every_key_with_its_default() -> None:
    shown = yaml.safe_load(SETTINGS_FILES["defaults"].read_text())
    defaults = Settings().model_dump(mode="json", exclude={"architectures"})
    assert shown.pop("architectures") == "all"
    assert keys(shown) == keys(defaults)
    assert Settings.model_validate(shown) == Settings()


def test_an_empty_section_means_its_defaults(tmp_path: Path) -> None:
    assert load("name: kubecost\nbase:\nstate:\n  s3:\n", tmp_path) == Settings()


def test_the_cluster_defaults_to_the_one_of_base(tmp_path: Path) -> None:
    (target,) = load("{name: finops, region: eu-west-1}", tmp_path).fleet
    assert (target.name, target.id, target.region) == ("finops", "finops", "eu-west-1")


@pytest.mark.parametrize(
    ("instance_type", "cpu"),
    [
        ("m7i.large", "x86_64"),
        ("m7i-flex.large", "x86_64"),
        ("g5.xlarge", "x86_64"),
        ("m7g.large", "arm64"),
        ("c7gn.xlarge", "arm64"),
        ("im4gn.large", "arm64"),
        ("t4g.medium", "arm64"),
        ("a1.large", "arm64"),
    ],
)
def test_the_cpu_follows_from_the_instance_type(
    instance_type: str, cpu: str, tmp_path: Path
) -> None:
    settings = load(f"base: {{nodes: {{instance_types: [{instance_type}]}}}}", tmp_path)
    assert settings.base.nodes.cpu_architectures == {cpu}


BAD_SETTINGS = yaml.safe_load(Path(__file__).with_name("bad_settings.yaml").read_text())


@pytest.mark.parametrize("case", BAD_SETTINGS, ids=lambda case: case["says"][0][:40])
def test_each_fault_is_one_plain_line(case: dict[str, Any], tmp_path: Path) -> None:
    assert faults(case["file"], tmp_path) == case["says"]


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    assert faults(b"\xff\xfe\x00", tmp_path) == ["is not UTF-8 text"]


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECOST_CONFIG", str(tmp_path / "other.yaml"))
    with pytest.raises(SettingsError, match=r"^other.yaml: cannot be read: no such file"):
        settings_file.load(find_faults)


@pytest.mark.parametrize("owned", OWNED_VALUES)
def test_values_that_the_architecture_decides_are_refused(owned: str, tmp_path: Path) -> None:
    values: Any = {"mine": 1}
    for part in reversed(owned.split(".")):
        values = {part: values}
    (fault,) = faults(yaml.safe_dump({"kubecost": {"values": values}}), tmp_path)
    assert fault.startswith(f"kubecost.values.{owned}: given ")
    assert fault.endswith(OWNED_VALUES[owned])


@pytest.mark.parametrize(
    ("architectures", "says"),
    [
        ("[prom]", None),
        ("[prom, prom_amp_cost]", None),
        ("[prom, amp]", "amp sets it to the role that queries AMP"),
        ("all", "prom_amp sets it to the role that queries AMP"),
    ],
)
def test_a_value_is_refused_only_where_an_architecture_owns_it(
    architectures: str, says: str | None, tmp_path: Path
) -> None:
    text = f"""
        architectures: {architectures}
        kubecost: {{values: {{serviceAccount: {{annotations: {{team: finops}}}}}}}}
    """
    if says:
        (fault,) = faults(text, tmp_path)
        assert fault.startswith("kubecost.values.serviceAccount: given ")
        assert fault.endswith(f"; not allowed here: {says}")
    else:
        assert load(text, tmp_path).kubecost.values


@pytest.mark.parametrize(
    "values",
    [
        "ingress: {annotations: {alb.ingress.kubernetes.io/scheme: internet-facing}}",
        "service: {type: LoadBalancer}",
        "prometheus: {server: {service: {type: NodePort}}}",
        "prometheus: {server: {ingress: {enabled: true}}}",
        "global: {platforms: {openshift: {route: {enabled: true}}}}",
    ],
)
def test_no_helm_value_opens_a_ui_past_expose(values: str, tmp_path: Path) -> None:
    (fault,) = faults(f"kubecost: {{values: {{{values}}}}}", tmp_path)
    assert "set kubecost.expose" in fault


def test_other_values_are_accepted(tmp_path: Path) -> None:
    settings = load(
        """
        kubecost:
          values:
            global: {podAnnotations: {team: platform}}
            prometheus: {server: {retention: 14d, podAnnotations: {team: platform}}}
            sigV4Proxy: {image: registry.example/aws-sigv4-proxy:1.11.1}
        """,
        tmp_path,
    )
    assert settings.kubecost.values["prometheus"]


texts = st.text(max_size=12) | st.sampled_from(["all", "none", "10.0.0.0/16", "1.35", "true", "s3"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


def sections(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draw for each known key, now and then, something that may or may not fit."""
    return st.fixed_dictionaries(
        {},
        optional={
            key: anything | sections(value) if isinstance(value, dict) and value else anything
            for key, value in schema.items()
        },
    )


def messages(text: str | bytes, folder: Path) -> list[str] | None:
    try:
        load(text, folder)
    except SettingsError as error:
        return error.faults
    return None


def plain(faults: list[str] | None) -> bool:
    return faults is None or (
        faults != []
        and all(line.startswith("kubecost.yaml: ") and line.isprintable() for line in faults)
    )


@pytest.mark.lengthy
@given(data=sections(Settings().model_dump(mode="json")) | anything)
@hypothesis_settings(deadline=None)
def test_whatever_is_put_in_gives_settings_or_plain_messages(
    data: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    written = yaml.safe_dump(data, allow_unicode=True)
    assert plain(messages(written, tmp_path_factory.getbasetemp()))


@given(text=st.text(max_size=80) | st.binary(max_size=80))
@hypothesis_settings(deadline=None)
def test_whatever_is_written_gives_settings_or_plain_messages(
    text: str | bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    assert plain(messages(data, tmp_path_factory.getbasetemp()))


@pytest.mark.parametrize(
    "region", ["eusc-de-east-1", "us-gov-west-1", "cn-north-1", "us-isob-east-1"]
)
def test_every_partition_has_regions(region: str, tmp_path: Path) -> None:
    assert load(f"region: {region}", tmp_path).region == region


@pytest.mark.parametrize(
    ("release", "path"),
    [(release, path) for release, paths in OWNED_VALUES_OF_RELEASES.items() for path in paths],
)
def test_values_of_other_charts_are_refused_alike(
    release: str, path: tuple[str, ...], tmp_path: Path
) -> None:
    values: Any = {"mine": 1}
    for part in reversed(path):
        values = {part: values}
    text = yaml.safe_dump({"workloads": {"values": {release: values}}})
    (fault,) = faults(text, tmp_path)
    assert fault.startswith(f"workloads.values.{release}.{'.'.join(path)}: given ")
    assert fault.endswith(OWNED_VALUES_OF_RELEASES[release][path])


def within_a_second(text: str, folder: Path) -> list[str]:
    start = time.process_time()
    said = messages(text, folder) or []
    assert time.process_time() - start < 1
    return said


@pytest.mark.lengthy
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * (1 << 20) + "x", "is larger than 1 MiB, the limit of a settings file"),
        ("name: kubecost\n" + "# x\n" * 300_000, "is larger than 1 MiB"),
        (
            "a0: &a0 [x, x]\n"
            + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60)),
            "is not YAML: more than 100,000 values after its aliases are expanded",
        ),
        (
            "kubecost:\n  values:\n    a0: &a0 {x: y}\n"
            + "".join(f"    a{i}: &a{i} {{b: *a{i - 1}, c: *a{i - 1}}}\n" for i in range(1, 60)),
            "is not YAML: more than 100,000 values",
        ),
        ("a: " + "[" * 5000, "is nested too deeply: at most 100 levels are allowed"),
    ],
    ids=["one text", "comments", "lists", "mappings", "depth"],
)
def test_a_file_that_is_made_to_last_ends_at_once(text: str, said: str, tmp_path: Path) -> None:
    (fault,) = within_a_second(text, tmp_path)
    assert fault.startswith(f"kubecost.yaml: {said}")


def test_what_holds_itself_is_refused(tmp_path: Path) -> None:
    assert faults("tags: &a {team: *a}", tmp_path) == [
        "is not YAML: an alias stands inside the value that it repeats (line 1, column 7)"
    ]


def test_half_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    assert faults('tags: {team: "\\ud800"}', tmp_path) == [
        'tags.team: given "\\ud800"; it is not Unicode, but has half of a surrogate pair'
    ]


def test_an_endless_file_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECOST_CONFIG", "/dev/zero")
    with pytest.raises(SettingsError, match="larger than 1 MiB"):
        settings_file.load(find_faults)


UI = "kubecost: {expose: {host: k.example.com, hosted_zone: example.com, login: none, allowed_cidrs"
API = "base: {api_access_cidrs"


def allowed(cidrs: Iterable[object], key: str = UI) -> str:
    return f"{key}: [{', '.join(map(str, cidrs))}]{'}' * key.count('{')}"


@pytest.mark.lengthy
def test_three_thousand_blocks_take_less_than_a_second(tmp_path: Path) -> None:
    blocks = [*IPv4Network("203.0.0.0/12").subnets(new_prefix=24)][:3000]
    assert within_a_second(allowed(blocks), tmp_path) == []
    assert len(within_a_second(allowed([*blocks[:1500], *blocks[:1500]]), tmp_path)) == 1500


EIGHTHS = [*IPv4Network("0.0.0.0/0").subnets(new_prefix=8)]


@pytest.mark.parametrize(
    "blocks",
    [
        EIGHTHS,
        [each for each in EIGHTHS if str(each) != "10.0.0.0/8"],
        EIGHTHS[11:13],
        [*IPv4Network("16.0.0.0/7").subnets(new_prefix=16)],
    ],
    ids=["all", "all but private", "two", "many"],
)
@pytest.mark.parametrize("key", [UI, API])
def test_the_internet_in_pieces_is_refused(
    blocks: list[IPv4Network], key: str, tmp_path: Path
) -> None:
    found = [each for each in faults(allowed(blocks, key), tmp_path) if "in total" in each]
    assert len(found) == 1
    assert "at most 16,777,216 public addresses in total" in found[0]


def test_private_blocks_do_not_count(tmp_path: Path) -> None:
    blocks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "203.0.113.0/24"]
    assert load(allowed(blocks), tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        "{ingress: {enabled: true}}",
        "{service: {type: NodePort}}",
        "{extraObjects: [{kind: Service}]}",
        "{prometheus: {server: {ingress: {enabled: true}}}}",
        "{prometheus: {alertmanager: {ingress: {enabled: true}}}}",
        "{prometheus: {pushgateway: {service: {type: ' loadbalancer'}}}}",
        "{kubecostFrontend: {ports: [{hostPort: 80}]}}",
        "{kubecostModel: {hostNetwork: true}}",
        "{grafana: {service: {nodePort: 30000}}}",
        "{somewhere: {service: {externalIPs: [203.0.113.1]}}}",
    ],
)
def test_values_that_expose_are_refused(values: str, tmp_path: Path) -> None:
    (fault,) = faults(f"kubecost: {{values: {values}}}", tmp_path)
    assert "; not allowed here: " in fault


def test_values_that_keep_things_closed_are_accepted(tmp_path: Path) -> None:
    values = "{kubecostFrontend: {ingress: {enabled: false}, hostPort: null}, x: {type: ClusterIP}}"
    assert load(f"kubecost: {{values: {values}}}", tmp_path)
