"""Ring 2: an organization's rules are on whatever is made."""

from collections.abc import Callable

from tests.synth.documents import Stack, helm_values, policies, resources

Stacks = Callable[[str], dict[str, Stack]]
KEY = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-00000000000"


def test_every_role_has_the_path_and_the_boundary(stacks: Stacks) -> None:
    for name, stack in stacks("rules").items():
        for address, role in resources(stack, "aws_iam_role.").items():
            assert role["path"] == "/platform/", f"{name} {address}"
            assert role["permissions_boundary"].endswith(":policy/boundary"), f"{name} {address}"
    for stack in stacks("defaults").values():
        for role in resources(stack, "aws_iam_role.").values():
            assert role.keys().isdisjoint({"path", "permissions_boundary"})


def test_everything_that_is_encrypted_has_the_organizations_key(stacks: Stacks) -> None:
    seen = 0
    for stack in stacks("rules").values():
        for log_group in resources(stack, "aws_cloudwatch_log_group").values():
            assert log_group["kms_key_id"] == f"{KEY}2"
            seen += 1
        for workspace in resources(stack, "aws_prometheus_workspace.").values():
            assert workspace["kms_key_arn"] == f"{KEY}1"
            seen += 1
        for template in resources(stack, "aws_launch_template").values():
            (disk,) = template["block_device_mappings"]
            assert disk["ebs"]["kms_key_id"] == f"{KEY}3"
            assert disk["ebs"]["encrypted"] == "true"
            seen += 1
    assert seen == 6


def test_the_volumes_of_every_overlay_are_encrypted(stacks: Stacks) -> None:
    for name in ("prom", "prom_amp", "adot_amp"):
        stack = stacks("rules")[name]
        (storage_class,) = resources(stack, "kubernetes_storage_class_v1").values()
        assert storage_class["parameters"] == {
            "type": "gp3",
            "encrypted": "true",
            "kmsKeyId": f"{KEY}3",
        }
        given = helm_values(stack, "kubecost_release")
        made = storage_class["metadata"]["name"]
        assert given["persistentVolume"]["storageClass"] == made
        if name != "adot_amp":
            assert given["prometheus"]["server"]["persistentVolume"]["storageClass"] == made
        release = stack["resource"]["helm_release"]["kubecost_release"]
        assert "kubernetes_storage_class_v1.kubecost_storage_class" in release["depends_on"]
        # It is made by the same apply: nobody may demand that it was there before.
        messages = [each["error_message"] for each in release["lifecycle"]["precondition"]]
        assert not any("has no StorageClass" in message for message in messages)


def test_the_driver_may_use_the_key_for_volumes_and_no_other(stacks: Stacks) -> None:
    found = dict(policies(stacks("rules")["base"]))
    driver = found["aws_iam_role_policy.eks_ebs_csi_controller_sa_role_policy.policy"]
    assert {statement["Resource"] for statement in driver["Statement"]} == {f"{KEY}3"}
    grants = driver["Statement"][0]
    assert "kms:CreateGrant" in grants["Action"]
    assert grants["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
