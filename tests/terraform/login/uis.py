"""Grafana and Kubecost behind the load balancer, as far as their configuration says."""

import json
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from tests.terraform.login.network import Request, Response, redirect

_KNOWN = {"enabled", "header_name", "header_property", "auto_sign_up", "whitelist"}


class Grafana:
    """Who one is for Grafana 13.2, by the values of its chart.

    Grafana's documentation, "Configure auth proxy authentication" and "Override configuration with
    environment variables"; of its source pkg/services/authn/clients/proxy.go and grafana.go. Real
    Grafana cannot be had here: the Go module proxy does not serve it.

    Attributes:
        seen: requests that arrived.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        ini = _effective(values)
        self._proxy = ini.get("auth.proxy", {})
        if set(self._proxy) - _KNOWN or self._proxy.get("header_property") not in (
            None,
            "username",
        ):
            raise NotImplementedError(f"this imitation does not know all of {self._proxy}")
        self._new_role = str(ini.get("users", {}).get("auto_assign_org_role", "Viewer"))
        # Of the first organization; the user that Grafana makes at its start has every right.
        self.roles = {str(ini["security"]["admin_user"]): "Admin"}
        self._server_admins = set(self.roles)
        self.seen: list[Request] = []

    def __call__(self, request: Request) -> Response:
        if request.path == "/api/health":
            return Response(200, '{"database": "ok"}')
        self.seen.append(request)
        login = self._login(request)
        if not login:
            # A page's visitor meets Grafana's own form.
            return Response(401) if request.path.startswith("/api/") else redirect("/login")
        if request.path == "/api/user":
            admin = login in self._server_admins
            return Response(200, json.dumps({"login": login, "isGrafanaAdmin": admin}))
        if request.path == "/api/user/orgs":
            return Response(200, json.dumps([{"orgId": 1, "role": self.roles[login]}]))
        return Response(200, f"Welcome {login}")

    def _login(self, request: Request) -> str | None:
        if not self._proxy.get("enabled"):
            return None
        name = request.header(str(self._proxy.get("header_name", "X-WEBAUTH-USER")))
        accepted = [each.strip() for each in str(self._proxy.get("whitelist", "")).split(",")]
        address = ip_address(request.client)
        admitted = accepted == [""] or any(address in ip_network(each) for each in accepted)
        if not name or not admitted:
            return None
        if name not in self.roles and self._proxy.get("auto_sign_up", True):
            self.roles[name] = self._new_role
        return name if name in self.roles else None


def _effective(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Read grafana.ini as Grafana does: a variable GF_<SECTION>_<KEY> wins over the file."""
    ini = {section: dict(keys) for section, keys in values["grafana.ini"].items()}
    environment = {"GF_SECURITY_ADMIN_USER": values.get("adminUser", "admin")}
    environment |= values.get("env", {})
    ini.setdefault("security", {}).setdefault("admin_user", "admin")
    for section, keys in ini.items():
        for key in keys:
            variable = f"GF_{section}_{key}".upper().replace(".", "_").replace("-", "_")
            keys[key] = environment.get(variable, keys[key])
    return ini


class Kubecost:
    """The server of Kubecost's page, which passes calls on, as its chart configures it.

    The chart's cost-analyzer-frontend-config-map-template.yaml: any path is the page, /model/ goes
    to the APIs, a line of a header may have 32 KiB, and a connection is never upgraded (WebSocket).

    Attributes:
        seen: requests that arrived.
    """

    _LONGEST_HEADER = 32 * 1024

    def __init__(self) -> None:
        self.seen: list[Request] = []

    def __call__(self, request: Request) -> Response:
        if any(len(f"{k}: {v}\r\n") > self._LONGEST_HEADER for k, v in request.headers):
            return Response(400)
        self.seen.append(request)
        if request.path.startswith("/model/"):
            target = request.target.removeprefix("/model")
            called = {"call": f"{request.method} {target}", "body": request.body.decode()}
            return Response(200, json.dumps(called))
        return Response(200, "<title>Kubecost</title>")
