"""Write the configuration of the bundled Prometheus: what it scrapes, records and sends.

The chart's values have no queue settings if Kubecost queries AMP, so samples that AMP throttles
would be lost (chart cost-analyzer 2.8.7, templates/prometheus/prometheus-server-configmap.yaml). So
none of the configuration comes from the chart.
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
        url: the address to which it writes.
        sigv4: how the requests are signed, in Prometheus's form.
        relabelling: the relabel rules for series that are sent, in Prometheus's form.
    """

    url: str
    sigv4: Mapping[str, Any]
    relabelling: Sequence[Mapping[str, Any]]


def config_files(
    jobs: Sequence[Job], *, cluster_id: str, sends: RemoteWrite | None
) -> dict[str, dict[str, Any]]:
    """Write the files by name; Prometheus reads the rules from beside prometheus.yml."""
    main: dict[str, Any] = {
        "global": global_settings(cluster_id) | {"evaluation_interval": INTERVAL},
        "rule_files": [_RULES],
        "scrape_configs": for_prometheus(list(jobs)),
    }
    if sends:
        main["remote_write"] = [_remote_write(sends)]
    return {"prometheus.yml": main, _RULES: RECORDING_RULES}


def _remote_write(sends: RemoteWrite) -> dict[str, Any]:
    """Write the address and the queue of remote write.

    Queue settings: AMP user guide, "Set up metrics ingestion from a new Prometheus server". Without
    `retry_on_http_429`, Prometheus drops the samples when AMP throttles.
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
