"""What organizations ask of everything that runs in their clusters."""

from settings.kinds import LabelKey, LabelValue
from settings.section import Section


class WorkloadsSettings(Section):
    """What everything that is put on a cluster has in common."""

    namespace_labels: dict[LabelKey, LabelValue] = {}
    """Labels of the namespaces made here, for example
    `{pod-security.kubernetes.io/enforce: privileged, istio-injection: disabled}`. Labels that
    others put there stay."""
