"""Ring 2: every UI has TLS and a login in front, and policies behind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from modules import network_policy_rules as rules
from settings.network import Blocks
from tests.conftest import SETTINGS_FILES, read_stacks, synthesize_into
from tests.synth.documents import Stack, helm_values, resources
from tools.gate.stack import unsafe
from tools.objects import kubernetes_object
from tools.reach import Party, reaches

Stacks = Callable[[str], dict[str, Stack]]
PREFIX = "alb.ingress.kubernetes.io/"
COSTS = (
    "kubecost: {expose: {host: costs.example.com, hosted_zone: example.com,"
    " login: {cognito: {create: true}}}}"
)


def ingress(stack: Stack) -> tuple[str, dict[str, str]]:
    """Give the host of a stack's Ingress, and its annotations without their prefix."""
    (found,) = resources(stack, "kubernetes_ingress_v1").values()
    annotations = found["metadata"]["annotations"]
    assert all(key.startswith(PREFIX) for key in annotations)
    (rule,) = found["spec"]["rule"]
    return rule["host"], {key.removeprefix(PREFIX): value for key, value in annotations.items()}


def synthesized(text: str, folder: Path) -> dict[str, Stack]:
    file = folder / "kubecost.yaml"
    file.write_text(text)
    return read_stacks(synthesize_into(folder / "out", file))


EXPOSED = [
    (settings, name)
    for settings, names in {
        "exposed": ("prom", "prom_amp", "grafana"),
        "turned": ("prom", "prom_amp_cost", "prom_amp", "adot_amp", "amp", "grafana"),
        "existing": ("adot_amp",),
    }.items()
    for name in names
]


@pytest.mark.parametrize(("settings", "name"), EXPOSED)
def test_every_ui_has_tls_and_a_login(stacks: Stacks, settings: str, name: str) -> None:
    stack = stacks(settings)[name]
    host, annotations = ingress(stack)
    assert host == host.lower()
    assert annotations["auth-type"] in ("cognito", "oidc")
    assert annotations["auth-on-unauthenticated-request"] == "authenticate"
    assert json.loads(annotations["listen-ports"]) == [{"HTTP": 80}, {"HTTPS": 443}]
    assert annotations["ssl-redirect"] == "443"
    assert annotations["ssl-policy"].startswith("ELBSecurityPolicy-TLS13-1-2-")
    assert annotations["certificate-arn"]
    attributes = annotations["load-balancer-attributes"].split(",")
    assert "routing.http.drop_invalid_header_fields.enabled=true" in attributes
    # No other way in.
    assert not resources(stack, "kubernetes_service_v1")
    release = "grafana_release" if name == "grafana" else "kubecost_release"
    assert "LoadBalancer" not in json.dumps(helm_values(stack, release))


@pytest.mark.parametrize("settings", ["exposed", "turned"])
def test_the_uis_of_a_cluster_share_one_load_balancer(stacks: Stacks, settings: str) -> None:
    shared = []
    hosts = set()
    for of, name in EXPOSED:
        if of == settings:
            host, annotations = ingress(stacks(settings)[name])
            hosts.add(host)
            # What the controller wants to be the same on all: annotations guide, "Exclusive".
            shared.append(
                {
                    key: annotations.get(key)
                    for key in (
                        "group.name",
                        "scheme",
                        "inbound-cidrs",
                        "ssl-redirect",
                        "ssl-policy",
                        "load-balancer-attributes",
                        "wafv2-acl-arn",
                    )
                }
            )
    assert len(hosts) == len(shared) > 1
    assert all(each == shared[0] for each in shared)


def test_who_reaches_the_load_balancer(stacks: Stacks) -> None:
    _, default = ingress(stacks("exposed")["prom"])
    assert default["scheme"] == "internal"
    assert default["inbound-cidrs"] == "10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16"
    _, turned = ingress(stacks("turned")["prom"])
    assert turned["scheme"] == "internet-facing"
    assert turned["inbound-cidrs"] == "198.51.100.0/24"
    assert turned["wafv2-acl-arn"].startswith("arn:aws:wafv2:eu-central-1:")
    assert turned["auth-session-timeout"] == str(8 * 3600)


def test_each_ui_has_a_name_of_its_own(tmp_path: Path) -> None:
    fleet = synthesized(
        "architectures: [prom]\nclusters: [{name: kubecost}, {name: data_1, region: eu-west-1}]\n"
        + COSTS,
        tmp_path,
    )
    assert ingress(fleet["prom"])[0] == "costs.example.com"
    assert ingress(fleet["prom-data_1"])[0] == "data-1.costs.example.com"
    assert {"load_balancer", "load_balancer-data_1"} <= set(fleet)


def test_hosts_of_several_architectures(stacks: Stacks) -> None:
    hosts = [ingress(stacks("exposed")[name])[0] for name in ("prom", "prom_amp", "grafana")]
    assert hosts == [f"{ui}.kubecost.example.com" for ui in ("prom", "prom-amp", "grafana")]
    assert ingress(stacks("existing")["adot_amp"])[0] == "costs.example.com"
    assert ingress(stacks("turned")["grafana"])[0] == "dashboards.finops.example.com"


def test_a_pool_is_made_once_and_each_ui_is_a_client_of_it(stacks: Stacks) -> None:
    everything = stacks("exposed")
    (pool,) = resources(everything["load_balancer"], "aws_cognito_user_pool.").values()
    assert pool["admin_create_user_config"] == {"allow_admin_create_user_only": True}
    assert pool["mfa_configuration"] == "ON"
    (domain,) = resources(everything["load_balancer"], "aws_cognito_user_pool_domain.").values()
    for name in ("prom", "prom_amp", "grafana"):
        stack = everything[name]
        host, annotations = ingress(stack)
        (client,) = resources(stack, "aws_cognito_user_pool_client.").values()
        assert client["callback_urls"] == [f"https://{host}/oauth2/idpresponse"]
        assert client["generate_secret"] is True
        assert json.loads(annotations["auth-idp-cognito"])["userPoolDomain"] == domain["domain"]
        (found,) = stack["data"]["aws_cognito_user_pools"].values()
        assert found["name"] == pool["name"]
        assert "cdktf deploy load_balancer" in json.dumps(found)
        assert not resources(stack, "aws_cognito_user_pool.")


def test_an_existing_pool_and_its_provider(tmp_path: Path) -> None:
    stack = synthesized(
        """
architectures: [prom]
kubecost:
  expose:
    host: costs.example.com
    hosted_zone: example.com
    login: {cognito: {pool_id: ap-northeast-2_AbC123, domain: login, identity_provider: Okta}}
""",
        tmp_path,
    )
    _, annotations = ingress(stack["prom"])
    idp = json.loads(annotations["auth-idp-cognito"])
    assert (idp["userPoolDomain"], idp["userPoolARN"]) == (
        "login",
        "${data.aws_cognito_user_pool.kubecost_ui_login_pool.arn}",
    )
    (client,) = resources(stack["prom"], "aws_cognito_user_pool_client.").values()
    assert client["user_pool_id"] == "ap-northeast-2_AbC123"
    assert client["supported_identity_providers"] == ["Okta"]
    assert not resources(stack["load_balancer"], "aws_cognito")


def test_a_company_behind_the_pool(tmp_path: Path) -> None:
    url = "https://login.example.com/metadata"
    login = f"{{cognito: {{create: true, mfa: none, saml_metadata_url: '{url}'}}}}"
    stacks = synthesized(
        "architectures: [prom]\nkubecost: {expose: {host: costs.example.com,"
        f" hosted_zone: example.com, login: {login}}}}}",
        tmp_path,
    )
    (saml,) = resources(stacks["load_balancer"], "aws_cognito_identity_provider.").values()
    assert saml["provider_details"] == {"MetadataURL": url}
    (client,) = resources(stacks["prom"], "aws_cognito_user_pool_client.").values()
    assert client["supported_identity_providers"] == [saml["provider_name"]]
    (pool,) = resources(stacks["load_balancer"], "aws_cognito_user_pool.").values()
    assert pool["mfa_configuration"] == "OFF"
    assert "software_token_mfa_configuration" not in pool


def test_the_secret_of_a_client_passes_terraform_by(stacks: Stacks) -> None:
    stack = stacks("turned")["prom"]
    ((id, secret_version),) = stack["ephemeral"]["aws_secretsmanager_secret_version"].items()
    (secret,) = resources(stack, "kubernetes_secret_v1").values()
    used = f"${{ephemeral.aws_secretsmanager_secret_version.{id}.secret_string}}"
    assert secret["data_wo"] == {"clientID": "costs", "clientSecret": used}
    assert "data" not in secret
    assert "version_id" in secret["data_wo_revision"]
    # Nothing else refers to the value, and nothing else reads it.
    assert json.dumps(stack).count("secret_string") == 1
    assert "aws_secretsmanager_secret_version" not in stack["data"]
    arn = secret_version["secret_id"]
    assert stack["data"]["aws_secretsmanager_secret_versions"][id + "_versions"] == {
        "secret_id": arn
    }
    _, annotations = ingress(stack)
    assert json.loads(annotations["auth-idp-oidc"]) == {
        "issuer": "https://login.example.com/realms/company",
        "authorizationEndpoint": "https://login.example.com/realms/company/authorize",
        "tokenEndpoint": "https://login.example.com/realms/company/token",
        "userInfoEndpoint": "https://login.example.com/realms/company/userinfo",
        "secretName": secret["metadata"]["name"],
    }
    (ui,) = resources(stack, "kubernetes_ingress_v1").values()
    assert "kubernetes_secret_v1.kubecost_ui_login_secret" in ui["depends_on"]


@pytest.mark.parametrize(("settings", "name"), [("turned", "prom"), ("existing", "adot_amp")])
def test_the_controller_may_read_that_secret_alone(
    stacks: Stacks, settings: str, name: str
) -> None:
    """By itself its chart lets it read none: values.yaml, clusterSecretsPermissions."""
    stack = stacks(settings)[name]
    (ui,) = resources(stack, "kubernetes_ingress_v1").values()
    ((role_id, role),) = resources(stack, "kubernetes_role_v1").items()
    ((binding_id, binding),) = resources(stack, "kubernetes_role_binding_v1").items()
    idp = json.loads(ui["metadata"]["annotations"][f"{PREFIX}auth-idp-oidc"])
    assert role["rule"] == [
        {
            "api_groups": [""],
            "resources": ["secrets"],
            "resource_names": [idp["secretName"]],
            "verbs": ["get", "list", "watch"],
        }
    ]
    assert binding["role_ref"]["name"] == f"${{{role_id}.metadata[0].name}}"
    (subject,) = binding["subject"]
    if "load_balancer" in stacks(settings):
        values = helm_values(stacks(settings)["load_balancer"], "controller_release")
        assert subject["name"] == values["serviceAccount"]["name"]
    assert subject == {
        "kind": "ServiceAccount",
        "name": "aws-load-balancer-controller",
        "namespace": "kube-system",
    }
    for each in (role, binding):
        assert each["metadata"]["namespace"] == ui["metadata"]["namespace"]
    assert binding_id in ui["depends_on"]
    assert not resources(stacks("exposed")["prom"], "kubernetes_role")


def test_endpoints_are_discovered_when_none_is_given(stacks: Stacks) -> None:
    stack = stacks("existing")["adot_amp"]
    ((id, document),) = stack["data"]["http"].items()
    assert document["url"] == "https://login.example.com/.well-known/openid-configuration"
    (condition,) = document["lifecycle"]["postcondition"]
    assert "https://login.example.com" in condition["condition"]
    assert stack["terraform"]["required_providers"]["http"]["source"] == "hashicorp/http"
    assert "http" not in stacks("exposed")["prom"]["terraform"]["required_providers"]
    _, annotations = ingress(stack)
    idp = json.loads(annotations["auth-idp-oidc"])
    assert idp["secretName"] == "costs-login"
    for endpoint, claim in (
        ("authorizationEndpoint", "authorization_endpoint"),
        ("tokenEndpoint", "token_endpoint"),
        ("userInfoEndpoint", "userinfo_endpoint"),
    ):
        assert idp[endpoint] == f"${{jsondecode(data.http.{id}.response_body).{claim}}}"
    assert not resources(stack, "kubernetes_secret_v1")


def test_planning_asks_for_nothing_but_the_discovery_document(stacks: Stacks) -> None:
    stack = stacks("existing")["adot_amp"]
    assert not [each for each in unsafe(stack) if "http" in each]
    ((id, document),) = stack["data"]["http"].items()
    for changed in (
        {"url": "https://evil.example/?${data.aws_eks_cluster.cluster.arn}"},
        {"url": "http://login.example.com/.well-known/openid-configuration"},
        {"url": "https://x.example/${var.y}/.well-known/openid-configuration"},
        {"request_headers": {"X": "${data.aws_eks_cluster.cluster.arn}"}},
    ):
        other = {**stack, "data": {**stack["data"], "http": {id: document | changed}}}
        assert any("more than a discovery document" in each for each in unsafe(other))


def test_the_callback_of_an_identity_provider_is_told(stacks: Stacks) -> None:
    told = stacks("existing")["adot_amp"]["output"]["kubecost_ui_login_callback_url"]
    assert told["value"] == "https://costs.example.com/oauth2/idpresponse"
    name = stacks("existing")["adot_amp"]["output"]["kubecost_ui_load_balancer"]
    assert "hostname" in name["value"]


def test_the_certificate_is_issued_before_the_load_balancer_uses_it(stacks: Stacks) -> None:
    stack = stacks("exposed")["prom"]
    (certificate,) = resources(stack, "aws_acm_certificate.").values()
    assert certificate["domain_name"] == ingress(stack)[0]
    (ui,) = resources(stack, "kubernetes_ingress_v1").values()
    assert "aws_acm_certificate_validation.kubecost_ui_certificate_issued" in ui["depends_on"]
    # A given one is left alone; its zone gets the name only.
    turned = stacks("turned")["prom"]
    assert not resources(turned, "aws_acm")
    (record,) = resources(turned, "aws_route53_record").values()
    assert record["name"] == ingress(turned)[0]


def test_the_zone_is_the_hubs_also_for_a_cluster_in_another_account(tmp_path: Path) -> None:
    role = "arn:aws:iam::444455556666:role/terraform"
    stacks = synthesized(
        "architectures: [prom]\nclusters:\n  - {name: kubecost}\n"
        f"  - {{name: data, role_arn: '{role}'}}\n" + COSTS,
        tmp_path,
    )
    member = stacks["prom-data"]
    (zone,) = (each for each in member["provider"]["aws"] if each.get("alias") == "zone")
    assert "assume_role" not in zone
    for record in resources(member, "aws_route53_record").values():
        assert record["provider"] == "aws.zone"
    (certificate,) = resources(member, "aws_acm_certificate.").values()
    assert "provider" not in certificate
    assert all("alias" not in each for each in stacks["prom"]["provider"]["aws"])


def test_grafana_takes_the_load_balancers_word_and_nobody_elses(stacks: Stacks) -> None:
    values = helm_values(stacks("exposed")["grafana"], "grafana_release")
    ini = values["grafana.ini"]
    assert ini["auth.proxy"]["enabled"] is True
    assert ini["auth.proxy"]["header_name"] == "X-Amzn-Oidc-Identity"
    assert ini["auth.proxy"]["whitelist"] == "10.0.240.0/22, 10.0.244.0/22"
    # Not grafana.ini: the chart's environment wins over it.
    assert values["adminUser"] == "6f1c2d3e-0000-4000-8000-0123456789ab"
    assert "security" not in ini
    assert ini["users"] == {"auto_assign_org_role": "Viewer"}
    # Without policies whoever reaches Grafana could send the header.
    turned = helm_values(stacks("turned")["grafana"], "grafana_release")["grafana.ini"]
    assert "auth.proxy" not in turned


def policies(stack: Stack) -> list[dict[str, Any]]:
    kind = "kubernetes_network_policy_v1"
    return [kubernetes_object(kind, each) for each in resources(stack, kind).values()]


def plain(*found: rules.Policy) -> list[tuple[str, Any]]:
    return sorted((each.name, each.spec) for each in found)


def rendered(stack: Stack) -> list[tuple[str, Any]]:
    return sorted((each["metadata"]["name"], each["spec"]) for each in policies(stack))


BASE = Blocks(
    ("10.0.240.0/22", "10.0.244.0/22", "10.0.248.0/22"),
    ("10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"),
    ("10.0.240.0/22", "10.0.244.0/22", "10.0.248.0/22"),
)


def test_what_is_rendered_is_what_is_judged(stacks: Stacks) -> None:
    """tools.reach judges the plain data; Terraform's resources say the same."""
    everything = stacks("defaults")
    for name, slot in (("prom", 0), ("prom_amp_cost", 1), ("prom_amp", 2)):
        assert rendered(everything[name]) == plain(
            *rules.namespace(),
            *rules.kubecost(
                BASE,
                bundled_prometheus=True,
                proxy_port=8005 if name == "prom_amp" else None,
                exposed=False,
            ),
            *rules.prometheus(BASE, [3101 + slot]),
        )
    agentless = rules.kubecost(BASE, bundled_prometheus=False, proxy_port=8005, exposed=False)
    assert rendered(everything["amp"]) == plain(*rules.namespace(), *agentless)
    assert rendered(everything["adot_amp"]) == plain(
        *rules.namespace(), *agentless, *rules.collector(BASE, [3104])
    )
    shop = Blocks(
        ("10.8.0.0/26", "10.8.0.64/26"),
        ("10.8.16.0/20", "10.8.32.0/20"),
        ("10.8.1.0/24", "10.8.2.0/24"),
    )
    assert rendered(stacks("existing")["adot_amp"]) == plain(
        *rules.namespace(),
        *rules.kubecost(shop, bundled_prometheus=False, proxy_port=8005, exposed=True),
        *rules.collector(shop, [3104]),
    )
    two = Blocks(BASE.control_plane[:2], BASE.nodes[:2], BASE.load_balancers[:2])
    assert rendered(stacks("exposed")["grafana"]) == plain(
        *rules.namespace(), *rules.grafana(two, exposed=True)
    )
    assert not rendered(stacks("turned")["prom_amp"])


def test_no_policy_names_a_subnet_that_base_does_not_make(stacks: Stacks) -> None:
    for settings in ("defaults", "exposed"):
        made = {
            subnet["cidr_block"]
            for subnet in resources(stacks(settings)["base"], "aws_subnet").values()
        }
        for name, stack in stacks(settings).items():
            for policy in policies(stack):
                for rule in policy["spec"].get("ingress", ()):
                    for peer in rule["from"]:
                        assert peer.get("ipBlock", {}).get("cidr") in {None, *made}, name


def test_every_pod_of_the_charts_is_selected_by_a_policy(stacks: Stacks) -> None:
    """The lab's inventory has the labels that the charts give; a pod of another namespace calls."""
    stranger = Party("stranger", "10.0.1.9", "shop", {"app": "cost-analyzer"})
    inventory = (Path(__file__).parents[1] / "lab/templates/inventory.yaml.j2").read_text()
    for labels in (rules.COST_ANALYZER, rules.FORECASTING, rules.PROMETHEUS):
        for key, value in labels.items():
            assert f"{key}: {value}" in inventory
    for name in ("prom", "prom_amp_cost", "prom_amp", "adot_amp", "amp"):
        stack = stacks("defaults")[name]
        found = policies(stack)
        for labels in (rules.COST_ANALYZER, rules.PROMETHEUS, rules.COLLECTOR, {"any": "x"}):
            pod = Party("pod", "10.0.1.8", found[0]["metadata"]["namespace"], labels)
            for port in (9090, 9003, 9004, 9005, 8005, 5000, 13133, 80):
                assert not reaches(found, stranger, pod, port)


def test_a_release_starts_behind_its_policies(stacks: Stacks) -> None:
    for settings in ("defaults", "exposed", "existing"):
        for name, stack in stacks(settings).items():
            for address, release in resources(stack, "helm_release").items():
                if release["namespace"] != "kube-system":
                    space = {
                        f"kubernetes_network_policy_v1.place_policy_{each}"
                        for each in ("deny_all", "dns")
                    }
                    assert space <= set(release["depends_on"]), f"{name} {address}"


def test_the_controllers_rights_are_those_that_its_release_publishes(stacks: Stacks) -> None:
    for settings in ("exposed", "turned", "existing"):
        stack = stacks(settings)["load_balancer"]
        (policy,) = resources(stack, "aws_iam_role_policy").values()
        published = Path("modules/load_balancer_controller_policy.json").read_text()
        assert json.loads(policy["policy"])["Statement"] == json.loads(published)["Statement"]


def test_the_settings_of_the_issue_are_enough(tmp_path: Path) -> None:
    stacks = synthesized(
        "kubecost: {expose: {host: kubecost.example.com, hosted_zone: example.com,"
        " login: {cognito: {create: true}}}}",
        tmp_path,
    )
    defaults = yaml.safe_load(SETTINGS_FILES["defaults"].read_text())
    assert defaults["kubecost"]["expose"] is None
    assert {name for name in stacks if resources(stacks[name], "kubernetes_ingress_v1")} == {
        "prom",
        "prom_amp_cost",
        "prom_amp",
        "adot_amp",
        "amp",
    }
