"""Check that AMP refuses no samples, by the counters of both sides."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from metrics.rules import SERIES
from tools.verify.aws import Aws, error_code, explained
from tools.verify.context import Context
from tools.verify.finding import CannotCheckError, Finding, listed
from tools.verify.promql import Source

# A few are lost at the first start, until IAM knows the new role everywhere.
TOLERATED = 0.01
WINDOW = timedelta(hours=1)
NEARLY_FULL = 0.9
# AMP user guide, "Use CloudWatch metrics to monitor Amazon Managed Service for Prometheus".
_REASONS = {
    "greater_than_max_sample_age": "the collector is more than an hour behind",
    "new-value-for-timestamp": "two collectors send the same series: one replica, one release",
    "per_labelset_series_limit": "raise amp.max_series_per_cluster",
    "per_user_series_limit": "ask for a higher quota of active series in a workspace",
    "rate_limited": "ask for a higher quota of the ingestion rate",
    "sample-out-of-order": "two collectors send the same series, or one is behind",
    "max_label_names_per_series": "drop labels in the scrape jobs",
}
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_PREFIX = "prometheus_remote_storage_"


def check(context: Context) -> Iterator[Finding]:
    """Check Prometheus's counters, AMP's counters in CloudWatch, and AMP's limit of series."""
    if context.declared.writes_from_prometheus:
        yield from _sent(context)
    if context.amp:
        yield _discarded(context)
        yield from _series(context, context.amp)


def _sent(context: Context) -> Iterator[Finding]:
    """Read Prometheus's own counters from it, because nothing scrapes them."""
    text = context.ask_prometheus("/metrics")
    sums: defaultdict[str, float] = defaultdict(float)
    newest: dict[str, float] = {}
    for name, labels, value in _SAMPLE.findall(text):
        if name.startswith(_PREFIX):
            short = name.removeprefix(_PREFIX)
            # The keep rules drop these samples on purpose.
            if short != "samples_dropped_total" or 'reason="dropped_series"' not in labels:
                sums[short] += float(value)
            newest[short] = max(newest.get(short, 0.0), float(value))
    sent, failed = sums["samples_total"], sums["samples_failed_total"]
    lost = failed + sums["samples_dropped_total"]
    refused = f"{lost:.0f} of {sent:.0f} samples were refused"
    logs = f"kubectl -n {context.namespace} logs deployment/{context.declared.prometheus_service}"
    yield Finding.judge(
        "AMP accepts what Prometheus sends",
        sent > 0 and lost <= TOLERATED * sent,
        details=refused,
        seen=f"{refused} or dropped" if sent else "Prometheus has sent nothing yet",
        expected=f"at most {TOLERATED:.0%} since Prometheus started",
        fix="see Prometheus's log. 403: the role or its region is wrong; 429: an AMP quota is "
        f"reached; 400: the samples are duplicates: {logs} --tail=20",
    )
    # The first metric is new in Prometheus 3.8; the second also counts samples that are not sent.
    scraped = newest.get("queue_highest_timestamp_seconds") or newest.get(
        "highest_timestamp_in_seconds", 0
    )
    sent_until = newest.get("queue_highest_sent_timestamp_seconds", 0)
    behind = scraped - sent_until
    yield Finding.judge(
        "Prometheus sends its samples without delay",
        scraped > 0 and behind < context.max_age,
        details=f"{max(behind, 0):.0f} s behind",
        seen=f"the last sample that it sent is {behind / 60:.0f} minutes behind"
        if sent_until
        else "nothing was sent since it started",
        expected=f"less than {context.max_age} s",
        fix="AMP refuses samples older than an hour. Prometheus's log says why it is behind: "
        f"{logs} --tail=20",
    )


def _discarded(context: Context) -> Finding:
    """Read from CloudWatch how many samples AMP discarded; no metric means none.

    The guide does not name the dimensions, so this finds the workspace's id among their values.
    """
    what = "AMP discards no sample of the workspace (CloudWatch DiscardedSamples, 1 h)"
    if context.declared.amp_role_arn:
        return Finding.skipped(f"{what}: only the workspace's account can read that")
    client = context.amp_aws.client("cloudwatch")
    now = datetime.now(UTC)
    found: Counter[str] = Counter()
    try:
        with explained("read CloudWatch's metrics of AMP"):
            pages = client.get_paginator("list_metrics").paginate(
                Namespace="AWS/Prometheus", MetricName="DiscardedSamples", RecentlyActive="PT3H"
            )
            for metric in (each for page in pages for each in page["Metrics"]):
                dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
                if not any(context.workspace_id in value for value in dimensions.values()):
                    continue
                points = client.get_metric_statistics(
                    Namespace="AWS/Prometheus",
                    MetricName="DiscardedSamples",
                    Dimensions=metric["Dimensions"],
                    StartTime=now - WINDOW,
                    EndTime=now,
                    Period=int(WINDOW.total_seconds()),
                    Statistics=["Sum"],
                )["Datapoints"]
                reason = dimensions.get("Reason", "no reason given")
                found[reason] += int(sum(each["Sum"] for each in points))
    except CannotCheckError as error:
        return Finding.skipped(f"{what}: {error}")
    lost = {reason: count for reason, count in found.items() if count}
    return Finding.judge(
        what,
        not lost,
        seen=listed(f"{count} {reason}" for reason, count in lost.items()),
        expected="none",
        fix="; ".join(_REASONS.get(reason, reason) for reason in lost),
    )


def _series(context: Context, amp: Source) -> Iterator[Finding]:
    limit = context.declared.series_limit or _limit_in_amp(context)
    if not limit:
        return
    # Read what the hub's rules record, because counting needs a query over all series.
    recorded = amp.value(amp.of(SERIES))
    everything = amp.of("", '__name__!=""')
    count = recorded or amp.value(f"count({everything})") or 0
    what = f"active series of {context.declared.cluster_id} are below AMP's limit"
    seen = f"{count:,.0f} of {limit:,} ({count / limit:.0%})"
    if not count:
        yield Finding.skipped(f"{what}: there are none yet")
        return
    yield Finding.judge(
        what,
        count < NEARLY_FULL * limit,
        details=seen,
        seen=seen,
        expected=f"less than {NEARLY_FULL:.0%}: AMP refuses new series at the limit",
        fix="raise amp.max_series_per_cluster in kubecost.yaml, then deploy the hub's overlay",
    )


def _limit_in_amp(context: Context) -> int | None:
    """Read from AMP a limit that another stack sets; None if there is none or AMP refuses."""
    own = {"cluster_id": context.declared.cluster_id}
    for name, workspace in context.declared.workspaces.items():
        client = Aws(workspace.region, workspace.role_arn).client("amp")
        try:
            answer = client.describe_workspace_configuration(
                workspaceId=context.workspace(name)["workspaceId"]
            )["workspaceConfiguration"]
        except ClientError as error:
            if error_code(error):
                return None
            raise
        for each in answer.get("limitsPerLabelSet", []):
            if each["labelSet"] == own:
                return int(each["limits"]["maxSeries"])
    return None
