"""The section `kubecost.expose`: host names, TLS and login of the UIs behind the load balancer."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from settings.kinds import AsTuple, Cidr, Matching
from settings.section import Section

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

HOST_NAME = Matching(
    rf"(?=.{{4,253}}$)({_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]",
    "a host name in lower case such as kubecost.example.com, without *, scheme and port",
)
Host = Annotated[str, HOST_NAME]
CertificateArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]{36}",
        "an ACM certificate ARN such as arn:aws:acm:eu-west-1:111122223333:certificate/1234…",
    ),
]
WebAclArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[\w-]{1,128}/[0-9a-f-]{36}",
        "the ARN of a regional WAFv2 web ACL, with regional/webacl/ in it",
    ),
]
SecretArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,519}",
        "a Secrets Manager ARN such as arn:aws:secretsmanager:eu-west-1:111122223333:secret:login",
    ),
]
SecretName = Annotated[
    str, Matching(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "the name of a Kubernetes Secret")
]
HttpsUrl = Annotated[
    str,
    Matching(r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[\w.~!$&'()*+,;=:@%/-]*)?", "an https:// URL"),
]
ClientId = Annotated[
    str, Matching(r"[\w.:/@~-]{1,256}", "the client id that the identity provider gave")
]
PoolId = Annotated[
    str, Matching(r"[a-z0-9-]+_[A-Za-z0-9]{1,55}", "a user pool id such as eu-west-1_AbCdEf123")
]
PoolDomain = Annotated[
    str,
    Matching(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "a domain prefix: `login` of login.auth.eu-west-1.amazoncognito.com",
    ),
]
Subject = Annotated[
    str, Matching(r"[\w.|@:/+=-]{1,190}", "the claim `sub` that the login gives for a user")
]


class OrNone:
    """A section, or the word `none`, which is None here; `otherwise` is said of other text."""

    def __init__(self, otherwise: str) -> None:
        self._otherwise = otherwise

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return handler.generate_schema(Annotated[source, BeforeValidator(self._read)])

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found = handler(schema)
        return {"anyOf": [{"const": "none"}, *found.get("anyOf", [found])]}

    def _read(self, value: Any) -> Any:
        if isinstance(value, str) and value != "none":
            raise PydanticCustomError("allowed", "{allowed}", {"allowed": self._otherwise})
        return None if value == "none" else value


class OidcSettings(Section):
    """A company's identity provider that speaks OpenID Connect: Entra ID, Okta, Google, Keycloak.

    Register the callback URL that the deployment prints for each UI.
    """

    REFUSED: ClassVar[Mapping[str, str]] = {
        "client_secret": "secret_arn or secret_name: a secret is never in a file of this project",
        "secret": "secret_arn or secret_name: a secret is never in a file of this project",
    }

    issuer: HttpsUrl
    """The issuer, without /.well-known/openid-configuration."""
    client_id: ClientId
    """The client that you registered for the UIs."""
    secret_arn: SecretArn | None = None
    """An AWS Secrets Manager secret whose text is the client's secret. Terraform passes it to the
    cluster without keeping it in its state. If you rotate it, the next deployment passes it
    again."""
    secret_name: SecretName | None = None
    """In place of `secret_arn`: a Secret with the keys `clientID` and `clientSecret` that you keep
    in the namespace of each UI."""
    authorization_endpoint: HttpsUrl | None = None
    """null: from the issuer's discovery document, read when Terraform plans. Set all three
    endpoints or none."""
    token_endpoint: HttpsUrl | None = None
    """null: from the discovery document."""
    user_info_endpoint: HttpsUrl | None = None
    """null: from the discovery document."""

    @property
    def endpoints(self) -> tuple[str | None, str | None, str | None]:
        """Give the authorization, token and user info endpoints."""
        return self.authorization_endpoint, self.token_endpoint, self.user_info_endpoint


class CognitoSettings(Section):
    """A Cognito user pool: an existing one, or one that the stack `load_balancer` creates."""

    create: bool = False
    """Creates a pool in which only administrators create users. Destroying `load_balancer` deletes
    it with its users. To keep them, name an existing pool."""
    pool_id: PoolId | None = None
    """An existing pool in the cluster's region and account. Each UI adds its own client."""
    domain: PoolDomain | None = None
    """Domain prefix of the existing pool."""
    identity_provider: Annotated[str, Matching(r"[\w.-]{3,32}", "3 to 32 letters, digits, _.-")] = (
        "COGNITO"
    )
    """Who logs people in at an existing pool: `COGNITO`, or the name of a provider in it."""
    mfa: Literal["required", "optional", "none"] = "required"
    """Second factor by an authenticator app, in the created pool."""
    password_length: Annotated[int, Field(ge=8, le=99)] = 14
    """Shortest password in the created pool, with letters of both cases, digits and symbols."""
    saml_metadata_url: HttpsUrl | None = None
    """A company's SAML provider that logs people in to the created pool, in place of users in the
    pool. For OpenID Connect, use `oidc` without Cognito."""


class LoginSettings(Section):
    """Who logs people in before they see a UI: one of `oidc` and `cognito`."""

    oidc: OidcSettings | None = None
    """A provider that speaks OpenID Connect."""
    cognito: CognitoSettings | None = None
    """A Cognito user pool."""


class ExposeSettings(Section):
    """One application load balancer for the UIs of a cluster, with TLS and a login in front.

    Deploy the stack `load_balancer` first.
    """

    host: Host
    """Host name of Kubecost if you choose one architecture. With several, each has a name below it,
    such as prom-amp-cost.kubecost.example.com. On a further cluster of a fleet, the cluster's id
    comes before `host`."""
    grafana_host: Host | None = None
    """Host name of Grafana; null: grafana, below `host`."""
    scheme: Literal["internal", "internet"] = "internal"
    """From where people reach the load balancer: `internal`, from the VPC and connected networks,
    or `internet`. A change creates a new load balancer."""
    hosted_zone: Host | None = None
    """A public Route 53 zone that the hosts are in. Each UI gets an alias record in it and, without
    `certificate_arn`, a certificate. null: point the names to the load balancer yourself."""
    certificate_arn: CertificateArn | None = None
    """An existing ACM certificate for all hosts, in the cluster's region and account."""
    login: Annotated[LoginSettings | None, OrNone("none, or a section: cognito or oidc")]
    """Who logs people in. `none` is allowed only for `internal` with `allowed_cidrs`. Then everyone
    who reaches the load balancer sees all costs."""
    allowed_cidrs: Annotated[tuple[Cidr, ...], AsTuple] = ()
    """Addresses that may reach the load balancer. If empty: for `internal` all private addresses,
    for `internet` everyone, who then meets the login."""
    web_acl_arn: WebAclArn | None = None
    """An AWS WAF web ACL for the load balancer."""
    session_hours: Annotated[int, Field(ge=1, le=168)] = 12
    """Hours after which people must log in again."""

    @property
    def inbound_cidrs(self) -> tuple[str, ...]:
        """Who reaches the load balancer, defaults filled in."""
        if self.allowed_cidrs:
            return self.allowed_cidrs
        return ("0.0.0.0/0",) if self.scheme == "internet" else PRIVATE_CIDRS


# RFC 1918, and RFC 6598 which AWS's VPCs may have, too.
PRIVATE_CIDRS = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")

Expose = Annotated[
    ExposeSettings | None,
    OrNone(
        "none, or a section since a login is in front: expose: {scheme: internal, host: …,"
        " hosted_zone: …, login: …, allowed_cidrs: […]}; see docs/security.md"
    ),
]


def ui_host(expose: ExposeSettings, ui: str, *, alone: bool, cluster_id: str | None) -> str:
    """Name the host of a UI.

    Args:
        expose: the section.
        ui: `grafana`, or the architecture whose Kubecost it is.
        alone: whether it is the only architecture that was chosen.
        cluster_id: of a further cluster of a fleet; None is the first one.
    """
    if ui == "grafana":
        return expose.grafana_host or f"grafana.{expose.host}"
    labels = [] if alone else [ui]
    labels += [cluster_id.lower()] if cluster_id else []
    return ".".join([*(label.replace("_", "-") for label in labels), expose.host])
