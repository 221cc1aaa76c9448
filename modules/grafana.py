"""A Grafana with the fleet's dashboards, which reads AMP with its own role."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdktf import TerraformOutput
from constructs import Construct

from metrics import sizes
from metrics.units import INTERVAL
from modules import network_policy_rules as rules
from modules import versions
from modules.amp_workspace import AmpWorkspace
from modules.helm_release import helm_release, literal
from modules.placement import Placement
from modules.pods import LINUX, requests
from modules.ui_ingress import UiIngress
from modules.workload_role import WorkloadRole
from settings import GrafanaSettings

DASHBOARDS = Path(__file__).parent.parent / "dashboards/json"
_FOLDER = "/var/lib/grafana/dashboards/kubecost"


class Grafana(Construct):
    """The Grafana community's chart, with a data source for each workspace.

    Grafana 13 can sign requests to AMP only with a plugin. The chart generates the administrator's
    password and keeps it in a Secret; without a login, nobody sees anything. Grafana stores
    nothing: data sources and dashboards are provisioned.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: GrafanaSettings,
        *,
        at: Placement,
        workspaces: Mapping[str, AmpWorkspace],
    ) -> None:
        super().__init__(scope, id)
        name = at.release
        reader = WorkloadRole(
            self,
            "reader",
            name=f"{at.prefix}-reader",
            identities=at.cluster.identities,
            namespace=name,
            service_account=name,
            statements=[workspace.may_query() for workspace in workspaces.values()],
        )
        for workspace in workspaces.values():
            workspace.trust(reader.arn)
        policies = (
            at.allow(self, rules.grafana(at.blocks, exposed=bool(at.exposure))) if at.blocks else []
        )
        release = helm_release(
            self,
            "release",
            versions.GRAFANA,
            name=name,
            namespace=name,
            values={
                "fullnameOverride": name,
                "serviceAccount": {"name": name, "annotations": reader.annotations},
                "nodeSelector": LINUX,
                "resources": requests(sizes.GRAFANA),
                "rbac": {"create": False},
                "automountServiceAccountToken": False,
                "testFramework": {"enabled": False},
                # Grafana makes this user at its start, with every right. The chart hands it over in
                # the environment, which wins over grafana.ini (_pod.tpl, GF_SECURITY_ADMIN_USER).
                **({"adminUser": settings.admin} if settings.admin else {}),
                "plugins": [versions.GRAFANA_AMP_PLUGIN],
                "grafana.ini": {
                    "analytics": {"check_for_updates": False, "reporting_enabled": False},
                    "auth": {"sigv4_auth_enabled": True},
                    "auth.anonymous": {"enabled": False},
                    **_login(at),
                },
                "datasources": {"datasources.yaml": _data_sources(workspaces)},
                "dashboardProviders": {"dashboardproviders.yaml": _PROVIDER},
                "dashboards": {
                    "kubecost": {
                        file.stem: {"json": literal(file.read_text(encoding="utf-8"))}
                        for file in sorted(DASHBOARDS.glob("*.json"))
                    }
                },
            },
            user_values=at.workloads.values.grafana,
            workloads=at.workloads,
            depends_on=[*at.ready, *policies, *reader.grants],
        )
        TerraformOutput(
            self,
            "password",
            value=f"kubectl --namespace {name} get secret {name} "
            "-o jsonpath='{.data.admin-password}' | base64 -d",
            description=f"Prints the password of the user {settings.admin or 'admin'}",
        )
        if at.exposure:
            UiIngress(
                self,
                "ui",
                at.exposure,
                cluster=at.cluster,
                namespace=name,
                service=name,
                port=80,
                health_path="/api/health",
                after=release,
            )
        else:
            TerraformOutput(
                self,
                "ui",
                value=f"kubectl --namespace {name} port-forward service/{name} "
                f"{rules.GRAFANA_PORT}:80",
                description=f"Opens Grafana at http://localhost:{rules.GRAFANA_PORT}",
            )


def _login(at: Placement) -> dict[str, Any]:
    """Let Grafana trust the load balancer for who the user is, so that people log in once.

    It trusts only the load balancer's addresses, because others could claim to be any user. Without
    NetworkPolicies these addresses are not known, and Grafana asks for a login itself (Grafana
    documentation, "Configure authentication proxy"; ALB user guide, "User claims").
    """
    if not (at.exposure and at.exposure.settings.login and at.blocks):
        return {}
    return {
        "server": {"root_url": f"https://{at.exposure.host}/"},
        "auth.proxy": {
            "enabled": True,
            "header_name": "X-Amzn-Oidc-Identity",
            "header_property": "username",
            "auto_sign_up": True,
            "whitelist": ", ".join(at.blocks.load_balancers),
        },
        "users": {"auto_assign_org_role": "Viewer"},
    }


def _data_sources(workspaces: Mapping[str, AmpWorkspace]) -> dict[str, Any]:
    """Write a data source for each architecture; dashboards use the first one by default."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": architecture,
                "uid": architecture,
                "type": "grafana-amazonprometheus-datasource",
                "access": "proxy",
                "isDefault": index == 0,
                "editable": False,
                "url": workspace.endpoint,
                "jsonData": {
                    "httpMethod": "POST",
                    "timeInterval": INTERVAL,
                    **workspace.signing.for_grafana(),
                },
            }
            for index, (architecture, workspace) in enumerate(workspaces.items())
        ],
    }


_PROVIDER = {
    "apiVersion": 1,
    "providers": [
        {
            "name": "kubecost",
            "folder": "Kubecost",
            "type": "file",
            "disableDeletion": True,
            "allowUiUpdates": False,
            "options": {"path": _FOLDER},
        }
    ],
}
