"""Call AWS with the user's own credentials; AWS_ENDPOINT_URL may override the endpoints."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore import exceptions
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from tools.verify.answer import check_encrypted, read_bounded, read_json
from tools.verify.finding import CannotCheckError

# A person waits for the answer, so fail soon.
_CONFIG = Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard"})
TIMEOUT = 60  # seconds, for a query
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_INVALID = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_SIGN_IN = "sign in again (aws sso login, or aws configure) and try: aws sts get-caller-identity"


def error_code(error: Exception) -> str:
    """Return the error code of AWS's answer; "" if AWS did not answer."""
    answer = getattr(error, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))


@contextmanager
def explained(purpose: str) -> Iterator[None]:
    """Explain on one line why a call to AWS failed.

    Raises:
        CannotCheckError: with what to do.
    """
    try:
        yield
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise CannotCheckError(f"no AWS credentials; {_SIGN_IN}") from None
    except exceptions.ProfileNotFound as error:
        raise CannotCheckError(f"AWS_PROFILE: {error}") from None
    except (
        exceptions.EndpointConnectionError,
        exceptions.ConnectTimeoutError,
        exceptions.ReadTimeoutError,
    ) as error:
        raise CannotCheckError(f"AWS cannot be reached to {purpose}: {error}") from None
    except exceptions.BotoCoreError as error:
        if "Token" in type(error).__name__ or "SSO" in type(error).__name__:
            raise CannotCheckError(f"AWS credentials have expired; {_SIGN_IN}") from None
        raise CannotCheckError(f"the call to AWS to {purpose} failed: {error}") from None
    except exceptions.ClientError as error:
        code = error_code(error)
        if code in _EXPIRED:
            raise CannotCheckError(f"AWS credentials have expired; {_SIGN_IN}") from None
        if code in _INVALID:
            raise CannotCheckError(f"AWS credentials are not valid ({code}); {_SIGN_IN}") from None
        if code in _DENIED:
            said = error.response["Error"].get("Message", code)
            raise CannotCheckError(f"your AWS identity may not {purpose}: {said}") from None
        raise CannotCheckError(f"AWS could not {purpose}: {error}") from None


class Aws:
    """AWS in one region, with an assumed role if one is given."""

    def __init__(self, region: str, role_arn: str | None = None) -> None:
        self.region = region
        self._role_arn = role_arn
        self._clients: dict[str, Any] = {}

    @cached_property
    def session(self) -> Any:
        """The session; the role is assumed at first use.

        Raises:
            CannotCheckError: there are no credentials, or they may not assume the role.
        """
        with explained(f"assume {self._role_arn}"):
            own: Any = boto3.Session(region_name=self.region)
            if not self._role_arn:
                return own
            answer = own.client("sts", config=_CONFIG).assume_role(
                RoleArn=self._role_arn, RoleSessionName="verify"
            )["Credentials"]
        return boto3.Session(
            region_name=self.region,
            aws_access_key_id=answer["AccessKeyId"],
            aws_secret_access_key=answer["SecretAccessKey"],
            aws_session_token=answer["SessionToken"],
        )

    def client(self, service: str) -> Any:
        """Return the client of a service; make it once."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service, config=_CONFIG)
        return self._clients[service]

    def query_amp(self, url: str, promql: str) -> Any:
        """Send a signed query to AMP; `url` is the address of its instant queries.

        Raises:
            CannotCheckError: AMP cannot be reached, or refuses the query.
        """
        check_encrypted(url, "a signed request", own_machine=True)
        with explained("query AMP"):
            credentials = self.session.get_credentials()
            if credentials is None:
                raise exceptions.NoCredentialsError
            # POST, because the length of a GET's query string is limited.
            request = AWSRequest(
                "POST",
                url,
                {"Content-Type": "application/x-www-form-urlencoded"},
                urlencode({"query": promql}),
                stream_output=True,
            )
            SigV4Auth(credentials.get_frozen_credentials(), "aps", self.region).add_auth(request)
            bundle = self.session._session.get_config_variable("ca_bundle")
            answer = URLLib3Session(verify=bundle or True, timeout=TIMEOUT).send(request.prepare())
            body = read_bounded(answer.raw, "AMP's answer")
        said = " ".join(body[:2000].decode(errors="replace").split())[:200]
        if answer.status_code == 403:
            who = self._role_arn or "your AWS identity"
            raise CannotCheckError(
                f"AMP refuses {who}, which needs aps:QueryMetrics on the workspace: {said}"
            )
        if answer.status_code != 200:
            raise CannotCheckError(f"AMP answered {answer.status_code}: {said}")
        return read_json(body, "AMP's answer")
