"""Ring 3, slow: certificates, names, users and secrets of the UIs on a simulated AWS."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Stack
from tests.terraform.clusters import make_cluster, session
from tests.terraform.cut import LOAD_BALANCER
from tests.terraform.entrance import SECRET, prepare, records
from tests.terraform.roots import Root
from tests.terraform.simulated_aws import SimulatedAws

pytestmark = pytest.mark.slow

Stacks = Callable[[str], dict[str, Stack]]
HOST, ZONE = "prom.kubecost.example.com", "example.com"


def test_a_ui_gets_users_a_certificate_and_a_name(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    with SimulatedAws(region="ap-northeast-2") as aws:
        make_cluster(session(aws, "ap-northeast-2"), "kubecost")
        names = ("load_balancer", "prom")
        found = prepare(aws, {name: stacks("exposed")[name] for name in names})
        pool_stack, ui = (
            Root(tmp_path / name, found[name], aws, missing_providers) for name in names
        )
        ui.init()
        said = ui.apply(expect=1)
        assert "There must be exactly one Cognito user pool kubecost-users" in said
        assert "create it with: cdktf deploy load_balancer" in said

        pool_stack.init()
        pool_stack.apply()
        ui.apply()
        for root in (pool_stack, ui):
            root.assert_nothing_to_do()

        acm, cognito = aws.client("acm"), aws.client("cognito-idp")
        (certificate,) = acm.list_certificates()["CertificateSummaryList"]
        assert certificate["DomainName"] == HOST
        (option,) = acm.describe_certificate(CertificateArn=certificate["CertificateArn"])[
            "Certificate"
        ]["DomainValidationOptions"]
        proof = option["ResourceRecord"]
        there = records(aws, ZONE)
        assert there[proof["Name"].rstrip("."), "CNAME"]["ResourceRecords"] == [
            {"Value": proof["Value"]}
        ]
        assert there[HOST, "A"]["AliasTarget"]["DNSName"].rstrip(".") == LOAD_BALANCER

        (pool,) = cognito.list_user_pools(MaxResults=60)["UserPools"]
        described = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
        assert described["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
        assert described["MfaConfiguration"] == "ON"
        (client,) = cognito.list_user_pool_clients(UserPoolId=pool["Id"])["UserPoolClients"]
        app = cognito.describe_user_pool_client(UserPoolId=pool["Id"], ClientId=client["ClientId"])[
            "UserPoolClient"
        ]
        assert app["CallbackURLs"] == [f"https://{HOST}/oauth2/idpresponse"]
        assert app["AllowedOAuthFlows"] == ["code"]
        assert app["ClientSecret"]
        account = aws.client("sts").get_caller_identity()["Account"]
        domain = cognito.describe_user_pool_domain(Domain=f"kubecost-users-{account}")
        assert domain["DomainDescription"]["UserPoolId"] == pool["Id"]

        # Another host takes a certificate, a name and a callback of its own, and the old ones go.
        moved = json.loads(json.dumps(found["prom"]).replace(HOST, "costs.example.com"))
        ui.write(moved)
        ui.apply()
        ui.assert_nothing_to_do()
        (certificate,) = acm.list_certificates()["CertificateSummaryList"]
        assert certificate["DomainName"] == "costs.example.com"
        assert {kind for _, kind in records(aws, ZONE)} == {"A", "CNAME"}
        assert len(records(aws, ZONE)) == 2
        assert ("costs.example.com", "A") in records(aws, ZONE)

        ui.destroy()
        pool_stack.destroy()
        assert records(aws, ZONE) == {}
        left = aws.leftovers()
        assert not [each for each in left if "certificate" in each or "ap-northeast-2_" in each]


def test_the_secret_of_a_client_is_in_no_state_and_its_rotation_is_seen(
    stacks: Stacks, missing_providers: set[str], tmp_path: Path
) -> None:
    """Without a Kubernetes provider here, a secret of AWS takes what the cluster would get."""
    with SimulatedAws(region="eu-central-1") as aws:
        make_cluster(session(aws, "eu-central-1"), "finops")
        (stack,) = prepare(aws, {"prom": stacks("turned")["prom"]}).values()
        (given,) = stack["resource"]["kubernetes_secret_v1"].values()
        manager = aws.client("secretsmanager")
        copy = manager.create_secret(Name="what-the-cluster-gets")["ARN"]
        stack["resource"]["aws_secretsmanager_secret_version"] = {
            "copy": {
                "secret_id": copy,
                "secret_string_wo": given["data_wo"]["clientSecret"],
                "secret_string_wo_version": given["data_wo_revision"],
            }
        }
        root = Root(tmp_path / "prom", stack, aws, missing_providers)
        root.init()
        root.apply()
        root.assert_nothing_to_do()
        assert manager.get_secret_value(SecretId=copy)["SecretString"] == SECRET
        written = "".join(file.read_text() for file in (tmp_path / "prom").glob("*.tfstate*"))
        assert "what-the-cluster-gets" in written
        assert SECRET not in written
        assert SECRET not in root.plan_json()

        manager.put_secret_value(SecretId="login", SecretString="another")
        assert root.planned() == {"aws_secretsmanager_secret_version.copy": "replace"}
        root.apply()
        assert manager.get_secret_value(SecretId=copy)["SecretString"] == "another"
