"""Ring 2: who uses what will not be supported is warned from 90 days before."""

import json
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
import yaml

from modules.versions import EKS_SUPPORT_ENDS
from settings import BaseSettings, Settings
from stacks import support
from tests.conftest import read_stacks, synthesize_into


def test_every_version_has_an_end_and_the_default_is_not_the_next_to_go() -> None:
    field = BaseSettings.model_fields["kubernetes_version"]
    assert list(get_args(field.annotation)) == list(EKS_SUPPORT_ENDS)
    assert list(EKS_SUPPORT_ENDS.values()) == sorted(EKS_SUPPORT_ENDS.values())
    assert field.default != next(iter(EKS_SUPPORT_ENDS))


@pytest.mark.parametrize(
    ("version", "today", "said"),
    [
        ("1.34", date(2026, 9, 2), None),
        ("1.34", date(2026, 9, 3), '"1.34" leaves EKS standard support on 2026-12-02: set "1.35"'),
        ("1.34", date(2026, 12, 2), '"1.34" left EKS standard support on 2026-12-02: set "1.35"'),
        (
            "1.36",
            date(2027, 8, 1),
            '"1.36" leaves EKS standard support on 2027-08-02: use a newer',
        ),
    ],
)
def test_the_warning_comes_90_days_before(version: str, today: date, said: str | None) -> None:
    settings = Settings.model_validate({"base": {"kubernetes_version": version}})
    given = list(support.warnings(settings, today))
    assert len(given) == bool(said)
    assert all(f"base.kubernetes_version {said}" in warning for warning in given)


def test_the_date_is_in_no_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "kubecost.yaml"
    file.write_text(
        yaml.safe_dump({"architectures": ["prom"], "base": {"kubernetes_version": "1.34"}})
    )
    stacks = []
    for name, epoch, warned in (("early", "1767225600", 0), ("late", "1796083200", 1)):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        out = synthesize_into(tmp_path / name, file)
        manifest = json.loads((out / "manifest.json").read_text())
        assert len(manifest["stacks"]["base"]["annotations"]) == warned
        assert manifest["stacks"]["prom"]["annotations"] == []
        stacks.append(read_stacks(out))
    assert stacks[0] == stacks[1]


def test_today_is_the_clock_s_without_a_date_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert support.today() > date(2026, 11, 1)
