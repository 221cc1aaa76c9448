"""Ring 2: what makes each architecture what it is."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from architectures import ARCHITECTURES
from metrics.names import COST_ONLY, keep_costs
from modules.amp_workspace import series_limits
from settings import Settings
from stacks import neighbours, quotas
from tests.conftest import read_stacks, synthesize_into
from tests.synth.documents import Stack, helm_values, prometheus_config, resources
from tools.common import TERRAFORM

Stacks = Callable[[str], dict[str, Stack]]

WITH_PROMETHEUS = ["prom", "prom_amp_cost", "prom_amp"]
WITH_AMP = [each.name for each in ARCHITECTURES.values() if each.sends_to_amp]
QUERYING_AMP = [each.name for each in ARCHITECTURES.values() if each.queries_amp]


def values(stacks: Stacks, name: str, settings: str = "defaults") -> dict[str, Any]:
    return helm_values(stacks(settings)[name], "kubecost_release")


def actions(stack: Stack, role: str) -> list[str]:
    policy = stack["resource"]["aws_iam_role_policy"][f"{role}_policy"]["policy"]
    return re.findall(r"aps:\w+", policy)


def test_the_stacks_have_the_names_that_users_type(stacks: Stacks) -> None:
    assert ARCHITECTURES.keys() >= {"prom", "prom_amp_cost", "prom_amp", "adot_amp", "amp"}
    assert set(stacks("defaults")) == {*ARCHITECTURES, "base"}
    assert set(stacks("turned")) == {*ARCHITECTURES, "base", "load_balancer", "grafana"}
    assert set(stacks("existing")) == {"adot_amp", "load_balancer"}


def test_all_overlays_fit_on_one_cluster(stacks: Stacks) -> None:
    used: Counter[object] = Counter()
    for name in ARCHITECTURES:
        stack = stacks("turned")[name]
        used.update(
            (release["namespace"], release["name"])
            for release in resources(stack, "helm_release").values()
        )
        (namespace,) = resources(stack, "kubernetes_namespace_v1").values()
        used[namespace["metadata"]["name"]] += 1
        used.update(role["name"] for role in resources(stack, "aws_iam_role.").values())
        used.update(log["name"] for log in resources(stack, "aws_cloudwatch_log_group").values())
        used[values(stacks, name)["networkCosts"]["port"]] += 1
        used[helm_values(stack, "node_exporter_release")["service"]["port"]] += 1
    assert used.most_common(1)[0][1] == 1


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_kubecost_has_a_cluster_id_and_reports_nothing(stacks: Stacks, name: str) -> None:
    for settings, cluster_id in (("defaults", "kubecost"), ("turned", "finops-eu")):
        given = values(stacks, name, settings)
        labels = given["prometheus"]["server"]["global"]["external_labels"]
        assert labels == {"cluster_id": cluster_id}
        assert not any(given["reporting"].values())
        assert given["global"]["grafana"] == {"enabled": False, "proxy": False}
        # No page of another site reads what Kubecost answers.
        assert "Access-Control" not in str(given["kubecostFrontend"])


@pytest.mark.parametrize("name", ["prom", "prom_amp_cost", "prom_amp", "adot_amp"])
def test_the_hub_shows_all_clusters_and_the_others_are_agents(stacks: Stacks, name: str) -> None:
    fleet = stacks("fleet")
    hub, member = helm_values(fleet[name], "kubecost_release"), {}
    for member_name in (f"{name}-shop", f"{name}-data"):
        member = helm_values(fleet[member_name], "kubecost_release")
        has_ui = any("ui" in output for output in fleet[member_name].get("output", {}))
        assert has_ui is (name not in QUERYING_AMP)
    if name in QUERYING_AMP:
        assert hub["federatedETL"] == {"agentOnly": False, "useMultiClusterDB": False}
        assert member["federatedETL"] == {"agentOnly": True, "useMultiClusterDB": True}
    else:
        assert "federatedETL" not in hub
        assert "federatedETL" not in member


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_missing_cluster_is_reported_with_what_to_do(stacks: Stacks, name: str) -> None:
    lookup = stacks("defaults")[name]["data"]["aws_eks_cluster"]["cluster"]
    (precondition,) = lookup["lifecycle"]["precondition"]
    assert '"kubecost"' in precondition["condition"]
    assert "cdktf deploy base" in precondition["error_message"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_prometheus_is_there_only_where_it_scrapes(stacks: Stacks, name: str) -> None:
    given = values(stacks, name)
    assert given["global"]["prometheus"]["enabled"] is (name in WITH_PROMETHEUS)
    config_maps = resources(stacks("defaults")[name], "kubernetes_config_map_v1")
    assert bool(config_maps) is (name in WITH_PROMETHEUS)


@pytest.mark.parametrize("name", WITH_PROMETHEUS)
def test_our_configuration_replaces_that_of_the_chart(stacks: Stacks, name: str) -> None:
    stack = stacks("defaults")[name]
    config = stack["resource"]["kubernetes_config_map_v1"]["kubecost_prometheus_config"]
    release = stack["resource"]["helm_release"]["kubecost_release"]
    override = values(stacks, name)["prometheus"]["server"]["configMapOverrideName"]
    # prometheus-server-deployment.yaml of the chart puts the release's name before it.
    assert config["metadata"]["name"] == f"{release['name']}-{override}"
    assert config["metadata"]["namespace"] == release["namespace"]
    assert config["data"].keys() == {"prometheus.yml", "recording_rules.yml"}
    assert prometheus_config(stack)["rule_files"] == ["recording_rules.yml"]
    # The other ConfigMap, which the chart would have made, is the pod's own until the release is
    # upgraded: one of the same name could not be made before.
    assert override != "prometheus-server"


@pytest.mark.parametrize("name", WITH_PROMETHEUS)
def test_a_change_reaches_prometheus(stacks: Stacks, name: str, tmp_path: Path) -> None:
    """The digest of every file is on the pod, as Terraform itself computes it."""
    stack = stacks("defaults")[name]
    annotations = values(stacks, name)["prometheus"]["server"]["podAnnotations"]
    data = stack["resource"]["kubernetes_config_map_v1"]["kubecost_prometheus_config"]["data"]

    def digest(files: dict[str, str]) -> str:
        given = {"kubecost_prometheus_config": {"data": files}}
        (tmp_path / "main.tf.json").write_text(
            json.dumps({"locals": {"config_maps": {"value": given}}})
        )
        expression = annotations["checksum/prometheus"].removeprefix("${").removesuffix("}")
        done = subprocess.run(
            [TERRAFORM, "console"],
            input=expression.replace("kubernetes_config_map_v1.", "local.config_maps.value."),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return str(done.stdout).strip()

    literal = {file: text.replace("${", "$${") for file, text in data.items()}
    before = digest(literal)
    assert re.fullmatch('"[0-9a-f]{64}"', before)
    assert digest(literal) == before
    for file in literal:
        assert digest(literal | {file: literal[file] + "# changed\n"}) != before


@pytest.mark.parametrize("name", WITH_PROMETHEUS)
def test_the_release_waits_for_its_config_map_and_destroy_leaves_none(
    stacks: Stacks, name: str
) -> None:
    stack = stacks("defaults")[name]["resource"]
    config = stack["kubernetes_config_map_v1"]["kubecost_prometheus_config"]
    (namespace,) = (f"kubernetes_namespace_v1.{each}" for each in stack["kubernetes_namespace_v1"])
    waits_for = stack["helm_release"]["kubecost_release"]["depends_on"]
    # Destroyed in the opposite order: the release, its ConfigMap, the namespace.
    assert "kubernetes_config_map_v1.kubecost_prometheus_config" in waits_for
    assert config["depends_on"] == [namespace]
    assert "lifecycle" not in config


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_kubecost_queries_amp_through_the_signing_proxy(stacks: Stacks, name: str) -> None:
    given = values(stacks, name)
    assert given["global"].get("amp", {}).get("enabled", False) is (name in QUERYING_AMP)
    assert ("sigV4Proxy" in given) is (name in QUERYING_AMP)
    if name in QUERYING_AMP:
        assert actions(stacks("defaults")[name], "kubecost_reader") == [
            "aps:QueryMetrics",
            "aps:GetSeries",
            "aps:GetLabels",
            "aps:GetMetricMetadata",
        ]
        assert given["sigV4Proxy"]["region"] == "ap-northeast-2"


def test_prom_has_nothing_in_aws(stacks: Stacks) -> None:
    assert not resources(stacks("defaults")["prom"], "aws_")


def test_prom_amp_cost_sends_the_costs_only(stacks: Stacks) -> None:
    stack = stacks("defaults")["prom_amp_cost"]
    # Kubecost would query a workspace that has no usage.
    assert "amp" not in values(stacks, "prom_amp_cost")["global"]
    (write,) = prometheus_config(stack)["remote_write"]
    names, in_zone = write["write_relabel_configs"]
    assert names["action"] == "keep"
    assert set(names["regex"].split("|")) == set(COST_ONLY)
    assert in_zone == {"source_labels": ["same_zone"], "regex": "true", "action": "drop"}
    assert actions(stack, "kubecost_writer") == ["aps:RemoteWrite"]


def test_prom_amp_cost_sends_the_labels_of_the_settings_too(stacks: Stacks) -> None:
    (write,) = prometheus_config(stacks("alerts")["prom_amp_cost-shop"])["remote_write"]
    assert write["write_relabel_configs"] == keep_costs(namespace_labels=("team",))


def test_prom_amp_sends_everything(stacks: Stacks) -> None:
    stack = stacks("defaults")["prom_amp"]
    (write,) = prometheus_config(stack)["remote_write"]
    assert "write_relabel_configs" not in write
    assert actions(stack, "kubecost_writer") == ["aps:RemoteWrite"]


@pytest.mark.parametrize("name", ["prom_amp_cost", "prom_amp"])
def test_what_amp_throttles_is_sent_again(stacks: Stacks, name: str) -> None:
    stack = stacks("defaults")[name]
    (write,) = prometheus_config(stack)["remote_write"]
    assert write["queue_config"]["retry_on_http_429"] is True
    assert write["url"].startswith("${aws_prometheus_workspace.workspace.prometheus_endpoint}")
    assert write["sigv4"] == {"region": "ap-northeast-2"}
    # The chart's own switch for writing is for Kubecost's queries only.
    assert values(stacks, name)["global"].get("amp", {}).keys() <= {
        "enabled",
        "prometheusServerEndpoint",
    }


def test_adot_amp_runs_one_collector_that_cannot_double(stacks: Stacks) -> None:
    stack = stacks("defaults")["adot_amp"]
    given = helm_values(stack, "collector_release")
    assert given["replicaCount"] == 1
    assert given["rollout"]["strategy"] == "Recreate"
    assert given["service"] == {"enabled": False}
    exporter = given["alternateConfig"]["exporters"]["prometheus_remote_write"]
    assert exporter["target_info"] == {"enabled": False}
    assert exporter["translation_strategy"] == "UnderscoreEscapingWithoutSuffixes"
    # Ignored with a warning by ADOT v0.49.0 and v0.50.0, or of another meaning in the next.
    assert exporter.keys().isdisjoint({"add_metric_suffixes", "remote_write_queue"})
    assert exporter["max_batch_size_bytes"] == 1_000_000
    # An address without brackets and a port are no endpoint where it is IPv6.
    assert given["alternateConfig"]["extensions"]["health_check"] == {"endpoint": ":13133"}
    assert "MY_POD_IP" not in str(given["alternateConfig"])
    assert actions(stack, "collector_writer") == ["aps:RemoteWrite"]


def test_amp_scrapes_from_the_subnets_of_the_cluster(stacks: Stacks) -> None:
    stack = stacks("defaults")["amp"]
    (scraper,) = resources(stack, "aws_prometheus_scraper").values()
    configuration = yaml.safe_load(scraper["scrape_configuration"])
    assert set(configuration) == {"global", "scrape_configs"}
    (source,) = scraper["source"]
    assert "data.aws_eks_cluster.cluster.vpc_config" in source["eks"][0]["subnet_ids"]
    # AMP makes the scraper's access entry itself; EKS refuses one for a service-linked role.
    assert not resources(stack, "aws_eks_access_entry")
    assert not resources(stack, "aws_iam_role_policy.kubecost_writer")
    # The tag that AMP puts on the workspace is no drift.
    assert stack["provider"]["aws"][0]["ignore_tags"] == [{"keys": ["AMPAgentlessScraper"]}]


def test_the_three_dialects_scrape_the_same_targets(stacks: Stacks) -> None:
    everything = stacks("turned")

    def jobs(name: str, found: Any) -> Any:
        return yaml.safe_load(
            yaml.safe_dump(found)
            .replace("$$1", "$1")
            .replace(f"kubecost-{name.replace('_', '-')}", "kubecost-X")
        )

    collector = helm_values(everything["adot_amp"], "collector_release")["alternateConfig"]
    (scraper,) = resources(everything["amp"], "aws_prometheus_scraper").values()
    dialects = {
        "prom_amp": prometheus_config(everything["prom_amp"])["scrape_configs"],
        "adot_amp": collector["receivers"]["prometheus"]["config"]["scrape_configs"],
        "amp": yaml.safe_load(scraper["scrape_configuration"])["scrape_configs"],
    }
    itself = dialects["prom_amp"].pop()
    assert itself["job_name"] == "prometheus"
    for job in [job for found in dialects.values() for job in found]:
        job.pop("tls_config", None)
        for rule in job["relabel_configs"]:
            if re.fullmatch("9[12]\\d\\d", str(rule.get("regex"))):
                rule["regex"] = "node-exporter's port"
    first, *others = (jobs(name, found) for name, found in dialects.items())
    assert [job["job_name"] for job in first] == [
        "kubecost",
        "kubernetes-nodes-cadvisor",
        "kubernetes-nodes",
        "kubecost-dcgm-exporter",
        "node-exporter",
    ]
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", WITH_AMP)
def test_a_workspace_is_bounded_and_logs(stacks: Stacks, name: str) -> None:
    stack = stacks("turned")[name]
    (configuration,) = resources(stack, "aws_prometheus_workspace_configuration").values()
    assert configuration["retention_period_in_days"] == 400
    assert configuration["limits_per_label_set"] == [
        {"label_set": {"cluster_id": "finops-eu"}, "limits": [{"max_series": 2000000}]}
    ]
    (log_group,) = resources(stack, "aws_cloudwatch_log_group").values()
    assert log_group["name"].startswith("/aws/vendedlogs/")
    assert log_group["retention_in_days"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_amp_evaluates_the_rules_where_no_prometheus_does(stacks: Stacks, name: str) -> None:
    rules = resources(stacks("defaults")[name], "aws_prometheus_rule_group_namespace")
    fleet = ["fleet"] if name in WITH_AMP else []
    kubecost = [] if name in WITH_PROMETHEUS else ["kubecost"]
    assert sorted(each["name"] for each in rules.values()) == fleet + kubecost
    # One set of rules serves all clusters of a workspace.
    assert not resources(stacks("many")["prom_amp_cost-c-01"], "aws_prometheus_rule_group")


def test_an_existing_workspace_is_used_as_it_is(stacks: Stacks) -> None:
    stack = stacks("existing")["adot_amp"]
    assert not resources(stack, "aws_prometheus_workspace")
    lookup = stack["data"]["aws_prometheus_workspace"]["workspace"]
    assert lookup["lifecycle"]["precondition"][0]["error_message"].startswith("There is no AMP")


def test_user_values_come_last_and_literally(stacks: Stacks) -> None:
    for name in ARCHITECTURES:
        given = values(stacks, name, "turned")
        assert given["kubecostProductConfigs"]["clusterName"] == "FinOps Europe"
        assert given["prometheus"]["server"]["retention"] == "14d"
        (variable,) = given["kubecostModel"]["extraEnv"]
        assert variable["value"] == "${not.terraform} %{nor.this}"
        text = stacks("turned")[name]["resource"]["helm_release"]["kubecost_release"]["values"][0]
        assert "$${not.terraform} %%{nor.this}" in text


def test_backends(stacks: Stacks) -> None:
    for name, stack in stacks("defaults").items():
        path = f"../../../terraform.{name}.tfstate"
        assert stack["terraform"]["backend"] == {"local": {"path": path}}
    for name, stack in stacks("s3").items():
        assert stack["terraform"]["backend"]["s3"] == {
            "bucket": "platform-states",
            "encrypt": True,
            "key": f"finops/kubecost/{name}.tfstate",
            "region": "eu-west-1",
            "use_lockfile": True,
        }
    for name, stack in stacks("terraform-cloud").items():
        assert stack["terraform"]["cloud"] == {
            "hostname": "app.terraform.io",
            "organization": "acme",
            "workspaces": {"name": f"kubecost-{name}", "project": "FinOps"},
        }


def test_token_authentication_needs_no_command(stacks: Stacks) -> None:
    for settings, needs in (("defaults", True), ("terraform-cloud", False)):
        for name in ARCHITECTURES.keys() & stacks(settings).keys():
            providers = stacks(settings)[name]["provider"]
            assert ("exec" in providers["kubernetes"][0]) is needs
            assert ("exec" in providers["helm"][0]["kubernetes"]) is needs
            assert ("token" in providers["kubernetes"][0]) is not needs


def test_base_follows_its_settings(stacks: Stacks) -> None:
    default, turned = stacks("defaults")["base"], stacks("turned")["base"]
    assert len(resources(default, "aws_nat_gateway")) == 1
    assert len(resources(turned, "aws_nat_gateway")) == 2
    assert len(resources(default, "aws_subnet")) == 9
    assert len(resources(turned, "aws_subnet")) == 6
    for stack, enforced in ((default, '{"enableNetworkPolicy": "true"}'), (turned, None)):
        addon = resources(stack, "aws_eks_addon.eks_vpc_cni")["aws_eks_addon.eks_vpc_cni"]
        assert addon.get("configuration_values") == enforced
    (cluster,) = resources(turned, "aws_eks_cluster").values()
    assert cluster["version"] == "1.34"
    assert cluster["vpc_config"]["endpoint_private_access"] is True
    assert cluster["vpc_config"]["public_access_cidrs"] == ["203.0.113.0/24", "198.51.100.7/32"]
    (private,) = resources(default, "aws_eks_cluster").values()
    assert private["vpc_config"]["endpoint_public_access"] is False
    (nodes,) = resources(turned, "aws_eks_node_group").values()
    assert nodes["ami_type"] == "AL2023_ARM_64_STANDARD"
    admins = resources(turned, "aws_eks_access_policy_association")
    assert {each["principal_arn"].partition("::")[2] for each in admins.values()} == {
        "111122223333:role/platform/admins",
        "111122223333:user/ana",
        "111122223333:role/team-a",
        "111122223333:role/team.a",
    }
    assert not [name for name in resources(turned, "aws_vpc_endpoint") if "amp" in name]
    (template,) = resources(turned, "aws_launch_template").values()
    assert template["metadata_options"]["http_tokens"] == "required"
    assert template["metadata_options"]["http_put_response_hop_limit"] == 1
    for tagged in template["tag_specifications"]:
        assert tagged["tags"]["cost center"] == "4711"


def test_nodes_come_up_after_their_network_and_go_down_before_it(stacks: Stacks) -> None:
    stack = stacks("defaults")["base"]
    (nodes,) = resources(stack, "aws_eks_node_group").values()
    needed = set(nodes["depends_on"])
    assert {"aws_eks_addon.eks_vpc_cni", "aws_eks_addon.eks_kube_proxy"} <= needed
    assert {route for route in resources(stack, "aws_route.") if "private" in route} <= needed
    addons = resources(stack, "aws_eks_addon")
    assert {name for name, addon in addons.items() if "depends_on" in addon} >= {
        "aws_eks_addon.eks_coredns",
        "aws_eks_addon.eks_metrics_server",
        "aws_eks_addon.eks_aws_ebs_csi_driver",
    }


def test_one_workspace_serves_the_fleet(stacks: Stacks) -> None:
    fleet = stacks("fleet")
    (workspace,) = resources(fleet["prom_amp"], "aws_prometheus_workspace.").values()
    (bounds,) = resources(fleet["prom_amp"], "aws_prometheus_workspace_configuration").values()
    assert [bound["label_set"] for bound in bounds["limits_per_label_set"]] == [
        {"cluster_id": "kubecost"},
        {"cluster_id": "shop"},
        {"cluster_id": "data"},
    ]
    for name in ("prom_amp-shop", "prom_amp-data"):
        assert not resources(fleet[name], "aws_prometheus_")
        lookup = fleet[name]["data"]["aws_prometheus_workspace"]["workspace"]
        assert f'"{workspace["alias"]}"' in lookup["workspace_id"]
        assert lookup["provider"] == "aws.amp"
        message = lookup["lifecycle"]["precondition"][0]["error_message"]
        assert "cdktf deploy prom_amp" in message


def test_each_cluster_is_reached_in_its_region_and_account(stacks: Stacks) -> None:
    fleet = stacks("fleet")
    shop, data = fleet["prom_amp-shop"], fleet["prom_amp-data"]
    assert [each["region"] for each in shop["provider"]["aws"]] == ["eu-west-1", "ap-northeast-2"]
    role = "arn:aws:iam::444455556666:role/terraform"
    cluster_account, amp_account = data["provider"]["aws"]
    assert cluster_account["assume_role"] == [{"role_arn": role}]
    assert "assume_role" not in amp_account
    args = data["provider"]["helm"][0]["kubernetes"]["exec"]["args"]
    assert args[-2:] == ["--role-arn", role]


def test_writers_and_readers_assume_the_role_of_the_workspace(stacks: Stacks) -> None:
    role = "arn:aws:iam::111122223333:role/kubecost-amp"
    for name in ("prom_amp_cost", "prom_amp", "adot_amp", "adot_amp-data"):
        stack = stacks("fleet")[name]
        for policy in resources(stack, "aws_iam_role_policy").values():
            (statement,) = json.loads(policy["policy"])["Statement"]
            assert statement["Action"] == ["sts:AssumeRole"]
            assert statement["Resource"] == role
        trust = json.loads(stack["output"]["amp_role_trust"]["value"])["Statement"][0]
        roles = sorted(f"${{{address}.arn}}" for address in resources(stack, "aws_iam_role."))
        assert sorted(trust["Principal"]["AWS"]) == roles
    given = values(stacks, "prom_amp", "fleet")
    assert given["sigV4Proxy"]["role_arn"] == role
    (write,) = prometheus_config(stacks("fleet")["prom_amp"])["remote_write"]
    assert write["sigv4"] == {"region": "ap-northeast-2", "role_arn": role}
    collector = helm_values(stacks("fleet")["adot_amp"], "collector_release")
    extension = collector["alternateConfig"]["extensions"]["sigv4auth"]
    assert extension["assume_role"] == {"arn": role}


def test_the_scraper_reaches_a_workspace_of_another_account_through_two_roles(
    stacks: Stacks,
) -> None:
    stack = stacks("foreign")["amp"]
    (scraper,) = resources(stack, "aws_prometheus_scraper").values()
    assert scraper["role_configuration"] == [
        {
            "source_role_arn": "${aws_iam_role.scraper_source_role.arn}",
            "target_role_arn": "arn:aws:iam::777788889999:role/kubecost-amp",
        }
    ]
    trust = json.loads(stack["output"]["scraper_trust"]["value"])["Statement"][0]
    assert trust["Condition"] == {
        "StringEquals": {"sts:ExternalId": "${aws_prometheus_scraper.scraper.arn}"}
    }
    (destination,) = scraper["destination"]
    assert destination["amp"][0]["workspace_arn"].startswith("arn:aws:aps:eu-west-1:777788889999:")


def test_stacks_of_a_fleet_differ_only_in_what_names_the_cluster(stacks: Stacks) -> None:
    fleet = stacks("many")
    members = [name for name in fleet if name.startswith("prom_amp_cost-")]
    assert len(members) == 3
    forms = {
        json.dumps(fleet[name]).replace(name.removeprefix("prom_amp_cost-"), "ID")
        for name in members
    }
    assert len(forms) == 1
    # Smaller than the hub's, which is what a single cluster has.
    hub = len(json.dumps(fleet["prom_amp_cost"]))
    assert all(len(json.dumps(fleet[name])) < hub * 1.05 for name in members)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_existing_cluster_is_told_what_it_lacks(stacks: Stacks, name: str) -> None:
    for settings, lacking in (
        ("defaults", "has no default StorageClass"),
        ("turned", "has no StorageClass fast"),
    ):
        stack = stacks(settings)[name]
        storage, *_ = stack["resource"]["helm_release"]["kubecost_release"]["lifecycle"][
            "precondition"
        ]
        assert lacking in storage["error_message"]
        conditions = stack["data"]["aws_eks_cluster"]["cluster"]["lifecycle"]
        messages = [each["error_message"] for each in conditions.get("postcondition", [])]
        assert [("private endpoint" in m, "CONFIG_MAP" in m) for m in messages] == (
            [(True, False), (False, True)] if name == "amp" else []
        )
        identity_provider = stack["data"].get("aws_iam_openid_connect_provider", {})
        assert bool(identity_provider) is (name != "prom")


def test_grafana_reads_every_workspace_and_admits_nobody_unknown(stacks: Stacks) -> None:
    stack = stacks("turned")["grafana"]
    given = helm_values(stack, "grafana_release")
    sources = given["datasources"]["datasources.yaml"]["datasources"]
    assert [source["name"] for source in sources] == WITH_AMP
    assert [source["isDefault"] for source in sources] == [True, False, False, False]
    for source in sources:
        assert source["type"] == "grafana-amazonprometheus-datasource"
        assert source["jsonData"]["sigV4Region"] == "eu-central-1"
    assert given["grafana.ini"]["auth.anonymous"] == {"enabled": False}
    assert "adminPassword" not in given
    policy = json.loads(stack["resource"]["aws_iam_role_policy"]["grafana_reader_policy"]["policy"])
    assert len(policy["Statement"]) == len(WITH_AMP)
    assert not any("aps:RemoteWrite" in each["Action"] for each in policy["Statement"])
    assert not resources(stack, "aws_prometheus_")


@pytest.mark.parametrize(
    ("architecture", "count", "said"),
    [
        ("amp", 8, []),
        ("amp", 9, ["9 managed scrapers in eu-west-1"]),
        ("prom_amp", 48, []),
        ("prom_amp", 49, ["49 Kubecosts may send 245 queries"]),
        ("prom_amp_cost", 100, []),
        ("prom_amp_cost", 101, ["101 clusters"]),
        ("prom", 200, []),
    ],
)
def test_a_fleet_is_warned_before_a_quota(architecture: str, count: int, said: list[str]) -> None:
    clusters = [{"name": f"c-{number:03}"} for number in range(count)]
    settings = Settings.model_validate({"region": "eu-west-1", "clusters": clusters})
    given = list(quotas.warnings(settings, ARCHITECTURES[architecture]))
    assert [warning[: len(text)] for warning, text in zip(given, said, strict=True)] == said


@pytest.mark.parametrize(
    ("architecture", "pods", "said"),
    [("amp", 10_600, 0), ("amp", 10_700, 1), ("prom_amp", 20_000, 0)],
)
def test_a_cluster_too_large_for_the_managed_scraper_is_warned(
    architecture: str, pods: int, said: int
) -> None:
    # Measured: 4.7 KB for each pod, of 50 MB that the scraper takes.
    size = {"sized_for": {"pods": pods}}
    settings = Settings.model_validate({"region": "eu-west-1", "kubecost": size})
    assert len([*quotas.warnings(settings, ARCHITECTURES[architecture])]) == said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, 0),
        ({"clusters": [{"name": "kubecost"}]}, 0),
        ({"clusters": [{"name": "theirs"}]}, 1),
        ({"clusters": [{"name": "kubecost"}, {"name": "theirs"}, {"name": "third"}]}, 1),
        ({"clusters": [{"name": "theirs"}], "kubecost": {"network_costs": False}}, 0),
    ],
)
def test_another_kubecost_would_count_our_network_costs(
    settings: dict[str, Any], said: int
) -> None:
    made = Settings.model_validate(settings)
    assert len([*neighbours.warnings(made)]) == said


def test_no_host_port_is_a_default_of_the_charts(stacks: Stacks) -> None:
    for name in ARCHITECTURES:
        assert values(stacks, name)["networkCosts"].get("port") != 3001
        exporter = helm_values(stacks("turned")[name], "node_exporter_release")
        assert exporter["service"]["port"] != 9100


def test_no_crd_outlives_a_kubecost_that_has_no_use_for_it(stacks: Stacks, tmp_path: Path) -> None:
    for name in ARCHITECTURES:
        release = stacks("defaults")[name]["resource"]["helm_release"]["kubecost_release"]
        assert release["skip_crds"] is True
    file = tmp_path / "kubecost.yaml"
    file.write_text(
        "architectures: [prom]\nkubecost: {values: {clusterController: {enabled: true}}}\n"
    )
    stack = read_stacks(synthesize_into(tmp_path / "out", file))["prom"]
    assert "skip_crds" not in stack["resource"]["helm_release"]["kubecost_release"]


def test_clusters_beyond_amps_label_sets_share_a_limit() -> None:
    def bounds(count: int) -> list[tuple[object, object]]:
        made: Any = series_limits([f"c-{number}" for number in range(count)], 1000)
        return [(each.label_set, each.limits[0].max_series) for each in made]

    assert bounds(100) == [({"cluster_id": f"c-{number}"}, 1000) for number in range(100)]
    assert len(bounds(103)) == 100
    assert bounds(103)[-2:] == [({"cluster_id": "c-98"}, 1000), ({}, 4000)]


def test_no_cluster_id_makes_two_roles_share_a_name(stacks: Stacks) -> None:
    names = [
        role["name"].lower()
        for stack in stacks("names").values()
        for role in resources(stack, "aws_iam_role.").values()
    ]
    assert len(names) == 15
    assert len(set(names)) == len(names)


def test_a_cluster_that_has_a_load_balancer_controller_gets_none(stacks: Stacks) -> None:
    found = {name for name in stacks("names") if name.startswith("load_balancer")}
    assert found == {"load_balancer", "load_balancer-cost"}
    ui = stacks("names")["prom_amp_cost-ready"]["resource"]["kubernetes_ingress_v1"]["kubecost_ui"]
    annotations = ui["metadata"]["annotations"]
    assert annotations["alb.ingress.kubernetes.io/ip-address-type"] == (
        "${data.aws_eks_cluster.cluster.kubernetes_network_config[0].ip_family"
        ' == "ipv6" ? "dualstack" : "ipv4"}'
    )


def test_a_load_balancer_controller_of_someone_else_is_left_alone(stacks: Stacks) -> None:
    # upgrade_install would take over a release of the same name, and destroy it with the stack.
    for settings, name, role in (
        ("exposed", "load_balancer", "kubecost-load-balancer"),
        ("names", "load_balancer-cost", "kubecost-load-balancer.cost"),
    ):
        stack = stacks(settings)[name]
        release = stack["resource"]["helm_release"]["controller_release"]
        (condition,) = release["lifecycle"]["precondition"]
        assert f'"/{role}")' in condition["condition"]
        assert stack["resource"]["aws_iam_role"]["controller_role"]["name"] == role
        assert "load_balancer_controller to exists" in condition["error_message"]
        existing = stack["data"]["kubernetes_resources"]["controller_existing"]
        assert existing["namespace"] == release["namespace"]
        assert existing["field_selector"] == f"metadata.name={release['name']}"
        labels = helm_values(stack, "controller_release")["additionalLabels"]
        ((label, value),) = labels.items()
        assert f'labels["{label}"], "") == "{value}"' in condition["condition"]


def test_nothing_is_made_in_a_workspace_of_another_account(stacks: Stacks) -> None:
    made = resources(stacks("foreign")["amp"], "aws_prometheus_")
    assert list(made) == ["aws_prometheus_scraper.scraper"]
