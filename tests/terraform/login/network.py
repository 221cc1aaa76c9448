"""Servers on loopback that are reached by the names and ports that people use."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
import urllib3
from urllib3.util import connection

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """What a client sent, headers as they came."""

    client: str
    method: str
    target: str
    headers: Headers
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return _single(urlsplit(self.target).query)

    @property
    def form(self) -> dict[str, str]:
        return _single(self.body.decode())

    def header(self, name: str) -> str:
        """Give a header's value, the first of several; empty without it."""
        return next((v for key, v in self.headers if key.lower() == name.lower()), "")

    @property
    def cookies(self) -> dict[str, str]:
        pairs = (each.strip().partition("=") for each in self.header("Cookie").split(";"))
        return {name: value for name, _, value in pairs if name}


def _single(text: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(text).items()}


@dataclass(frozen=True)
class Response:
    status: int
    body: str = ""
    headers: Headers = field(default_factory=list)


def redirect(location: str, *cookies: str) -> Response:
    headers = [("Location", location), *(("Set-Cookie", each) for each in cookies)]
    return Response(302, headers=headers)


Answer = Callable[[Request], Response]


class Network:
    """The only names that exist while a test runs.

    Attributes:
        ca: signs the certificate of every server with TLS.
        address: of this process, for clients that choose none.
    """

    def __init__(self, ca: trustme.CA, patch: pytest.MonkeyPatch) -> None:
        self.ca = ca
        self.address = "127.0.0.1"
        self._servers: list[ThreadingHTTPServer] = []
        self._places: dict[tuple[str, int], tuple[str, int]] = {}
        connect = connection.create_connection

        def by_name(
            place: tuple[str, int],
            timeout: Any,
            source_address: tuple[str, int] | None = None,
            socket_options: Any = None,
        ) -> socket.socket:
            if place not in self._places and not place[0].startswith("127."):
                raise ConnectionRefusedError(f"nothing listens at {place}")
            here = self._places.get(place, place)
            return connect(here, timeout, source_address or (self.address, 0), socket_options)

        patch.setattr(connection, "create_connection", by_name)

    def serve(
        self,
        answer: Answer,
        *places: tuple[str, int],
        address: str = "127.0.0.1",
        tls: bool = False,
        admits: tuple[str, ...] = ("0.0.0.0/0",),
    ) -> str:
        """Start a server at an address, people find it at `places`; give its own URL.

        Args:
            answer: what it answers.
            places: names and ports; with `tls` it has a certificate for the names.
            address: where it listens.
            tls: whether it speaks HTTPS.
            admits: whose connections are taken, as by a security group.
        """
        blocks = [ip_network(each) for each in admits]

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def verify_request(self, request: Any, client_address: Any) -> bool:
                return any(ip_address(client_address[0]) in block for block in blocks)

        server = Server((address, 0), _handler(answer))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.ca.issue_cert(*(name for name, _ in places)).configure_cert(context)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
        self._servers.append(server)
        self._places |= dict.fromkeys(places, (address, server.server_port))
        return f"http{'s' if tls else ''}://{address}:{server.server_port}"

    def pool(self, address: str) -> urllib3.PoolManager:
        """Give a client at an address that trusts the CA and follows no redirect."""
        return urllib3.PoolManager(
            source_address=(address, 0),
            ca_cert_data=self.ca.cert_pem.bytes().decode(),
            timeout=urllib3.Timeout(10),
        )

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


def _handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            response = answer(
                Request(
                    self.client_address[0],
                    self.command,
                    self.path,
                    list(self.headers.items()),
                    self.rfile.read(length),
                )
            )
            body = response.body.encode()
            self.send_response(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@dataclass
class Browser:
    """A person at an address, with cookies."""

    network: Network
    address: str
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def open(
        self,
        url: str,
        *,
        method: str = "GET",
        body: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> "Page":
        """Ask once, with the cookies of the host; keep those that it sets."""
        parts = urlsplit(url)
        kept = self.cookies.setdefault(str(parts.hostname), {})
        sent = {**(headers or {})}
        if kept:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())
        if method == "POST":
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        answer = self.network.pool(self.address).request(
            method, url, body=body or None, headers=sent, redirect=False, retries=False
        )
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            kept[name] = value
        return Page(url, answer.status, answer.data.decode(), list(answer.headers.items()))

    def follow(self, page: "Page") -> "Page":
        """Go where redirects lead."""
        for each in self._steps(page):
            page = each
        return page

    def _steps(self, page: "Page") -> Iterator["Page"]:
        for _ in range(10):
            if page.status not in (301, 302, 303):
                return
            page = self.open(page.header("Location"))
            yield page
        raise AssertionError(f"redirected in circles: {page}")


@dataclass(frozen=True)
class Page:
    """What a browser shows."""

    url: str
    status: int
    text: str
    headers: Headers

    def header(self, name: str) -> str:
        return next((v for key, v in self.headers if key.lower() == name.lower()), "")
