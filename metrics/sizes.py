"""CPU and memory of an overlay's programs in a cluster of a given size; plain data.

Prometheus was measured: 5 to 7 KiB for each series and 2 to 3 CPU seconds for a million samples
(tests/lab/test_prometheus_size.py). The requests are these figures, rounded up, plus what the ADOT
collector requests; queries need more. Kubecost's own code is closed, so the aggregator's memory for
a pod is an assumption.
"""

from typing import NamedTuple

from metrics.volumes import SCRAPED

BASE_CORES = 0.2
BASE_MEMORY = 400 * 1024**2  # bytes
MEMORY_PER_SERIES = 8 * 1024  # bytes
CPU_PER_MILLION_SAMPLES = 3.0  # seconds

AGGREGATOR_CORES = 0.1
AGGREGATOR_MEMORY = 256 * 1024**2  # bytes
AGGREGATOR_MEMORY_PER_POD = 256 * 1024  # bytes


class Size(NamedTuple):
    """CPU cores, and bytes of memory."""

    cores: float
    memory: float


def prometheus(nodes: int, pods: int) -> Size:
    """Compute the size of the bundled Prometheus, which scrapes all series each minute."""
    series = SCRAPED.samples_per_minute(nodes, pods)
    return Size(
        cores=BASE_CORES + series / 60 * CPU_PER_MILLION_SAMPLES / 10**6,
        memory=BASE_MEMORY + series * MEMORY_PER_SERIES,
    )


def aggregator(pods: int) -> Size:
    """Compute the size of Kubecost's aggregator, which keeps the costs of each pod."""
    return Size(AGGREGATOR_CORES, AGGREGATOR_MEMORY + pods * AGGREGATOR_MEMORY_PER_POD)


CLOUD_COST = Size(0.01, 64 * 1024**2)
SIGNING_PROXY = Size(0.01, 32 * 1024**2)
NODE_EXPORTER = Size(0.01, 32 * 1024**2)
GRAFANA = Size(0.05, 256 * 1024**2)
LOAD_BALANCER_CONTROLLER = Size(0.05, 128 * 1024**2)
