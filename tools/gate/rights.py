"""Judge IAM policy documents: which actions they allow on which resources, and for whom.

GRANTS lists what the policies of a new role may allow. SERVICES and SERVICE_ACCOUNT list what a
new role may trust. After that a policy may only shrink: the old policy must have allowed each
action on each resource.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tools.documents import quotable
from tools.gate.absent import Unread, is_empty
from tools.gate.expressions import unknown_expressions
from tools.gate.reader import unique
from tools.gate.rules import Rule, complain, shown

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Grant:
    """Actions that a new policy may allow, on resources whose whole ARN matches the pattern."""

    actions: frozenset[str]
    resource: str


_ACCOUNT = r"(\d{12}|\$\{data\.aws_caller_identity\.\w+\.account_id\})"
_PARTITION = r"(aws[a-z-]*|\$\{data\.aws_partition\.\w+\.partition\})"
WORKSPACE = (
    rf"arn:{_PARTITION}:aps:[a-z0-9-]+:{_ACCOUNT}:workspace/ws-[0-9a-f-]{{36}}"
    r"|\$\{(data\.)?aws_prometheus_workspace\.\w+\.arn\}"
)
# If a new module grants something, add it here: each action by its full name, and a pattern that
# only the one resource matches. No pattern may match a wildcard.
GRANTS = [
    Grant(
        frozenset(
            {
                "aps:RemoteWrite",
                "aps:QueryMetrics",
                "aps:GetSeries",
                "aps:GetLabels",
                "aps:GetMetricMetadata",
            }
        ),
        WORKSPACE,
    ),
]
# To query the cost report that the stack `billing` creates, or to assume its role for that.
_GLUE = rf"arn:{_PARTITION}:glue:[a-z0-9-]+:{_ACCOUNT}"
_BUCKET = rf"arn:{_PARTITION}:s3:::[a-z0-9-]+"
_READ_GLUE = ("GetDatabase", "GetTable", "GetTables", "GetPartition", "GetPartitions")
GRANTS += [
    Grant(
        frozenset(
            {
                "athena:StartQueryExecution",
                "athena:StopQueryExecution",
                "athena:GetQueryExecution",
                "athena:GetQueryResults",
                "athena:GetWorkGroup",
            }
        ),
        rf"arn:{_PARTITION}:athena:[a-z0-9-]+:{_ACCOUNT}:workgroup/[\w-]+-bill",
    ),
    Grant(
        frozenset(f"glue:{action}" for action in _READ_GLUE),
        rf"{_GLUE}:(catalog|database/[a-z0-9_]+_bill|table/[a-z0-9_]+_bill/costs)",
    ),
    Grant(
        frozenset({"glue:GetDatabase", "glue:GetDatabases"}), rf"{_GLUE}:(catalog|database/default)"
    ),
    Grant(
        frozenset({"s3:GetBucketLocation", "s3:ListBucket"}),
        rf"{_BUCKET}-(bill|bill-results|spot)-{_ACCOUNT}",
    ),
    # A wildcard, because the names of the objects in a bucket are not known beforehand.
    Grant(frozenset({"s3:GetObject"}), rf"{_BUCKET}-(bill|bill-results|spot)-{_ACCOUNT}/\*"),
    Grant(
        frozenset({"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}),
        rf"{_BUCKET}-bill-results-{_ACCOUNT}/\*",
    ),
    Grant(
        frozenset({"sts:AssumeRole", "sts:TagSession"}),
        rf"arn:{_PARTITION}:iam::{_ACCOUNT}:role/([\w+=,.@-]+/)*[\w-]+-bill-reader",
    ),
]
# Actions that only list names: they may be allowed on everything, at any time.
HARMLESS = {"aps:ListWorkspaces"}
# Policies of vendors, which this project ships as they were published.
PUBLISHED = [ROOT / "modules/load_balancer_controller_policy.json"]
# AWS managed policies that base attaches.
MANAGED = {
    "AmazonEBSCSIDriverPolicyV2",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSClusterPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
}
# AWS services that a new role may trust. True: only if a condition names the role's own account.
SERVICES = {
    "ec2.amazonaws.com": False,
    "eks.amazonaws.com": False,
    "scraper.aps.amazonaws.com": True,
}
# Service accounts that a new role may trust: those of the Helm releases and of the add-ons.
SERVICE_ACCOUNT = (
    r"system:serviceaccount:(kubecost-[a-z0-9-]+:kubecost-[a-z0-9-]+"
    r"|kube-system:(aws-node|ebs-csi-controller-sa|aws-load-balancer-controller))"
)
_ISSUER = (
    r"oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/id/[0-9A-Za-z]+"
    r"""|\$\{replace\((data\.)?aws_eks_cluster\.\w+\.identity\[0\]\.oidc\[0\]\.issuer, '"""
    r"""https://', ''\)\}"""
)
_PROVIDER = (
    rf"arn:{_PARTITION}:iam::{_ACCOUNT}:oidc-provider/oidc\.eks\.[a-z0-9-]+\.amazonaws\.com"
    r"(\.cn)?/id/[0-9A-Za-z]+"
    r"|\$\{(data\.)?aws_iam_openid_connect_provider\.\w+\.arn\}"
)
_STATEMENT_KEYS = {"Sid", "Effect", "Action", "Resource", "Condition"}
_TRUST_KEYS = {"Sid", "Effect", "Action", "Principal", "Condition"}
# The parts of an ARN: arn, partition, service, region, account, resource.
_ARN_PARTS = 6


class UnreadableError(ValueError):
    """A text that cannot be judged as a policy document."""


def statements(document: Any) -> list[Json]:
    """Read the statements of a policy document, with actions and resources as lists.

    Raises:
        UnreadableError: it is not a policy document, or has an expression of an unknown shape.
    """
    text = document
    if isinstance(document, Unread):
        if len(document.texts) != 1:
            raise UnreadableError(str(document))
        text = document.texts[0]
        if unknown := unknown_expressions(text):
            raise UnreadableError(f"${{{unknown[0]}}}")
        text = quotable(text)
    try:
        policy = json.loads(text, object_pairs_hook=unique)
    except (ValueError, TypeError, RecursionError):
        raise UnreadableError(shown(document)) from None
    if not isinstance(policy, dict) or not {*policy} <= {"Version", "Id", "Statement"}:
        raise UnreadableError(shown(text))
    found = _listed(policy.get("Statement"))
    if not all(isinstance(each, dict) for each in found):
        raise UnreadableError(shown(text))
    return [_normal(each) for each in found]


def _normal(statement: Json) -> Json:
    lists = {
        key: sorted(map(str, _listed(statement[key])))
        for key in ("Action", "NotAction", "Resource", "NotResource")
        if key in statement
    }
    conditions = {
        operator: {key: sorted(map(str, _listed(value))) for key, value in tests.items()}
        for operator, tests in (statement.get("Condition") or {}).items()
        if isinstance(tests, dict)
    }
    extra = {"Condition": conditions} if conditions else {}
    return {k: v for k, v in statement.items() if k not in ("Sid", "Condition")} | lists | extra


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _policy(before: Any, after: Any) -> Iterator[str]:
    if is_empty(after):
        return
    new = statements(after)
    old = _had(before)
    published = [each for file in PUBLISHED for each in statements(file.read_text("utf-8"))]
    for statement in new:
        if statement in old or statement in published or statement.get("Effect") == "Deny":
            continue
        yield from _allows(statement, old, is_new=is_empty(before))
    for statement in old:
        if statement.get("Effect") == "Deny" and statement not in new:
            yield f"no longer denies {_names(statement.get('Action', []))}"


def _had(before: Any) -> list[Json]:
    """Read what was allowed; a document that cannot be read allowed nothing."""
    try:
        return [] if is_empty(before) else statements(before)
    except UnreadableError:
        return []


def _allows(statement: Json, old: Sequence[Json], *, is_new: bool) -> Iterator[str]:
    if odd := {*statement} - _STATEMENT_KEYS:
        yield f"allows with {', '.join(sorted(odd))}: {shown(statement)}"
        return
    if statement.get("Effect") != "Allow" or not statement.get("Action"):
        yield f"has a statement without effect or action: {shown(statement)}"
        return
    for action in statement["Action"]:
        for resource in statement.get("Resource") or ["*"]:
            if not (
                action in HARMLESS
                or (is_new and _granted(action, resource))
                or any(_covers(each, action, resource, statement) for each in old)
            ):
                yield f"allows {action} on {resource}"


def _granted(action: str, resource: str) -> bool:
    return any(
        action in grant.actions and re.fullmatch(grant.resource, resource) for grant in GRANTS
    )


def _covers(old: Json, action: str, resource: str, new: Json) -> bool:
    """Tell whether an old statement allowed this already, under conditions that still hold."""
    if old.get("Effect") != "Allow" or {*old} - _STATEMENT_KEYS:
        return False
    return (
        any(_matches(pattern.lower(), action.lower()) for pattern in old.get("Action", []))
        and any(
            _matches(complete(pattern), complete(resource)) for pattern in old.get("Resource", [])
        )
        and _is_as_narrow(old.get("Condition", {}), new.get("Condition", {}))
    )


def _is_as_narrow(old: Json, new: Json) -> bool:
    return all(
        new.get(operator, {}).get(key) == values
        for operator, tests in old.items()
        for key, values in tests.items()
    )


def complete(resource: str) -> str:
    """Complete an ARN as IAM does: parts that are missing are wildcards.

    IAM user guide, "IAM JSON policy elements: Resource", incomplete ARNs.
    """
    if not resource.startswith("arn:"):
        return resource
    # A colon inside an expression does not separate parts of the ARN.
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[0])
        return f"\0{len(held) - 1}\0"

    parts = re.sub(r"\$\{[^}]*\}", hold, resource).split(":", _ARN_PARTS - 1)
    parts += ["*"] * (_ARN_PARTS - len(parts))
    return re.sub(r"\0(\d+)\0", lambda match: held[int(match[1])], ":".join(parts))


def _matches(pattern: str, text: str) -> bool:
    # IAM takes `[` literally; in fnmatch it begins a set.
    return pattern == text or fnmatchcase(text, pattern.replace("[", "[[]"))


def _trust(before: Any, after: Any) -> Iterator[str]:
    old = _had(before)
    for statement in statements(after):
        if statement.get("Effect") == "Deny" or any(
            _trusts_no_more(each, statement) for each in old
        ):
            continue
        if not is_empty(before) or not _is_trusted(statement):
            yield f"lets {shown(statement.get('Principal', statement))} assume the role" + (
                f" if {shown(statement['Condition'])}" if "Condition" in statement else ""
            )


def _trusts_no_more(old: Json, new: Json) -> bool:
    same = {**old, "Action": None, "Condition": None} == {**new, "Action": None, "Condition": None}
    fewer = {*new.get("Action", [])} <= {*old.get("Action", [])}
    return same and fewer and _is_as_narrow(old.get("Condition", {}), new.get("Condition", {}))


def _is_trusted(statement: Json) -> bool:
    principal = statement.get("Principal")
    if {*statement} - _TRUST_KEYS or not isinstance(principal, dict) or len(principal) != 1:
        return False
    ((kind, whom),) = principal.items()
    if isinstance(whom, list) and len(whom) == 1:
        whom = whom[0]
    if not isinstance(whom, str) or statement.get("Effect") != "Allow":
        return False
    conditions = statement.get("Condition", {})
    equal = conditions.get("StringEquals", {})
    if kind == "Service":
        account = equal.get("aws:SourceAccount", [])
        own = len(account) == 1 and bool(re.fullmatch(_ACCOUNT, account[0]))
        return (
            statement["Action"] == ["sts:AssumeRole"]
            and whom in SERVICES
            and (own or not SERVICES[whom])
        )
    if kind != "Federated" or not re.fullmatch(_PROVIDER, whom):
        return False
    issuers = {key.rpartition(":")[0] for key in equal}
    if len(issuers) != 1 or not re.fullmatch(_ISSUER, issuer := issuers.pop()):
        return False
    # If the provider's ARN is known, it must be the provider of the issuer in the conditions.
    if whom.startswith("arn:") and "${" not in issuer and not whom.endswith(f"/{issuer}"):
        return False
    subjects = equal.get(f"{issuer}:sub", [])
    return (
        statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
        and equal.get(f"{issuer}:aud") == ["sts.amazonaws.com"]
        and len(subjects) == 1
        and bool(re.fullmatch(SERVICE_ACCOUNT, subjects[0]))
    )


def _managed(_before: Any, after: Any) -> Iterator[str]:
    texts = after.texts if isinstance(after, Unread) else (after,)
    for text in texts:
        known = re.fullmatch(rf"arn:{_PARTITION}:iam::aws:policy/(service-role/)?(\w+)", str(text))
        if not known or known[3] not in MANAGED:
            yield f"attaches {shown(text)}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)


def _judged(by: Any) -> Rule:
    def about(before: Any, after: Any) -> str:
        try:
            return "; ".join(dict.fromkeys(by(before, after)))
        except UnreadableError as error:
            return f"cannot be read: {error}"

    return complain(about)


policy = _judged(_policy)
"""A policy document that says what a role may do."""
trust = _judged(_trust)
"""A trust policy, which says who may assume a role."""
managed_policy = _judged(_managed)
"""The ARN of an AWS managed policy."""
