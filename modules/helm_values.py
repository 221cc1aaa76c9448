"""Merge Helm values of any chart, and set the registry of its images; plain data."""

from collections.abc import Mapping
from typing import Any

Values = dict[str, Any]

# For each chart, the values with an image, and the image's path without the registry's host.
_IMAGES = {
    "aws-load-balancer-controller": {"image.repository": "/eks/aws-load-balancer-controller"},
    "cost-analyzer": {
        "forecasting.image.repository": "/kubecost/modeling",
        "kubecostFrontend.image": "/kubecost/frontend",
        "kubecostModel.image": "/kubecost/cost-model",
        "networkCosts.image.repository": "/kubecost/network-costs",
        "prometheus.server.image.repository": "/prometheus/prometheus",
    },
    "grafana": {"global.imageRegistry": ""},
    "opentelemetry-collector": {"image.repository": "/aws-observability/aws-otel-collector"},
    "prometheus-node-exporter": {"global.imageRegistry": ""},
}


def merge(*parts: Mapping[str, Any]) -> Values:
    """Merge values as Helm does: mappings key by key, all else as a whole; the last one wins."""
    merged: Values = {}
    for part in parts:
        for key, value in part.items():
            held = merged.get(key)
            if isinstance(held, dict) and isinstance(value, dict):
                merged[key] = merge(held, value)
            else:
                merged[key] = value
    return merged


def images_from(registry: str | None, chart: str) -> Values:
    """Set the registry of a chart's images, which has them under their original paths."""
    if not registry:
        return {}
    return merge(*(_nested(path, registry + rest) for path, rest in _IMAGES[chart].items()))


def _nested(path: str, value: Any) -> Values:
    for key in reversed(path.split(".")):
        value = {key: value}
    nested: Values = value
    return nested
