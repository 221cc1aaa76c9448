"""Ring 3, slow: update in place, and a destroy that leaves nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import SETTINGS_FILES, read_stacks, synthesize_into
from tests.synth.documents import Stack
from tests.terraform.deployment import Deployment
from tests.terraform.entrance import provide, replaced
from tests.terraform.scan import failed_checks, justified
from tests.terraform.simulated_aws import SimulatedAws

pytestmark = pytest.mark.slow
Stacks = Callable[[str], dict[str, Stack]]
ADMINS = "/platform/"
TEAMS = ("team-a", "team.a")


@pytest.mark.parametrize("settings", ["defaults", "exposed", "s3", "turned"])
def test_apply_update_and_destroy(
    settings: str, stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    written = yaml.safe_load(SETTINGS_FILES[settings].read_text())
    with SimulatedAws(region=written.get("region", "ap-northeast-2")) as aws:
        iam = aws.client("iam")
        iam.create_role(RoleName="admins", Path=ADMINS, AssumeRolePolicyDocument="{}")
        iam.create_user(UserName="ana")
        for name in TEAMS:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        arns = provide(aws, stacks(settings))
        here = {name: replaced(stack, arns) for name, stack in stacks(settings).items()}
        deployment = Deployment(tmp_path / "roots", here, aws, missing_providers)
        deployment.apply()
        deployment.assert_nothing_to_do()

        if settings == "defaults":
            aws_roots = [root for name, root in deployment.roots.items() if name != "prom"]
            # test_alerts.py and test_billing.py look at what alerts and the bill add.
            added = ("alerts.py", "cost_report.py", "private_bucket.py")
            expected = set(justified()).difference(*map(justified, added))
            assert failed_checks(aws_roots, tmp_path) == expected

        actions = _change(deployment, written, tmp_path, arns)
        assert set(actions.values()) == {"update"}
        assert {
            "base.aws_eks_cluster.eks_cluster",
            "base.aws_eks_node_group.eks_nodes",
            "base.aws_launch_template.eks_node_template",
            "prom_amp.aws_prometheus_workspace_configuration.workspace_configuration",
        } <= set(actions)
        deployment.apply()
        deployment.assert_nothing_to_do()

        deployment.destroy()
        left = [each for each in aws.leftovers() if ADMINS not in each]
        assert [each for each in left if each.rpartition("/")[2] not in TEAMS] == []
        _assert_order(aws.calls())


def _change(
    deployment: Deployment, written: dict[str, Any], folder: Path, arns: dict[str, str]
) -> dict[str, str]:
    """Change what users change, write it, and give the planned action of every address."""
    base = written.get("base") or {}
    nodes = base.get("nodes") or {}
    next_version = {"1.34": "1.35", "1.35": "1.36"}[base.get("kubernetes_version", "1.35")]
    changed = {
        **written,
        "tags": {"team": "finops"},
        "base": {
            **base,
            "kubernetes_version": next_version,
            "nodes": {**nodes, "desired": nodes.get("desired", 3) + 1, "disk_gib": 90},
        },
        "amp": {"retention_days": 300, "max_series_per_cluster": 9000},
        "kubecost": {
            **(written.get("kubecost") or {}),
            "network_costs": False,
            "node_exporter": True,
        },
    }
    file = folder / "kubecost.yaml"
    file.write_text(yaml.safe_dump(changed))
    out = synthesize_into(folder / "out", file)
    actions: dict[str, str] = {}
    stacks = read_stacks(out)
    for name, root in deployment.roots.items():
        root.write(replaced(stacks[name], arns))
        actions |= {f"{name}.{address}": action for address, action in root.planned().items()}
    return actions


def _assert_order(calls: list[str]) -> None:
    """The scraper's interfaces go before the subnets, nodes before the network add-ons."""
    if "amp:DeleteScraper" in calls:
        assert calls.index("amp:DeleteScraper") < calls.index("ec2:DeleteSubnet")
    last_addon = len(calls) - 1 - calls[::-1].index("eks:DeleteAddon")
    assert calls.index("eks:DeleteNodegroup") < last_addon
