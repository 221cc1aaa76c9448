"""Ring 1: what verify says of an exposed UI, asked over real TLS on loopback."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from tools.common import Json
from tools.verify import door
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import CannotCheckError, Status

PREFIX = "alb.ingress.kubernetes.io/"
AUTHORIZE = "https://login.example/authorize"
CALLBACK = "https%3A%2F%2Flocalhost%2Foauth2%2Fidpresponse"
STACK: Json = {
    "resource": {
        "kubernetes_namespace_v1": {"place_namespace": {"metadata": {"name": "kubecost-prom"}}}
    }
}


class Balancer:
    """Answers on a port as a load balancer would: a redirect to `location`, or a page."""

    def __init__(self, location: str | None, tls: ssl.SSLContext | None = None) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(302 if location else 200)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.005,), daemon=True).start()
        self.port = self.server.server_port

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return ca


def ingress(login: bool = True) -> Json:
    annotations = {
        f"{PREFIX}auth-type": "oidc",
        f"{PREFIX}auth-idp-oidc": f'{{"authorizationEndpoint": "{AUTHORIZE}"}}',
    }
    return {
        "metadata": {"name": "ui", "annotations": annotations if login else {}},
        "spec": {"rule": [{"host": "localhost"}]},
    }


@pytest.fixture
def running() -> Iterator[list[Balancer]]:
    started: list[Balancer] = []
    yield started
    for each in started:
        each.close()


def findings(
    running: list[Balancer],
    authority: trustme.CA,
    *,
    plain: str | None = "https://localhost:443/",
    secure: str | None = f"{AUTHORIZE}?redirect_uri={CALLBACK}",
    certified: str = "localhost",
    login: bool = True,
) -> list[tuple[Status, str]]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(certified).configure_cert(tls)
    running += [Balancer(plain), Balancer(secure, tls)]
    ports = running[-2].port, running[-1].port
    context = Context(Declared("prom", STACK), cast(Any, None), {}, cast(Any, None))
    return [(each.status, each.seen) for each in door.check(context, ingress(login), ports=ports)]


def test_tls_login_and_redirect(running: list[Balancer], authority: trustme.CA) -> None:
    found = findings(running, authority)
    assert found == [(Status.OK, "")] * 3


def test_a_certificate_for_another_host(running: list[Balancer], authority: trustme.CA) -> None:
    ((status, seen),) = findings(running, authority, certified="other.example")
    assert status is Status.FAIL
    assert "localhost" in seen


def test_a_certificate_that_nobody_vouches_for(
    running: list[Balancer], authority: trustme.CA
) -> None:
    assert authority
    ((status, _),) = findings(running, trustme.CA())
    assert status is Status.FAIL


@pytest.mark.parametrize(
    "secure",
    [
        None,
        "https://localhost/login",
        "https://other.example/authorize?redirect_uri=" + CALLBACK,
        AUTHORIZE,
        AUTHORIZE.replace("https", "http") + "?redirect_uri=" + CALLBACK,
    ],
)
def test_a_page_or_another_place_instead_of_the_login(
    running: list[Balancer], authority: trustme.CA, secure: str | None
) -> None:
    certificate, login, redirect = findings(running, authority, secure=secure)
    assert certificate[0] is redirect[0] is Status.OK
    assert login[0] is Status.FAIL
    assert login[1].startswith("status 200" if secure is None else "status 302")


@pytest.mark.parametrize("plain", [None, "http://localhost/", "https://other.example/"])
def test_plain_http_that_is_not_redirected(
    running: list[Balancer], authority: trustme.CA, plain: str | None
) -> None:
    *_, (status, _) = findings(running, authority, plain=plain)
    assert status is Status.FAIL


def test_where_nobody_asks_for_a_login_it_is_said(
    running: list[Balancer], authority: trustme.CA
) -> None:
    _, login, _ = findings(running, authority, secure=None, login=False)
    assert login[0] is Status.SKIPPED


def test_a_load_balancer_out_of_reach(running: list[Balancer], authority: trustme.CA) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    gone = Balancer(None, tls)
    gone.close()
    context = Context(Declared("prom", STACK), cast(Any, None), {}, cast(Any, None))
    with pytest.raises(CannotCheckError, match="inside of the VPC"):
        list(door.check(context, ingress(), ports=(gone.port, gone.port)))
    assert running == []
