"""Ring 3, slow: what `make verify` says of roles, workspaces and scrapers, well and broken."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from modules.policy import ROLE_ANNOTATION
from tests.conftest import Stack
from tests.terraform.deployment import Deployment
from tools.common import Json
from tools.verify import amp, base, delivery, roles
from tools.verify.aws import Aws
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import CannotCheckError, Finding, Status
from tools.verify.kube import Kube
from tools.verify.promql import Source

pytestmark = pytest.mark.slow

READER = "kubecost-amp-reader"
WRITER = "kubecost-prom-amp-cost-writer"
Stacks = Callable[[str], dict[str, Stack]]
Look = Callable[..., Context]


class Objects:
    """A cluster with service accounts, nodes and a StorageClass, as verify reads them."""

    def __init__(self, annotation: str) -> None:
        self._annotation = annotation

    def get(self, path: str) -> Json:
        account = path.rpartition("/")[2]
        purpose = "reader" if account.endswith("cost-analyzer") else "writer"
        role = account.rpartition("-cost-analyzer")[0] or account.rpartition("-prometheus")[0]
        annotations = {self._annotation: f"arn:aws:iam::123456789012:role/{role}-{purpose}"}
        return {"metadata": {"annotations": annotations}}

    def items(self, path: str) -> list[Json]:
        if path.endswith("/nodes"):
            ready = {"conditions": [{"type": "Ready", "status": "True"}]}
            return [{"metadata": {"name": f"node-{n}"}, "status": ready} for n in range(2)]
        return [{"metadata": {"name": "gp2", "annotations": {}}}]


@pytest.fixture
def look(deployed: Deployment, stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Give what verify looks at: a stack as it is declared, or as `change` makes it."""
    for name, value in deployed.aws.environment.items():
        monkeypatch.setenv(name, value)

    def make(
        name: str,
        change: Callable[[Any], None] = lambda _: None,
        annotation: str = ROLE_ANNOTATION,
    ) -> Context:
        stack = deepcopy(stacks("defaults")[name])
        change(stack)
        cluster = deployed.aws.client("eks").describe_cluster(name="kubecost")["cluster"]
        return Context(
            Declared(name, stack), Aws("ap-northeast-2"), cluster, cast(Kube, Objects(annotation))
        )

    return make


def false(findings: Iterator[Finding]) -> Finding:
    """Give the only finding that is false."""
    (finding,) = (each for each in findings if each.status != Status.OK)
    assert finding.status == Status.FAIL
    return finding


@pytest.mark.parametrize("name", ["prom_amp_cost", "amp"])
def test_what_terraform_made_is_true(look: Look, name: str) -> None:
    context = look(name)
    findings = [*roles.check(context)]
    findings += list(amp.check(amp_without_pods(context)))
    assert {each.status for each in findings} == {Status.OK}
    assert any(each.what.startswith("IAM's policy simulator agrees") for each in findings)


def amp_without_pods(context: Context) -> Context:
    """Leave the query proxy aside, which is in the cluster."""
    kubecost = context.declared.kubecost
    assert kubecost
    kubecost.values["global"].pop("amp", None)
    return context


@pytest.fixture
def trust(deployed: Deployment) -> Iterator[Callable[[Callable[[Json], None]], None]]:
    """Give a function that changes the writer's trust policy."""
    iam = deployed.aws.client("iam")
    found = iam.get_role(RoleName=WRITER)["Role"]["AssumeRolePolicyDocument"]

    def put(document: Json) -> None:
        iam.update_assume_role_policy(RoleName=WRITER, PolicyDocument=json.dumps(document))

    def change(edit: Callable[[Json], None]) -> None:
        document = deepcopy(found)
        edit(document["Statement"][0])
        put(document)

    yield change
    put(found)


def admit_every_account(statement: Json) -> None:
    condition = statement["Condition"]
    exact = condition["StringEquals"]
    (subject,) = (key for key in exact if key.endswith(":sub"))
    del exact[subject]
    condition["StringLike"] = {subject: "system:serviceaccount:*"}


def forget_the_audience(statement: Json) -> None:
    exact = statement["Condition"]["StringEquals"]
    del exact[next(key for key in exact if key.endswith(":aud"))]


def trust_another_cluster(statement: Json) -> None:
    statement["Principal"]["Federated"] += "0"


@pytest.mark.parametrize(
    ("edit", "seen", "expected"),
    [
        (admit_every_account, "StringLike", "sub = system:serviceaccount:kubecost-prom-amp-cost:"),
        (forget_the_audience, "nothing else", "aud = sts.amazonaws.com"),
        (trust_another_cluster, "Principal.Federated = ", "Principal.Federated = "),
    ],
)
def test_a_trust_that_is_not_exact(
    look: Look, trust: Any, edit: Callable[[Json], None], seen: str, expected: str
) -> None:
    trust(edit)
    finding = false(roles.check(look("prom_amp_cost")))
    assert finding.what.endswith(
        "trusts only kubecost-prom-amp-cost-prometheus-server of this cluster"
    )
    assert seen in finding.seen
    assert expected in finding.expected
    assert "cdktf deploy prom_amp_cost" in finding.fix


@pytest.fixture
def rights(deployed: Deployment) -> Iterator[Callable[[Json], None]]:
    """Give a function that puts another statement into the writer's policy."""
    iam = deployed.aws.client("iam")
    names = {"RoleName": WRITER, "PolicyName": "access"}
    found = iam.get_role_policy(**names)["PolicyDocument"]

    def change(changes: Json) -> None:
        document = {**found, "Statement": [found["Statement"][0] | changes]}
        iam.put_role_policy(**names, PolicyDocument=json.dumps(document))

    yield change
    iam.put_role_policy(**names, PolicyDocument=json.dumps(found))


def test_a_writer_that_may_write_anywhere(look: Look, rights: Any) -> None:
    rights({"Resource": "*"})
    finding = false(roles.check(look("prom_amp_cost")))
    assert finding.what == f"role {WRITER} has the declared rights and no more"
    assert finding.seen == "policy access: Resource = *"
    assert "policy access: Resource = arn:aws:aps:ap-northeast-2:" in finding.expected


def test_a_writer_that_may_not_write(look: Look, rights: Any) -> None:
    rights({"Action": ["aps:QueryMetrics"]})
    by_what = {each.what: each for each in roles.check(look("prom_amp_cost"))}
    finding = by_what[f"role {WRITER} has the declared rights and no more"]
    assert finding.seen == "policy access: Action = aps:QueryMetrics"
    simulated = by_what[f"IAM's policy simulator agrees for role {WRITER}"]
    assert simulated.status == Status.FAIL
    assert simulated.seen == "denied: aps:RemoteWrite"


def test_an_attached_policy(look: Look, deployed: Deployment) -> None:
    policy = "arn:aws:iam::aws:policy/AmazonPrometheusFullAccess"
    iam = deployed.aws.client("iam")
    iam.attach_role_policy(RoleName=READER, PolicyArn=policy)
    try:
        findings = [each for each in roles.check(look("amp")) if each.status == Status.FAIL]
    finally:
        iam.detach_role_policy(RoleName=READER, PolicyArn=policy)
    by_hand, simulated = findings
    assert by_hand.seen == f"attached: {policy}"
    assert by_hand.fix == (f"aws iam detach-role-policy --role-name {READER} --policy-arn {policy}")
    assert "allowed: aps:DeleteWorkspace" in simulated.seen


def test_a_role_that_is_not_there(look: Look) -> None:
    def rename(stack: Any) -> None:
        stack["resource"]["aws_iam_role"]["kubecost_writer"]["name"] = "gone"

    findings = {each.what: each for each in roles.check(look("prom_amp_cost", rename))}
    assert findings["role gone exists"].fix == "cdktf deploy prom_amp_cost"


def test_a_service_account_without_its_annotation(look: Look) -> None:
    finding = false(roles.check(look("amp", annotation="another")))
    assert finding.what == f"service account kubecost-amp-cost-analyzer has the role {READER}"
    assert finding.seen == "no annotation eks.amazonaws.com/role-arn"
    assert "rollout restart" in finding.fix


def test_who_may_not_simulate_skips_that(look: Look) -> None:
    context = look("amp")
    denied = {"Error": {"Code": "AccessDenied", "Message": "no"}}

    def refuse(**_: Any) -> None:
        raise ClientError(cast(Any, denied), "SimulatePrincipalPolicy")

    context.aws.client("iam").simulate_principal_policy = refuse
    (skipped,) = (each for each in roles.check(context) if each.status != Status.OK)
    assert skipped.status == Status.SKIPPED
    assert skipped.what.endswith("your identity lacks iam:SimulatePrincipalPolicy")


def test_a_workspace_that_is_not_there_or_twice(look: Look, deployed: Deployment) -> None:
    def rename(stack: Any) -> None:
        stack["resource"]["aws_prometheus_workspace"]["workspace"]["alias"] = "kubecost-prom"

    # The aliases of the others begin so.
    finding = false(amp.check(look("prom_amp_cost", rename)))
    assert "there are 0 AMP workspaces with the alias kubecost-prom in" in finding.seen
    client = deployed.aws.client("amp")
    second = client.create_workspace(alias="kubecost-prom-amp-cost")["workspaceId"]
    try:
        finding = false(amp.check(look("prom_amp_cost")))
    finally:
        client.delete_workspace(workspaceId=second)
    assert "there are 2 AMP workspaces with the alias" in finding.seen
    assert "amp.workspace_id" in finding.seen


def test_a_scraper_with_other_jobs(look: Look, deployed: Deployment) -> None:
    client = deployed.aws.client("amp")
    (scraper,) = client.list_scrapers()["scrapers"]
    held = client.describe_scraper(scraperId=scraper["scraperId"])["scraper"]
    blob = held["scrapeConfiguration"]["configurationBlob"]
    other = blob.replace(b"honor_labels: true", b"honor_labels: false")

    def put(configuration: bytes) -> None:
        client.update_scraper(
            scraperId=scraper["scraperId"],
            scrapeConfiguration={"configurationBlob": configuration},
        )

    put(other)
    try:
        finding = false(amp.check(amp_without_pods(look("amp"))))
    finally:
        put(blob)
    assert finding.seen == "another configuration: scrape_configs differ"
    assert finding.fix == "cdktf deploy amp"


def test_what_amp_discarded(look: Look, deployed: Deployment) -> None:
    context = look("prom_amp_cost")
    context.amp = answering(450_000)
    workspace = context.workspace("workspace")["workspaceId"]
    findings = list(delivery.check(without_prometheus(context)))
    assert [each.status for each in findings] == [Status.OK, Status.FAIL]
    assert findings[1].seen == "450,000 of 500,000 (90%)"
    assert "amp.max_series_per_cluster" in findings[1].fix
    deployed.aws.client("cloudwatch").put_metric_data(
        Namespace="AWS/Prometheus",
        MetricData=[
            {
                "MetricName": "DiscardedSamples",
                "Dimensions": [
                    {"Name": "Workspace", "Value": workspace},
                    {"Name": "Reason", "Value": "per_labelset_series_limit"},
                ],
                "Timestamp": datetime.now(UTC) - timedelta(minutes=5),
                "Value": 4711,
            }
        ],
    )
    context.amp = answering(1)
    finding = false(delivery.check(context))
    assert finding.seen == "4711 per_labelset_series_limit"
    assert finding.fix == "raise amp.max_series_per_cluster"


def answering(value: float) -> Source:
    found = {"result": [{"metric": {}, "value": [0, str(value)]}]}
    return Source("AMP", 'cluster_id="kubecost"', lambda _: {"status": "success", "data": found})


def without_prometheus(context: Context) -> Context:
    kubecost = context.declared.kubecost
    assert kubecost
    kubecost.values["global"]["prometheus"]["enabled"] = False
    return context


def test_base_without_an_add_on_and_a_default_class(look: Look) -> None:
    def add(stack: Any) -> None:
        stack["resource"]["aws_eks_addon"]["more"] = {"addon_name": "adot"}

    finding, storage = (each for each in base.check(look("base", add)) if each.status != Status.OK)
    assert (finding.what, finding.seen) == ("add-on adot is active", "not there")
    assert storage.seen == "none is the default"


def test_a_scraper_that_the_cluster_does_not_admit(look: Look) -> None:
    context = amp_without_pods(look("amp"))
    client = context.aws.client("amp")
    describe = client.describe_scraper
    role = "arn:aws:iam::123456789012:role/without-entry"
    client.describe_scraper = lambda **which: {
        "scraper": describe(**which)["scraper"] | {"roleArn": role}
    }
    finding = false(amp.check(context))
    assert f"no access entry for {role}" in finding.seen
    assert "authenticationMode=API_AND_CONFIG_MAP" in finding.fix


def test_an_expression_that_is_not_known(look: Look) -> None:
    with pytest.raises(CannotCheckError, match="has no value for"):
        look("amp").fill("${data.aws_region.here.name}")
