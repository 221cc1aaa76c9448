"""Ring 1: which cluster is looked at, and what is said when none can be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from botocore import exceptions
from kubernetes.config import kube_config

from tools.__main__ import main
from tools.verify import costs, roles
from tools.verify.aws import explained
from tools.verify.finding import CannotCheckError, Status
from tools.verify.kube import Kube, find_context
from tools.verify.promql import Source

OURS = "https://0123.gr7.ap-northeast-2.eks.amazonaws.com"
COMMAND = "aws eks update-kubeconfig --name kubecost --region ap-northeast-2"
Write = Callable[..., None]


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Give a function that writes contexts and their servers, the first being the current one."""

    def write(**servers: str) -> None:
        config = {
            "current-context": next(iter(servers), ""),
            "clusters": [
                {"name": name, "cluster": {"server": server}} for name, server in servers.items()
            ],
            "users": [{"name": name, "user": {"token": "a token"}} for name in servers],
            "contexts": [
                {"name": name, "context": {"cluster": name, "user": name}} for name in servers
            ],
        }
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        file = str(tmp_path / "config")
        monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", file)

    return write


@pytest.mark.parametrize("server", [OURS, f"{OURS}:443", f"{OURS}/"])
def test_takes_the_context_of_the_cluster_whatever_is_current(
    kubeconfig: Write, server: str
) -> None:
    kubeconfig(other=f"{OURS}.example", ours=server)
    assert find_context(OURS, None, COMMAND) == "ours"


def test_prefers_the_current_context(kubeconfig: Write) -> None:
    kubeconfig(current=OURS, admin=OURS)
    assert find_context(OURS, None, COMMAND) == "current"
    assert find_context(OURS, "admin", COMMAND) == "admin"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (None, f"no context of your kubeconfig leads to {OURS}; run: {COMMAND}"),
        ("other", f"--context other leads to {OURS}:6443, another cluster: this stack's is at"),
        ("typo", "--context typo: your kubeconfig has only other"),
    ],
)
def test_never_looks_at_another_cluster(kubeconfig: Write, wanted: str | None, said: str) -> None:
    kubeconfig(other=f"{OURS}:6443")
    with pytest.raises(CannotCheckError) as caught:
        find_context(OURS, wanted, COMMAND)
    assert str(caught.value).startswith(said)


def test_without_a_kubeconfig(kubeconfig: Write) -> None:
    kubeconfig()
    with pytest.raises(CannotCheckError, match=f"^there is no kubeconfig; run: {COMMAND}$"):
        find_context(OURS, None, COMMAND)


def test_an_api_server_that_does_not_answer(kubeconfig: Write) -> None:
    nobody = "https://127.0.0.1:9"
    kubeconfig(ours=nobody)
    with pytest.raises(CannotCheckError, match=f"^the API server {nobody} cannot be reached") as it:
        Kube(nobody, None, make_context=COMMAND)
    assert "base.api_access_cidrs" in str(it.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "AWS credentials have expired; sign in again"),
        ("InvalidClientTokenId", r"AWS credentials are not valid \(InvalidClientTokenId\)"),
        ("AccessDenied", "your AWS identity may not list workspaces: told so"),
        ("InternalError", "AWS could not list workspaces: "),
    ],
)
def test_what_aws_answers_is_explained(code: str, said: str) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "told so"}}
    with pytest.raises(CannotCheckError, match=said), explained("list workspaces"):
        raise exceptions.ClientError(cast(Any, answer), "ListWorkspaces")


def test_a_session_that_has_ended_is_explained() -> None:
    with pytest.raises(CannotCheckError, match="have expired"), explained("list workspaces"):
        raise exceptions.UnauthorizedSSOTokenError


def test_only_what_needs_no_made_up_request_is_simulated() -> None:
    """As in the load balancer controller's policy, whose rights depend on tags."""
    arn = "arn:aws:aps:eu-west-1:111122223333:workspace/ws-1"
    simple = {"Action": "aps:RemoteWrite", "Resource": arn}
    others = [
        {"Action": "ec2:DescribeVpcs", "Resource": "*"},
        {"Action": "ec2:CreateTags", "Resource": "arn:aws:ec2:*:*:security-group/*"},
        {"Action": "ec2:CreateTags", "Resource": [arn]},
        simple | {"Condition": {"Null": {"aws:RequestTag/a": "false"}}},
    ]
    assert roles.simulable({"Statement": [*others, simple]}) == [simple]


@pytest.mark.parametrize(
    ("folders", "asked", "said"),
    [
        ([], "prom", "nothing is synthesized; run: make synth"),
        (["prom", "prom_amp_cost"], "prom_ampcost", "did you mean prom_amp_cost? The stacks are: "),
        (["prom", "base"], "", "there is no stack ''; The stacks are: base, prom"),
        (["prom"], "../prom", "there is no stack '../prom'"),
    ],
)
def test_an_unknown_stack_is_told_with_the_nearest(
    folders: list[str],
    asked: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in folders:
        folder = tmp_path / "cdktf.out/stacks" / name
        folder.mkdir(parents=True)
        (folder / "cdk.tf.json").write_text(json.dumps({}))
    monkeypatch.chdir(tmp_path)
    assert main(["verify", asked]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("verify: ")
    assert said in line


@pytest.mark.parametrize(
    ("without", "status"), [(0, "OK"), (10, "OK"), (11, "FAIL"), (100, "FAIL")]
)
def test_a_tenth_of_the_containers_may_be_without_usage(without: int, status: str) -> None:
    labels = {"namespace": "shop", "pod": "web", "container": "web"}

    def answer(promql: str) -> dict[str, Any]:
        values = [100] if promql.startswith("count((") else [1] * without
        result = [{"metric": labels, "value": [0, str(value)]} for value in values]
        return {"status": "success", "data": {"result": result}}

    findings = list(costs.usage_beside_requests(Source("AMP", "", answer)))
    assert {finding.status for finding in findings} == {Status[status]}
