"""The section `kubecost`: the Helm release of the chart cost-analyzer, and access to its UI."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, JsonValue, model_validator

from settings.expose import Expose
from settings.kinds import AsTuple, ChartVersion, LabelPattern, StorageClass
from settings.section import Section


class SizeSettings(Section):
    """The size that a cluster may reach; what Prometheus and Kubecost request grows with it."""

    nodes: Annotated[int, Field(ge=1, le=5000)] = 10
    """Nodes of a cluster."""
    pods: Annotated[int, Field(ge=1, le=150_000)] = 250
    """Pods of a cluster."""


class KubecostSettings(Section):
    """Kubecost: the Helm release of the chart cost-analyzer, and access to its UI."""

    REFUSED: ClassVar[Mapping[str, str]] = {"allowed_cidrs": "kubecost.expose.allowed_cidrs"}

    @model_validator(mode="before")
    @classmethod
    def _leave_the_old_form_to_one_fault(cls, data: Any) -> Any:
        """Drop the allow-list beside `expose: internal`, whose own fault explains the new form."""
        if isinstance(data, dict) and isinstance(data.get("expose"), str):
            return {key: value for key, value in data.items() if key != "allowed_cidrs"}
        return data

    chart_version: ChartVersion = "2.8.7"
    """Version of the chart, and so of Kubecost."""
    sized_for: SizeSettings = SizeSettings()
    """The size that a cluster may reach."""
    storage_class: StorageClass | None = None
    """StorageClass of Kubecost's and Prometheus's volumes; null: the cluster's default."""
    encrypted_volumes: bool = False
    """Creates a StorageClass for Kubecost's and Prometheus's volumes: gp3, encrypted. The EBS CSI
    driver's default class does not encrypt. Choose it at the start: the class of a volume cannot
    change."""
    network_costs: bool = True
    """Runs a DaemonSet that measures egress by destination, for the network cost of pods."""
    node_exporter: bool = False
    """Runs a DaemonSet that adds the CPU and memory breakdown of nodes, one for each
    architecture."""
    dropped_labels: Annotated[tuple[LabelPattern, ...], AsTuple] = ("feature.node.kubernetes.io/*",)
    """Kubernetes labels that you never group costs by, with `*` for any text. They are dropped from
    the metrics about nodes, pods and namespaces. AMP accepts 150 labels and 7 KB in a series, and
    the GPU operator alone gives a node more."""
    expose: Expose = None
    """How people reach the UIs without kubectl port-forward: `none`, or a section."""
    values: dict[str, JsonValue] = {}
    """Helm values of the chart, merged last. What an architecture decides by itself is refused,
    with the reason. Synth warns about a key that the chart does not have."""
