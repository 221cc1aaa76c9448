"""A real Kubernetes API server with etcd, and nothing else of Kubernetes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import requests
import trustme
import yaml

from tests.lab.process import BINARIES, Process, wait_until
from tests.lab.render import render

JsonObject = dict[str, Any]
ADMIN_TOKEN = "lab-admin"


class ApiServer:
    """kube-apiserver with RBAC on 10.<index>.0.1:443."""

    def __init__(self, directory: Path, index: int, ca: trustme.CA) -> None:
        self.address = f"10.{index}.0.1"
        self.ca_file = directory / "ca.crt"
        ca.cert_pem.write_to_path(str(self.ca_file))
        # One key pair for all that the API server proves: its name, itself to kubelets, its tokens.
        issued = ca.issue_cert(self.address, "kubernetes.default.svc", common_name="apiserver")
        key, certificate, tokens = (directory / n for n in ("tls.key", "tls.crt", "tokens.csv"))
        issued.private_key_pem.write_to_path(str(key))
        issued.cert_chain_pems[0].write_to_path(str(certificate))
        tokens.write_text(f"{ADMIN_TOKEN},admin,admin,system:masters\n")

        client, peer = f"http://10.{index}.0.2:2379", f"http://10.{index}.0.2:2380"
        self._etcd = Process(
            "etcd",
            [
                BINARIES / "etcd",
                f"--data-dir={directory / 'etcd'}",
                "--unsafe-no-fsync",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ],
            directory,
        )
        self._server = Process(
            "kube-apiserver",
            [
                BINARIES / "kube-apiserver",
                f"--etcd-servers={client}",
                f"--bind-address={self.address}",
                "--secure-port=443",
                f"--service-cluster-ip-range=10.{index}.240.0/20",
                f"--tls-cert-file={certificate}",
                f"--tls-private-key-file={key}",
                f"--kubelet-client-certificate={certificate}",
                f"--kubelet-client-key={key}",
                "--kubelet-preferred-address-types=InternalIP",
                f"--token-auth-file={tokens}",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--authorization-mode=RBAC",
                # It wants a pod's service account to exist, and no controller makes those.
                "--disable-admission-plugins=ServiceAccount",
            ],
            directory,
        )
        self._session = requests.Session()
        self._session.trust_env = False  # REQUESTS_CA_BUNDLE would replace verify
        self._session.verify = str(self.ca_file)
        self._session.headers["Authorization"] = f"Bearer {ADMIN_TOKEN}"
        wait_until(lambda: self._request("GET", "/readyz"), 60, "the API server", self._server)

    def _request(self, method: str, path: str, body: JsonObject | None = None) -> requests.Response:
        # Server-side apply takes YAML, of which JSON is a part.
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        url = f"https://{self.address}{path}"
        headers = {"Content-Type": kind}
        response = self._session.request(method, url, json=body, headers=headers, timeout=30)
        if not response.ok:
            raise requests.HTTPError(f"{method} {path}: {response.status_code} {response.text}")
        return response

    def call(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """Return the object that the API server answers.

        Raises requests.HTTPError with the API server's words.
        """
        answer: JsonObject = self._request(method, path, body).json()
        return answer

    def apply(self, *objects: JsonObject) -> None:
        """Create or update objects as `kubectl apply --server-side` would, and their status too.

        Raises requests.HTTPError with the API server's words.
        """
        for wanted in objects:
            for part in ("", "/status") if "status" in wanted else ("",):
                query = "?fieldManager=lab&force=true"
                self._request("PATCH", f"{_path(wanted)}{part}{query}", wanted)

    def token(self, namespace: str, service_account: str) -> str:
        """Return a token for the service account, valid for an hour."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        response = self._request("POST", path, {"spec": {"expirationSeconds": 3600}})
        return str(response.json()["status"]["token"])

    def grant(self, namespace: str, service_account: str, rules: list[JsonObject]) -> None:
        """Create the service account and let it do what `rules`, those of a ClusterRole, allow."""
        values = {"namespace": namespace, "service_account": service_account, "rules": rules}
        self.apply(*yaml.safe_load(render("grant.yaml.j2", **values)))

    def close(self) -> None:
        self._server.close()
        self._etcd.close()


def _path(wanted: JsonObject) -> str:
    version, kind, metadata = wanted["apiVersion"], wanted["kind"].lower(), wanted["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    within = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    plural = re.sub("y$", "ie", re.sub("s$", "se", kind)) + "s" if kind != "endpoints" else kind
    return f"{root}{within}/{plural}/{metadata['name']}"
