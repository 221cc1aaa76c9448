"""Write values of Kubecost's chart cost-analyzer 2.8.7, grouped by purpose; plain data.

Keys and defaults are those of the chart's values.yaml and templates.
"""

from collections.abc import Mapping

from metrics import sizes
from metrics.scrape_jobs import global_settings
from metrics.units import INTERVAL
from modules.helm_values import Values
from modules.pods import AWAITED_ON_NO_NODE, LINUX, requests
from modules.signing import Signing
from modules.versions import PUBLIC_ECR, SIGV4_PROXY_IMAGE
from settings.kubecost import KubecostSettings

SIGV4_PROXY_PORT = 8005  # the chart's default; Kubecost reaches it inside the pod
# The chart adds the release's name and a hyphen before it. The name differs from the chart's own
# ConfigMap, which an earlier version of this project may have left.
CONFIG_MAP = "prometheus-config"

# The chart's headers without Access-Control-Allow-Origin: *, which lets a page of any other site
# read, change and delete what Kubecost shows in this browser. That holds with port-forward, and
# without a login. The UI and its API have one origin, so they do not need that header.
RESPONSE_HEADERS = [
    "Content-Security-Policy \"default-src 'self' 'unsafe-inline' http: https: ws: data:;"
    " frame-ancestors 'none';\";",
    'Cache-Control "must-revalidate";',
]


def common(
    settings: KubecostSettings,
    *,
    cluster_name: str,
    cluster_id: str,
    network_costs_port: int,
    storage_class: str | None,
) -> Values:
    """Set what every architecture has."""
    values: Values = {
        "global": {"grafana": {"enabled": False, "proxy": False}},
        "kubecostProductConfigs": {"clusterName": cluster_name},
        # Kubecost labels and filters by this value even if the bundled Prometheus is off.
        "prometheus": {
            "server": {"global": global_settings(cluster_id) | {"evaluation_interval": INTERVAL}}
        },
        "nodeSelector": LINUX,
        "forecasting": {"nodeSelector": LINUX},
        "kubecostFrontend": {"nginxHeaders": {"server": RESPONSE_HEADERS}},
        # Its volume attaches to one node: a new pod on another node would wait for the old pod.
        "kubecostDeployment": {"deploymentStrategy": {"type": "Recreate"}},
        "kubecostAggregator": {
            "resources": requests(sizes.aggregator(settings.sized_for.pods)),
            "cloudCost": {"resources": requests(sizes.CLOUD_COST)},
        },
        "networkCosts": {"enabled": settings.network_costs},
        "reporting": {
            "errorReporting": False,
            "logCollection": False,
            "productAnalytics": False,
            "valuesReporting": False,
        },
    }
    if settings.network_costs:
        values["networkCosts"] |= {
            "port": network_costs_port,
            "updateStrategy": AWAITED_ON_NO_NODE,
            "nodeSelector": LINUX,
            "config": {
                # The chart counts all private addresses as in the same zone, which hides the cost
                # of traffic between zones. network-costs itself knows the zone of a pod.
                "destinations": {"in-zone": ["127.0.0.0/8", "169.254.0.0/16"]},
                "services": {
                    "amazon-web-services": True,
                    "azure-cloud-services": False,
                    "google-cloud-services": False,
                },
            },
        }
    if storage_class:
        values["persistentVolume"] = {"storageClass": storage_class}
    return values


def without_prometheus() -> Values:
    """Turn the bundled Prometheus off, because another collector scrapes."""
    return {"global": {"prometheus": {"enabled": False}}}


def with_prometheus(
    settings: KubecostSettings, *, config_digest: str, storage_class: str | None
) -> Values:
    """Turn the bundled Prometheus on, with our ConfigMap instead of the chart's.

    The digest is an annotation of the pod, so a changed configuration restarts Prometheus: Helm
    waits until it is ready, and fails if it is not. The chart's reloader would be one more image,
    and would not report a configuration that Prometheus refuses. The new pod uses the old pod's
    volume; about a minute is not scraped.
    """
    server: Values = {
        "configMapOverrideName": CONFIG_MAP,
        "podAnnotations": {"checksum/prometheus": config_digest},
        "nodeSelector": LINUX,
        "resources": requests(sizes.prometheus(settings.sized_for.nodes, settings.sized_for.pods)),
    }
    if storage_class:
        server["persistentVolume"] = {"storageClass": storage_class}
    return {"global": {"prometheus": {"enabled": True}}, "prometheus": {"server": server}}


def query_amp(*, workspace_id: str, signing: Signing, image_registry: str | None) -> Values:
    """Let Kubecost query AMP through a proxy in its pod that signs the requests.

    The same switch also makes the chart's Prometheus write to AMP, but only in the chart's
    ConfigMap, which ours replaces.
    """
    return {
        "global": {
            "amp": {
                "enabled": True,
                "prometheusServerEndpoint": f"http://localhost:{SIGV4_PROXY_PORT}"
                f"/workspaces/{workspace_id}",
            }
        },
        "sigV4Proxy": {
            "image": f"{image_registry or PUBLIC_ECR}/{SIGV4_PROXY_IMAGE}",
            "host": signing.host,
            "port": SIGV4_PROXY_PORT,
            "resources": requests(sizes.SIGNING_PROXY),
        }
        | signing.for_prometheus(),
    }


def ui_scope(*, hub: bool) -> Values:
    """Set which clusters a Kubecost shows if it queries a workspace of several clusters.

    The hub's Kubecost shows every cluster. The others are agents without a UI: cost-model alone,
    which makes the metrics and must see only its own cluster.
    """
    return {"federatedETL": {"agentOnly": not hub, "useMultiClusterDB": not hub}}


def prometheus_service_account(annotations: Mapping[str, str]) -> Values:
    """Set the annotations of the Prometheus pod's service account."""
    return {"prometheus": {"serviceAccounts": {"server": {"annotations": dict(annotations)}}}}


def kubecost_service_account(annotations: Mapping[str, str]) -> Values:
    """Set the annotations of the service account of the Kubecost pod with the signing proxy."""
    return {"serviceAccount": {"annotations": dict(annotations)}}
