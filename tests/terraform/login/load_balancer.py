"""An application load balancer that logs people in, set up by the annotations of Ingresses.

Elastic Load Balancing user guide, "Authenticate users using an Application Load Balancer" and
"HTTP headers and Application Load Balancers"; AWS Load Balancer Controller, "Ingress annotations".
The cookie AWSALBAuthNonce is not documented; every load balancer that authenticates sets it, and
answers 401 to a callback without it. None sends the parameter `nonce` of OpenID Connect.
"""

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.terraform.login.network import Headers, Network, Request, Response, redirect

CALLBACK = "/oauth2/idpresponse"
ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/k8s-costs/0123456789ab"
_PREFIX = "alb.ingress.kubernetes.io/"
_NONCE, _SESSION = "AWSALBAuthNonce", "AWSELBAuthSessionCookie-0"
# Annotations guide, "MergeBehavior: Exclusive": the same on all Ingresses of a group.
_EXCLUSIVE = (
    "scheme",
    "inbound-cidrs",
    "ssl-redirect",
    "ssl-policy",
    "ip-address-type",
    "load-balancer-attributes",
    "wafv2-acl-arn",
)
_VALID_NAME = re.compile(r"[-A-Za-z0-9]+")
_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")
# Load balancer user guide, "HTTP 561": the identity provider answered with an error.
_PROVIDER_FAILED = 561

Secrets = Mapping[tuple[str, str], Mapping[str, str]]
DescribeClient = Callable[[str, str], Mapping[str, Any]]


@dataclass(frozen=True)
class Ingress:
    """An Ingress with one host and one Service, as the controller sees it."""

    host: str
    namespace: str
    service: str
    port: int
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, resource: Mapping[str, Any], annotations: Mapping[str, str]) -> "Ingress":
        """Read Terraform's resource; its annotations are given as Terraform evaluates them."""
        (rule,) = resource["spec"]["rule"]
        (path,) = rule["http"]["path"]
        assert (path["path"], path["path_type"]) == ("/", "Prefix")
        backend = path["backend"]["service"]
        return cls(
            rule["host"],
            resource["metadata"]["namespace"],
            backend["name"],
            backend["port"]["number"],
            {key.removeprefix(_PREFIX): value for key, value in annotations.items()},
        )


@dataclass(frozen=True)
class _Login:
    """What the load balancer knows of a client at an identity provider."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    user_info_endpoint: str
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class _Session:
    host: str
    claims: Mapping[str, Any]
    access_token: str
    until: float


class LoadBalancer:
    """One load balancer for the Ingresses of a group.

    Raises:
        ValueError: the Ingresses disagree on what the load balancer has once.
        KeyError: a Secret that an Ingress names is not there.
    """

    def __init__(
        self,
        network: Network,
        ingresses: list[Ingress],
        *,
        address: str,
        backends: Mapping[tuple[str, str, int], str],
        kubernetes_secrets: Secrets,
        describe_client: DescribeClient,
        keys_url: str,
        clock: Callable[[], float],
    ) -> None:
        self._pool = network.pool(address)
        self._backends = backends
        self._keys_url = keys_url
        self._clock = clock
        self._ingresses = {each.host: each for each in ingresses}
        self._logins = {
            each.host: _login(each, kubernetes_secrets, describe_client) for each in ingresses
        }
        self._started: dict[str, tuple[str, str, str]] = {}
        self._sessions: dict[str, _Session] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self._key.public_key()
        once = {key: _agreed(ingresses, key) for key in _EXCLUSIVE}
        attributes = dict(
            each.split("=") for each in str(once["load-balancer-attributes"]).split(",")
        )
        self._drops_invalid = (
            attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
        )
        self._secure_port = int(str(once["ssl-redirect"]))
        admits = tuple(str(once["inbound-cidrs"]).split(","))
        ports = json.loads(ingresses[0].annotations["listen-ports"])
        for listener in ports:
            ((protocol, port),) = listener.items()
            network.serve(
                self._answer if protocol == "HTTPS" else self._to_https,
                *((host, port) for host in self._ingresses),
                address=address,
                tls=protocol == "HTTPS",
                admits=admits,
            )

    def _to_https(self, request: Request) -> Response:
        host = request.header("Host").partition(":")[0]
        location = f"https://{host}:{self._secure_port}{request.target}"
        return Response(301, headers=[("Location", location)])

    def _answer(self, request: Request) -> Response:
        ingress = self._ingresses.get(request.header("Host").partition(":")[0])
        if not ingress:
            return Response(404)
        login = self._logins[ingress.host]
        if not login:
            return self._forward(ingress, request, [])
        if request.path == CALLBACK:
            return self._finish(ingress, login, request)
        session = self._sessions.get(request.cookies.get(_SESSION, ""))
        if session and session.host == ingress.host and self._clock() < session.until:
            return self._forward(ingress, request, self._identity(login, session))
        match ingress.annotations["auth-on-unauthenticated-request"]:
            case "authenticate":
                return self._begin(ingress, login, request)
            case "deny":
                return Response(401)
            case "allow":
                return self._forward(ingress, request, [])
            case other:
                raise ValueError(other)

    def _begin(self, ingress: Ingress, login: _Login, request: Request) -> Response:
        state, nonce = secrets.token_urlsafe(), secrets.token_urlsafe(12)
        self._started[state] = nonce, ingress.host, request.target
        asked = {
            "client_id": login.client_id,
            "redirect_uri": f"https://{ingress.host}{CALLBACK}",
            "response_type": "code",
            "scope": ingress.annotations["auth-scope"],
            "state": state,
        }
        return redirect(
            f"{login.authorization_endpoint}?{urlencode(asked)}",
            f"{_NONCE}={nonce}; Path=/; Secure; HttpOnly",
        )

    def _finish(self, ingress: Ingress, login: _Login, request: Request) -> Response:
        nonce, host, target = self._started.get(request.query.get("state", ""), ("", "", ""))
        if host != ingress.host or request.cookies.get(_NONCE) != nonce:
            return Response(401)
        tokens = self._ask(
            login.token_endpoint,
            headers={"Authorization": _basic(login.client_id, login.client_secret)},
            fields={
                "grant_type": "authorization_code",
                "code": request.query.get("code", ""),
                "redirect_uri": f"https://{host}{CALLBACK}",
            },
        )
        claims = tokens and self._ask(
            login.user_info_endpoint,
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
        )
        if not tokens or not claims or not self._vouched(login, tokens["id_token"], claims):
            return Response(_PROVIDER_FAILED)
        session = secrets.token_urlsafe()
        lasts = int(ingress.annotations["auth-session-timeout"])
        self._sessions[session] = _Session(
            host, claims, tokens["access_token"], self._clock() + lasts
        )
        return redirect(
            f"https://{host}{target}", f"{_SESSION}={session}; Path=/; Secure; HttpOnly"
        )

    def _ask(
        self, url: str, *, headers: Mapping[str, str], fields: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """Ask the identity provider; None when it refuses."""
        answer = self._pool.request(
            "POST" if fields else "GET",
            url,
            body=urlencode(fields) if fields else None,
            headers={"Content-Type": "application/x-www-form-urlencoded", **headers},
        )
        return answer.json() if answer.status == 200 else None

    def _vouched(self, login: _Login, id_token: str, claims: Mapping[str, Any]) -> bool:
        """Check the ID token (OpenID Connect Core 1.0, section 3.1.3.7)."""
        keys = KeySet.import_key_set(self._pool.request("GET", self._keys_url).json())
        rules = jwt.JWTClaimsRegistry(
            now=int(self._clock()),
            iss={"essential": True, "value": login.issuer},
            aud={"essential": True, "value": login.client_id},
            exp={"essential": True},
            sub={"essential": True, "value": claims["sub"]},
        )
        try:
            rules.validate(jwt.decode(id_token, keys, algorithms=["RS256"]).claims)
        except JoseError:
            return False
        return True

    def _identity(self, login: _Login, session: _Session) -> Headers:
        return [
            ("x-amzn-oidc-accesstoken", session.access_token),
            ("x-amzn-oidc-identity", str(session.claims["sub"])),
            ("x-amzn-oidc-data", self._signed(login, session)),
        ]

    def _signed(self, login: _Login, session: _Session) -> str:
        """Sign claims as the load balancer does: ES256, and base64 with its padding."""
        header = {
            "typ": "JWT",
            "kid": "12345678-1234-1234-1234-123456789012",
            "alg": "ES256",
            "iss": login.issuer,
            "client": login.client_id,
            "signer": ARN,
            "exp": int(self._clock()) + 120,
        }
        signed = b".".join(
            base64.urlsafe_b64encode(json.dumps(each).encode()) for each in (header, session.claims)
        )
        r, s = utils.decode_dss_signature(self._key.sign(signed, ec.ECDSA(SHA256())))
        signature = base64.urlsafe_b64encode(r.to_bytes(32) + s.to_bytes(32))
        return f"{signed.decode()}.{signature.decode()}"

    def _forward(self, ingress: Ingress, request: Request, identity: Headers) -> Response:
        sent = urllib3.HTTPHeaderDict()
        for name, value in request.headers:
            ours = name.lower().startswith("x-amzn-oidc-") or name.lower() in _HOP_BY_HOP
            if not ours and (_VALID_NAME.fullmatch(name) or not self._drops_invalid):
                sent.add(name, value)
        for name, value in identity:
            sent.add(name, value)
        forwarded = sent.get("X-Forwarded-For")
        sent["X-Forwarded-For"] = f"{forwarded}, {request.client}" if forwarded else request.client
        sent["X-Forwarded-Proto"], sent["X-Forwarded-Port"] = "https", str(self._secure_port)
        backend = self._backends[ingress.namespace, ingress.service, ingress.port]
        answer = self._pool.request(
            request.method,
            f"{backend}{request.target}",
            body=request.body or None,
            headers=sent,
            redirect=False,
            retries=False,
        )
        kept = [each for each in answer.headers.items() if each[0].lower() not in _HOP_BY_HOP]
        return Response(answer.status, answer.data.decode(), kept)


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote(name)}:{quote(secret)}".encode()).decode()


def _agreed(ingresses: list[Ingress], key: str) -> str | None:
    values = {each.annotations[key] for each in ingresses if key in each.annotations}
    if len(values) > 1:
        raise ValueError(f"conflicting {key}: {sorted(values)}")
    return next(iter(values), None)


def _login(
    ingress: Ingress, kubernetes_secrets: Secrets, describe_client: DescribeClient
) -> _Login | None:
    kind = ingress.annotations.get("auth-type", "none")
    if kind == "none":
        return None
    idp = json.loads(ingress.annotations[f"auth-idp-{kind}"])
    if kind == "oidc":
        secret = kubernetes_secrets[ingress.namespace, idp["secretName"]]
        return _Login(
            idp["issuer"],
            idp["authorizationEndpoint"],
            idp["tokenEndpoint"],
            idp["userInfoEndpoint"],
            secret["clientID"],
            secret["clientSecret"],
        )
    # Cognito developer guide, "Managed login endpoints".
    region, pool = idp["userPoolARN"].split(":")[3], idp["userPoolARN"].rpartition("/")[2]
    domain = f"https://{idp['userPoolDomain']}.auth.{region}.amazoncognito.com/oauth2"
    client = describe_client(pool, idp["userPoolClientID"])
    return _Login(
        f"https://cognito-idp.{region}.amazonaws.com/{pool}",
        f"{domain}/authorize",
        f"{domain}/token",
        f"{domain}/userInfo",
        client["ClientId"],
        client["ClientSecret"],
    )
