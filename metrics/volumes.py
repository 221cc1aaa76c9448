"""The number of samples that AMP ingests, by architecture, for cost estimates.

Measured on 2026-11-27 by tests/lab/test_costs.py, which fails when the figures are no longer true.
Real collectors ran the synthesized configurations in a simulated cluster of 3 nodes and 65 pods
with 1.5 containers each, node-exporter off. The figures include what Kubecost's recording rules
write, but not the few series of the fleet's rules. Samples of neither nodes nor pods (Services,
volumes) are spread over the pods. A second cluster, of another size, was within 5 % of what these
figures predict.
"""

from typing import NamedTuple


class Volume(NamedTuple):
    """Samples per minute if each job is scraped once a minute."""

    per_node: float
    per_pod: float

    def samples_per_minute(self, nodes: int, pods: int) -> float:
        """Compute the samples that a cluster of this size sends."""
        return self.per_node * nodes + self.per_pod * pods


VOLUMES = {
    "prom": Volume(0, 0),
    "prom_amp_cost": Volume(6.0, 4.7),
    "prom_amp": Volume(70.0, 39.9),
    "adot_amp": Volume(70.0, 39.9),
    "amp": Volume(70.0, 39.9),
}

# What a bundled Prometheus itself scrapes and records, even if it sends less to AMP.
SCRAPED = VOLUMES["prom_amp"]

RULE_READS = {
    "prom": 0.0,
    "prom_amp_cost": 1.14,
    "prom_amp": 0.34,
    "adot_amp": 1.13,
    "amp": 1.13,
}
"""The number of samples that AMP's recording rules read for each ingested one; AMP bills both.

Measured by the same test, as Prometheus counts them (`totalQueryableSamples`, which AMP bills: AMP
user guide, "Get statistics about your usage for each query"). In `prom_amp`, AMP evaluates the
fleet's rules only, because Prometheus evaluates Kubecost's.
"""


class AlertReads(NamedTuple):
    """Samples that the alerts' rules read a minute."""

    per_pod: float
    per_budget: float

    def samples_per_minute(self, pods: int, budgets: int) -> float:
        """Compute the samples that are read for all pods of a fleet and its budgets."""
        return self.per_pod * pods + self.per_budget * budgets


ALERT_READS = AlertReads(per_pod=5.1, per_budget=482.4)
"""The samples that AMP reads for alerts, in each architecture; AMP bills them.

Measured on 2026-11-27 by tests/lab/test_alert_reads.py on a month of data of the same cluster.
Samples of namespaces, volumes and nodes are spread over the pods.
"""
