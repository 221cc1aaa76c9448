"""AWS Cost and Usage Report, which moto lacks: report definitions.

Only us-east-1 has the API. A definition is refused unless its bucket lets AWS in, as AWS documents
it (Cost and Usage Reports user guide, "Setting up an Amazon S3 bucket"). Nothing is delivered.
"""

import json
import re
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import moto.backend_index
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.responses import BaseResponse

from .core import AwsError, Call, Json, Service
from .iam import is_allowed

cur = Service("cur")

API_REGION = "us-east-1"
MOST_REPORTS = 10
DELIVERY = ("Service", "billingreports.amazonaws.com")


class CurBackend(BaseBackend):
    """The state of the service; what it holds is kept by `Call.state`."""


class CurResponse(BaseResponse):
    """Leads requests to the handlers of this file."""

    def __init__(self) -> None:
        super().__init__(service_name="cur")


@dataclass
class State:
    """The report definitions of one account."""

    reports: dict[str, Json] = field(default_factory=dict)
    tags: dict[str, Json] = field(default_factory=dict)


def install() -> None:
    """Make moto's server know the service: it looks for a package `moto.cur`."""
    package, models, urls = (ModuleType(f"moto.cur{part}") for part in ("", ".models", ".urls"))
    CurBackend.__module__ = models.__name__
    vars(package).update(cur_backends=BackendDict(CurBackend, "cur"), __path__=[])
    vars(urls).update(
        url_bases=[r"https?://cur\.(.+)\.amazonaws\.com"],
        url_paths={"{0}/$": CurResponse.dispatch},
    )
    for module in (package, models, urls):
        sys.modules[module.__name__] = module
    pattern = re.compile(r"https?://cur\.(.+)\.amazonaws\.com")
    moto.backend_index.backend_url_patterns.append(("cur", pattern))


def _refused(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def _state(call: Call) -> State:
    if call.region != API_REGION:
        # There is no such endpoint, so a real request would find no host.
        raise AwsError("UnknownEndpoint", f"there is no cur.{call.region}.amazonaws.com")
    return call.state("cur", State)


def _report(call: Call) -> Json:
    try:
        return _state(call).reports[call["ReportName"]]
    except KeyError:
        raise _refused(f"Report {call['ReportName']} does not exist") from None


def bucket_of(call: Call, name: str) -> Any:
    """Return moto's bucket of the caller's account."""
    from moto.s3.models import s3_backends

    return s3_backends[call.account]["aws"].buckets.get(name)


def _check(call: Call, report: Json) -> None:
    if "ATHENA" in report.get("AdditionalArtifacts", []):
        if report["Format"] != "Parquet" or report.get("ReportVersioning") != "OVERWRITE_REPORT":
            raise _refused("ATHENA needs the format Parquet and OVERWRITE_REPORT")
        if not report["S3Prefix"]:
            raise _refused("ATHENA needs a prefix")
    name = report["S3Bucket"]
    bucket = bucket_of(call, name)
    if bucket is None:
        raise _refused(f"Bucket {name} does not exist or is another account's")
    if bucket.region_name != report["S3Region"]:
        raise _refused(f"Bucket {name} is not in {report['S3Region']}")
    policy = json.loads(bucket.policy or '{"Statement": []}')
    arn = f"arn:aws:s3:::{name}"
    needed = {
        "s3:GetBucketAcl": arn,
        "s3:GetBucketPolicy": arn,
        "s3:PutObject": f"{arn}/{report['S3Prefix']}/{report['ReportName']}/report.parquet",
    }
    context = {
        "aws:SourceAccount": call.account,
        "aws:SourceArn": f"arn:aws:cur:{API_REGION}:{call.account}:definition/*",
        "aws:SecureTransport": "true",
    }
    for action, resource in needed.items():
        if not is_allowed(
            policy, action=action, resource=resource, principal=DELIVERY, context=context
        ):
            raise _refused(
                f"Failed to verify customer bucket permission. Bucket {name} does not allow"
                f" billingreports.amazonaws.com {action}"
            )


@cur.operation
def put_report_definition(call: Call) -> Json:
    """Define a report, unless the name is taken or AWS could not deliver it."""
    report = call["ReportDefinition"]
    state = _state(call)
    if report["ReportName"] in state.reports:
        message = f"A report with the name {report['ReportName']} already exists in the account."
        raise AwsError("DuplicateReportNameException", message)
    if len(state.reports) >= MOST_REPORTS:
        raise AwsError("ReportLimitReachedException", "The account has ten reports already.")
    _check(call, report)
    state.reports[report["ReportName"]] = dict(report)
    state.tags[report["ReportName"]] = {tag["Key"]: tag["Value"] for tag in call["Tags"] or []}
    return {}


@cur.operation
def describe_report_definitions(call: Call) -> Json:
    return {"ReportDefinitions": list(_state(call).reports.values())}


@cur.operation
def modify_report_definition(call: Call) -> Json:
    """Change a report; its name, prefix and time unit stay."""
    report, wanted = _report(call), call["ReportDefinition"]
    for fixed in ("ReportName", "TimeUnit"):
        if wanted[fixed] != report[fixed]:
            raise _refused(f"{fixed} cannot be changed")
    _check(call, wanted)
    report.update(wanted)
    return {}


@cur.operation
def delete_report_definition(call: Call) -> Json:
    """Delete a definition; what was delivered stays in its bucket."""
    state = _state(call)
    state.reports.pop(call["ReportName"], None)
    state.tags.pop(call["ReportName"], None)
    return {"ResponseMessage": "deleted"}


@cur.operation
def list_tags_for_resource(call: Call) -> Json:
    _report(call)
    tags = _state(call).tags[call["ReportName"]]
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


@cur.operation
def tag_resource(call: Call) -> Json:
    _report(call)
    _state(call).tags[call["ReportName"]].update({tag["Key"]: tag["Value"] for tag in call["Tags"]})
    return {}


@cur.operation
def untag_resource(call: Call) -> Json:
    _report(call)
    for key in call["TagKeys"]:
        _state(call).tags[call["ReportName"]].pop(key, None)
    return {}
