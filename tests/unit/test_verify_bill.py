"""Ring 1: what verify says of the bill, well and broken."""

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
import yaml

from tools.common import Json
from tools.verify import bill
from tools.verify.aws import Aws
from tools.verify.bill import Payer
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import CannotCheckError, Finding, Status
from tools.verify.kube import Kube

NAMESPACE = "kubecost-prom"
PAYER = "111122223333"
REPORT = {
    "athenaBucketName": "s3://results",
    "athenaRegion": "eu-west-1",
    "athenaDatabase": "kubecost_bill",
    "athenaTable": "costs",
    "athenaWorkgroup": "kubecost-bill",
    "projectID": PAYER,
    "masterPayerARN": f"arn:aws:iam::{PAYER}:role/kubecost-bill-reader",
}
BILLING: Json = {
    "provider": {"aws": [{"region": "eu-west-1", "assume_role": [{"role_arn": "payer"}]}]},
    "resource": {
        "aws_glue_catalog_database": {"report_database": {"name": "kubecost_bill"}},
        "aws_cur_report_definition": {"report_definition": {"report_name": "kubecost"}},
        "aws_ce_cost_allocation_tag": {"tag": {"tag_key": "aws:eks:cluster-name"}},
    },
}
CONNECTED = {"data": [{"connectionStatus": "Connection Successful"}]}


class Account:
    """The payer's account: reports, tags, and what Athena answers."""

    def __init__(
        self,
        *,
        reports: list[Json] | None = None,
        tags: tuple[str, ...] = ("aws:eks:cluster-name",),
        rows: tuple[int, int] = (40, 30),
        states: tuple[str, ...] = ("RUNNING", "SUCCEEDED"),
    ) -> None:
        delivered = {"lastDelivery": "20261126", "lastStatus": "SUCCESS"}
        self._reports = reports or [{"ReportName": "kubecost", "ReportStatus": delivered}]
        self._tags, self._rows, self._states = tags, rows, list(states)
        self.asked: list[Json] = []

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self) -> list[Json]:
        return [{"ReportDefinitions": self._reports}]

    def list_cost_allocation_tags(self, **asked: str) -> Json:
        # Two pages.
        if "NextToken" in asked:
            return {"CostAllocationTags": [{"TagKey": tag} for tag in self._tags]}
        return {"CostAllocationTags": [], "NextToken": "2"}

    def start_query_execution(self, **asked: Any) -> Json:
        self.asked.append(asked)
        return {"QueryExecutionId": "1"}

    def get_query_execution(self, **_: str) -> Json:
        state = self._states.pop(0)
        reason = {"StateChangeReason": "Bytes scanned limit was exceeded"}
        return {
            "QueryExecution": {"Status": {"State": state} | (reason if state == "FAILED" else {})}
        }

    def get_query_results(self, **_: str) -> Json:
        head = {"Data": [{"VarCharValue": "_col0"}, {"VarCharValue": "_col1"}]}
        row = {"Data": [{"VarCharValue": str(number)} for number in self._rows]}
        return {"ResultSet": {"Rows": [head, row]}}


class Service:
    def __init__(self, answer: object) -> None:
        self._answer = answer

    def service(self, *_: str) -> str:
        return self._answer if isinstance(self._answer, str) else json.dumps(self._answer)


Look = Callable[..., list[Finding]]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    monkeypatch.setattr("tools.verify.bill.time.sleep", lambda _: None)

    def run(
        account: Account,
        *reports: Json,
        kubecost: object = CONNECTED,
        stack: Json | None = BILLING,
    ) -> list[Finding]:
        payer = Payer(Declared("billing", stack), "payer") if stack else None
        monkeypatch.setattr(Payer, "find", lambda: payer)
        monkeypatch.setattr(Payer, "client", lambda *_: account)
        integration = json.dumps({"aws": reports or [REPORT]})
        values = {"kubecostProductConfigs": {"cloudIntegrationJSON": integration}}
        release = {"name": NAMESPACE, "namespace": NAMESPACE, "values": [yaml.safe_dump(values)]}
        declared = Declared(
            "prom",
            {
                "provider": {"aws": [{"region": "eu-west-1"}]},
                "resource": {"helm_release": {"kubecost_release": release}},
            },
        )
        context = Context(declared, cast(Aws, None), {}, cast(Kube, Service(kubecost)))
        return list(bill.check(context))

    return run


def test_what_is_well(look: Look) -> None:
    account = Account()
    findings = look(account)
    assert [each.status for each in findings] == [Status.OK] * 4
    assert "40 rows, 30 of clusters" in findings[1].what
    (query,) = account.asked
    assert query["WorkGroup"] == "kubecost-bill"
    assert query["QueryExecutionContext"] == {"Database": "kubecost_bill"}


@pytest.mark.parametrize(
    ("account", "seen", "fix"),
    [
        ({"reports": [{"ReportName": "other"}]}, "reports: other", "cdktf deploy billing"),
        ({"reports": [{"ReportName": "kubecost"}]}, "no delivery yet", "within 24 hours"),
        (
            {
                "reports": [
                    {
                        "ReportName": "kubecost",
                        "ReportStatus": {
                            "lastStatus": "ERROR_PERMISSIONS",
                            "lastDelivery": "20261126",
                        },
                    }
                ]
            },
            "ERROR_PERMISSIONS on 20261126",
            "policy refuses AWS",
        ),
        ({"rows": (0, 0)}, "no row", "within 24 hours"),
        ({"rows": (40, 0)}, "none with a cluster's name", "until the tag is active"),
        ({"tags": ("team",)}, "not active: aws:eks:cluster-name", "cdktf deploy billing"),
    ],
)
def test_what_is_wrong_in_the_payers_account(
    look: Look, account: Json, seen: str, fix: str
) -> None:
    (finding,) = (each for each in look(Account(**account)) if each.status == Status.FAIL)
    assert seen in finding.seen
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("answer", "seen", "fix"),
    [
        ({"data": []}, "0 of 1 reports", "logs deployment/kubecost-prom-cost-analyzer"),
        ({"data": [{"connectionStatus": "Data Missing"}]}, "Data Missing", "within 24 hours"),
        ([{"connectionStatus": "Failed Connection"}], "Failed Connection", "-c cloud-cost"),
    ],
)
def test_what_kubecost_says_of_its_connection(
    look: Look, answer: object, seen: str, fix: str
) -> None:
    finding = look(Account(), kubecost=answer)[-1]
    assert finding.status == Status.FAIL
    assert seen in finding.seen
    assert fix in finding.fix


@pytest.mark.parametrize("answer", ["<html>", '{"data": [{}]}', '{"code": 501}'])
def test_an_answer_that_is_none_is_not_taken_for_one(look: Look, answer: str) -> None:
    with pytest.raises(CannotCheckError, match="status of the bill is unreadable"):
        look(Account(), kubecost=answer)


def test_a_query_that_fails_is_told_with_athenas_reason(look: Look) -> None:
    with pytest.raises(CannotCheckError, match="Bytes scanned limit was exceeded"):
        look(Account(states=("FAILED",)))


def test_a_report_that_only_kubecosts_role_may_read_is_left_to_kubecost(look: Look) -> None:
    findings = look(Account(), REPORT, stack=None)
    assert [each.status for each in findings] == [Status.SKIPPED, Status.OK]
    assert PAYER in findings[0].what


def test_no_bill_is_no_finding() -> None:
    values = yaml.safe_dump({"kubecostProductConfigs": {"clusterName": "a"}})
    release = {"name": "k", "namespace": "k", "values": [values]}
    declared = Declared("prom", {"resource": {"helm_release": {"kubecost_release": release}}})
    context = Context(declared, cast(Aws, None), {}, cast(Kube, None))
    assert list(bill.check(context)) == []


def test_the_role_for_the_bill_is_not_taken_for_that_of_amp() -> None:
    integration = json.dumps({"aws": [REPORT]})
    values = {"kubecostProductConfigs": {"cloudIntegrationJSON": integration}}
    arns = {"bill": REPORT["masterPayerARN"], "amp": f"arn:aws:iam::{PAYER}:role/amp"}
    roles = {name: {"name": name, "assume_role_policy": "{}"} for name in arns}
    policies = {
        name: {
            "name": "access",
            "role": f"${{aws_iam_role.{name}.name}}",
            "policy": json.dumps({"Statement": [{"Action": ["sts:AssumeRole"], "Resource": arn}]}),
        }
        for name, arn in arns.items()
    }
    release = {"name": "k", "namespace": "k", "values": [yaml.safe_dump(values)]}
    resources = {"helm_release": {"kubecost_release": release}, "aws_iam_role": roles}
    declared = Declared("prom", {"resource": resources | {"aws_iam_role_policy": policies}})
    assert declared.amp_role_arn == arns["amp"]
