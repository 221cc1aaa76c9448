"""Ring 3, slow: every example is applied to a simulated AWS as its reader would, once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from architectures.faults import find_faults
from settings.file import load
from tests.conftest import EXAMPLES, Stack
from tests.terraform.clusters import make_cluster, session
from tests.terraform.deployment import Deployment
from tests.terraform.entrance import prepare
from tests.terraform.simulated_aws import ACCOUNT, SimulatedAws

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_applied_once(
    example: str,
    stacks: Callable[[str], dict[str, Stack]],
    missing_providers: set[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("KUBECOST_CONFIG", str(EXAMPLES[example]))
    settings = load(find_faults)
    with SimulatedAws(region=settings.region) as aws:
        for cluster in settings.fleet:
            if not cluster.made_by_base:
                account = cluster.role_arn.split(":")[4] if cluster.role_arn else ACCOUNT
                make_cluster(session(aws, cluster.region, account), cluster.name)
        deployment = Deployment(tmp_path, prepare(aws, stacks(example)), aws, missing_providers)
        deployment.apply()
        deployment.assert_nothing_to_do()
        made = {
            name: sum(not each.startswith("data.") for each in root.run("state", "list").split())
            for name, root in deployment.roots.items()
        }
    print(f"{example}: {made}")
