"""Values of Kubecost's chart cost-analyzer 2.8.7, by what they decide; plain data.

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
from settings import KubecostSettings

SIGV4_PROXY_PORT = 8005  # the chart's default; Kubecost reaches it inside the pod
# The chart puts the release's name and a hyphen before it. Its own ConfigMap, which an earlier
# version of this project may have left, is called otherwise.
CONFIG_MAP = "prometheus-config"

# The chart's own, but for those that let the page of any other site read, change and delete what
# Kubecost answers to this browser (Access-Control-Allow-Origin: *): by port-forward, and wherever
# nobody asks for a login. The UI and its API have one origin, so they need no such header.
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
    """What every architecture sets."""
    values: Values = {
        "global": {"grafana": {"enabled": False, "proxy": False}},
        "kubecostProductConfigs": {"clusterName": cluster_name},
        # Kubecost labels and filters by this one, even where the bundled Prometheus is off.
        "prometheus": {
            "server": {"global": global_settings(cluster_id) | {"evaluation_interval": INTERVAL}}
        },
        "nodeSelector": LINUX,
        "forecasting": {"nodeSelector": LINUX},
        "kubecostFrontend": {"nginxHeaders": {"server": RESPONSE_HEADERS}},
        # Its volume is for one node at a time: a second pod elsewhere would wait for the first.
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
                # The chart counts all private addresses as in the same zone, which hides what
                # traffic between zones costs. Where a pod's zone is, network-costs knows itself.
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
    """Another collector scrapes."""
    return {"global": {"prometheus": {"enabled": False}}}


def with_prometheus(
    settings: KubecostSettings, *, config_digest: str, storage_class: str | None
) -> Values:
    """The bundled Prometheus scrapes, by our ConfigMap in place of the chart's.

    The digest is on the pod, so that a changed configuration is rolled out as any other change of
    the release: Helm waits until a Prometheus with it is ready, and fails if there is none. The
    chart's reloader would be one more image, and would keep silent about a configuration that
    Prometheus refuses. A new pod takes up the old one's volume; about a minute is not scraped.
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
    """Kubecost asks AMP through a proxy in its pod that signs the requests.

    The chart's Prometheus would be told to write to AMP by the same switch, in the ConfigMap that
    ours replaces.
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


def screen_of(*, hub: bool) -> Values:
    """Say what a Kubecost shows that queries a workspace of several clusters.

    The hub's shows every cluster. The others are agents: cost-model alone, which makes the metrics
    and must see its own cluster only.
    """
    return {"federatedETL": {"agentOnly": not hub, "useMultiClusterDB": not hub}}


def prometheus_service_account(annotations: Mapping[str, str]) -> Values:
    """The identity of the Prometheus pod."""
    return {"prometheus": {"serviceAccounts": {"server": {"annotations": dict(annotations)}}}}


def kubecost_service_account(annotations: Mapping[str, str]) -> Values:
    """The identity of the Kubecost pod, in which the signing proxy runs."""
    return {"serviceAccount": {"annotations": dict(annotations)}}
