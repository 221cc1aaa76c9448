"""Warn about AMP's quotas before a fleet is deployed.

Source of the numbers: AMP user guide, "Quotas" (2026-08). AWS raises the first two on request.
"""

from collections import Counter
from collections.abc import Iterator

from architectures import Architecture
from modules.amp_workspace import LABEL_SETS
from settings import Settings

SCRAPERS = 10  # in a region of an account
QUERIES_PER_SECOND = 300  # in a workspace
NEAR = 0.8
BODY = 50 * 10**6  # bytes of the largest page that a managed scraper accepts

# Measured on cost-model's page of metrics, which has every pod of the cluster.
_BYTES_OF_A_POD = 4700

# Kubecost's chart, kubecostModel.maxQueryConcurrency.
_QUERIES_OF_A_KUBECOST = 5


def warnings(settings: Settings, architecture: Architecture) -> Iterator[str]:
    """Warn if the fleet of an architecture comes near a quota of AMP, or exceeds it."""
    clusters = settings.fleet
    if architecture.scraped_by_amp:
        placed = Counter((cluster.region, cluster.role_arn) for cluster in clusters)
        for (region, _), count in placed.items():
            if count > NEAR * SCRAPERS:
                yield (
                    f"{count} managed scrapers in {region}: AMP allows {SCRAPERS} in a region of "
                    "an account; request more in the Service Quotas console"
                )
        pods = settings.kubecost.sized_for.pods
        if pods * _BYTES_OF_A_POD > BODY:
            yield (
                f"{pods} pods: AMP's managed scraper refuses pages over 50 MB, and Kubecost's page "
                f"has 4.7 KB for each pod, so with more than {BODY // _BYTES_OF_A_POD} pods AMP "
                "gets none of Kubecost's metrics; choose adot_amp or prom_amp"
            )
    queries = len(clusters) * _QUERIES_OF_A_KUBECOST
    if architecture.queries_amp and queries > NEAR * QUERIES_PER_SECOND:
        yield (
            f"{len(clusters)} Kubecosts may send {queries} queries at once to one workspace: AMP "
            f"answers {QUERIES_PER_SECOND} per second; request more in the Service Quotas console, "
            "or choose prom_amp_cost, in which Kubecost does not query AMP"
        )
    if architecture.sends_to_amp and len(clusters) > LABEL_SETS:
        yield (
            f"{len(clusters)} clusters: AMP can limit {LABEL_SETS} label sets in a workspace, so "
            f"all clusters from the {LABEL_SETS}th on share one limit of series"
        )
