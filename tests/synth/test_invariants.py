"""Ring 2: what holds in every stack of every settings file."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks import processes
from tests.conftest import ROOT, SETTINGS_FILES, Synthesize, synthesize_into
from tests.synth.documents import Stack, policies, resources
from tools.gate.expressions import expressions

each_file = pytest.mark.parametrize("settings", SETTINGS_FILES)
Stacks = Callable[[str], dict[str, Stack]]


def leaves(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from leaves(value, f"{path}.{key}")
    elif isinstance(data, list) and data:
        for index, item in enumerate(data):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, data


@each_file
def test_no_token_is_left(settings: str, synthesize: Synthesize) -> None:
    for file in synthesize(settings).glob("stacks/*/cdk.tf.json"):
        assert not re.search("TfToken|TFTOKEN|#{Token", file.read_text())


@each_file
def test_no_block_is_empty_or_null(settings: str, stacks: Stacks) -> None:
    # A dictionary in place of a struct in a list of blocks comes out as nulls.
    for name, stack in stacks(settings).items():
        for path, value in leaves(stack):
            assert value is not None, f"{name}{path}"
            assert value != [], f"{name}{path}"
            # A NetworkPolicy's empty selector means every pod.
            meant = path.startswith(".resource.kubernetes_network_policy_v1.") and path.endswith(
                ".spec.pod_selector"
            )
            assert not (value == {} and path.startswith((".resource", ".provider"))) or meant, (
                f"{name}{path}"
            )


@each_file
def test_no_path_user_or_date_of_this_machine(settings: str, synthesize: Synthesize) -> None:
    for file in synthesize(settings).rglob("*.json"):
        text = file.read_text()
        assert str(ROOT) not in text
        assert str(Path.home()) not in text
        assert not re.search(r"\b20\d\d-\d\d-\d\dT\d\d:", text)


# Between them, every kind of stack and more than one cluster.
@pytest.mark.parametrize(("settings", "number"), [("turned", 1), ("fleet", 1), ("fleet", 2)])
def test_the_same_settings_give_the_same_bytes_in_any_number_of_processes(
    settings: str,
    number: int,
    synthesize: Synthesize,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "STACKS_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(processes, "MOST_PROCESSES", number)
    monkeypatch.setattr(os, "cpu_count", lambda: number)
    synthesize_into(tmp_path, SETTINGS_FILES[settings])
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*.json"))
    assert files
    for file in files:
        assert (tmp_path / file).read_bytes() == (synthesize(settings) / file).read_bytes()


@each_file
def test_no_stack_depends_on_another(settings: str, synthesize: Synthesize) -> None:
    manifest = json.loads((synthesize(settings) / "manifest.json").read_text())
    assert {name: stack["dependencies"] for name, stack in manifest["stacks"].items()} == {
        name: [] for name in manifest["stacks"]
    }


@each_file
def test_references_lead_to_something_in_the_stack(settings: str, stacks: Stacks) -> None:
    for name, stack in stacks(settings).items():
        known = {
            *resources(stack),
            *(
                f"{kind}.{each}"
                for kind, named in stack.get("ephemeral", {}).items()
                for each in named
            ),
            *(
                f"data.{kind}.{each}"
                for kind, named in stack.get("data", {}).items()
                for each in named
            ),
        }
        for path, value in leaves(stack):
            text = str(value).replace("$${", "")
            used = re.findall(
                r"\b((?:data\.)?(?:aws|helm|kubernetes)_\w+\.\w+)",
                "".join(re.findall(r"\$\{[^}]*\}", text)),
            )
            if "depends_on" in path:
                used.append(text)
            for reference in used:
                assert reference in known, f"{name}{path}"
            # What is another program's, as a variable of Grafana, must be escaped.
            for expression in expressions(str(value)):
                assert re.search(r"\.|\(", expression), f"{name}{path}: ${{{expression}}}"


@each_file
def test_policies_allow_amp_on_one_workspace_and_never_everything(
    settings: str, stacks: Stacks
) -> None:
    for name, stack in stacks(settings).items():
        for where, document in policies(stack):
            for statement in document["Statement"]:
                if statement["Effect"] == "Deny":
                    continue
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    # A key is the account's own, or nobody's.
                    owner = where.startswith("aws_kms_key.") and action == "kms:*"
                    assert owner or not action.endswith("*"), f"{name} {where}"
                    if owner:
                        assert statement["Principal"]["AWS"].endswith(":root")
                    if action == "sns:Publish":
                        assert set(statement["Condition"]) == {"ArnEquals", "StringEquals"}
                    if action.startswith("aps:"):
                        assert re.fullmatch(
                            r"\$\{(data\.)?aws_prometheus_workspace\.workspace(_\w+)?\.arn\}",
                            statement["Resource"],
                        ), f"{name} {where}"


@each_file
def test_rights_are_on_named_resources(settings: str, stacks: Stacks) -> None:
    # AWS has no narrower resource for these: the load balancer controller's own policy.
    vendors = "aws_iam_role_policy.controller_role_policy.policy"
    for name, stack in stacks(settings).items():
        for where, document in policies(stack):
            # In the policy of a key, `*` is that key.
            if where == vendors or where.startswith("aws_kms_key."):
                continue
            for statement in document["Statement"]:
                named = statement.get("Resource", [])
                for resource in [named] if isinstance(named, str) else named:
                    # Of a bucket everything, never of all buckets.
                    assert resource.count("*") <= 1, f"{name} {where}"
                    assert not re.search(r"(^|:)\*", resource), f"{name} {where}"
                    assert "*" not in resource or resource.endswith("/*"), f"{name} {where}"


@each_file
def test_every_role_trusts_one_service_or_one_service_account(
    settings: str, stacks: Stacks
) -> None:
    for stack in stacks(settings).values():
        for where, document in policies(stack):
            if not where.endswith("assume_role_policy"):
                continue
            (statement,) = document["Statement"]
            if "Service" in statement["Principal"]:
                continue
            conditions = statement["Condition"]
            if where == "aws_iam_role.reader.assume_role_policy":
                # In the payer's account: roles by their full names, in the accounts that are named.
                assert set(conditions) == {"ArnEquals"}
                accounts = {arn.split(":")[4] for arn in statement["Principal"]["AWS"]}
                roles = conditions["ArnEquals"]["aws:PrincipalArn"]
                assert {arn.split(":")[4] for arn in roles} == accounts
                assert not any("*" in arn for arn in roles)
                continue
            assert set(conditions) == {"StringEquals"}
            subject, audience = conditions["StringEquals"].values()
            assert re.fullmatch(r"system:serviceaccount:[\w-]+:[\w-]+", subject)
            assert audience == "sts.amazonaws.com"


@each_file
def test_role_annotations_belong_to_the_service_account_that_the_role_trusts(
    settings: str, stacks: Stacks
) -> None:
    for name, stack in stacks(settings).items():
        trusted = {
            where.split(".")[1]: next(
                iter(
                    document["Statement"][0].get("Condition", {}).get("StringEquals", {}).values()
                ),
                "",
            )
            for where, document in policies(stack)
            if where.endswith("assume_role_policy")
        }
        for address, release in resources(stack, "helm_release").items():
            (text,) = release["values"]
            for path, value in leaves(yaml.safe_load(text)):
                if path.endswith("eks.amazonaws.com/role-arn"):
                    role = re.fullmatch(r"\$\{aws_iam_role\.(\w+)\.arn\}", value)
                    assert role, f"{name} {address}"
                    namespace = release["namespace"]
                    assert trusted[role[1]].startswith(f"system:serviceaccount:{namespace}:")


@each_file
def test_a_release_waits_for_the_roles_it_uses_and_their_policies(
    settings: str, stacks: Stacks
) -> None:
    for name, stack in stacks(settings).items():
        for address, release in resources(stack, "helm_release").items():
            roles = set(re.findall(r"aws_iam_role\.\w+", release["values"][0]))
            policies_of_roles = {
                policy
                for policy, resource in resources(stack, "aws_iam_role_policy").items()
                if any(role in resource["role"] for role in roles)
            }
            assert roles | policies_of_roles <= set(release.get("depends_on", [])), (
                f"{name} {address}"
            )


@each_file
def test_versions_are_pinned(settings: str, stacks: Stacks) -> None:
    for stack in stacks(settings).values():
        for provider in stack["terraform"]["required_providers"].values():
            assert provider["source"].startswith("hashicorp/")
            assert re.fullmatch(r">= [\d.]+, < \d+", provider["version"])
        for release in resources(stack, "helm_release").values():
            assert re.fullmatch(r"\d+\.\d+\.\d+", release["version"])
        assert ":latest" not in json.dumps(stack)


@each_file
def test_tags_are_on_every_resource(settings: str, stacks: Stacks) -> None:
    tags = (yaml.safe_load(SETTINGS_FILES[settings].read_text()) or {}).get("tags") or None
    for stack in stacks(settings).values():
        for aws in stack["provider"]["aws"]:
            assert aws.get("default_tags") == ([{"tags": tags}] if tags else None)


@each_file
def test_labels_that_others_put_on_our_objects_stay(settings: str, stacks: Stacks) -> None:
    labels = (yaml.safe_load(SETTINGS_FILES[settings].read_text()).get("workloads") or {}).get(
        "namespace_labels"
    )
    for name, stack in stacks(settings).items():
        for provider in stack["provider"].get("kubernetes", []):
            assert provider["ignore_labels"] == [".*"], name
            assert provider["ignore_annotations"] == [".*"], name
        for namespace in resources(stack, "kubernetes_namespace_v1").values():
            # The provider keeps the labels that it finds in the configuration.
            assert namespace["metadata"].get("labels") == (labels or None), name
