"""Reach the stack's cluster through the user's kubeconfig, and never another cluster."""

import json
from typing import Any
from urllib.parse import urlsplit

import urllib3
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.config import kube_config
from kubernetes.config.config_exception import ConfigException

from tools.common import Json
from tools.verify.answer import MALFORMED, check_encrypted, read_bounded, read_json
from tools.verify.finding import CannotCheckError

TIMEOUT = (10, 30)  # seconds to connect, and to wait for an answer


class NotFoundError(CannotCheckError):
    """The API server, or the pod behind it, answered 404."""


class Kube:
    """A cluster's API: reads objects, and reaches pods through the API server.

    Attributes:
        context: the context of the kubeconfig.
    """

    def __init__(self, endpoint: str, context: str | None, *, make_context: str) -> None:
        """Find the context that leads to the API server at `endpoint`, or check the given one.

        Args:
            endpoint: the address of the API server, from EKS.
            context: a context of the kubeconfig; None takes the current one if it fits, or else
                the first that fits.
            make_context: the command that adds a context.

        Raises:
            CannotCheckError: no context fits, its credentials are missing or refused, or the API
                server cannot be reached.
        """
        self.context = find_context(endpoint, context, make_context)
        configuration = client.Configuration()
        load: Any = kube_config.load_kube_config
        try:
            load(context=self.context, client_configuration=configuration)
        except (ConfigException, OSError, *MALFORMED) as error:
            raise CannotCheckError(f"kubeconfig, context {self.context}: {error}") from None
        check_encrypted(configuration.host, "the token of your kubeconfig")
        configuration.retries = urllib3.Retry(1, redirect=0)
        self._api = client.ApiClient(configuration)
        self._make_context = make_context
        self._endpoint = endpoint
        # Every identity that the cluster accepts may read this.
        self.text("/api")

    def text(self, path: str, **query: str) -> str:
        """Get the answer of the API server, or of a pod behind it.

        Raises:
            NotFoundError: the answer has status 404.
            CannotCheckError: there is no answer, or it is a refusal.
        """
        call = self._api.param_serialize(
            method="GET",
            resource_path=path,
            query_params=list(query.items()),
            header_params={"Accept": "*/*"},
            auth_settings=["BearerToken"],
        )
        answer: Any
        try:
            answer = self._api.call_api(*call, _request_timeout=TIMEOUT)
            answer.data = read_bounded(answer.response, f"the answer to {path}")
        except ApiException as error:
            answer = error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise CannotCheckError(
                f"the API server {self._endpoint} cannot be reached ({_cause(error)}); add your "
                "address to base.api_access_cidrs, or run this inside the VPC"
            ) from None
        data = answer.data or b""
        body = data if isinstance(data, str) else data.decode(errors="replace")
        # Without credentials, for example without the aws command, the user is anonymous.
        if answer.status == 401 or (answer.status == 403 and "system:anonymous" in body):
            raise CannotCheckError(
                f"the cluster does not accept the credentials of context {self.context}. It admits "
                "the identity that created it and base.admins. Check that the aws command is on "
                "your PATH and signed in (aws sts get-caller-identity); then run: "
                f"{self._make_context}"
            )
        if answer.status == 404:
            raise NotFoundError(f"404 at {path}")
        if not 200 <= answer.status < 300:
            raise CannotCheckError(f"the API server answered {answer.status}: {_message(body)}")
        return body

    def get(self, path: str, **query: str) -> Json:
        """Get an object, or a list in its `items`."""
        found: Json = read_json(self.text(path, **query), f"the API server's answer to {path}")
        return found

    def items(self, path: str, **query: str) -> list[Json]:
        """Get the objects of a list."""
        return list(self.get(path, **query)["items"])

    def service(self, namespace: str, name: str, port: str, path: str, **query: str) -> str:
        """Get the answer of a Service; `port` is its number or name."""
        proxy = f"/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy"
        return self.text(f"{proxy}{path}", **query)

    def pod(self, namespace: str, name: str, port: int, path: str, **query: str) -> str:
        """Get the answer of a pod on a port, even if no Service has that port."""
        return self.text(f"/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy{path}", **query)


def find_context(endpoint: str, wanted: str | None, make_context: str) -> str:
    """Find the context that leads to an API server: the wanted one, the current one, or another.

    Raises:
        CannotCheckError: no context does, or the wanted one leads to another server.
    """
    read: Any = kube_config.KubeConfigMerger
    try:
        merged = read(kube_config.KUBE_CONFIG_DEFAULT_LOCATION).config
        config = merged.value if merged else {}
        servers = {
            str(each.value["name"]): str(each.value["cluster"].get("server", ""))
            for each in config.get("clusters") or []
        }
        contexts = {
            str(each.value["name"]): servers.get(str(each.value["context"]["cluster"]), "")
            for each in config.get("contexts") or []
        }
    except (ConfigException, OSError, *MALFORMED) as error:
        raise CannotCheckError(f"the kubeconfig cannot be read: {_in_short(error)}") from None
    if not contexts:
        raise CannotCheckError(f"there is no kubeconfig; run: {make_context}")
    if wanted is None:
        current = config.get("current-context")
        fitting = [name for name, server in contexts.items() if _same(server, endpoint)]
        if not fitting:
            raise CannotCheckError(
                f"no context of your kubeconfig leads to {endpoint}; run: {make_context}"
            )
        return str(current if current in fitting else fitting[0])
    if wanted not in contexts:
        raise CannotCheckError(
            f"--context {wanted}: your kubeconfig has only {', '.join(sorted(contexts))}"
        )
    if not _same(contexts[wanted], endpoint):
        raise CannotCheckError(
            f"--context {wanted} leads to {contexts[wanted]}, another cluster: this stack's is at "
            f"{endpoint}; omit the option, or run: {make_context}"
        )
    return wanted


def _in_short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _same(one: str, other: str) -> bool:
    """Tell whether two addresses are of one server; an invalid port belongs to no server."""

    def address(url: str) -> tuple[str | None, int]:
        parts = urlsplit(url)
        return parts.hostname, parts.port or 443

    try:
        return address(one) == address(other)
    except ValueError:
        return False


def _cause(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error).rpartition(": ")[2][:120]


def _message(body: str) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(body.split())[:120]
