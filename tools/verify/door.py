"""How an exposed UI answers from here: its certificate, the redirect, and the login."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import urllib3

from tools.common import Json
from tools.verify.context import Context
from tools.verify.finding import CannotCheckError, Finding

_PREFIX = "alb.ingress.kubernetes.io/"
_TIMEOUT = urllib3.Timeout(10)
_REDIRECTS = (301, 302, 303, 307, 308)


def check(
    context: Context, ingress: Json, *, ports: tuple[int, int] = (80, 443)
) -> Iterator[Finding]:
    """Ask as somebody would who is not logged in.

    Raises:
        CannotCheckError: the load balancer cannot be reached from here.
    """
    host = ingress["spec"]["rule"][0]["host"]
    plain, secure = ports
    what = f"the certificate of {host} is valid and for that host"
    try:
        answer = _get(f"https://{host}:{secure}/" if secure != 443 else f"https://{host}/")
    except urllib3.exceptions.SSLError as error:
        yield Finding.fail(
            what,
            seen=str(error).rpartition("SSLError(")[2][:120] or str(error)[:120],
            expected="a certificate from a public authority with that name",
            fix="look at kubecost.expose.certificate_arn, or in ACM whether the certificate is"
            f" issued; then: cdktf deploy {context.declared.name}",
        )
        return
    yield Finding.ok(what)
    yield _login(context, ingress["metadata"]["annotations"], host, answer)
    yield _redirect(
        context, host, _get(f"http://{host}:{plain}/" if plain != 80 else f"http://{host}/")
    )


def _get(url: str) -> urllib3.BaseHTTPResponse:
    pool = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", timeout=_TIMEOUT)
    try:
        return pool.request("GET", url, redirect=False, retries=False)
    except urllib3.exceptions.SSLError:
        raise
    except urllib3.exceptions.HTTPError as error:
        raise CannotCheckError(
            f"{url} cannot be reached from here ({str(error).rpartition(': ')[2][:80]}): does the"
            " name lead to the load balancer, and is your address in kubecost.expose.allowed_cidrs"
            " (or are you inside of the VPC, for scheme internal)?"
        ) from None


def _redirect(context: Context, host: str, answer: urllib3.BaseHTTPResponse) -> Finding:
    what = f"http://{host} leads to https"
    location = answer.headers.get("Location", "")
    target = urlsplit(location)
    if answer.status in _REDIRECTS and (target.scheme, target.hostname) == ("https", host):
        return Finding.ok(what)
    return Finding.fail(
        what,
        seen=f"status {answer.status} {location}".rstrip(),
        expected=f"a redirect to https://{host}",
        fix=f"cdktf deploy {context.declared.name}; is another Ingress in the group on port 80?",
    )


def _login(
    context: Context, annotations: Json, host: str, answer: urllib3.BaseHTTPResponse
) -> Finding:
    kind = annotations.get(f"{_PREFIX}auth-type")
    if not kind:
        return Finding.skipped(f"{host} asks nobody who they are (kubecost.expose.login: none)")
    what = f"without a session https://{host} leads to the login"
    location = answer.headers.get("Location", "")
    target = urlsplit(location)
    endpoint = json.loads(annotations[f"{_PREFIX}auth-idp-{kind}"]).get("authorizationEndpoint", "")
    known = endpoint if "${" not in endpoint else ""
    if (
        answer.status in _REDIRECTS
        and target.scheme == "https"
        and target.hostname != host
        and location.startswith(known)
        and f"https%3A%2F%2F{host}" in location
    ):
        return Finding.ok(f"{what} at {target.hostname}")
    return Finding.fail(
        what,
        seen=f"status {answer.status} {location[:80]}".rstrip(),
        expected=f"a redirect to {known or 'the identity provider'}",
        fix=f"cdktf deploy {context.declared.name}; then: kubectl -n {context.namespace} describe"
        " ingress, whose events say what the controller could not do",
    )
