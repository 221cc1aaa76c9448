"""The section `workloads`: settings of everything that runs in the clusters."""

from typing import Literal

from pydantic import JsonValue

from settings.kinds import ChartRepository, ImageRegistry, LabelKey, LabelValue
from settings.section import Section


class ReleaseValuesSettings(Section):
    """Helm values of the charts beside Kubecost's (`kubecost.values`), merged last.

    For tolerations, pull secrets, a proxy, resources. Values that this project sets are refused.
    """

    collector: dict[str, JsonValue] = {}
    """Chart opentelemetry-collector, in `adot_amp`."""
    node_exporter: dict[str, JsonValue] = {}
    """Chart prometheus-node-exporter, with `kubecost.node_exporter`."""
    grafana: dict[str, JsonValue] = {}
    """Chart grafana, with `grafana.enabled`."""
    load_balancer_controller: dict[str, JsonValue] = {}
    """Chart aws-load-balancer-controller, in the stack `load_balancer`."""


class WorkloadsSettings(Section):
    """What everything on the clusters has in common."""

    identity: Literal["irsa", "pod_identity"] = "irsa"
    """How pods get their IAM role. `irsa`: by the cluster's OIDC provider in IAM. `pod_identity`:
    by an association in EKS and the add-on eks-pod-identity-agent, which `base` installs. It needs
    no OIDC provider."""
    namespace_labels: dict[LabelKey, LabelValue] = {}
    """Labels of the overlays' namespaces, for example
    `{pod-security.kubernetes.io/enforce: privileged, istio-injection: disabled}`. Labels that
    others set there stay."""
    image_registry: ImageRegistry | None = None
    """Registry that has all images under their own paths, such as
    `registry.example/kubecost/cost-model`; null: those of the vendors."""
    chart_repository: ChartRepository | None = None
    """Repository that has all charts, by HTTPS or OCI, such as `oci://registry.example/charts`;
    null: those of the vendors."""
    values: ReleaseValuesSettings = ReleaseValuesSettings()
    """Helm values of the charts beside Kubecost's."""
