"""The files of the Prometheus that Kubecost's chart brings: all that it scrapes, records and sends.

The chart's own values have no place for queue settings where Kubecost queries AMP, so what AMP
throttles would be lost (chart cost-analyzer 2.8.7, templates/prometheus/
prometheus-server-configmap.yaml). Hence none of it comes from the chart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics.rules import RECORDING_RULES
from metrics.scrape_jobs import Job, for_prometheus, global_settings
from metrics.units import INTERVAL

_RULES = "recording_rules.yml"


@dataclass(frozen=True)
class RemoteWrite:
    """What Prometheus sends to AMP.

    Attributes:
        url: where AMP takes samples.
        sigv4: how the requests are signed, as Prometheus spells it.
        relabelling: the rules that a series passes before it is sent, as Prometheus spells them.
    """

    url: str
    sigv4: Mapping[str, Any]
    relabelling: Sequence[Mapping[str, Any]]


def config_files(
    jobs: Sequence[Job], *, cluster_id: str, sends: RemoteWrite | None
) -> dict[str, dict[str, Any]]:
    """Write the configuration, by file name; Prometheus finds its rules beside prometheus.yml."""
    main: dict[str, Any] = {
        "global": global_settings(cluster_id) | {"evaluation_interval": INTERVAL},
        "rule_files": [_RULES],
        "scrape_configs": for_prometheus(list(jobs)),
    }
    if sends:
        main["remote_write"] = [_remote_write(sends)]
    return {"prometheus.yml": main, _RULES: RECORDING_RULES}


def _remote_write(sends: RemoteWrite) -> dict[str, Any]:
    """Write where to send, and how fast.

    Queue settings: AMP user guide, "Set up metrics ingestion from a new Prometheus server". Where
    AMP throttles (429), Prometheus would throw the samples away unless it is told to try again.
    """
    written: dict[str, Any] = {
        "url": sends.url,
        "sigv4": dict(sends.sigv4),
        "queue_config": {
            "capacity": 2500,
            "max_samples_per_send": 1000,
            "max_shards": 200,
            "retry_on_http_429": True,
        },
    }
    if sends.relabelling:
        written["write_relabel_configs"] = [dict(rule) for rule in sends.relabelling]
    return written
