"""Ring 1: make new asks, checks at once, and writes a file that loads, or nothing."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pexpect
import pytest
import yaml

from architectures.faults import find_faults
from settings import Settings
from settings import file as settings_file
from tests.conftest import ROOT, SETTINGS_FILES
from tools import new
from tools.__main__ import main

NO_AWS = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in NO_AWS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kubecost.yaml"


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give the list that answers are put into; all of them must be asked for."""
    answers: list[str] = []

    def typed(prompt: str) -> str:
        if not answers:
            raise EOFError
        return answers.pop(0)

    monkeypatch.setattr("builtins.input", typed)
    yield answers
    assert not answers


def load(file: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("KUBECOST_CONFIG", str(file))
    return settings_file.load(find_faults)


def test_the_defaults_need_no_answer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["new", "--yes", "--output", str(file)]) == 0
    assert load(file, monkeypatch) == Settings(architectures=("prom_amp_cost",))


def test_flags_answer(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--region", "eu-west-1", "--architecture", "prom,amp", "--access", "203.0.113.7"]
    assert main(["new", *flags, "--yes", "--output", str(file)]) == 0
    settings = load(file, monkeypatch)
    assert settings.region == "eu-west-1"
    assert settings.architectures == ("prom", "amp")
    assert settings.base.api_access_cidrs == ("203.0.113.7/32",)
    said = capsys.readouterr().out.split()
    assert [said[at + 2] for at, word in enumerate(said) if word == "cdktf"] == [
        "base",
        "prom",
        "amp",
    ]
    assert {"STACK=prom", "STACK=amp"} <= {*said}


def test_a_bill_is_one_question(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "--bill", "yes", "--yes", "--output", str(file)]) == 0
    assert load(file, monkeypatch).billing.report.create
    assert "cdktf deploy billing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--region", "Seoul"], 'region: given "Seoul"; allowed: an AWS region'),
        (["--cluster", "a b"], 'clusters[0].name: given "a b"; allowed: an EKS cluster name'),
        (["--architecture", "promamp"], 'architectures: given "promamp"; allowed: all, or a list'),
        (["--architecture", ""], "architectures: given []; allowed: at least one entry"),
        (["--access", "me"], 'base.api_access_cidrs[0]: given "me/32"; allowed: an IPv4 block'),
        (["--access", "10.0.0.7"], 'api_access_cidrs: given "10.0.0.7/32"; allowed: public'),
    ],
)
def test_a_flag_that_does_not_fit_writes_nothing(
    flags: list[str], says: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", *flags, "--yes", "--output", str(file)]) == 1
    assert says in capsys.readouterr().err
    assert not file.exists()


def test_an_existing_cluster_goes_without_base(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "--cluster", "shop", "--yes", "--output", str(file)]) == 0
    (target,) = load(file, monkeypatch).fleet
    assert (target.name, target.id, target.made_by_base) == ("shop", "shop", False)
    assert "deploy base" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["kubecost", "2024", "true", "cluster-one", "x" * 100])
def test_every_existing_cluster_can_be_taken(
    name: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["new", "--cluster", name, "--yes", "--output", str(file)]) == 0
    (target,) = load(file, monkeypatch).fleet
    assert target.name == name
    assert not target.made_by_base


def test_access_is_for_a_new_cluster(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--cluster", "shop", "--access", "203.0.113.7", "--yes"]
    assert main(["new", *flags, "--output", str(file)]) == 1
    assert "--access is for a new cluster" in capsys.readouterr().err
    assert not file.exists()


def test_each_question_is_asked_again_until_the_answer_fits(
    file: Path,
    answer: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer += ["Seoul", "eu-west-1", "1", "9", "2, prom", "maybe", "yes", "10.0.0.1", "203.0.113.7"]
    assert main(["new", "--output", str(file)]) == 0
    settings = load(file, monkeypatch)
    assert settings.region == "eu-west-1"
    assert settings.architectures == ("prom_amp_cost", "prom")
    assert settings.base.api_access_cidrs == ("203.0.113.7/32",)
    assert settings.billing.report.create
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    assert 'billing.report.create: given "maybe"; allowed: true or false' in said[2]


def test_a_cluster_with_an_impossible_id_gets_another(
    file: Path, answer: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer += ["", "2025", "shop-2024", "", ""]
    assert main(["new", "--cluster", "2024", "--output", str(file)]) == 0
    (target,) = load(file, monkeypatch).fleet
    assert (target.name, target.id) == ("2024", "shop-2024")


def test_a_number_that_the_list_has_not_is_no_name(
    file: Path,
    answer: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer += ["", "2", "1", "prom,6", "1", "", ""]
    assert main(["new", "--output", str(file)]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "The list has no number 2, only 1 to 1; for a cluster of this name give --cluster 2",
        "The list has no number 6, only 1 to 5",
    ]
    settings = load(file, monkeypatch)
    assert settings.clusters is None
    assert settings.architectures == ("prom",)


def test_the_clusters_that_aws_shows_can_be_chosen_by_number(
    file: Path, answer: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new, "clusters_in", {"eu-west-1": ["data", "shop"]}.__getitem__)
    answer += ["eu-west-1", "3", "", ""]
    assert main(["new", "--output", str(file)]) == 0
    assert [target.name for target in load(file, monkeypatch).fleet] == ["shop"]


@pytest.mark.lengthy
def test_clusters_are_listed_by_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto import mock_aws

    with mock_aws():
        boto3.client("eks", region_name="eu-west-1").create_cluster(
            name="shop", roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig={}
        )
        assert new.clusters_in("eu-west-1") == ["shop"]
        assert new.clusters_in("us-east-1") == []


def test_without_credentials_no_cluster_is_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert new.clusters_in("eu-west-1") == []
    assert capsys.readouterr().err == ""


def test_credentials_that_reach_nothing_are_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert new.clusters_in("eu-west-1") == []


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({}, "ap-northeast-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_PROFILE": "not-there"}, "ap-northeast-2"),
    ],
)
def test_the_region_comes_from_the_environment(
    variables: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert new.default_region() == region


def test_a_file_that_decides_nothing_is_replaced(file: Path, answer: list[str]) -> None:
    file.write_text("region: ap-northeast-2  # as it is by default\nbase:\n")
    answer += ["eu-west-1", "shop", "", ""]
    assert main(["new", "--output", str(file)]) == 0
    assert yaml.safe_load(file.read_text())["region"] == "eu-west-1"


HAND_WRITTEN = """\
# Ours.
region: eu-west-2  # London
architectures:
  - prom  # first
  - amp

  # Then the others.
kubecost:
  values: {tolerations: [{operator: Exists}]}  # all nodes
billing:
  report:
    # A year.
    retention_days: 365
"""


def test_a_file_that_decides_something_is_the_start(
    file: Path,
    answer: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file.write_text(HAND_WRITTEN)
    answer += ["", "shop", "prom", "yes", "y"]
    assert main(["new", "--output", str(file)]) == 0
    assert (
        file.read_text()
        == """\
# Ours.
region: eu-west-2  # London
architectures: [prom]

  # Then the others.
kubecost:
  values: {tolerations: [{operator: Exists}]}  # all nodes
billing:
  report:
    # A year.
    create: true
    retention_days: 365

clusters: [{name: shop}]
"""
    )
    assert "+architectures: [prom]" in capsys.readouterr().out
    assert load(file, monkeypatch).billing.report.retention_days == 365


def test_enter_at_every_question_changes_nothing(file: Path, answer: list[str]) -> None:
    file.write_text(HAND_WRITTEN)
    answer += ["", "", "", "", ""]
    assert main(["new", "--output", str(file)]) == 0
    assert file.read_text() == HAND_WRITTEN


def test_a_file_is_changed_only_when_asked(
    file: Path, answer: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("region: eu-west-2\n")
    answer += ["", "shop", "", "", "n"]
    assert main(["new", "--output", str(file)]) == 1
    said = capsys.readouterr()
    assert file.read_text() == "region: eu-west-2\n"
    assert "+clusters: [{name: shop}]" in said.out
    assert said.err.splitlines()[-1] == f"new: {file} stays as it is"


@pytest.mark.parametrize("old", ["region: [\n", "region: Seoul\n", "\xff"])
def test_a_wrong_file_is_not_lost(old: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(old, encoding="latin-1")
    assert main(["new", "--yes", "--output", str(file)]) == 1
    assert file.read_text(encoding="latin-1") == old
    advice = "new: correct kubecost.yaml, or remove it to begin anew; it stays as it is"
    assert capsys.readouterr().err.splitlines()[-1] == advice


@pytest.mark.parametrize("settings", SETTINGS_FILES)
@pytest.mark.parametrize(
    "path",
    [("region",), ("clusters",), ("base", "api_access_cidrs"), ("billing", "report", "create")],
)
def test_a_value_is_put_where_it_belongs_alone(settings: str, path: tuple[str, ...]) -> None:
    text = SETTINGS_FILES[settings].read_text()
    expected = within = yaml.safe_load(text)
    for part in path[:-1]:
        within[part] = within.get(part) or {}
        within = within[part]
    within[path[-1]] = ["new"]
    changed = new.with_value(text, path, "[new]")
    assert yaml.safe_load(changed) == expected
    lost = {line.strip() for line in text.splitlines()} - {
        line.strip() for line in changed.splitlines()
    }
    assert all(path[-1] in line or path[0] in line or path == ("clusters",) for line in lost)


def test_a_fleet_is_changed_by_hand(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("clusters: [{name: a}, {name: b}]\n")
    assert main(["new", "--cluster", "c", "--yes", "--output", str(file)]) == 1
    assert "several clusters; change them there" in capsys.readouterr().err


def test_the_name_of_bases_cluster_is_no_existing_one(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("name: shop\n")
    assert main(["new", "--cluster", "shop", "--yes", "--output", str(file)]) == 1
    assert 'clusters[0].name: given "shop"; allowed: another name' in capsys.readouterr().err


def test_all_is_no_five_commands(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "--architecture", "all", "--yes", "--output", str(file)]) == 0
    said = capsys.readouterr().out
    assert "cdktf deploy <architecture>" in said
    assert "prom" not in said


def test_nothing_half_written_is_left(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    file.write_text("region: eu-west-2\n")
    monkeypatch.setattr(Path, "replace", full)
    assert main(["new", "--yes", "--output", str(file)]) == 1
    assert [each.name for each in file.parent.iterdir()] == ["kubecost.yaml"]
    assert file.read_text() == "region: eu-west-2\n"


def terminal(file: Path) -> "pexpect.spawn[str]":
    return pexpect.spawn(
        sys.executable,
        ["-m", "tools", "new", "--output", str(file)],
        cwd=ROOT,
        encoding="utf-8",
        timeout=60,
    )


@pytest.mark.lengthy
def test_a_person_at_a_terminal(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(file) as person:
        for prompt, typed in [
            (r"AWS region \[ap-northeast-2\]: ", "eu-central-1"),
            (r"EKS cluster.* \[new\]: ", ""),
            (r"Architectures.* \[prom_amp_cost\]: ", "1"),
            (r"Create one.* \[no\]: ", ""),
            (r"Addresses.* \[none\]: ", "203.0.113.7"),
        ]:
            person.expect(prompt)
            person.sendline(typed)
        person.expect("make verify STACK=prom\r\n")
        person.expect(pexpect.EOF)
    assert person.exitstatus == 0
    settings = load(file, monkeypatch)
    assert (settings.region, settings.architectures) == ("eu-central-1", ("prom",))


@pytest.mark.lengthy
def test_a_person_who_presses_ctrl_c(file: Path) -> None:
    with terminal(file) as person:
        person.expect("AWS region.*: ")
        person.send("\x03")
        person.expect(pexpect.EOF)
    assert person.exitstatus == 130
    assert person.before.split("\r\n") == ["^C", "new: nothing is written", ""]
    assert not file.exists()


@pytest.mark.lengthy
@pytest.mark.parametrize("given", [[], ["eu-west-1"], ["", "shop"]])
def test_answers_that_end(
    given: list[str], file: Path, answer: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    answer += given
    assert main(["new", "--output", str(file)]) == 1
    assert capsys.readouterr().err == "\nnew: nothing is written: the answers ended\n"
    assert not file.exists()
