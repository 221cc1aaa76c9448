"""Ring 3: people log in at the load balancer, and the UIs behind it know who they are."""

import base64
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
import urllib3
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from tests.conftest import Stack, read_stacks, synthesize_into
from tests.synth.documents import helm_values, resources
from tests.terraform.clusters import make_cluster, session
from tests.terraform.entrance import SECRET, prepare
from tests.terraform.login.identity_provider import FORM, Client, IdentityProvider, User
from tests.terraform.login.load_balancer import ARN, CALLBACK, Ingress, LoadBalancer
from tests.terraform.login.network import Browser, Network, Page
from tests.terraform.login.uis import Grafana, Kubecost
from tests.terraform.roots import Root
from tests.terraform.simulated_aws import SimulatedAws
from tools.verify import door
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import Status

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere loopback has one address alone"
)
KUBECOST, GRAFANA = "https://kubecost.example.com", "https://grafana.kubecost.example.com"
ISSUER = "https://login.example.com/realms/company"
ENDPOINTS = (f"{ISSUER}/authorize", f"{ISSUER}/token", f"{ISSUER}/userinfo")
ANA = User("248289761001", "ana@example.com", "correct horse")
BEN = User("90342.ASDFJWFA", "ben@example.com", "battery staple")
REGION = "eu-west-1"
# Loopback has a network for each of those that settings and security groups tell apart.
BALANCER, PEOPLE, PODS = "127.0.1.10", "127.0.2.10", "127.0.4.10"
STRANGER, OTHER_POD = "127.0.9.10", "127.0.4.99"
NAMES = ("prom_amp", "grafana")
SETTINGS = f"""
region: {REGION}
architectures: [prom_amp]
clusters:
  - name: shop
    network_policies:
      control_plane: [127.0.3.0/24]
      nodes: [127.0.4.0/24]
      load_balancers: [127.0.1.0/24]
kubecost:
  expose:
    host: kubecost.example.com
    hosted_zone: example.com
    allowed_cidrs: [127.0.2.0/24]
    session_hours: 2
    login: LOGIN
grafana: GRAFANA
"""
OIDC = f"""
      oidc:
        issuer: {ISSUER}
        client_id: costs
        secret_arn: arn:aws:secretsmanager:{REGION}:111122223333:secret:login-AbCdEf
        authorization_endpoint: {ENDPOINTS[0]}
        token_endpoint: {ENDPOINTS[1]}
        user_info_endpoint: {ENDPOINTS[2]}
"""
FORGED = {
    "x-amzn-oidc-identity": ANA.subject,
    "X-Amzn-Oidc-Data": "e30=.e30=.e30=",
    "x-amzn-oidc-accesstoken": "forged",
}


class Clock:
    """The time of everybody here, which tests set forward."""

    def __init__(self) -> None:
        self.now = 1_767_225_600.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """What people meet, and what is behind it."""

    network: Network
    clock: Clock
    provider: IdentityProvider
    balancer: LoadBalancer
    grafana: Grafana
    kubecost: Kubecost
    grafana_pod: str
    ingresses: list[Ingress]

    def browser(self, address: str = PEOPLE) -> Browser:
        return Browser(self.network, address)

    def log_in(self, browser: Browser, url: str, user: User) -> Page:
        """Open a page and fill in the form that comes."""
        form = browser.follow(browser.open(url))
        assert form.text == FORM
        return browser.follow(_fill_in(browser, form, user.name, user.password))


def _fill_in(browser: Browser, form: Page, name: str, password: str) -> Page:
    return browser.open(form.url, method="POST", body=f"username={name}&password={password}")


def synthesized(folder: Path, *, login: str = OIDC, grafana: str) -> dict[str, Stack]:
    file = folder / "kubecost.yaml"
    file.write_text(SETTINGS.replace("LOGIN", login).replace("GRAFANA", grafana))
    return read_stacks(synthesize_into(folder / "out", file))


def ingress_of(stack: Stack) -> dict[str, Any]:
    (found,) = resources(stack, "kubernetes_ingress_v1").values()
    return found


def secrets_of(stacks: dict[str, Stack]) -> dict[tuple[str, str], dict[str, str]]:
    """Give the Secrets that the load balancer controller may read.

    test_door.py follows their value from Secrets Manager.
    """
    found = {}
    for name in NAMES:
        ((id, version),) = stacks[name]["ephemeral"]["aws_secretsmanager_secret_version"].items()
        assert version["secret_id"].endswith(":secret:login-AbCdEf")
        (secret,) = resources(stacks[name], "kubernetes_secret_v1").values()
        metadata = secret["metadata"]
        (role,) = resources(stacks[name], "kubernetes_role_v1").values()
        (rule,) = role["rule"]
        if (metadata["name"], metadata["namespace"]) == (
            *rule["resource_names"],
            role["metadata"]["namespace"],
        ):
            value = f"${{ephemeral.aws_secretsmanager_secret_version.{id}.secret_string}}"
            found[metadata["namespace"], metadata["name"]] = {
                key: each.replace(value, SECRET) for key, each in secret["data_wo"].items()
            }
    return found


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Network]:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with closing(Network(ca, monkeypatch)) as made:
        yield made


def build(
    network: Network,
    stacks: dict[str, Stack],
    annotations: dict[str, dict[str, str]],
    provider: Callable[[Clock], IdentityProvider],
    **known: Any,
) -> World:
    """Put the UIs of the stacks behind one load balancer."""
    clock = Clock()
    grafana = Grafana(helm_values(stacks["grafana"], "grafana_release"))
    kubecost = Kubecost()
    grafana_pod = network.serve(grafana, address=PODS)
    # The charts' Services, and the ports at which the pods listen.
    backends = {
        ("kubecost-grafana", "kubecost-grafana", 80): grafana_pod,
        ("kubecost-prom-amp", "kubecost-prom-amp-cost-analyzer", 9090): network.serve(
            kubecost, address=PODS
        ),
    }
    ingresses = [Ingress.of(ingress_of(stacks[name]), annotations[name]) for name in NAMES]
    made = provider(clock)
    balancer = LoadBalancer(
        network,
        ingresses,
        address=BALANCER,
        backends=backends,
        keys_url=made.keys_url,
        clock=clock,
        **{"kubernetes_secrets": {}, "describe_client": lambda *_: {}, **known},
    )
    return World(network, clock, made, balancer, grafana, kubecost, grafana_pod, ingresses)


def build_oidc(network: Network, stacks: dict[str, Stack], **known: Any) -> World:
    """Build with a company's provider; nothing in a login's annotations is left to Terraform."""
    annotations = {name: ingress_of(stacks[name])["metadata"]["annotations"] for name in NAMES}
    for each in annotations.values():
        assert not any("${" in value for key, value in each.items() if "/auth-" in key)
    callbacks = tuple(
        stacks[name]["output"][f"{ui}_ui_login_callback_url"]["value"]
        for name, ui in (("prom_amp", "kubecost"), ("grafana", "grafana"))
    )
    return build(
        network,
        stacks,
        annotations,
        lambda clock: IdentityProvider(
            network,
            issuer=ISSUER,
            endpoints=ENDPOINTS,
            clients=[Client("costs", SECRET, callbacks, ("openid",))],
            users=[ANA, BEN],
            clock=clock,
        ),
        **{"kubernetes_secrets": secrets_of(stacks), **known},
    )


@pytest.fixture(scope="module")
def oidc_stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stack]:
    return synthesized(
        tmp_path_factory.mktemp("oidc"), grafana=f"{{enabled: true, admin: '{ANA.subject}'}}"
    )


@pytest.fixture
def world(network: Network, oidc_stacks: dict[str, Stack]) -> World:
    return build_oidc(network, oidc_stacks)


@pytest.mark.parametrize(
    "url", [KUBECOST, f"{KUBECOST}/model/allocation?window=7d", f"{GRAFANA}/api/user"]
)
@pytest.mark.parametrize("headers", [{}, FORGED, {"Cookie": "AWSELBAuthSessionCookie-0=forged"}])
def test_without_a_session_one_meets_the_login(
    world: World, url: str, headers: dict[str, str]
) -> None:
    page = world.browser().open(url, headers=headers)
    assert page.status == 302
    endpoint, _, query = page.header("Location").partition("?")
    assert endpoint == ENDPOINTS[0]
    asked = {key: value for key, (value,) in parse_qs(query, strict_parsing=True).items()}
    assert len(asked.pop("state")) > 20
    host = urlsplit(url).hostname
    assert asked == {
        "client_id": "costs",
        "redirect_uri": f"https://{host}/oauth2/idpresponse",
        "response_type": "code",
        "scope": "openid",
    }
    nonce = page.header("Set-Cookie")
    assert nonce.startswith("AWSALBAuthNonce=")
    assert "Secure; HttpOnly" in nonce
    assert world.kubecost.seen == world.grafana.seen == []


def test_verify_finds_the_login(world: World) -> None:
    context = Context(Declared("prom_amp", _NAMESPACE), cast(Any, None), {}, cast(Any, None))
    world.network.address = PEOPLE
    for ingress in world.ingresses:
        annotations = {
            f"alb.ingress.kubernetes.io/{key}": value for key, value in ingress.annotations.items()
        }
        shown = {
            "metadata": {"annotations": annotations},
            "spec": {"rule": [{"host": ingress.host}]},
        }
        assert [each.status for each in door.check(context, shown)] == [Status.OK] * 3


_NAMESPACE: Stack = {
    "resource": {"kubernetes_namespace_v1": {"place_namespace": {"metadata": {"name": "kubecost"}}}}
}


def test_plain_http_never_shows_a_page(world: World) -> None:
    page = world.browser().open("http://kubecost.example.com/model/allocation?window=7d")
    assert page.status == 301
    assert page.header("Location") == (
        "https://kubecost.example.com:443/model/allocation?window=7d"
    )
    assert world.kubecost.seen == []


def test_who_is_not_allowed_does_not_even_meet_the_login(world: World) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        world.browser(STRANGER).open(KUBECOST)
    assert world.browser().open(KUBECOST).status == 302


@pytest.mark.parametrize(("user", "role", "rules"), [(ANA, "Admin", True), (BEN, "Viewer", False)])
def test_who_logs_in_is_the_same_person_in_grafana(
    world: World, user: User, role: str, rules: bool
) -> None:
    browser = world.browser()
    page = world.log_in(browser, f"{GRAFANA}/d/costs?orgId=1", user)
    assert (page.url, page.text) == (f"{GRAFANA}/d/costs?orgId=1", f"Welcome {user.subject}")
    shown = json.loads(browser.open(f"{GRAFANA}/api/user").text)
    assert shown == {"login": user.subject, "isGrafanaAdmin": rules}
    (organization,) = json.loads(browser.open(f"{GRAFANA}/api/user/orgs").text)
    assert organization["role"] == role


def test_without_an_administrator_in_the_settings_everybody_views(
    network: Network, tmp_path: Path
) -> None:
    world = build_oidc(network, synthesized(tmp_path, grafana="{enabled: true}"))
    browser = world.browser()
    world.log_in(browser, GRAFANA, ANA)
    (organization,) = json.loads(browser.open(f"{GRAFANA}/api/user/orgs").text)
    assert organization["role"] == "Viewer"


def test_kubecost_works_behind_the_login(world: World) -> None:
    browser = world.browser()
    assert "<title>Kubecost" in world.log_in(browser, f"{KUBECOST}/allocations", BEN).text
    called = browser.open(f"{KUBECOST}/model/allocation?window=7d&aggregate=namespace")
    assert json.loads(called.text)["call"] == "GET /allocation?window=7d&aggregate=namespace"
    saved = browser.open(f"{KUBECOST}/model/reports", method="POST", body='{"title": "Mine"}')
    assert json.loads(saved.text) == {"call": "POST /reports", "body": '{"title": "Mine"}'}
    # The load balancer waits as long for an answer as Kubecost's own server.
    for ingress in world.ingresses:
        attributes = ingress.annotations["load-balancer-attributes"].split(",")
        assert "idle_timeout.timeout_seconds=300" in attributes


def test_people_log_in_once_for_all_uis(world: World) -> None:
    browser = world.browser()
    world.log_in(browser, KUBECOST, BEN)
    page = browser.follow(browser.open(GRAFANA))
    assert page.text == f"Welcome {BEN.subject}"
    assert world.provider.forms == 1


def test_a_wrong_password_leads_nowhere(world: World) -> None:
    browser = world.browser()
    form = browser.follow(browser.open(GRAFANA))
    assert _fill_in(browser, form, BEN.name, ANA.password).text == FORM
    assert world.grafana.seen == []


def test_headers_that_somebody_sends_do_not_reach_a_ui(world: World) -> None:
    browser = world.browser()
    world.log_in(browser, GRAFANA, BEN)
    # A server may read an underscore as a hyphen; names with one are invalid.
    invalid = {"X_Amzn_Oidc_Identity": ANA.subject}
    page = browser.open(f"{GRAFANA}/api/user", headers=FORGED | invalid)
    assert json.loads(page.text) == {"login": BEN.subject, "isGrafanaAdmin": False}
    arrived = [
        (name.lower(), value)
        for name, value in world.grafana.seen[-1].headers
        if "oidc" in name.lower()
    ]
    assert [name for name, _ in arrived] == [
        "x-amzn-oidc-accesstoken",
        "x-amzn-oidc-identity",
        "x-amzn-oidc-data",
    ]
    assert not {*FORGED.values()} & {value for _, value in arrived}


def test_the_claims_are_signed_by_the_load_balancer(world: World) -> None:
    world.log_in(world.browser(), KUBECOST, BEN)
    header, claims, signature = world.kubecost.seen[-1].header("x-amzn-oidc-data").split(".")
    raw = base64.urlsafe_b64decode(signature)
    world.balancer.public_key.verify(
        utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])),
        f"{header}.{claims}".encode(),
        ec.ECDSA(SHA256()),
    )
    told = json.loads(base64.urlsafe_b64decode(header))
    assert (told["alg"], told["signer"], told["client"], told["iss"]) == (
        "ES256",
        ARN,
        "costs",
        ISSUER,
    )
    assert json.loads(base64.urlsafe_b64decode(claims)) == {"sub": BEN.subject, "email": BEN.name}


def test_who_comes_past_the_load_balancer_is_nobody(world: World) -> None:
    """A pod that NetworkPolicies would let through: Grafana itself does not believe it."""
    for address, login in ((OTHER_POD, None), (BALANCER, ANA.subject)):
        page = world.browser(address).open(f"{world.grafana_pod}/api/user", headers=FORGED)
        assert page.status == (200 if login else 401)
    assert world.browser(OTHER_POD).open(world.grafana_pod).header("Location") == "/login"


def test_a_session_ends_when_the_settings_say(world: World) -> None:
    browser = world.browser()
    world.log_in(browser, KUBECOST, BEN)
    world.clock.now += 2 * 3600 - 1
    assert browser.open(KUBECOST).status == 200
    world.clock.now += 1
    assert browser.open(KUBECOST).header("Location").startswith(ENDPOINTS[0])
    world.provider.log_everybody_out()
    assert browser.follow(browser.open(KUBECOST)).text == FORM
    assert "<title>" in world.log_in(browser, KUBECOST, BEN).text


def test_a_session_is_for_one_host(world: World) -> None:
    browser = world.browser()
    world.log_in(browser, KUBECOST, BEN)
    cookies = browser.cookies["kubecost.example.com"]
    stolen = "; ".join(f"{name}={value}" for name, value in cookies.items())
    assert browser.open(GRAFANA, headers={"Cookie": stolen}).status == 302


def test_a_login_cannot_be_handed_to_another_browser(world: World) -> None:
    browser, victim = world.browser(), world.browser()
    form = browser.follow(browser.open(KUBECOST))
    callback = _fill_in(browser, form, BEN.name, BEN.password).header("Location")
    assert callback.startswith(f"{KUBECOST}{CALLBACK}?code=")
    assert victim.open(callback).status == 401
    assert browser.open(callback).status == 302
    # The code is spent.
    assert browser.open(callback).status == 561


def test_another_secret_than_the_registered_one_logs_nobody_in(
    network: Network, oidc_stacks: dict[str, Stack]
) -> None:
    secrets = {
        place: values | {"clientSecret": "another"}
        for place, values in secrets_of(oidc_stacks).items()
    }
    world = build_oidc(network, oidc_stacks, kubernetes_secrets=secrets)
    assert world.log_in(world.browser(), KUBECOST, BEN).status == 561
    assert world.kubecost.seen == []


def test_the_secret_is_in_the_named_secret_only(
    network: Network, oidc_stacks: dict[str, Stack]
) -> None:
    for name in NAMES:
        ingress = ingress_of(oidc_stacks[name])
        assert "clientSecret" not in json.dumps(ingress)
        assert "secret_string" not in json.dumps(ingress)
    for missing in secrets_of(oidc_stacks):
        others = {k: v for k, v in secrets_of(oidc_stacks).items() if k != missing}
        with pytest.raises(KeyError):
            build_oidc(network, oidc_stacks, kubernetes_secrets=others)


def test_uis_that_disagree_share_no_load_balancer(
    network: Network, oidc_stacks: dict[str, Stack]
) -> None:
    other = json.loads(json.dumps(oidc_stacks).replace("127.0.2.0/24", "0.0.0.0/0"))
    with pytest.raises(ValueError, match="conflicting inbound-cidrs"):
        build_oidc(network, {**oidc_stacks, "grafana": other["grafana"]})


@pytest.mark.slow
def test_people_of_a_created_pool_log_in(
    network: Network, missing_providers: set[str], tmp_path: Path
) -> None:
    """Terraform makes pool and clients; their registration decides what the provider lets pass."""
    login = "{cognito: {create: true}}"
    with SimulatedAws(region=REGION) as aws:
        make_cluster(session(aws, REGION), "shop")
        cognito = aws.client("cognito-idp")

        def apply(name: str, stack: Stack) -> dict[str, Any]:
            root = Root(tmp_path / name, stack, aws, missing_providers)
            root.init()
            root.apply()
            return root.outputs()

        first = synthesized(tmp_path, login=login, grafana="{enabled: true}")
        apply("load_balancer", first["load_balancer"])
        (pool,) = cognito.list_user_pools(MaxResults=60)["UserPools"]
        made = cognito.admin_create_user(UserPoolId=pool["Id"], Username=ANA.name)["User"]
        (subject,) = (each["Value"] for each in made["Attributes"] if each["Name"] == "sub")
        # Then the user's claim `sub` is known, and can be in the settings.
        stacks = synthesized(
            tmp_path, login=login, grafana=f"{{enabled: true, admin: '{subject}'}}"
        )
        outputs = {}
        for name, stack in prepare(aws, {name: stacks[name] for name in NAMES}).items():
            annotations = ingress_of(stack)["metadata"]["annotations"]
            stack["output"]["annotations"] = {"value": annotations}
            outputs[name] = apply(name, stack)

        def registered(pool_id: str, client_id: str) -> dict[str, Any]:
            return cast(
                dict[str, Any],
                cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)[
                    "UserPoolClient"
                ],
            )

        clients = [
            registered(pool["Id"], each["ClientId"])
            for each in cognito.list_user_pool_clients(UserPoolId=pool["Id"])["UserPoolClients"]
        ]
        assert len(clients) == 2
        domain = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]["Domain"]
        managed_login = f"https://{domain}.auth.{REGION}.amazoncognito.com/oauth2"
        world = build(
            network,
            stacks,
            {name: outputs[name]["annotations"] for name in NAMES},
            lambda clock: IdentityProvider(
                network,
                issuer=f"https://cognito-idp.{REGION}.amazonaws.com/{pool['Id']}",
                endpoints=(
                    f"{managed_login}/authorize",
                    f"{managed_login}/token",
                    f"{managed_login}/userInfo",
                ),
                clients=[
                    Client(
                        each["ClientId"],
                        each["ClientSecret"],
                        tuple(each["CallbackURLs"]),
                        tuple(each["AllowedOAuthScopes"]),
                    )
                    for each in clients
                ],
                users=[User(subject, ANA.name, ANA.password)],
                clock=clock,
            ),
            describe_client=registered,
        )
        browser = world.browser()
        assert "<title>Kubecost" in world.log_in(browser, KUBECOST, ANA).text
        browser.follow(browser.open(GRAFANA))
        shown = json.loads(browser.open(f"{GRAFANA}/api/user").text)
        assert shown == {"login": subject, "isGrafanaAdmin": True}
        assert world.provider.forms == 1
        for each in clients:
            for output in outputs.values():
                assert each["ClientSecret"] not in json.dumps(output["annotations"])
