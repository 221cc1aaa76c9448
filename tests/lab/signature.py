"""Whose request it is: AWS's Signature Version 4, verified with the code that signs."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from datetime import datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.lab.server import Request

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/[^/]+/[^/]+/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def access_key(request: Request) -> str | None:
    """Return the access key that the request says it is signed with."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    return match["key"] if match else None


def is_signed(request: Request, credentials: Credentials, *, service: str, region: str) -> bool:
    """Tell whether the signature is that of these credentials, for this service and region, now."""
    headers = request.headers
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    digest = hashlib.sha256(request.body).hexdigest()
    if not match or headers.get("x-amz-content-sha256", digest) != digest:
        return False
    signed = AWSRequest(
        request.method,
        f"https://{headers['host']}{request.target}",
        {name: headers[name] for name in match["headers"].split(";")},
        request.body,
    )
    date = signed.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(credentials, service, region)
    canonical = auth.canonical_request(signed)
    expected = auth.signature(auth.string_to_sign(signed, canonical), signed)
    when = datetime.strptime(f"{date}+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
    return abs(time.time() - when) < 300 and hmac.compare_digest(expected, match["signature"])
