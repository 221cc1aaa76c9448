"""What Kubecost's chart makes of some values, for tests that have neither the chart nor Helm.

It follows these templates of cost-analyzer 2.8.7: cost-analyzer-pricing-configmap.yaml,
cost-analyzer-server-configmap.yaml, cost-analyzer-alerts-configmap.yaml and
cost-analyzer-deployment-template.yaml. `CHART_SOURCE` lets tests/synth/test_recipes.py compare it
with the chart itself.
"""

import json
from collections.abc import Mapping
from typing import Any

Texts = dict[str, str]

_PRICES = (
    *("CPU", "spotCPU", "RAM", "spotRAM", "GPU", "spotGPU", "storage"),
    *("zoneNetworkEgress", "regionNetworkEgress", "internetNetworkEgress"),
)
_LABELS = ("owner", "team", "department", "product", "environment")


def config_maps(values: Mapping[str, Any]) -> dict[str, Texts]:
    """Render the ConfigMaps for prices, labels and alerts, by name; left out if there is none."""
    configs = values.get("kubecostProductConfigs", {})
    alerts = values.get("global", {}).get("notifications", {}).get("alertConfigs")
    made = {
        "pricing-configs": _pricing(configs),
        "app-configs": _labels(configs.get("labelMappingConfigs", {})),
    }
    if alerts:
        made[values.get("alertConfigmapName", "alert-configs")] = {
            "alerts.json": json.dumps(alerts, separators=(",", ":"), sort_keys=True)
        }
    return {name: data for name, data in made.items() if data}


def _pricing(configs: Mapping[str, Any]) -> Texts:
    """Write no price that is 0 without quotes, and none at all unless they are enabled."""
    prices = configs.get("defaultModelPricing", {})
    made = {"clusterName": configs.get("clusterName")}
    if prices.get("enabled"):
        made["customPricesEnabled"] = configs.get("customPricesEnabled")
        made |= {name: prices.get(name) for name in _PRICES}
    return {name: _text(value) for name, value in made.items() if value}


def _labels(mapping: Mapping[str, Any]) -> Texts:
    names = [f"{name}{kind}" for name in _LABELS for kind in ("_label", "_external_label")]
    enabled = names if mapping.get("enabled") else []
    return {name: _text(mapping[name]) for name in enabled if mapping.get(name)}


def environment(values: Mapping[str, Any]) -> Texts:
    """Render those variables of cost-model that a recipe decides."""
    made = {"READ_ONLY": _text(values.get("readonly", False))}
    if name := values.get("alertConfigmapName"):
        made["ALERT_CONFIGMAP_NAME"] = name
    return made


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
