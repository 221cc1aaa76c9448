"""Ring 3: what a release deployed on a simulated AWS is updated in place by the code as it is."""

from pathlib import Path

import pytest
import yaml

from tests.releases import Released, released
from tests.terraform.deployment import Deployment
from tests.terraform.simulated_aws import SimulatedAws

HARMLESS = ("create", "move", "update")
# What an update replaces, as the changelog says below "What you must do", by the release before.
TOLD = {"0.1.0": {"amp.aws_prometheus_scraper.scraper"}}
# The last release; a fleet's other regions and accounts have the same resources.
LAST = [each for each in released() if each.settings.stem != "fleet"][-2:]


@pytest.mark.slow
@pytest.mark.parametrize("release", LAST, ids=str)
def test_an_update_destroys_and_replaces_what_was_told_only(
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
        harmful = set()
        # As a user does: base is applied before the overlays, which look at it, are planned.
        for name, root in sorted(deployment.roots.items(), key=lambda each: each[0] != "base"):
            root.write(now[name])
            planned = root.planned()
            bad = {f"{name}.{at}" for at, action in planned.items() if action not in HARMLESS}
            harmful |= bad
            # The provider waits eight minutes for a scraper to go: its plan is enough.
            if not bad:
                root.apply()
                root.assert_nothing_to_do()
        assert harmful == TOLD.get(release.version, set())
