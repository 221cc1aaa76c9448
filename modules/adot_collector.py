"""An ADOT collector that scrapes and writes to AMP, in place of a Prometheus."""

from collections.abc import Sequence
from typing import Any

from constructs import Construct

from metrics.scrape_jobs import Job, for_adot, global_settings
from modules import network_policy_rules as rules
from modules import versions
from modules.amp_workspace import AmpWorkspace
from modules.helm_release import helm_release
from modules.placement import KubecostPlacement
from modules.pods import LINUX
from modules.signing import Signing
from modules.workload_role import WorkloadRole

# What discovery needs, and `nodes/proxy` to reach kubelets through the API server.
RBAC_RULES = [
    {
        "apiGroups": [""],
        "resources": ["nodes", "services", "endpoints", "pods"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]},
]


class AdotCollector(Construct):
    """The OpenTelemetry community's chart with the image of AWS's distribution.

    It has one replica and no rolling update, because two collectors would send every sample twice,
    and AMP refuses duplicates. Nothing connects to it, so it has no Service.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        jobs: Sequence[Job],
        *,
        at: KubecostPlacement,
        sends_to: AmpWorkspace,
    ) -> None:
        super().__init__(scope, id)
        name = f"{at.release}-collector"
        writer = WorkloadRole(
            self,
            "writer",
            name=f"{at.prefix}-writer",
            identities=at.cluster.identities,
            namespace=at.release,
            service_account=name,
            statements=[sends_to.may_write()],
        )
        sends_to.trust(writer.arn)
        policies = at.allow(self, rules.collector(at.blocks, at.host_ports)) if at.blocks else []
        repository, tag = versions.ADOT_IMAGE
        helm_release(
            self,
            "release",
            versions.OPENTELEMETRY_COLLECTOR,
            name=name,
            namespace=at.release,
            values={
                "mode": "deployment",
                "fullnameOverride": name,
                "replicaCount": 1,
                "rollout": {"strategy": "Recreate"},
                "image": {"repository": repository, "tag": tag},
                "command": {
                    "name": "awscollector",
                    # Without it, the exporter drops samples when AMP throttles (429).
                    "extraArgs": [
                        "--feature-gates=exporter.prometheusremotewritexporter.RetryOn429"
                    ],
                },
                # It would rename components that this image knows by their old names only.
                "rewriteDeprecatedComponentNames": False,
                "alternateConfig": collector_config(
                    jobs,
                    cluster_id=at.cluster.cluster_id,
                    url=sends_to.remote_write_url,
                    signing=sends_to.signing,
                ),
                "ports": {
                    port: {"enabled": False}
                    for port in (
                        "otlp",
                        "otlp-http",
                        "jaeger-compact",
                        "jaeger-thrift",
                        "jaeger-grpc",
                        "zipkin",
                    )
                },
                "service": {"enabled": False},
                "nodeSelector": LINUX,
                "serviceAccount": {"name": name, "annotations": writer.annotations},
                "clusterRole": {"create": True, "name": name, "rules": RBAC_RULES},
                "resources": {
                    "requests": {"cpu": "200m", "memory": "400Mi"},
                    "limits": {"memory": "2Gi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                    "runAsNonRoot": True,
                    "runAsUser": 4317,
                },
            },
            user_values=at.workloads.values.collector,
            workloads=at.workloads,
            depends_on=[*at.ready, *policies, *writer.grants],
        )


def collector_config(
    jobs: Sequence[Job], *, cluster_id: str, url: str, signing: Signing
) -> dict[str, Any]:
    """Write the collector's configuration.

    Options: opentelemetry-collector-contrib v0.158.0, README of each component.
    """
    return {
        "receivers": {
            "prometheus": {
                "config": {
                    "global": global_settings(cluster_id),
                    "scrape_configs": for_adot(list(jobs)),
                }
            }
        },
        "processors": {
            "memory_limiter": {
                "check_interval": "1s",
                "limit_percentage": 80,
                "spike_limit_percentage": 25,
            },
            "batch": {},
        },
        "exporters": {
            "prometheus_remote_write": {
                "endpoint": url,
                "auth": {"authenticator": "sigv4auth"},
                # Kubecost queries the names as they were scraped.
                "translation_strategy": "UnderscoreEscapingWithoutSuffixes",
                # These series would lack cluster_id: external labels do not reach them.
                "target_info": {"enabled": False},
                # AMP refuses requests over 1 MB.
                "max_batch_size_bytes": 1_000_000,
                # AMP refuses samples that arrive out of order.
                "max_batch_request_parallelism": 1,
                # AMP also refuses samples older than an hour, so try for an hour. `timeout` limits
                # a batch with all its retries; with its default, 5 s, an outage loses nearly all.
                "timeout": "1h",
                "retry_on_failure": {"max_elapsed_time": "1h"},
            }
        },
        "extensions": {
            # Without a host, it listens on any address of the pod, IPv4 or IPv6.
            "health_check": {"endpoint": ":13133"},
            "sigv4auth": signing.for_collector(),
        },
        "service": {
            "extensions": ["health_check", "sigv4auth"],
            "telemetry": {"logs": {"level": "info"}, "metrics": {"level": "none"}},
            "pipelines": {
                "metrics": {
                    "receivers": ["prometheus"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["prometheus_remote_write"],
                }
            },
        },
    }
