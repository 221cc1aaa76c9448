"""Every version that the synthesized Terraform pins, except Kubecost's own chart (settings).

Checked on 2026-11-27; docs/upgrade.md says which newer versions are not used, and why.
"""

from datetime import date
from typing import NamedTuple

TERRAFORM = ">= 1.11"  # lock files in S3

# Without these ranges, the bindings pin the one version from which they were generated.
PROVIDERS = {
    "aws": {"source": "hashicorp/aws", "version": ">= 5.100, < 7"},
    "helm": {"source": "hashicorp/helm", "version": ">= 3.1, < 4"},
    "kubernetes": {"source": "hashicorp/kubernetes", "version": ">= 2.38, < 3"},
    # Reads the discovery document of a login provider if the settings have no endpoints.
    "http": {"source": "hashicorp/http", "version": ">= 3.4, < 4"},
}

# End of standard support of what `base.kubernetes_version` allows, oldest first. EKS user guide,
# "Kubernetes versions", release calendar (2026-11).
EKS_SUPPORT_ENDS = {
    "1.34": date(2026, 12, 2),
    "1.35": date(2027, 3, 27),
    "1.36": date(2027, 8, 2),
}


class Chart(NamedTuple):
    """A Helm chart at one version."""

    repository: str
    name: str
    version: str


def kubecost(version: str) -> Chart:
    """Kubecost's 2.x chart; 3.x is another chart, without Prometheus and AMP."""
    return Chart("https://kubecost.github.io/cost-analyzer/", "cost-analyzer", version)


OPENTELEMETRY_COLLECTOR = Chart(
    "https://open-telemetry.github.io/opentelemetry-helm-charts",
    "opentelemetry-collector",
    "0.170.0",
)
NODE_EXPORTER = Chart(
    "https://prometheus-community.github.io/helm-charts", "prometheus-node-exporter", "4.56.1"
)
LOAD_BALANCER_CONTROLLER = Chart(
    "https://aws.github.io/eks-charts", "aws-load-balancer-controller", "3.5.0"
)

GRAFANA = Chart("https://grafana-community.github.io/helm-charts", "grafana", "12.11.1")
GRAFANA_AMP_PLUGIN = "grafana-amazonprometheus-datasource@3.3.5"

# ADOT v0.50.0 is the OpenTelemetry collector 0.158.
ADOT_IMAGE = ("public.ecr.aws/aws-observability/aws-otel-collector", "v0.50.0")
# The chart's default is `latest`.
PUBLIC_ECR = "public.ecr.aws"
SIGV4_PROXY_IMAGE = "aws-observability/aws-sigv4-proxy:1.11.1"
