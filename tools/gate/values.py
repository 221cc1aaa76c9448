"""Judge Helm values and other YAML documents inside arguments, key by key.

For each chart, this lists the values that may be set and changed without approval. The gate asks
about every other value.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tools.gate.absent import ABSENT, Unread, is_empty
from tools.gate.expressions import unknown_expressions
from tools.gate.reader import UnreadableError, read, unique
from tools.gate.rules import (
    Complaints,
    Rule,
    at_least,
    block,
    blocks,
    each,
    free,
    mapping,
    matching,
    one_of,
    settled,
    shown,
    version,
)

_REGION = r"[a-z0-9-]+"
_WORKSPACE_URL = (
    rf"https://aps-workspaces\.{_REGION}\.amazonaws\.com/workspaces/ws-[0-9a-f-]{{36}}/"
    r"|\$\{(data\.)?aws_prometheus_workspace\.\w+\.prometheus_endpoint\}"
)


def _fixed(pattern: str) -> Rule:
    """Allow a text that matches when the resource is created, and does not change after that."""
    first = matching(pattern)

    def judge(before: Any, after: Any) -> Complaints:
        if before is ABSENT:
            yield from first.judge(before, after)
        else:
            yield (), f"changes from {shown(before)} to {shown(after)}"

    return Rule(judge)


WRITES_TO = _fixed(rf"({_WORKSPACE_URL})api/v1/remote_write")
READS_FROM = _fixed(_WORKSPACE_URL)
ROLE = _fixed(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+|\$\{aws_iam_role\.\w+\.arn\}")
_NAME = _fixed(r"[\w.-]+")
_SIGV4 = block({"region": free})
_IDENTITY = {"annotations": block({"eks.amazonaws.com/role-arn": ROLE})}
_SERVICE_ACCOUNT = block({**_IDENTITY, "name": _NAME})
_SCHEDULING = {
    "resources": free,
    "nodeSelector": free,
    "tolerations": free,
    "affinity": free,
    "topologySpreadConstraints": free,
    "priorityClassName": free,
    "podDisruptionBudget": free,
}
_VOLUME = block({"size": free, "dbSize": free, "storageClass": free, "labels": free})
_OFF = one_of(False)

# What a scrape job may have. It may scrape only addresses that it discovers from Kubernetes.
_DISCOVERY = each(
    block({"role": one_of("endpoints", "node", "pod"), "namespaces": free, "selectors": free})
)
_ITSELF = each(block({"targets": one_of(["localhost:9090"])}))
# The only address that relabelling may set, because the job sends Prometheus's token there.
_API_SERVER = "kubernetes.default.svc:443"


def _relabelling(_before: Any, after: Any) -> Iterator[str]:
    if after.get("target_label") == "__address__" and after.get("replacement") != _API_SERVER:
        yield f"scrapes {shown(after.get('replacement'))}"


_RELABEL = each(
    block(
        {
            "source_labels": free,
            "separator": free,
            "regex": free,
            "action": one_of("keep", "drop", "replace", "labeldrop", "labelkeep"),
            "target_label": matching(r"__address__|__metrics_path__|[A-Za-z][A-Za-z0-9_]*"),
            "replacement": free,  # _relabelling
        },
        together=_relabelling,
    )
)
_JOB = block(
    {
        "job_name": free,
        "honor_labels": free,
        "honor_timestamps": free,
        "scrape_interval": free,
        "scrape_timeout": free,
        "sample_limit": free,
        "metrics_path": free,
        "params": free,
        "scheme": one_of("http", "https"),
        "authorization": block(
            {
                "credentials_file": one_of(
                    "/var/run/secrets/kubernetes.io/serviceaccount/token", ABSENT
                ),
                "type": one_of("Bearer", ABSENT),
            }
        ),
        "tls_config": block(
            {
                "ca_file": one_of("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", ABSENT),
                "insecure_skip_verify": one_of(False, ABSENT),
            }
        ),
        "kubernetes_sd_configs": _DISCOVERY,
        "static_configs": _ITSELF,
        "relabel_configs": _RELABEL,
        "metric_relabel_configs": free,
    }
)
_JOBS = blocks(lambda item: str(item.get("job_name")), _JOB, may_go=True)
_GLOBAL = block(
    {
        "scrape_interval": free,
        "scrape_timeout": free,
        "evaluation_interval": free,
        "external_labels": free,
    }
)
_REMOTE_WRITE = blocks(
    lambda item: str(item.get("name") or item.get("url")),
    block(
        {
            "name": free,
            "url": WRITES_TO,
            "sigv4": _SIGV4,
            "queue_config": free,
            "metadata_config": free,
            "remote_timeout": free,
            "write_relabel_configs": free,
        }
    ),
)
_GROUPS = blocks(lambda item: str(item.get("name")), free, may_go=True)
_PROMETHEUS = {
    "global": _GLOBAL,
    "scrape_configs": _JOBS,
    "remote_write": _REMOTE_WRITE,
    "rule_files": free,
}

_COLLECTOR = block(
    {
        "receivers": block(
            {"prometheus": block({"config": block({"global": _GLOBAL, "scrape_configs": _JOBS})})}
        ),
        "processors": block({"memory_limiter": free, "batch": free, "filter": free}),
        "exporters": block(
            {
                "prometheus_remote_write": block(
                    {
                        "endpoint": WRITES_TO,
                        "auth": block({"authenticator": free}),
                        "translation_strategy": free,
                        "target_info": free,
                        "max_batch_size_bytes": free,
                        "max_batch_request_parallelism": free,
                        "timeout": free,
                        "retry_on_failure": free,
                    }
                )
            }
        ),
        "extensions": block(
            {
                "health_check": block({"endpoint": one_of(":13133")}),
                "sigv4auth": block({"region": free, "service": one_of("aps")}),
            }
        ),
        "service": block(
            {
                "extensions": free,
                "telemetry": block(
                    {
                        "logs": block({"level": one_of("info", "warn", "error")}),
                        "metrics": block({"level": one_of("none")}),
                    }
                ),
                "pipelines": free,
            }
        ),
    }
)
_HEADER = matching(r'(Content-Security-Policy|Cache-Control) "[^"]+";')

# If a module sets another value, add its key here: `free` if it can neither expose nor widen
# anything, else a rule. The gate asks about a chart that is not here.
CHARTS: dict[tuple[str, str], Mapping[str, Rule]] = {
    ("https://kubecost.github.io/cost-analyzer/", "cost-analyzer"): {
        **_SCHEDULING,
        "federatedETL": block({"agentOnly": free, "useMultiClusterDB": free}),
        "global": block(
            {
                "amp": block(
                    {
                        "enabled": free,
                        "prometheusServerEndpoint": matching(
                            r"http://localhost:8005/workspaces/"
                            r"(ws-[0-9a-f-]{36}|\$\{(data\.)?aws_prometheus_workspace\.\w+\.id\})"
                        ),
                        "remoteWriteService": WRITES_TO,
                        "sigv4": _SIGV4,
                    }
                ),
                "grafana": block({"enabled": _OFF, "proxy": _OFF}),
                "prometheus": block({"enabled": free}),
            }
        ),
        "kubecostModel": block(
            {
                **_SCHEDULING,
                "etlDailyStoreDurationDays": free,
                "etlHourlyStoreDurationHours": free,
            }
        ),
        "kubecostFrontend": block(
            {
                **_SCHEDULING,
                # No other site may read the answers.
                "nginxHeaders": block({"server": each(_HEADER)}),
            }
        ),
        "kubecostDeployment": block({"deploymentStrategy": free}),
        "kubecostAggregator": block({**_SCHEDULING, "cloudCost": block(_SCHEDULING)}),
        "forecasting": block({**_SCHEDULING, "enabled": free}),
        "kubecostProductConfigs": block(
            {
                "clusterName": free,
                "currencyCode": free,
                "labelMappingConfigs": free,
                "sharedNamespaces": free,
                "sharedOverhead": free,
                "defaultIdle": free,
                "discount": free,
                "spotLabel": free,
                "spotLabelValue": free,
            }
        ),
        "networkCosts": block(
            {
                **_SCHEDULING,
                "enabled": free,
                "port": one_of(*range(3101, 3131), ABSENT),
                "updateStrategy": free,
                "config": block({"destinations": free, "services": free}),
            }
        ),
        "persistentVolume": _VOLUME,
        "prometheus": block(
            {
                "extraScrapeConfigs": one_of("", ABSENT),
                "server": block(
                    {
                        **_SCHEDULING,
                        "enabled": free,
                        "configMapOverrideName": _NAME,
                        "podAnnotations": block({"checksum/prometheus": free}),
                        "global": _GLOBAL,
                        "persistentVolume": _VOLUME,
                    }
                ),
                "serviceAccounts": block({"server": block(_IDENTITY)}),
            }
        ),
        "reporting": block(
            {
                "errorReporting": _OFF,
                "logCollection": _OFF,
                "productAnalytics": _OFF,
                "valuesReporting": _OFF,
            }
        ),
        "serviceAccount": block(_IDENTITY),
        "sigV4Proxy": block(
            {
                "host": _fixed(rf"aps-workspaces\.{_REGION}\.amazonaws\.com"),
                "image": matching(
                    r"public\.ecr\.aws/aws-observability/aws-sigv4-proxy:\d+(\.\d+)*"
                    r"(@sha256:[0-9a-f]{64})?"
                ),
                "name": one_of("aps"),
                "port": one_of(8005),
                "region": free,
                "resources": free,
            }
        ),
    },
    ("https://open-telemetry.github.io/opentelemetry-helm-charts", "opentelemetry-collector"): {
        **_SCHEDULING,
        "mode": one_of("deployment"),
        "fullnameOverride": _NAME,
        "replicaCount": one_of(1),
        "rollout": free,
        "image": block(
            {
                "repository": one_of("public.ecr.aws/aws-observability/aws-otel-collector"),
                "tag": version(r"v\d+(\.\d+)*"),
            }
        ),
        "command": block({"name": one_of("awscollector"), "extraArgs": free}),
        "rewriteDeprecatedComponentNames": free,
        "alternateConfig": _COLLECTOR,
        "ports": mapping(block({"enabled": _OFF})),
        "service": block({"enabled": _OFF}),
        "serviceAccount": _SERVICE_ACCOUNT,
        "clusterRole": block(
            {
                "create": free,
                "name": _NAME,
                "rules": one_of(
                    [
                        {
                            "apiGroups": [""],
                            "resources": ["nodes", "services", "endpoints", "pods"],
                            "verbs": ["get", "list", "watch"],
                        },
                        {"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]},
                    ]
                ),
            }
        ),
        "securityContext": block(
            {
                "allowPrivilegeEscalation": _OFF,
                "capabilities": block({"drop": one_of(["ALL"])}),
                "readOnlyRootFilesystem": one_of(True),
                "runAsNonRoot": one_of(True),
                "runAsUser": at_least(1),
            }
        ),
    },
    ("https://prometheus-community.github.io/helm-charts", "prometheus-node-exporter"): {
        **_SCHEDULING,
        "service": block({"enabled": _OFF, "port": free}),
        "updateStrategy": free,
    },
    ("https://aws.github.io/eks-charts", "aws-load-balancer-controller"): {
        **_SCHEDULING,
        "clusterName": free,
        "region": free,
        "vpcId": free,
        "additionalLabels": free,
        "serviceAccount": _SERVICE_ACCOUNT,
        "defaultTags": free,
        "enableServiceMutatorWebhook": _OFF,
    },
    ("https://grafana-community.github.io/helm-charts", "grafana"): {
        **_SCHEDULING,
        "fullnameOverride": _NAME,
        "adminUser": settled,
        "serviceAccount": _SERVICE_ACCOUNT,
        "rbac": block({"create": _OFF}),
        "automountServiceAccountToken": _OFF,
        "testFramework": block({"enabled": _OFF}),
        "plugins": each(matching(r"grafana-amazonprometheus-datasource@\d+(\.\d+)*")),
        "grafana.ini": block(
            {
                "analytics": block({"check_for_updates": _OFF, "reporting_enabled": _OFF}),
                "auth": block({"sigv4_auth_enabled": free}),
                "auth.anonymous": block({"enabled": _OFF}),
                "auth.proxy": settled,
                "server": free,
                "users": settled,
            }
        ),
        "datasources": mapping(
            block(
                {
                    "apiVersion": free,
                    "datasources": blocks(
                        lambda item: str(item.get("uid")),
                        block(
                            {
                                "name": free,
                                "uid": free,
                                "type": one_of("grafana-amazonprometheus-datasource"),
                                "access": one_of("proxy"),
                                "isDefault": free,
                                "editable": _OFF,
                                "url": READS_FROM,
                                "jsonData": block(
                                    {
                                        "httpMethod": free,
                                        "timeInterval": free,
                                        "sigV4Auth": one_of(True),
                                        "sigV4AuthType": one_of("default"),
                                        "sigV4Region": free,
                                    }
                                ),
                            }
                        ),
                        may_go=True,
                    ),
                }
            )
        ),
        "dashboardProviders": free,
        "dashboards": mapping(mapping(block({"json": free}))),
    },
}


def document(fields: Mapping[str, Rule]) -> Rule:
    """Allow a text that is a YAML document with these keys."""
    return _document(fields, read)


def json_document(fields: Mapping[str, Rule]) -> Rule:
    """Allow a text that is a JSON document with these keys."""
    return _document(fields, lambda text: json.loads(text, object_pairs_hook=unique))


def _document(fields: Mapping[str, Rule], reading: Callable[[str], Any]) -> Rule:
    inner = block(fields)

    def judge(before: Any, after: Any) -> Complaints:
        try:
            new = _read(after, reading)
        except ValueError as error:
            yield (), f"cannot be read: {error}"
            return
        try:
            old = ABSENT if before is ABSENT else _read(before, reading)
        except ValueError:
            old = {}
        yield from inner.judge(old, new)

    return Rule(judge)


def _read(text: Any, reading: Callable[[str], Any]) -> Any:
    if is_empty(text):
        return {}
    if isinstance(text, Unread):
        if len(text.texts) != 1:
            raise UnreadableError(str(text))
        (text,) = text.texts
        if unknown := unknown_expressions(text):
            raise UnreadableError(f"${{{unknown[0]}}}")
        # Terraform turns `$${` into `${`.
        return _unescaped(reading(text))
    if not isinstance(text, str):
        raise UnreadableError(shown(text))
    return reading(text)


def _unescaped(data: Any) -> Any:
    if isinstance(data, dict):
        return {_unescaped(key): _unescaped(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_unescaped(item) for item in data]
    return re.sub(r"(\$|%)\1\{", r"\1{", data) if isinstance(data, str) else data


SCRAPE_CONFIGURATION = document(_PROMETHEUS)
"""The configuration of AMP's scraper, or of a Prometheus."""
RULES = document({"groups": _GROUPS})
"""Groups of recording and alerting rules."""


def _values(before: Any, after: Any) -> Complaints:
    """Judge a release as a whole: which values may change depends on its chart."""
    chart = (str(after.get("repository")), str(after.get("chart")))
    if chart not in CHARTS:
        yield ("chart",), f"is {shown(chart[1])} from {shown(chart[0])}"
        return
    old, new = (
        _single(side.get("values") if isinstance(side, dict) else ABSENT)
        for side in (before, after)
    )
    for path, text in document(CHARTS[chart]).judge(old, new):
        yield ("values", *path), text


def _single(value: Any) -> Any:
    """Return the one document of `values`."""
    if isinstance(value, Unread):
        # If a part of the document is unknown, the plan shows the whole list as unknown.
        (text,) = value.texts if len(value.texts) == 1 else ("",)
        return Unread((_only(text),))
    if is_empty(value):
        return value
    return value[0] if isinstance(value, list) and len(value) == 1 else Unread((shown(value),))


def _only(text: str) -> str:
    try:
        listed = json.loads(text)
    except ValueError:
        return "${unknown}"
    return listed[0] if isinstance(listed, list) and len(listed) == 1 else "${unknown}"


release_values = Rule(_values)
"""The values of a Helm release; this rule judges the release as a whole."""
