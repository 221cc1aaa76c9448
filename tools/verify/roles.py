"""Check that the roles have the rights and the trust that the stack declares, and no more."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from modules.policy import ROLE_ANNOTATION
from tools.common import as_list
from tools.verify.aws import error_code, explained
from tools.verify.context import Context
from tools.verify.declared import Role
from tools.verify.finding import Finding, listed
from tools.verify.kube import NotFoundError

# No role may do any of these.
FORBIDDEN = ("aps:DeleteWorkspace", "aps:PutRuleGroupsNamespace")
_IAM_CANNOT = {"AccessDenied", "AccessDeniedException"}


def check(context: Context) -> Iterator[Finding]:
    """Compare every role of the stack with IAM."""
    iam = context.aws.client("iam")
    for role in context.declared.roles:
        if role.service_account and context.declared.pod_identity:
            yield _association(context, role, *role.service_account)
        elif role.service_account and not context.declared.makes_cluster:
            yield _annotation(context, role, *role.service_account)
        with explained(f"read the IAM role {role.name}"):
            try:
                found = iam.get_role(RoleName=role.name)["Role"]
            except iam.exceptions.NoSuchEntityException:
                yield Finding.fail(
                    f"role {role.name} exists",
                    seen="no such role",
                    expected="the role that the stack creates",
                    fix=f"cdktf deploy {context.declared.name}",
                )
                continue
            yield _trust(context, role, found["AssumeRolePolicyDocument"])
            yield _rights(context, role, iam)
        yield from _simulated(context, role, iam, found["Arn"])


def _arn(context: Context, role: Role) -> str:
    partition, account = context.account
    return f"arn:{partition}:iam::{account}:role{role.path}{role.name}"


def _association(context: Context, role: Role, namespace: str, account: str) -> Finding:
    what = f"service account {account} is associated with the role {role.name}"
    expected = _arn(context, role)
    name = context.cluster["name"]
    with explained(f"read the Pod Identity associations of {name}"):
        eks = context.aws.client("eks")
        listed_ = eks.list_pod_identity_associations(
            clusterName=name, namespace=namespace, serviceAccount=account
        )["associations"]
        found = [
            eks.describe_pod_identity_association(
                clusterName=name, associationId=each["associationId"]
            )["association"]["roleArn"]
            for each in listed_
        ]
    return Finding.judge(
        what,
        found == [expected],
        seen=listed(set(found)) or "no association",
        expected=expected,
        fix=f"cdktf deploy {context.declared.name}; then restart its pods, which got no "
        f"credentials: kubectl -n {namespace} rollout restart deployment",
    )


def _annotation(context: Context, role: Role, namespace: str, account: str) -> Finding:
    what = f"service account {account} has the role {role.name}"
    expected = f"{ROLE_ANNOTATION}: {_arn(context, role)}"
    fix = (
        f"cdktf deploy {context.declared.name}; then restart its pods, which got no credentials: "
        f"kubectl -n {namespace} rollout restart deployment"
    )
    try:
        found = context.kube.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}")
    except NotFoundError:
        return Finding.fail(what, seen="no such service account", expected=expected, fix=fix)
    value = (found["metadata"].get("annotations") or {}).get(ROLE_ANNOTATION)
    return Finding.judge(
        what,
        value == _arn(context, role),
        seen=f"{ROLE_ANNOTATION}: {value}" if value else f"no annotation {ROLE_ANNOTATION}",
        expected=expected,
        fix=fix,
    )


def _trust(context: Context, role: Role, document: Any) -> Finding:
    who = f"only {role.service_account[1]} of this cluster" if role.service_account else ""
    wanted, found = json.loads(context.fill(role.trust)), _document(document)
    return Finding.judge(
        f"role {role.name} trusts {who or 'as declared'}",
        _normal(found) == _normal(wanted),
        seen=_difference(found, wanted),
        expected=_difference(wanted, found),
        fix=_repair(context, "the cluster's OIDC provider changes if the cluster is created "
                    "again"),
    )  # fmt: skip


def _rights(context: Context, role: Role, iam: Any) -> Finding:
    what = f"role {role.name} has the declared rights and no more"
    names = iam.list_role_policies(RoleName=role.name)["PolicyNames"]
    found = {
        name: _document(iam.get_role_policy(RoleName=role.name, PolicyName=name)["PolicyDocument"])
        for name in names
    }
    attached = {
        each["PolicyArn"]
        for each in iam.list_attached_role_policies(RoleName=role.name)["AttachedPolicies"]
    }
    wanted = {name: json.loads(context.fill(text)) for name, text in role.policies.items()}
    declared = {context.fill(arn) for arn in role.attachments}
    fix = _repair(context, "find out who changed the role")
    if attached != declared:
        return Finding.fail(
            what,
            seen=f"attached: {listed(attached) or 'nothing'}",
            expected=f"attached: {listed(declared) or 'nothing'}",
            fix=f"aws iam detach-role-policy --role-name {role.name} --policy-arn "
            f"{min(attached - declared)}"
            if attached - declared
            else fix,
        )
    differing = [
        name for name in {*found, *wanted} if _normal(found.get(name)) != _normal(wanted.get(name))
    ]
    if not differing:
        actions = {action for each in wanted.values() for action in _actions(each)}
        return Finding.ok(what, listed(actions))
    name = min(differing)
    return Finding.fail(
        what,
        seen=f"policy {name}: {_difference(found.get(name), wanted.get(name))}",
        expected=f"policy {name}: {_difference(wanted.get(name), found.get(name))}",
        fix=fix,
    )


def _simulated(context: Context, role: Role, iam: Any, arn: str) -> Iterator[Finding]:
    """Ask IAM's simulator, which includes permission boundaries and the organization's policies."""
    documents = [json.loads(context.fill(text)) for text in role.policies.values()]
    statements = [each for document in documents for each in simulable(document)]
    if not statements:
        return
    what = f"IAM's policy simulator agrees for role {role.name}"
    allowed: set[str] = set()
    denied: set[str] = set()
    for statement in statements:
        actions, resource = as_list(statement["Action"]), statement["Resource"]
        asked = [*actions, *(each for each in FORBIDDEN if each not in actions)]
        try:
            answer = iam.simulate_principal_policy(
                PolicySourceArn=arn, ActionNames=asked, ResourceArns=[resource]
            )["EvaluationResults"]
        except ClientError as error:
            code = error_code(error)
            if code not in _IAM_CANNOT:
                with explained("simulate a policy"):
                    raise
            yield Finding.skipped(f"{what}: your identity lacks iam:SimulatePrincipalPolicy")
            return
        for each in answer:
            action, may = each["EvalActionName"], each["EvalDecision"] == "allowed"
            if may and action not in actions:
                allowed.add(action)
            if not may and action in actions:
                denied.add(action)
    yield Finding.judge(
        what,
        not allowed and not denied,
        seen="; ".join(
            f"{verdict}: {listed(actions)}"
            for verdict, actions in (("denied", denied), ("allowed", allowed))
            if actions
        ),
        expected="the inline policy alone decides",
        fix="a permission boundary or a service control policy denies, or another policy allows: "
        f"aws iam get-role --role-name {role.name}",
    )


def simulable(document: Any) -> list[Any]:
    """List the statements with one resource and no condition, which the simulator can judge."""
    return [
        each
        for each in document["Statement"]
        if "Condition" not in each
        and isinstance(each["Resource"], str)
        and each["Resource"].startswith("arn:")
        and "*" not in each["Resource"]
    ]


def _repair(context: Context, reason: str) -> str:
    return f"cdktf deploy {context.declared.name} repairs it; {reason}"


def _document(found: Any) -> Any:
    """Return a document as data; boto3 has decoded IAM's URL encoding already."""
    return json.loads(found) if isinstance(found, str) else found


def _actions(document: Any) -> Iterator[str]:
    for statement in document["Statement"]:
        yield from as_list(statement["Action"])


def _normal(data: Any) -> Any:
    """Normalize a document: a list of one item becomes the item, and lists are sorted."""
    if isinstance(data, dict):
        return {key: _normal(value) for key, value in data.items()}
    if isinstance(data, list):
        return (
            sorted((_normal(each) for each in data), key=repr)
            if len(data) != 1
            else _normal(data[0])
        )
    return data


def _difference(one: Any, other: Any) -> str:
    """Show the parts of `one` that are not in `other`, shortened to one line."""
    if one is None:
        return "none"
    if other is None:
        return _short(one)
    parts = set(_leaves(one)) - set(_leaves(other))
    return listed(parts) if parts else "nothing else"


def _leaves(data: Any, path: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    elif isinstance(data, list):
        for value in data:
            yield from _leaves(value, path)
    else:
        yield f"{path.removeprefix('Statement.')} = {data}"


def _short(data: Any) -> str:
    text = json.dumps(data)
    return text if len(text) <= 300 else text[:297] + "..."
