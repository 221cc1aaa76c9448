"""HTTP servers inside the lab."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import POLLIN, poll
from typing import NamedTuple


class Request(NamedTuple):
    method: str
    target: str  # path and query
    headers: dict[str, str]  # by lower-case name
    body: bytes
    client_has_gone: Callable[[], bool]  # tell whether nobody waits for the answer any more


Answer = tuple[int, str | bytes] | None  # status and body; None cuts the connection


def _has_gone(handler: BaseHTTPRequestHandler) -> bool:
    """Tell whether the client closed: it sends nothing else before it has the answer."""
    waiting = poll()  # select takes no more than 1,024 files
    waiting.register(handler.connection, POLLIN)
    return bool(waiting.poll(0))


class Server:
    """Answers requests to `address`:`port`, over TLS when given a context, until stopped."""

    def __init__(
        self,
        address: str,
        port: int,
        answer: Callable[[Request], Answer],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                answered = answer(
                    Request(self.command, self.path, headers, body, partial(_has_gone, self))
                )
                if answered is None:
                    self.close_connection = True
                    return
                status, content = answered
                content = content.encode() if isinstance(content, str) else content
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer((address, port), Handler)
        if tls:
            # Not in accept(), where a client that says nothing would block all others.
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._http.serve_forever, args=(0.5,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
