"""Amazon Managed Service for Prometheus: workspaces, what belongs to them, and scrapers.

Handlers are named like the operations of the API. Every transition is immediate. Limits: AMP user
guide, "Quotas"; what a scrape configuration may hold: "Set up managed collectors for Amazon EKS",
"Scraper configuration".
"""

import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import yaml

from . import alert_manager
from .core import AwsError, Call, Json, Service
from .eks import Cluster, add_entry, clusters, subnets_of

amp = Service("amp")

ACTIVE = {"statusCode": "ACTIVE"}
MAX_DEFINITION = 1_000_000  # bytes
MAX_RETENTION = 1095  # days
SCRAPER_TAG = "AMPAgentlessScraper"
DEFAULT_SCRAPE_CONFIGURATION = """\
global:
  scrape_interval: 30s
scrape_configs:
  - job_name: pod_exporter
    kubernetes_sd_configs:
      - role: pod
"""


@dataclass
class Workspace:
    """A workspace and its parts; each is the JSON that its Describe answers."""

    data: Json
    configuration: Json
    rules: dict[str, Json] = field(default_factory=dict)
    parts: dict[str, Json] = field(default_factory=dict)
    """What a workspace has one of: logging, query logging, alert manager and policy."""


@dataclass
class State:
    """What AMP holds for one account and region."""

    workspaces: dict[str, Workspace] = field(default_factory=dict)
    scrapers: dict[str, Json] = field(default_factory=dict)


def invalid(message: str) -> AwsError:
    """Return AMP's error for an argument that it refuses."""
    return AwsError("ValidationException", message, reason="FIELD_VALIDATION_FAILED")


def _missing(kind: str, identifier: str) -> AwsError:
    return AwsError(
        "ResourceNotFoundException",
        f"{kind} not found",
        resourceId=identifier,
        resourceType=f"AWS::APS::{kind}",
    )


def _conflict(kind: str, identifier: str) -> AwsError:
    return AwsError(
        "ConflictException",
        f"{kind} already exists",
        resourceId=identifier,
        resourceType=f"AWS::APS::{kind}",
    )


def _state(call: Call) -> State:
    return call.state("amp", State)


def _workspace(call: Call) -> Workspace:
    try:
        return _state(call).workspaces[call["workspaceId"]]
    except KeyError:
        raise _missing("Workspace", call["workspaceId"]) from None


def _yaml(data: bytes, what: str) -> Json:
    """Return a definition's mapping; refuse what is too long or no YAML mapping."""
    if len(data) > MAX_DEFINITION:
        raise invalid(f"{what} is longer than {MAX_DEFINITION} bytes")
    try:
        document = yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise invalid(f"{what} is not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise invalid(f"{what} is not a YAML mapping")
    return document


def _stamp() -> Json:
    moment = datetime.now(UTC)
    return {"createdAt": moment, "modifiedAt": moment, "lastModifiedAt": moment}


def _touched() -> Json:
    return {key: value for key, value in _stamp().items() if key != "createdAt"}


@amp.operation
def create_workspace(call: Call) -> Json:
    """Make a workspace; its KMS key, when given, must exist."""
    identifier = f"ws-{uuid4()}"
    key = call["kmsKeyArn"]
    if key and key not in [known.arn for known in call.backend("kms").keys.values()]:
        raise invalid(f"KMS key {key} does not exist")
    host = f"aps-workspaces.{call.region}.amazonaws.com"
    data = call.given("alias", "kmsKeyArn") | {
        "workspaceId": identifier,
        "arn": call.arn("aps", f"workspace/{identifier}"),
        "status": ACTIVE,
        "prometheusEndpoint": f"https://{host}/workspaces/{identifier}/",
        "tags": call["tags"] or {},
    }
    configuration = {"status": ACTIVE, "retentionPeriodInDays": 150, "limitsPerLabelSet": []}
    _state(call).workspaces[identifier] = Workspace(data | _stamp(), configuration)
    return data


@amp.operation
def describe_workspace(call: Call) -> Json:
    return {"workspace": _workspace(call).data}


@amp.operation
def list_workspaces(call: Call) -> Json:
    """Answer the workspaces whose alias starts as asked."""
    every = [workspace.data for workspace in _state(call).workspaces.values()]
    return {"workspaces": [w for w in every if w.get("alias", "").startswith(call["alias"] or "")]}


@amp.operation
def update_workspace_alias(call: Call) -> Json:
    data = _workspace(call).data
    data.pop("alias", None)
    data.update(call.given("alias"))
    return {}


@amp.operation
def delete_workspace(call: Call) -> Json:
    """Delete a workspace with its parts; its scrapers stay, as in AWS."""
    del _state(call).workspaces[_workspace(call).data["workspaceId"]]
    return {}


@amp.operation
def describe_workspace_configuration(call: Call) -> Json:
    return {"workspaceConfiguration": _workspace(call).configuration}


@amp.operation
def update_workspace_configuration(call: Call) -> Json:
    """Change retention, limits per label set, and the windows for late samples and rules."""
    workspace = _workspace(call)
    if not 1 <= (call["retentionPeriodInDays"] or 1) <= MAX_RETENTION:
        raise invalid(f"Retention period must be between 1 and {MAX_RETENTION} days")
    sets = [
        json.dumps(limit["labelSet"], sort_keys=True) for limit in call["limitsPerLabelSet"] or []
    ]
    if len(sets) > 100 or len(sets) != len(set(sets)):
        raise invalid("At most 100 label sets can have limits, each once")
    workspace.configuration.update(
        call.given(
            "retentionPeriodInDays",
            "limitsPerLabelSet",
            "outOfOrderTimeWindowInSeconds",
            "ruleQueryOffsetInSeconds",
        )
    )
    return {"status": ACTIVE}


def _check_log_group(call: Call, arn: str) -> None:
    if arn.removesuffix(":*").rpartition(":")[2] not in call.backend("logs").groups:
        raise invalid(f"Log group {arn} does not exist")


def _check_logging(call: Call) -> None:
    _check_log_group(call, call["logGroupArn"])


def _check_query_logging(call: Call) -> None:
    for destination in call["destinations"]:
        _check_log_group(call, destination["cloudWatchLogs"]["logGroupArn"])


def _check_alert_manager(call: Call) -> None:
    document = _yaml(call["data"], "alert manager definition")
    found = alert_manager.faults(document, account=call.account, region=call.region)
    if refused := sorted(found):
        raise invalid(f"alert manager definition is invalid: {'; '.join(refused)}")


def _part(name: str, update_verb: str, answer: str, check: Callable[[Call], None]) -> None:
    """Register the four operations of something that a workspace has one of."""

    def create(call: Call) -> Json:
        workspace = _workspace(call)
        if name in workspace.parts:
            raise _conflict(name, call["workspaceId"])
        check(call)
        part = call.params | {"workspace": call["workspaceId"], "status": ACTIVE} | _stamp()
        workspace.parts[name] = part
        return {"status": ACTIVE}

    def found(call: Call) -> Json:
        part = _workspace(call).parts.get(name)
        if part is None:
            raise _missing(name, call["workspaceId"])
        return part

    def update(call: Call) -> Json:
        part = found(call)
        check(call)
        part.update(call.params | _touched())
        return {"status": ACTIVE}

    def delete(call: Call) -> Json:
        found(call)
        del _workspace(call).parts[name]
        return {}

    amp.register(f"Create{name}", create)
    amp.register(f"Describe{name}", lambda call: {answer: found(call)})
    amp.register(f"{update_verb}{name}", update)
    amp.register(f"Delete{name}", delete)


_part("LoggingConfiguration", "Update", "loggingConfiguration", _check_logging)
_part("QueryLoggingConfiguration", "Update", "queryLoggingConfiguration", _check_query_logging)
_part("AlertManagerDefinition", "Put", "alertManagerDefinition", _check_alert_manager)


@amp.operation
def put_resource_policy(call: Call) -> Json:
    """Set the workspace's resource policy, which may allow data plane actions only."""
    allowed = {"RemoteWrite", "QueryMetrics", "GetSeries", "GetLabels", "GetMetricMetadata"}
    try:
        statements = json.loads(call["policyDocument"])["Statement"]
        asked = {
            a
            for s in statements
            for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
        }
    except (ValueError, KeyError, TypeError):
        raise invalid("policyDocument is not an IAM policy") from None
    if refused := asked - {f"aps:{action}" for action in allowed}:
        raise invalid(f"Actions not supported in a resource policy: {', '.join(sorted(refused))}")
    policy = {
        "policyDocument": call["policyDocument"],
        "policyStatus": "ACTIVE",
        "revisionId": str(uuid4()),
    }
    _workspace(call).parts["ResourcePolicy"] = policy
    return policy


@amp.operation
def describe_resource_policy(call: Call) -> Json:
    if policy := _workspace(call).parts.get("ResourcePolicy"):
        return policy
    raise _missing("ResourcePolicy", call["workspaceId"])


@amp.operation
def delete_resource_policy(call: Call) -> Json:
    describe_resource_policy(call)
    del _workspace(call).parts["ResourcePolicy"]
    return {}


def _rules(call: Call) -> Json:
    try:
        return _workspace(call).rules[call["name"]]
    except KeyError:
        raise _missing("RuleGroupsNamespace", call["name"]) from None


def _check_rules(call: Call) -> None:
    document = _yaml(call["data"], "rule group definition")
    try:
        groups = document["groups"]
        good = set(document) == {"groups"} and all(
            group["name"]
            and all(
                ("record" in rule) != ("alert" in rule) and rule["expr"] for rule in group["rules"]
            )
            for group in groups
        )
    except (KeyError, TypeError):
        good = False
    if not good:
        raise invalid(
            "rule group definition must hold groups of rules with record or alert, and expr"
        )


@amp.operation
def create_rule_groups_namespace(call: Call) -> Json:
    workspace, name = _workspace(call), call["name"]
    if name in workspace.rules:
        raise _conflict("RuleGroupsNamespace", name)
    _check_rules(call)
    workspace.rules[name] = (
        call.given("name", "data")
        | _stamp()
        | {
            "arn": call.arn("aps", f"rulegroupsnamespace/{call['workspaceId']}/{name}"),
            "status": ACTIVE,
            "tags": call["tags"] or {},
        }
    )
    return workspace.rules[name]


@amp.operation
def describe_rule_groups_namespace(call: Call) -> Json:
    return {"ruleGroupsNamespace": _rules(call)}


@amp.operation
def list_rule_groups_namespaces(call: Call) -> Json:
    return {"ruleGroupsNamespaces": list(_workspace(call).rules.values())}


@amp.operation
def put_rule_groups_namespace(call: Call) -> Json:
    rules = _rules(call)
    _check_rules(call)
    rules.update(call.given("data") | _touched())
    return rules


@amp.operation
def delete_rule_groups_namespace(call: Call) -> Json:
    _rules(call)
    del _workspace(call).rules[call["name"]]
    return {}


_SCRAPE_KEYS = {
    "job_name", "honor_labels", "honor_timestamps", "scrape_interval", "scrape_timeout",
    "metrics_path", "scheme", "params", "follow_redirects", "enable_http2", "sample_limit",
    "label_limit", "label_name_length_limit", "label_value_length_limit", "target_limit",
    "authorization", "bearer_token_file", "tls_config", "static_configs", "kubernetes_sd_configs",
    "relabel_configs", "metric_relabel_configs",
}  # fmt: skip
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_SD_ROLES = {"endpoints", "ingress", "node", "pod", "service"}


def _seconds(duration: str) -> float:
    """Return a Prometheus duration, for example ``1m30s``, in seconds."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    parts = re.findall(r"(\d+)(ms|[smhd])", duration)
    return sum(int(number) * units[unit] for number, unit in parts)


def _scrape_faults(document: Json) -> list[str]:
    """Say what the managed collector would refuse in a scrape configuration."""
    faults = [f"{key} is not supported" for key in document.keys() - {"global", "scrape_configs"}]
    jobs = document.get("scrape_configs") or []
    if not jobs:
        faults.append("scrape_configs is empty")
    for job in jobs:
        name = job.get("job_name")
        faults += [f"job {name}: {key} is not supported" for key in job.keys() - _SCRAPE_KEYS]
        token = job.get("authorization", {}).get(
            "credentials_file", job.get("bearer_token_file", _TOKEN)
        )
        if token != _TOKEN:
            faults.append(f"job {name}: credentials must be in {_TOKEN}")
        roles = {discovery.get("role") for discovery in job.get("kubernetes_sd_configs", [])}
        faults += [f"job {name}: role {role} is not supported" for role in roles - _SD_ROLES]
        for target in (t for static in job.get("static_configs", []) for t in static["targets"]):
            host = target.rpartition(":")[0] or target
            try:
                ipaddress.ip_address(host)
            except ValueError:
                if host != "kubernetes.default.svc":
                    faults.append(f"job {name}: target {target} is not an IP address")
    for where in (document.get("global", {}), *jobs):
        interval = where.get("scrape_interval", "30s")
        if _seconds(interval) < 30:
            faults.append(f"scrape_interval {interval} is shorter than 30s")
    return faults


def _check_scrape_configuration(call: Call) -> None:
    if call["scrapeConfiguration"]:
        blob = call["scrapeConfiguration"]["configurationBlob"]
        if faults := _scrape_faults(_yaml(blob, "scrape configuration")):
            raise invalid(f"scrape configuration is invalid: {'; '.join(sorted(faults))}")


def _check_destination(call: Call) -> Workspace:
    arn = call["destination"]["ampConfiguration"]["workspaceArn"]
    for workspace in _state(call).workspaces.values():
        if workspace.data["arn"] == arn:
            if workspace.data.get("kmsKeyArn") and not call["roleConfiguration"]:
                raise invalid("A workspace with a customer managed key needs a role configuration")
            return workspace
    raise _missing("Workspace", arn)


def _check_source(call: Call) -> tuple[Cluster, Json]:
    """Return the cluster and the source completed with the cluster's security group."""
    source = call["source"]["eksConfiguration"]
    by_arn = {cluster.data["arn"]: cluster for cluster in clusters(call).values()}
    if source["clusterArn"] not in by_arn:
        raise _missing("Cluster", source["clusterArn"])
    cluster = by_arn[source["clusterArn"]]
    vpc_config = cluster.data["resourcesVpcConfig"]
    if not vpc_config["endpointPrivateAccess"]:
        raise invalid("The cluster must have private endpoint access enabled")
    subnets = subnets_of(call, source["subnetIds"])
    if {subnet.vpc_id for subnet in subnets} != {vpc_config["vpcId"]}:
        raise invalid("The subnets must be in the VPC of the cluster")
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise invalid("The subnets must be in at least two availability zones")
    return cluster, {"securityGroupIds": [vpc_config["clusterSecurityGroupId"]]} | source


def _scraper(call: Call) -> Json:
    try:
        return _state(call).scrapers[call["scraperId"]]
    except KeyError:
        raise _missing("Scraper", call["scraperId"]) from None


@amp.operation
def create_scraper(call: Call) -> Json:
    """Make a scraper, its access entry in the cluster, and the tag on its workspace."""
    if len(_state(call).scrapers) == 10:
        raise AwsError(
            "ServiceQuotaExceededException", "At most 10 scrapers per account and region"
        )
    _check_scrape_configuration(call)
    workspace = _check_destination(call)
    cluster, source = _check_source(call)
    unique = uuid4()
    name = f"AWSServiceRoleForAmazonPrometheusScraper_{unique.hex[:12]}"
    role = f"arn:aws:iam::{call.account}:role/aws-service-role/scraper.aps.amazonaws.com/{name}"
    scraper = (
        call.params
        | _stamp()
        | {
            "scraperId": f"s-{unique}",
            "arn": call.arn("aps", f"scraper/s-{unique}"),
            "roleArn": role,
            "status": ACTIVE,
            "source": {"eksConfiguration": source},
            "tags": call["tags"] or {},
        }
    )
    _state(call).scrapers[scraper["scraperId"]] = scraper
    workspace.data["tags"][SCRAPER_TAG] = ""
    if cluster.admits_entries:
        add_entry(call, cluster, role, policy="AmazonPrometheusScraperPolicy")
    return scraper


@amp.operation
def describe_scraper(call: Call) -> Json:
    return {"scraper": _scraper(call)}


@amp.operation
def list_scrapers(call: Call) -> Json:
    return {"scrapers": list(_state(call).scrapers.values())}


@amp.operation
def update_scraper(call: Call) -> Json:
    """Change alias, configuration, destination or roles of a scraper."""
    scraper = _scraper(call)
    _check_scrape_configuration(call)
    if call["destination"]:
        _check_destination(call)
    changed = call.given("alias", "scrapeConfiguration", "destination", "roleConfiguration")
    scraper.update(changed | _touched())
    return scraper


@amp.operation
def delete_scraper(call: Call) -> Json:
    """Delete a scraper and its access entry."""
    scraper = _scraper(call)
    del _state(call).scrapers[scraper["scraperId"]]
    for cluster in clusters(call).values():
        cluster.access_entries.pop(scraper["roleArn"], None)
    return {"scraperId": scraper["scraperId"], "status": {"statusCode": "DELETING"}}


@amp.operation
def get_default_scraper_configuration(_: Call) -> Json:
    """Answer a small configuration; AWS's own is some hundred lines."""
    return {"configuration": DEFAULT_SCRAPE_CONFIGURATION.encode()}


def _tags(call: Call) -> Json:
    state = _state(call)
    parts: list[Json] = [*state.scrapers.values()]
    for workspace in state.workspaces.values():
        parts += [workspace.data, *workspace.rules.values()]
    for part in parts:
        if part["arn"] == call["resourceArn"]:
            tags: dict[str, Any] = part["tags"]
            return tags
    raise _missing("Resource", call["resourceArn"])


amp.register_tagging(_tags)
