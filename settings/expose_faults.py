"""What cannot be of `kubecost.expose` and of NetworkPolicies, though each key is right."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from settings import Settings
from settings.expose import HOST_NAME, CognitoSettings, ExposeSettings, OidcSettings
from settings.faults import MISSING, Fault, find_open, until_unknown
from settings.network import Subnets

_KEY = "kubecost.expose"

# ACM user guide, "Request a public certificate": the first name of a certificate.
_LONGEST_CERTIFICATE_NAME = 64


def find_faults(settings: Settings, architectures: Sequence[str]) -> Iterator[Fault]:
    """Judge how the UIs of the chosen architectures are exposed, and the policies behind."""
    yield from until_unknown(_policies(settings))
    yield from until_unknown(_hosts(settings, architectures))
    for check in (_certificate, _login, _allow_list, _regions, _accounts, _room, _grafana):
        yield from until_unknown(check(settings))


# Elastic Load Balancing user guide, "Subnets for your load balancer": /27 and 8 free addresses.
_SMALLEST_SUBNET = 27


def _certificate(settings: Settings) -> Iterator[Fault]:
    expose = settings.kubecost.expose
    if expose and not (expose.hosted_zone or expose.certificate_arn):
        allowed = "a Route 53 zone for a new certificate, or certificate_arn: TLS is always on"
        yield Fault(f"{_KEY}.hosted_zone", MISSING, allowed)


def _hosts(settings: Settings, architectures: Sequence[str]) -> Iterator[Fault]:
    expose = settings.kubecost.expose
    if not expose:
        return
    zone = expose.hosted_zone
    given = {"host": expose.host, "grafana_host": expose.grafana_host}
    for key, host in given.items():
        if host and zone and not f".{host}".endswith(f".{zone}"):
            yield Fault(f"{_KEY}.{key}", host, f"a name in the zone {zone}")
    uis = [(architecture, cluster) for cluster in settings.fleet for architecture in architectures]
    uis += [("grafana", settings.hub)] if settings.grafana.enabled else []
    owners: dict[str, str] = {}
    for name, cluster in uis:
        host, ui = str(settings.ui_host(name, cluster)), f"{name} on {cluster.id}"
        if host in owners:
            allowed = f"a host of its own for each UI: {owners[host]} and {ui} would share it"
            yield Fault(_KEY, host, allowed)
        owners[host] = ui
        if not HOST_NAME.fits(host):
            allowed = f"names below it that are host names; {ui} would have {host}"
            yield Fault(f"{_KEY}.host", expose.host, allowed)
    longest = max(owners, key=len)
    if not expose.certificate_arn and len(longest) > _LONGEST_CERTIFICATE_NAME:
        allowed = f"a shorter name: {longest} has over 64 characters, ACM's limit"
        yield Fault(f"{_KEY}.host", expose.host, allowed)


def _login(settings: Settings) -> Iterator[Fault]:
    expose = settings.kubecost.expose
    if not expose:
        return
    key, login = f"{_KEY}.login", expose.login
    if not login:
        if expose.scheme == "internet":
            yield Fault(key, "none", "cognito or oidc: nothing faces the internet without a login")
        elif not expose.allowed_cidrs:
            allowed = "the blocks that may open the UIs: without a login everyone there sees all"
            yield Fault(f"{_KEY}.allowed_cidrs", [], allowed)
    elif bool(login.oidc) == bool(login.cognito):
        given = ["oidc", "cognito"] if login.oidc else []
        yield Fault(key, given, "one of oidc and cognito, or none")
    elif login.oidc:
        yield from _oidc(f"{key}.oidc", login.oidc)
    elif login.cognito:
        yield from _cognito(settings, f"{key}.cognito", login.cognito)


def _oidc(key: str, oidc: OidcSettings) -> Iterator[Fault]:
    if bool(oidc.secret_arn) == bool(oidc.secret_name):
        given = [oidc.secret_arn, oidc.secret_name] if oidc.secret_arn else MISSING
        yield Fault(f"{key}.secret_arn", given, "one of secret_arn and secret_name")
    if any(oidc.endpoints) and not all(oidc.endpoints):
        yield Fault(key, list(oidc.endpoints), "all three endpoints, or none")


def _cognito(settings: Settings, key: str, cognito: CognitoSettings) -> Iterator[Fault]:
    reserved = [word for word in ("amazon", "aws", "cognito") if word in settings.name.lower()]
    if cognito.create and reserved:
        allowed = f"a name without {reserved[0]}, which Cognito keeps for itself"
        yield Fault("name", settings.name, allowed)
    existing = {"pool_id": cognito.pool_id, "domain": cognito.domain}
    if cognito.create:
        for name, value in existing.items():
            if value:
                yield Fault(f"{key}.{name}", value, "only without create: true")
        if cognito.identity_provider != "COGNITO":
            allowed = "only without create: true; the created pool takes saml_metadata_url"
            yield Fault(f"{key}.identity_provider", cognito.identity_provider, allowed)
        return
    for name, value in existing.items():
        if not value:
            yield Fault(f"{key}.{name}", MISSING, "an existing pool's, or create: true")
    if cognito.saml_metadata_url:
        allowed = "only with create: true; of an existing pool name the identity_provider"
        yield Fault(f"{key}.saml_metadata_url", cognito.saml_metadata_url, allowed)


def _allow_list(settings: Settings) -> Iterator[Fault]:
    expose = settings.kubecost.expose
    if not expose:
        return
    hint = "; leave the list out where the login alone decides"
    yield from find_open(f"{_KEY}.allowed_cidrs", expose.allowed_cidrs, hint)


def _regions(settings: Settings) -> Iterator[Fault]:
    """What must be in the region of every cluster."""
    expose = settings.kubecost.expose
    if not expose:
        return
    login = expose.login
    oidc, cognito = (login.oidc, login.cognito) if login else (None, None)
    arns = _arns(expose) | {"login.oidc.secret_arn": oidc.secret_arn if oidc else None}
    places = {key: (arn, arn.split(":")[3]) for key, arn in arns.items() if arn}
    if cognito and cognito.pool_id:
        places["login.cognito.pool_id"] = cognito.pool_id, cognito.pool_id.split("_")[0]
    for cluster in settings.fleet:
        for key, (given, region) in places.items():
            if region != cluster.region:
                allowed = f"one in {cluster.region}, where cluster {cluster.name} is"
                yield Fault(f"{_KEY}.{key}", given, allowed)


def _accounts(settings: Settings) -> Iterator[Fault]:
    """What must be in the account of every cluster, as far as roles tell the accounts."""
    expose = settings.kubecost.expose
    for cluster in settings.fleet if expose else ():
        account = cluster.role_arn.split(":")[4] if cluster.role_arn else None
        for key, arn in _arns(expose).items() if expose and account else ():
            if arn and arn.split(":")[4] != account:
                allowed = f"one in account {account}, where cluster {cluster.name} is"
                yield Fault(f"{_KEY}.{key}", arn, allowed)


def _arns(expose: ExposeSettings) -> dict[str, str | None]:
    return {"certificate_arn": expose.certificate_arn, "web_acl_arn": expose.web_acl_arn}


def _room(settings: Settings) -> Iterator[Fault]:
    expose = settings.kubecost.expose
    if expose and expose.scheme == "internal":
        entry = IPv4Network(Subnets.of(settings.base.vpc_cidr, 2).entry[0])
        by_base = any(cluster.made_by_base for cluster in settings.fleet)
        if by_base and entry.prefixlen > _SMALLEST_SUBNET:
            allowed = "/16 to /21, so that an internal load balancer has room"
            yield Fault("base.vpc_cidr", settings.base.vpc_cidr, allowed)


def _grafana(settings: Settings) -> Iterator[Fault]:
    admin, expose = settings.grafana.admin, settings.kubecost.expose
    if admin and not (expose and expose.login):
        allowed = "only with kubecost.expose.login, which names the users"
        yield Fault("grafana.admin", admin, allowed)
    elif admin and not settings.blocks(settings.hub):
        allowed = "only with NetworkPolicies: else every pod could say that it is this user"
        yield Fault("grafana.admin", admin, allowed)


def _policies(settings: Settings) -> Iterator[Fault]:
    for index, (cluster, entry) in enumerate(
        zip(settings.fleet, settings.clusters or (), strict=False)
    ):
        key, policies = f"clusters[{index}].network_policies", entry.network_policies
        if policies and cluster.made_by_base:
            allowed = "null: base's subnets are known; see base.network_policies"
            yield Fault(key, policies.model_dump(), allowed)
        elif policies and settings.kubecost.expose and not policies.load_balancers:
            yield Fault(f"{key}.load_balancers", MISSING, "its blocks, since the UIs are exposed")
