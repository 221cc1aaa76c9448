"""Ring 1: verify ends in a sentence and status 2, whatever servers and kubeconfigs hold."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
import urllib3
from botocore.credentials import Credentials

from tools.__main__ import main as front_door
from tools.verify import answer, checks, command
from tools.verify.aws import Aws
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import CannotCheckError, Finding, Status
from tools.verify.kube import Kube, find_context

COMMAND = "aws eks update-kubeconfig"
OURS = "https://ABCD.gr7.eu-west-1.eks.amazonaws.com"


class Server(BaseHTTPRequestHandler):
    """Answers by its path: without an end, slowly, or nothing of use."""

    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers))
        self.send_response(200)
        self.end_headers()
        try:
            while self.path == "/endless":
                self.wfile.write(b"x" * (1 << 20))
            while self.path == "/slow":
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.01)
        except OSError:
            return  # the client has gone
        self.wfile.write({"/json": b'{"a": 1}', "/text": b"<h1>\x1b[2J"}.get(self.path, b""))

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[str]:
    Server.seen = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever, args=(0.005,))
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


def get(url: str) -> urllib3.BaseHTTPResponse:
    return urllib3.PoolManager().request("GET", url, preload_content=False)


def test_an_endless_answer_ends(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "LONGEST", 3 << 20)
    with pytest.raises(CannotCheckError, match="does not end"):
        answer.read_bounded(get(f"{server}/endless"), "it")


@pytest.mark.lengthy
def test_a_slow_answer_ends(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "SLOWEST", 0.2)
    with pytest.raises(CannotCheckError, match="does not end"):
        answer.read_bounded(get(f"{server}/slow"), "it")


def test_an_answer_is_read(server: str) -> None:
    assert answer.read_json(answer.read_bounded(get(f"{server}/json"), "it"), "it") == {"a": 1}
    for path in ("text", "nothing"):
        with pytest.raises(CannotCheckError, match="it is not JSON: "):
            answer.read_json(answer.read_bounded(get(f"{server}/{path}"), "it"), "it")


class SignedIn:
    """A session of boto3, as far as a signature takes one."""

    def get_credentials(self) -> Credentials:
        return Credentials("AKIDEXAMPLE", "secret", "session-token")

    class _session:  # noqa: N801
        @staticmethod
        def get_config_variable(_: str) -> None:
            return None


def test_amp_answers_with_anything(server: str) -> None:
    aws = Aws("eu-west-1")
    aws.__dict__["session"] = SignedIn()
    assert aws.query_amp(f"{server}/json", "up") == {"a": 1}
    with pytest.raises(CannotCheckError, match="AMP's answer is not JSON"):
        aws.query_amp(f"{server}/text", "up")


def test_nothing_signed_leaves_in_the_clear() -> None:
    aws = Aws("eu-west-1")
    aws.__dict__["session"] = SignedIn()
    with pytest.raises(CannotCheckError, match="a signed request is not sent to http://amp"):
        aws.query_amp("http://amp.example/query", "up")


def kubeconfig(path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = path / "config"
    file.write_text(text)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))


def whole(server: str, **user: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "ours",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "ours", "context": {"cluster": "c", "user": "u"}}],
    }


def test_a_token_is_not_sent_over_http(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig(tmp_path, monkeypatch, json.dumps(whole(server, token="t0ken")))
    with pytest.raises(CannotCheckError, match="the token of your kubeconfig is not sent to http:"):
        Kube(server.replace("http:", "https:"), None, make_context=COMMAND)
    assert Server.seen == []


BROKEN: list[Any] = [
    "[",
    "- a",
    "x",
    "{contexts: 1}",
    "{contexts: [1]}",
    "{contexts: [{name: a}]}",
    "{contexts: [{name: a, context: b}]}",
    "{clusters: [{name: a}], contexts: []}",
    "{clusters: [{name: a, cluster: null}]}",
    "{clusters: {a: b}}",
    "{clusters: null, contexts: null}",
    "!!python/object:os.system {}",
    "a: &a [*a]",
    "\x00",
    whole("https://[::1"),
    whole("https://h:99999999"),
    whole("::::"),
]


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: ascii(text)[:40])
def test_a_malformed_kubeconfig_is_one_sentence(
    text: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig(tmp_path, monkeypatch, text if isinstance(text, str) else json.dumps(text))
    with pytest.raises(CannotCheckError) as error:
        find_context(OURS, None, COMMAND)
    assert error.value.status == 2


@pytest.mark.parametrize(
    "user",
    [
        {"exec": {"command": "no-such-program", "apiVersion": "v1"}},
        {"exec": 1},
        {"exec": {}},
        {"client-certificate-data": "not base64!"},
        {"auth-provider": {"name": "gcp"}},
    ],
    ids=str,
)
def test_malformed_credentials_are_one_sentence(
    user: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig(tmp_path, monkeypatch, json.dumps(whole("https://127.0.0.1:9", **user)))
    with pytest.raises(CannotCheckError):
        Kube("https://127.0.0.1:9", None, make_context=COMMAND)


@pytest.mark.parametrize(
    "error", [KeyError("items"), TypeError("x"), ValueError(), IndexError(), RecursionError()]
)
def test_a_malformed_answer_is_unknown(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_: Context) -> Iterator[Finding]:
        raise error
        yield

    monkeypatch.setattr(checks, "OVERLAY", {"pods": check, "roles": lambda _: iter(())})
    declared = Declared("prom", {"resource": {}})
    context = Context(declared, cast(Aws, None), {}, cast(Kube, None))
    (found,) = checks.run(context)
    assert found[1].status == Status.UNKNOWN
    assert "a server gave an unexpected answer" in found[1].what


def test_nothing_of_a_server_steers_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e\r\n\x9b"
    finding = Finding.fail(evil, seen=evil, expected=evil, fix=evil)
    command._say(evil)
    print(command._lines("pods", finding))

    def fail(_: list[str]) -> int:
        raise CannotCheckError(evil)

    monkeypatch.setattr("tools.verify.command.main", fail)
    assert front_door(["verify"]) == 2
    said = capsys.readouterr()
    assert "owned" in said.out
    assert "owned" in said.err
    assert all(char.isprintable() or char == "\n" for char in said.out + said.err)
