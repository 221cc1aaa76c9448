"""Find combinations of settings that cannot work, although each key alone is valid.

architectures/faults.py checks what depends on the architectures, such as owned Helm values.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses
from typing import Any

from pydantic import TypeAdapter, ValidationError

from settings import Settings
from settings.billing import tag_column
from settings.kinds import ClusterId
from settings.section import Section

MISSING = object()
MOST_ADDRESSES = 1 << 24
_PRIVATE = [
    IPv4Network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in the settings file.

    Attributes:
        key: the path of the key, such as `base.nodes.min`.
        given: its value; MISSING if the file has none.
        allowed: the values that the key may have.
        problem: what is wrong and what to do, where a list of allowed values cannot say it.
    """

    key: str
    given: Any
    allowed: str = ""
    problem: str = ""

    def __str__(self) -> str:
        answer = self.problem or f"allowed: {self.allowed}"
        if self.given is MISSING:
            return f"{self.key}: missing; {answer}"
        try:
            given = json.dumps(self.given, ensure_ascii=False, default=str)
        except (ValueError, TypeError):  # a YAML alias to itself, a key that is not text
            given = repr(self.given)
        shown = given if len(given) <= 60 else f"{given[:57]}..."
        return f"{self.key}: given {shown}; {answer}"


def find_faults(settings: Settings) -> Iterator[Fault]:
    """Check what no single key shows."""
    for check in (
        _node_counts,
        _node_types,
        _vpc,
        _admins,
        _api_access,
        _clusters,
        _volumes,
        _alerts_receivers,
        _alerts_places,
        _alerts_abroad,
        _budgets,
        _created_report,
        _cost_allocation_tags,
        _existing_reports,
        _spot_data_feed,
        _bill_by_hand,
        _state,
    ):
        yield from until_unknown(check(settings))


def until_unknown(faults: Iterator[Fault]) -> Iterator[Fault]:
    """Yield the faults of a check; stop it when it reads a field that has no value.

    A field has no value if the settings file gives it a wrong one, which is reported already.
    """
    try:
        yield from faults
    except AttributeError as error:
        section = error.obj
        if not (isinstance(section, Section) and error.name in type(section).model_fields):
            raise


def _node_counts(settings: Settings) -> Iterator[Fault]:
    nodes = settings.base.nodes
    if not nodes.min <= nodes.desired <= nodes.max:
        given = {"min": nodes.min, "desired": nodes.desired, "max": nodes.max}
        yield Fault("base.nodes", given, "min <= desired <= max")


def _node_types(settings: Settings) -> Iterator[Fault]:
    nodes = settings.base.nodes
    if len(nodes.cpu_architectures) > 1:
        allowed = "types of one CPU architecture (all Graviton, or none)"
        yield Fault("base.nodes.instance_types", nodes.instance_types, allowed)


def _vpc(settings: Settings) -> Iterator[Fault]:
    vpc = IPv4Network(settings.base.vpc_cidr)
    if not (_is_private(vpc) and 16 <= vpc.prefixlen <= 22):
        allowed = "a private block from /16 to /22, so that every subnet has room for pods"
        yield Fault("base.vpc_cidr", settings.base.vpc_cidr, allowed)


def _admins(settings: Settings) -> Iterator[Fault]:
    for arn, count in Counter(settings.base.admins).items():
        if count > 1:
            yield Fault("base.admins", arn, "each principal once")


def _api_access(settings: Settings) -> Iterator[Fault]:
    cidrs = settings.base.api_access_cidrs
    yield from find_open("base.api_access_cidrs", cidrs)
    for cidr in cidrs:
        if _is_private(IPv4Network(cidr)):
            allowed = "public addresses only; private ones use the private endpoint, always on"
            yield Fault("base.api_access_cidrs", cidr, allowed)


def _is_private(block: IPv4Network) -> bool:
    """Tell whether a block lies in RFC 1918's or the carrier-grade NAT range."""
    return any(block.subnet_of(private) for private in _PRIVATE)


def _clusters(settings: Settings) -> Iterator[Fault]:
    seen: set[str] = set()
    indexes: dict[tuple[str, str, str | None], int] = {}
    for index, cluster in enumerate(settings.fleet):
        key = f"clusters[{index}]"
        try:
            TypeAdapter(ClusterId).validate_python(cluster.id)
        except ValidationError as error:
            yield Fault(f"{key}.id", cluster.id, error.errors()[0]["msg"])
        # Stack names and role names do not tell upper case from lower case.
        if cluster.id.lower() in seen:
            allowed = "an id that no other cluster has, in upper or lower case: AMP tells clusters"
            yield Fault(f"{key}.id", cluster.id, f"{allowed} apart by it")
        seen.add(cluster.id.lower())
        account = cluster.role_arn.split(":")[4] if cluster.role_arn else None
        first = indexes.setdefault((cluster.name, cluster.region, account), index)
        if first != index:
            problem = f"clusters[{first}] is the same cluster, and two stacks would share a"
            yield Fault(f"{key}.name", cluster.name, problem=f"{problem} namespace; remove one")


def _volumes(settings: Settings) -> Iterator[Fault]:
    kubecost = settings.kubecost
    if kubecost.encrypted_volumes and kubecost.storage_class:
        problem = "not allowed with kubecost.storage_class, which names another StorageClass"
        yield Fault("kubecost.encrypted_volumes", True, problem=problem)


def find_open(key: str, cidrs: tuple[str, ...], hint: str = "") -> Iterator[Fault]:
    """Refuse an allow-list that admits (nearly) everyone or lists an address twice.

    All blocks count together, because 256 blocks of /8 are the whole internet too.
    """
    blocks = sorted(map(IPv4Network, cidrs))
    widest: IPv4Network | None = None
    for block in blocks:
        if block.prefixlen < 8:
            allowed = "blocks of /8 or smaller; this one is too much of the internet"
            yield Fault(key, str(block), allowed)
        if widest and block.subnet_of(widest):
            allowed = f"blocks that do not overlap; {widest} in the list contains this one"
            yield Fault(key, str(block), allowed)
        else:
            widest = block
    public = sum(each.num_addresses for each in collapse_addresses(blocks) if not _is_private(each))
    if public > MOST_ADDRESSES and all(block.prefixlen >= 8 for block in blocks):
        allowed = f"at most {MOST_ADDRESSES:,} public addresses in total, as many as a /8 has{hint}"
        yield Fault(key, f"{len(blocks)} blocks with {public:,} public addresses", allowed)


def _alerts_receivers(settings: Settings) -> Iterator[Fault]:
    alerts = settings.alerts
    if alerts.emails and alerts.sns_topic_arn:
        problem = "not allowed with alerts.sns_topic_arn; subscribe the addresses to that topic"
        yield Fault("alerts.emails", alerts.emails, problem=problem)
    if alerts.encrypted and alerts.sns_topic_arn:
        problem = "not allowed with alerts.sns_topic_arn; encrypt that topic where you manage it"
        yield Fault("alerts.encrypted", True, problem=problem)
    if not alerts.enabled and (alerts.budgets or alerts.pagerduty.secret_arn):
        allowed = "at least one address, or a topic in alerts.sns_topic_arn; without one of them"
        yield Fault("alerts.emails", [], f"{allowed} no alert is sent")


def _alerts_places(settings: Settings) -> Iterator[Fault]:
    alerts, region = settings.alerts, settings.amp_region
    for key, arn in {
        "sns_topic_arn": alerts.sns_topic_arn,
        "pagerduty.secret_arn": alerts.pagerduty.secret_arn,
    }.items():
        if arn and arn.split(":")[3] != region:
            yield Fault(f"alerts.{key}", arn, f"an ARN in {region}, the region of the workspaces")


def _alerts_abroad(settings: Settings) -> Iterator[Fault]:
    amp = settings.amp
    if settings.alerts.enabled and amp.workspace_id and amp.role_arn:
        problem = "not allowed with alerts: only the owner of a workspace in another account can"
        yield Fault("amp.role_arn", amp.role_arn, problem=f"{problem} create its alerts")


def _budgets(settings: Settings) -> Iterator[Fault]:
    cluster_ids = [cluster.id for cluster in settings.fleet]
    seen = set()
    for index, budget in enumerate(settings.alerts.budgets):
        key = f"alerts.budgets[{index}]"
        if budget.cluster and budget.cluster not in cluster_ids:
            allowed = f"the id of a cluster: {', '.join(cluster_ids)}"
            yield Fault(f"{key}.cluster", budget.cluster, allowed)
        if budget.namespace and budget.label:
            yield Fault(f"{key}.label", budget.label, "a namespace or a label, not both")
        scope = (budget.cluster, budget.namespace, budget.label)
        if scope in seen:
            given = budget.model_dump(exclude={"at"}, exclude_none=True)
            allowed = "one budget for the same cluster, namespace and label; list its percentages"
            yield Fault(key, given, f"{allowed} under at")
        seen.add(scope)


def _created_report(settings: Settings) -> Iterator[Fault]:
    report, role_arn = settings.billing.report, settings.billing.account_role_arn
    if role_arn and not report.create:
        yield Fault("billing.account_role_arn", role_arn, problem=_ONLY_CREATED)


_ONLY_CREATED = "allowed only with billing.report.create: true; it applies to the created report"


def _cost_allocation_tags(settings: Settings) -> Iterator[Fault]:
    tags = settings.billing.cost_allocation_tags
    if tags and not settings.billing.report.create:
        yield Fault("billing.cost_allocation_tags", tags, problem=_ONLY_CREATED)
    columns = Counter(map(tag_column, tags))
    for column in [column for column, count in columns.items() if count > 1]:
        same = [key for key in tags if tag_column(key) == column]
        problem = f"these tag keys share one column of the report, {column}; keep one of them"
        yield Fault("billing.cost_allocation_tags", same, problem=problem)


def _existing_reports(settings: Settings) -> Iterator[Fault]:
    billing = settings.billing
    accounts = [billing.account] if billing.report.create else []
    for index, report in enumerate(billing.existing_reports):
        key = f"billing.existing_reports[{index}]"
        if report.role_arn and report.report_bucket:
            problem = "not allowed with role_arn, because that role reads the files"
            yield Fault(f"{key}.report_bucket", report.report_bucket, problem=problem)
        if not report.role_arn and not report.report_bucket:
            problem = "name the bucket with the report's files, or a role_arn that may read them"
            yield Fault(f"{key}.report_bucket", MISSING, problem=problem)
        if report.account in accounts:
            allowed = "one report for each payer account; with two, its costs would count twice"
            yield Fault(f"{key}.role_arn", report.role_arn, allowed)
        accounts.append(report.account)


def _spot_data_feed(settings: Settings) -> Iterator[Fault]:
    feed = settings.billing.spot_data_feed
    if feed.create and feed.bucket:
        problem = (
            "not allowed with create: true; name the bucket of an existing feed, or create one"
        )
        yield Fault("billing.spot_data_feed.bucket", feed.bucket, problem=problem)
    if feed.region and not feed.bucket:
        problem = "allowed only with billing.spot_data_feed.bucket, the bucket of an existing feed"
        yield Fault("billing.spot_data_feed.region", feed.region, problem=problem)


def _bill_by_hand(settings: Settings) -> Iterator[Fault]:
    """Refuse a bill in the user's Helm values if the section billing configures one too."""
    billing, written = settings.billing, settings.kubecost.values.get("kubecostProductConfigs")
    decided = {
        "billing": ("cloudIntegration", "athena", "masterPayer") if billing.is_on else (),
        "billing.spot_data_feed": ("awsSpotData", "projectID") if billing.has_feed else (),
        "billing.spot_label": ("spotLabel",) if billing.spot_label != "none" else (),
    }
    for section, beginnings in decided.items():
        for key, value in written.items() if isinstance(written, dict) else ():
            if key.startswith(beginnings):
                path = f"kubecost.values.kubecostProductConfigs.{key}"
                yield Fault(path, value, problem=f"not allowed here: {section} sets it")


def _state(settings: Settings) -> Iterator[Fault]:
    state = settings.state
    required = {"local": (), "s3": ("bucket", "region"), "cloud": ("organization",)}
    section = {"s3": state.s3, "cloud": state.cloud}.get(state.backend)
    for key in required[state.backend]:
        if getattr(section, key) is None:
            problem = f"it must be given when state.backend is {state.backend}"
            yield Fault(f"state.{state.backend}.{key}", MISSING, problem=problem)
