"""AWS IAM's policy simulator, which moto lacks: what a role's own policies decide."""

import json
from typing import Any
from urllib.parse import unquote

from moto.iam.exceptions import NotFoundException

from .core import AwsError, Call, Json, Service
from .iam import is_allowed

iam = Service("iam")


def _document(text: Any) -> Json:
    document: Json = json.loads(unquote(text)) if isinstance(text, str) else text
    return document


@iam.operation
def simulate_principal_policy(call: Call) -> Json:
    """Evaluate a role's inline and attached policies; no permission boundary is known here."""
    backend = call.backend("iam")
    try:
        role = backend.get_role_by_arn(call["PolicySourceArn"])
    except NotFoundException:
        raise AwsError("NoSuchEntity", f"{call['PolicySourceArn']} cannot be found") from None
    documents = [_document(text) for text in role.policies.values()]
    documents += [
        _document(version.document)
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.is_default
    ]

    def decision(action: str, resource: str) -> str:
        return (
            "allowed"
            if is_allowed(*documents, action=action, resource=resource)
            else "implicitDeny"
        )

    return {
        "IsTruncated": False,
        "EvaluationResults": [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": decision(action, resource),
            }
            for action in call["ActionNames"]
            for resource in call["ResourceArns"] or ["*"]
        ],
    }
