"""An identity provider of OpenID Connect, with the authorization code flow and nothing else.

OpenID Connect Core 1.0, section 3.1; RFC 6749, section 4.1.
"""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.terraform.login.network import Answer, Network, Request, Response, redirect

FORM = "<form method=post>Sign in: <input name=username><input name=password></form>"


@dataclass(frozen=True)
class Client:
    """A client as it is registered.

    Attributes:
        id: its name at the provider.
        secret: with which it authenticates at the token endpoint.
        callbacks: where codes may be sent to.
        scopes: what it may ask for.
    """

    id: str
    secret: str
    callbacks: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class User:
    """A person as the provider knows them."""

    subject: str
    name: str
    password: str


@dataclass(frozen=True)
class _Grant:
    client: Client
    callback: str
    user: User


class IdentityProvider:
    """Serves a login page, and the endpoints by which a client learns who logged in.

    Attributes:
        forms: how often somebody was asked for a password.
    """

    def __init__(
        self,
        network: Network,
        *,
        issuer: str,
        endpoints: tuple[str, str, str],
        clients: list[Client],
        users: list[User],
        clock: Callable[[], float],
    ) -> None:
        self._issuer = issuer
        self._clients = {each.id: each for each in clients}
        self._users = {each.name: each for each in users}
        self._clock = clock
        self._key = RSAKey.generate_key(2048, {"kid": "1"})
        self._codes: dict[str, _Grant] = {}
        self._tokens: dict[str, User] = {}
        self._sessions: dict[str, User] = {}
        self.forms = 0
        authorize, token, user_info = endpoints
        answers: dict[str, Answer] = {
            authorize: self._authorize,
            token: self._token,
            user_info: self._user_info,
        }
        by_path = {urlsplit(url).path: answer for url, answer in answers.items()}
        by_path[f"{urlsplit(issuer).path}/keys"] = self._keys
        hosts = {str(urlsplit(url).hostname) for url in (*answers, issuer)}

        def answer(request: Request) -> Response:
            known = by_path.get(request.path)
            return known(request) if known else Response(404)

        network.serve(answer, *((host, 443) for host in sorted(hosts)), tls=True)

    @property
    def keys_url(self) -> str:
        return f"{self._issuer}/keys"

    def log_everybody_out(self) -> None:
        self._sessions.clear()

    def _keys(self, request: Request) -> Response:
        return Response(200, json.dumps({"keys": [self._key.as_dict(private=False)]}))

    def _authorize(self, request: Request) -> Response:
        asked = request.query
        client = self._clients.get(asked.get("client_id", ""))
        callback = asked.get("redirect_uri", "")
        if not client or callback not in client.callbacks:
            # Section 4.1.2.1 of the RFC: never a redirect to an address that nobody registered.
            return Response(400, "unknown client, or callback that is not registered")
        scopes = asked.get("scope", "").split()
        if (
            asked.get("response_type") != "code"
            or "openid" not in scopes
            or not set(scopes) <= set(client.scopes)
        ):
            return redirect(f"{callback}?{urlencode({'error': 'invalid_request'})}")
        user = self._sessions.get(request.cookies.get("session", ""))
        if not user and request.method == "POST":
            found = self._users.get(request.form.get("username", ""))
            user = found if found and found.password == request.form.get("password") else None
        if not user:
            self.forms += 1
            return Response(200, FORM)
        code, session = secrets.token_urlsafe(), secrets.token_urlsafe()
        self._codes[code] = _Grant(client, callback, user)
        self._sessions[session] = user
        state = {"state": asked["state"]} if "state" in asked else {}
        return redirect(
            f"{callback}?{urlencode({'code': code, **state})}",
            f"session={session}; Path=/; Secure; HttpOnly",
        )

    def _token(self, request: Request) -> Response:
        asked = request.form
        client = self._authenticated(request)
        if not client:
            return Response(401, json.dumps({"error": "invalid_client"}))
        # Good for one use, whoever tries.
        grant = self._codes.pop(asked.get("code", ""), None)
        if (
            asked.get("grant_type") != "authorization_code"
            or not grant
            or (grant.client, grant.callback) != (client, asked.get("redirect_uri"))
        ):
            return Response(400, json.dumps({"error": "invalid_grant"}))
        access_token = secrets.token_urlsafe()
        self._tokens[access_token] = grant.user
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "sub": grant.user.subject,
            "aud": client.id,
            "iat": now,
            "exp": now + 300,
        }
        id_token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)
        given = {"access_token": access_token, "token_type": "Bearer", "expires_in": 3600}
        return Response(200, json.dumps({**given, "id_token": id_token}))

    def _authenticated(self, request: Request) -> Client | None:
        scheme, _, credentials = request.header("Authorization").partition(" ")
        if scheme == "Basic":
            name, _, secret = base64.b64decode(credentials).decode().partition(":")
            name, secret = unquote(name), unquote(secret)
        else:
            form = parse_qs(request.body.decode())
            name, secret = (form.get(key, [""])[0] for key in ("client_id", "client_secret"))
        client = self._clients.get(name)
        return client if client and secrets.compare_digest(client.secret, secret) else None

    def _user_info(self, request: Request) -> Response:
        user = self._tokens.get(request.header("Authorization").removeprefix("Bearer "))
        if not user:
            return Response(401)
        return Response(200, json.dumps({"sub": user.subject, "email": user.name}))
