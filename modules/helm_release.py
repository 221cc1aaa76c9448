"""A Helm release whose values are one YAML document."""

from collections.abc import Mapping, Sequence
from typing import Any

from cdktf import ITerraformDependable, Precondition, TerraformResourceLifecycle
from cdktf_cdktf_provider_helm.release import Release
from constructs import Construct

from modules.helm_values import images_from, merge
from modules.versions import Chart
from modules.yaml_text import to_yaml
from settings.workloads import WorkloadsSettings

TIMEOUT_SECONDS = 900


def helm_release(
    scope: Construct,
    id: str,
    chart: Chart,
    *,
    name: str,
    namespace: str,
    values: Mapping[str, Any],
    user_values: Mapping[str, Any],
    workloads: WorkloadsSettings,
    depends_on: Sequence[ITerraformDependable] = (),
    preconditions: Sequence[Precondition] = (),
    skip_crds: bool = False,
) -> Release:
    """Install a chart and wait until its workloads are ready.

    The user's values are merged last. All values are one document, because `set` blocks turn
    numbers and booleans into text.

    A failed install leaves a release in the cluster, but none in the state of provider 3.x
    (terraform-provider-helm v3.1.2, helm/resource_helm_release.go, `Create`). `upgrade_install`
    lets the next run upgrade it; an install would fail with "cannot reuse a name that is still in
    use".
    """
    in_force = merge(
        values, images_from(workloads.image_registry, chart.name), literal(user_values)
    )
    return Release(
        scope,
        id,
        name=name,
        namespace=namespace,
        create_namespace=False,
        repository=workloads.chart_repository or chart.repository,
        chart=chart.name,
        version=chart.version,
        values=[to_yaml(in_force)],
        wait=True,
        upgrade_install=True,
        skip_crds=skip_crds or None,
        timeout=TIMEOUT_SECONDS,
        depends_on=list(depends_on) or None,
        lifecycle=TerraformResourceLifecycle(precondition=list(preconditions))
        if preconditions
        else None,
    )


def literal(data: Any) -> Any:
    """Keep Terraform from reading `${` and `%{` in a user's text as expressions."""
    if isinstance(data, dict):
        return {literal(key): literal(value) for key, value in data.items()}
    if isinstance(data, list):
        return [literal(item) for item in data]
    return data.replace("${", "$${").replace("%{", "%%{") if isinstance(data, str) else data
