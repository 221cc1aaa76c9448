"""Ring 3: what a release deployed on a simulated AWS is updated in place by the code as it is."""

from pathlib import Path

import pytest
import yaml

from tests.releases import Released, released
from tests.terraform.deployment import Deployment
from tests.terraform.simulated_aws import SimulatedAws

HARMLESS = ("create", "move", "update")
# The last release; a fleet's other regions and accounts have the same resources.
LAST = [each for each in released() if each.settings.stem != "fleet"][-2:]


@pytest.mark.slow
@pytest.mark.parametrize("release", LAST, ids=str)
def test_an_update_destroys_and_replaces_nothing(
    release: Released, missing_providers: set[str], tmp_path: Path
) -> None:
    region = (yaml.safe_load(release.settings.read_text()) or {}).get("region", "ap-northeast-2")
    now = release.stacks_now(tmp_path / "now")
    with SimulatedAws(region=region) as aws:
        iam = aws.client("iam")
        iam.create_role(RoleName="admins", Path="/platform/", AssumeRolePolicyDocument="{}")
        iam.create_user(UserName="ana", Path="/")
        deployment = Deployment(tmp_path / "roots", release.stacks(), aws, missing_providers)
        deployment.apply()
        for name, root in deployment.roots.items():
            root.write(now[name])
            planned = root.planned()
            harmful = {address for address, action in planned.items() if action not in HARMLESS}
            assert not harmful, f"{name}: {planned}"
        deployment.apply()
        deployment.assert_nothing_to_do()
