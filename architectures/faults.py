"""Find settings that the architectures cannot fulfil: names, combinations, owned Helm values."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from architectures import ARCHITECTURES, Architecture
from metrics.names import drop_labels, label_name
from modules.owned_values import (
    EXPOSES,
    EXPOSING_KEYS,
    EXPOSING_TYPES,
    OWNED_BY_SOME,
    OWNED_VALUES,
    OWNED_VALUES_OF_RELEASES,
)
from modules.partitions import find_partition
from settings import Settings
from settings.billing import FEED_REGIONS, REPORT_REGIONS
from settings.expose_faults import find_faults as find_exposure_faults
from settings.faults import MISSING, Fault, until_unknown


def find_faults(settings: Settings) -> Iterator[Fault]:
    """Check what depends on the registry of architectures."""
    checks = (
        _names,
        _workspace,
        _grafana,
        _alerts,
        _labels,
        _namespace_labels,
        _scraper,
        _workspace_key,
        _readers,
        _report_region,
        _partitions_of_reports,
        _feed_region,
        _owned_values,
        _exposure,
    )
    for check in checks:
        yield from until_unknown(check(settings))


def _names(settings: Settings) -> Iterator[Fault]:
    chosen = settings.chosen(ARCHITECTURES)
    for name in chosen:
        if name not in ARCHITECTURES:
            yield Fault("architectures", name, f"all, or a list of {', '.join(ARCHITECTURES)}")
    if len(set(chosen)) < len(chosen):
        yield Fault("architectures", chosen, "each architecture once")


def _known(settings: Settings) -> list[Architecture]:
    chosen = settings.chosen(ARCHITECTURES)
    return [ARCHITECTURES[name] for name in chosen if name in ARCHITECTURES]


def _workspace(settings: Settings) -> Iterator[Fault]:
    writers = [each.name for each in _known(settings) if each.sends_to_amp]
    if settings.amp.workspace_id and len(writers) > 1:
        allowed = "with amp.workspace_id, one architecture that sends metrics to AMP; two would"
        yield Fault("architectures", writers, f"{allowed} write the same series to the workspace")


def _grafana(settings: Settings) -> Iterator[Fault]:
    if settings.grafana.enabled and not any(each.sends_to_amp for each in _known(settings)):
        problem = f"it needs an architecture that sends costs to AMP: {_WITH_AMP}"
        yield Fault("grafana.enabled", True, problem=problem)


def _alerts(settings: Settings) -> Iterator[Fault]:
    if settings.alerts.enabled and not any(each.sends_to_amp for each in _known(settings)):
        problem = f"alerts need an architecture that sends costs to AMP: {_WITH_AMP}"
        yield Fault("architectures", settings.chosen(ARCHITECTURES), problem=problem)


_WITH_AMP = ", ".join(each.name for each in ARCHITECTURES.values() if each.sends_to_amp)


def _labels(settings: Settings) -> Iterator[Fault]:
    with_costs, known = settings.amp.namespace_labels, _known(settings)
    for index, budget in enumerate(settings.alerts.budgets):
        name = budget.label_name
        if name and not any(each.sends_label(name, with_costs) for each in known):
            problem = f"AMP does not receive this label; list {name} in amp.namespace_labels"
            yield Fault(f"alerts.budgets[{index}].label", budget.label, problem=problem)


def _namespace_labels(settings: Settings) -> Iterator[Fault]:
    """Refuse labels that AMP cannot receive: two with one name in metrics, or a dropped one."""
    key, labels = "amp.namespace_labels", settings.amp.namespace_labels
    spelled = Counter(map(label_name, labels))
    for name in [name for name, count in spelled.items() if count > 1]:
        same = [label for label in labels if label_name(label) == name]
        problem = f"these labels have one name in metrics, {name}; keep one of them"
        yield Fault(key, same, problem=problem)
    for pattern in settings.kubecost.dropped_labels:
        dropped = str(drop_labels((pattern,))["regex"])
        for label in labels:
            if re.fullmatch(dropped, label_name(label)):
                problem = f"not allowed here: {pattern} in kubecost.dropped_labels drops it"
                yield Fault(key, label, problem=problem)


def _scraper(settings: Settings) -> Iterator[Fault]:
    for scraped in [each.name for each in _known(settings) if each.scraped_by_amp][:1]:
        for index, cluster in enumerate(settings.fleet):
            if cluster.region != settings.amp_region:
                allowed = f"{settings.amp_region}, the region of the workspaces; the managed"
                allowed += f" scraper of {scraped} works in one region only"
                yield Fault(f"clusters[{index}].region", cluster.region, allowed)


def _workspace_key(settings: Settings) -> Iterator[Fault]:
    """Refuse a key that AMP's managed collector cannot use.

    Source: AMP user guide, "Encryption at rest".
    """
    scraped = [each.name for each in _known(settings) if each.scraped_by_amp]
    if settings.kms.workspaces and scraped and not settings.amp.role_arn:
        problem = f"{scraped[0]} needs amp.role_arn too: its scraper reaches a workspace with a"
        key, arn = "kms.workspaces", settings.kms.workspaces
        yield Fault(key, arn, problem=f"{problem} customer managed key through that role only")


def _exposure(settings: Settings) -> Iterator[Fault]:
    yield from find_exposure_faults(settings, [each.name for each in _known(settings)])


def _readers(settings: Settings) -> Iterator[Fault]:
    known = _known(settings)
    remote = [
        cluster.name
        for cluster in settings.fleet
        if cluster.role_arn and any(each.has_ui(hub=cluster.hub) for each in known)
    ]
    for index, report in enumerate(settings.billing.existing_reports):
        if remote and not report.role_arn:
            problem = f"Kubecost on cluster {remote[0]} runs in another account; name a role in the"
            key = f"billing.existing_reports[{index}].role_arn"
            yield Fault(key, MISSING, problem=f"{problem} report's account")


def _report_region(settings: Settings) -> Iterator[Fault]:
    report = settings.billing.report
    region = report.region or settings.region
    if not report.create or region in REPORT_REGIONS:
        return
    key, partition = "billing.report.region" if report.region else "region", find_partition(region)
    if partition.is_commercial:
        allowed = "a region that AWS delivers cost reports to; set billing.report.region to one"
        yield Fault(key, region, f"{allowed}, for example us-east-1")
    else:
        problem = f"no report can be created in {partition.name}; name an existing one under"
        yield Fault(key, region, problem=f"{problem} billing.existing_reports")


def _partitions_of_reports(settings: Settings) -> Iterator[Fault]:
    """Refuse a report that a cluster cannot read: no role works across partitions of AWS."""
    billing = settings.billing
    regions = {
        f"billing.existing_reports[{index}].region": report.region
        for index, report in enumerate(billing.existing_reports)
    }
    if billing.report.create and billing.report.region:
        regions["billing.report.region"] = billing.report.region
    for key, region in regions.items():
        for cluster in settings.fleet:
            theirs = find_partition(cluster.region).name
            if find_partition(region).name != theirs:
                allowed = f"a region of {theirs}, because cluster {cluster.name} cannot read from"
                yield Fault(key, region, f"{allowed} another partition")
                break


def _feed_region(settings: Settings) -> Iterator[Fault]:
    """Refuse a feed in a region where AWS has none (EC2 user guide, "Spot Instance data feed")."""
    region = settings.hub.region
    if settings.billing.spot_data_feed.create and region not in FEED_REGIONS:
        allowed = (
            f"false, because AWS has no spot data feed in {region}, the first cluster's region"
        )
        yield Fault("billing.spot_data_feed.create", True, allowed)


def _owned_values(settings: Settings) -> Iterator[Fault]:
    owned = dict(OWNED_VALUES)
    for path, (attribute, reason) in OWNED_BY_SOME.items():
        for architecture in _known(settings):
            if getattr(architecture, attribute):
                owned.setdefault(path, f"{architecture.name} {reason}")
    parts = {tuple(path.split(".")): reason for path, reason in owned.items()}
    yield from _closed("kubecost.values", settings.kubecost.values, parts)
    for release, refused in OWNED_VALUES_OF_RELEASES.items():
        values = getattr(settings.workloads.values, release)
        yield from _closed(f"workloads.values.{release}", values, refused)


def _closed(
    key: str, values: Mapping[str, JsonValue], owned: Mapping[tuple[str, ...], str]
) -> Iterator[Fault]:
    """Refuse user values that an architecture owns, and values that would expose something."""
    refused = list(_refused(key, values, owned))
    yield from refused
    for fault in _exposing(key, dict(values)):
        if not any(f"{fault.key}.".startswith(f"{each.key}.") for each in refused):
            yield fault


def _exposing(key: str, value: JsonValue) -> Iterator[Fault]:
    """Refuse what would open a UI past kubecost.expose, anywhere in the values."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _exposing(f"{key}[{index}]", each)
    if not isinstance(value, dict):
        return
    for name, each in value.items():
        exposing_type = name == "type" and str(each).strip().lower() in EXPOSING_TYPES
        off = not each or (isinstance(each, dict) and each.get("enabled") is False)
        if exposing_type or (name in EXPOSING_KEYS and not off):
            yield Fault(f"{key}.{name}", each, problem=f"not allowed here: {EXPOSES}")
        else:
            yield from _exposing(f"{key}.{name}", each)


def _refused(
    key: str, values: Mapping[str, JsonValue], owned: Mapping[tuple[str, ...], str]
) -> Iterator[Fault]:
    """Refuse user values at, above or below an owned path; report each once."""
    reported = set()
    for path_of_owned, reason in owned.items():
        value: JsonValue = dict(values)
        path = key
        for part in path_of_owned:
            if not isinstance(value, dict):
                reason = "give a mapping; null or text would delete what the architecture sets"
                break
            if part not in value:
                path = ""
                break
            value, path = value[part], f"{path}.{part}"
        if path and path not in reported:
            reported.add(path)
            yield Fault(path, value, problem=f"not allowed here: {reason}")
