"""How many samples AMP takes in, by architecture, for estimates of what it will cost.

Measured on 2026-11-27 by tests/lab/test_costs.py, which fails when they are no longer true: real
collectors ran the synthesized configurations in a made-up cluster of 3 nodes and 65 pods with 1.5
containers each, node-exporter off. What Kubecost's recording rules write is included, the few
series that the fleet's write are not; what is of neither nodes nor pods (Services, volumes) is
spread over the pods. A second cluster, of another size, was
within 5 % of what these figures predict.
"""

from typing import NamedTuple


class Volume(NamedTuple):
    """Samples per minute, each job being scraped once a minute."""

    per_node: float
    per_pod: float

    def samples_per_minute(self, nodes: int, pods: int) -> float:
        """Give what a cluster of this size sends."""
        return self.per_node * nodes + self.per_pod * pods


VOLUMES = {
    "prom": Volume(0, 0),
    "prom_amp_cost": Volume(6.0, 4.7),
    "prom_amp": Volume(70.0, 39.9),
    "adot_amp": Volume(70.0, 39.9),
    "amp": Volume(70.0, 39.9),
}

# What a bundled Prometheus scrapes and records itself, wherever it sends it.
SCRAPED = VOLUMES["prom_amp"]

RULE_READS = {
    "prom": 0.0,
    "prom_amp_cost": 1.14,
    "prom_amp": 0.34,
    "adot_amp": 1.13,
    "amp": 1.13,
}
"""How many samples AMP's recording rules read for each one that it takes in; AMP bills both.

Measured by the same test, as Prometheus counts them (`totalQueryableSamples`, which is what AMP
bills: AMP user guide, "Get statistics about your usage for each query"). In `prom_amp` AMP
evaluates the fleet's rules only, since Prometheus evaluates Kubecost's.
"""


class AlertReads(NamedTuple):
    """Samples that the alerts' rules read a minute."""

    per_pod: float
    per_budget: float

    def samples_per_minute(self, pods: int, budgets: int) -> float:
        """Give what is read for all pods of a fleet, and its budgets."""
        return self.per_pod * pods + self.per_budget * budgets


ALERT_READS = AlertReads(per_pod=5.1, per_budget=482.4)
"""What AMP reads for alerts, in whatever architecture; AMP bills it.

Measured on 2026-11-27 by tests/lab/test_alert_reads.py on a month of data of the same cluster. What
grows with namespaces, volumes and nodes is spread over the pods.
"""
