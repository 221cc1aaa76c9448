"""Check the bill: the report is delivered, can be queried, and Kubecost reads it.

Calls to the payer's account use the role by which the stack `billing` reaches it. One query runs in
Athena, which scans a month of a few columns; nothing else changes.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from metrics.bill import rows_of_day
from tools.common import Json, NoStackError
from tools.verify.aws import Aws, explained
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import CannotCheckError, Finding, listed

CONNECTED = "Connection Successful"
# AWS delivers within a day, so the day before yesterday is complete.
SETTLED_DAYS = 2
QUERY_SECONDS = 120
_STACK = "billing"
_PATIENCE = "AWS delivers the first data within 24 hours, complete days within 48"


@dataclass(frozen=True)
class Payer:
    """The stack `billing`, and the account that it is in."""

    declared: Declared
    role_arn: str | None

    @classmethod
    def find(cls) -> "Payer | None":
        """Find the stack among the synthesized ones; None if it is not there."""
        try:
            declared = Declared.read(_STACK)
        except NoStackError:
            return None
        return cls(declared, declared.region_and_role[1])

    def makes(self, report: Json) -> bool:
        """Tell whether this stack creates a report that Kubecost reads."""
        names = [
            each["name"] for each in self.declared.resources("aws_glue_catalog_database").values()
        ]
        return report["athenaDatabase"] in names

    def client(self, service: str, region: str) -> Any:
        """Make a client of a service in the payer's account."""
        return Aws(region, self.role_arn).client(service)


def check(context: Context) -> Iterator[Finding]:
    """Check each report that the stack's Kubecost reads, and Kubecost's own status of them."""
    text = context.declared.cloud_integration
    if not text:
        return
    reports: list[Json] = json.loads(context.fill(text))["aws"]
    payer = Payer.find()
    for report in reports:
        if payer and payer.makes(report):
            yield _delivered(payer)
            yield _has_rows(payer.client("athena", report["athenaRegion"]), report)
            yield _tags_are_active(payer)
        elif "masterPayerARN" not in report:
            yield _has_rows(context.aws.session.client("athena", report["athenaRegion"]), report)
        else:
            where = f"{report['athenaDatabase']}.{report['athenaTable']} of {report['projectID']}"
            yield Finding.skipped(f"the report {where}: only Kubecost's role may read it")
    yield _is_connected(context, len(reports))


def _delivered(payer: Payer) -> Finding:
    (wanted,) = payer.declared.resources("aws_cur_report_definition").values()
    name = wanted["report_name"]
    what = f"the cost report {name} is delivered"
    with explained("describe cost reports"):
        pages = payer.client("cur", "us-east-1").get_paginator("describe_report_definitions")
        found = {
            each["ReportName"]: each
            for page in pages.paginate()
            for each in page["ReportDefinitions"]
        }
    if name not in found:
        return Finding.fail(
            what,
            seen=f"reports: {listed(found) or 'none'}",
            expected=f"a report {name}",
            fix="cdktf deploy billing",
        )
    status = found[name].get("ReportStatus", {})
    last, failed = status.get("lastDelivery"), status.get("lastStatus", "SUCCESS") != "SUCCESS"
    return Finding.judge(
        what,
        bool(last) and not failed,
        details=last,
        seen=f"{status['lastStatus']} on {last}" if failed else "no delivery yet",
        expected="a delivery every day",
        fix="the bucket's policy refuses AWS: cdktf deploy billing" if failed else _PATIENCE,
    )


def _has_rows(athena: Any, report: Json) -> Finding:
    day = datetime.now(UTC).date() - timedelta(days=SETTLED_DAYS)
    what = f"{report['athenaDatabase']}.{report['athenaTable']} has costs of {day}"
    rows, of_clusters = _ask(athena, report, rows_of_day(report["athenaTable"], day))
    if rows and not of_clusters:
        return Finding.fail(
            what,
            seen=f"{rows} rows, none with a cluster's name",
            expected="nodes with the tag aws:eks:cluster-name",
            fix="wait until the tag is active for two days; AWS does not add it to past costs",
        )
    return Finding.judge(
        what,
        rows > 0,
        details=f"{rows} rows, {of_clusters} of clusters",
        seen="no row",
        expected="rows",
        fix=_PATIENCE,
    )


def _ask(athena: Any, report: Json, query: str) -> tuple[int, int]:
    """Run a query whose answer is two numbers.

    Raises:
        CannotCheckError: the query is not allowed, fails, or takes longer than QUERY_SECONDS.
    """
    with explained(f"query Athena in workgroup {report['athenaWorkgroup']}"):
        identifier = athena.start_query_execution(
            QueryString=query,
            QueryExecutionContext={"Database": report["athenaDatabase"]},
            WorkGroup=report["athenaWorkgroup"],
            ResultConfiguration={"OutputLocation": report["athenaBucketName"]},
        )["QueryExecutionId"]
        deadline = time.monotonic() + QUERY_SECONDS
        while True:
            execution = athena.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]
            status = execution["Status"]
            if status["State"] not in ("QUEUED", "RUNNING"):
                break
            if time.monotonic() > deadline:
                raise CannotCheckError(f"Athena's query {identifier} still runs; try again later")
            time.sleep(1)
        if status["State"] != "SUCCEEDED":
            reason = status.get("StateChangeReason", status["State"])
            raise CannotCheckError(f"Athena's query {identifier} failed: {reason}")
        rows = athena.get_query_results(QueryExecutionId=identifier)["ResultSet"]["Rows"]
    # The first row has the columns' names.
    rows_count, of_clusters = (cell.get("VarCharValue", "0") for cell in rows[1]["Data"])
    return int(rows_count), int(of_clusters)


def _tags_are_active(payer: Payer) -> Finding:
    what = "the cost allocation tags are active"
    wanted = {
        each["tag_key"] for each in payer.declared.resources("aws_ce_cost_allocation_tag").values()
    }
    if not wanted:
        return Finding.skipped(f"{what}: billing.activate_tags is false")
    active: set[str] = set()
    with explained("list cost allocation tags"):
        ce = payer.client("ce", "us-east-1")
        token: dict[str, str] = {}
        while True:
            page = ce.list_cost_allocation_tags(Status="Active", **token)
            active |= {each["TagKey"] for each in page["CostAllocationTags"]}
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
    return Finding.judge(
        what,
        wanted <= active,
        details=listed(wanted),
        seen=f"not active: {listed(wanted - active)}",
        expected=listed(wanted),
        fix="cdktf deploy billing; AWS accepts a tag one day after a resource first had it",
    )


def _is_connected(context: Context, count: int) -> Finding:
    """Read Kubecost's status of the reports.

    Source: chart cost-analyzer 2.8.7, ConfigMap of the frontend, /model/cloudCost/status.
    """
    what = "Kubecost reads the bill"
    kubecost = context.declared.kubecost
    assert kubecost
    service = f"{kubecost.name}-cost-analyzer"
    try:
        text = context.kube.service(
            context.namespace, service, "tcp-frontend", "/model/cloudCost/status"
        )
        answer = json.loads(text)
        entries = answer["data"] if isinstance(answer, dict) else answer
        states = [str(each["connectionStatus"]) for each in entries or []]
    except (CannotCheckError, ValueError, KeyError, TypeError) as error:
        raise CannotCheckError(f"Kubecost's status of the bill is unreadable: {error}") from None
    bad = sorted({state for state in states if state != CONNECTED})
    return Finding.judge(
        what,
        len(states) >= count and not bad,
        details=f"{len(states)} connected",
        seen=", ".join(bad) or f"{len(states)} of {count} reports in Kubecost's status",
        expected=CONNECTED,
        fix=_PATIENCE
        if bad == ["Data Missing"]
        else f"kubectl -n {context.namespace} logs deployment/{service} -c cloud-cost",
    )
