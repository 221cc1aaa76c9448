"""Evaluate IAM policy documents: is this action on this resource allowed in this context?

The rules are those of the IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements":
an explicit Deny wins, then an Allow is needed. moto's own evaluation (moto.iam.access_control)
denies where a condition of a Deny is not met, and knows neither federated principals nor most
condition operators, so it cannot prove a policy.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]


def is_allowed(
    *policies: Json,
    action: str,
    resource: str | None = None,
    principal: tuple[str, str] | None = None,
    context: Mapping[str, str | list[str]] | None = None,
) -> bool:
    """Tell whether the policies together allow the action.

    Args:
        *policies: policy documents: those of one role, or one trust or resource policy.
        action: for example ``aps:RemoteWrite``.
        resource: ARN acted on; None for a trust policy, which names no resource.
        principal: kind and name, for example ``("Service", "ec2.amazonaws.com")``; None for an
            identity policy, which names no principal.
        context: condition keys and their values in the request.

    Raises:
        ValueError: a policy names resources or principals and the argument is missing, or it uses
            what is not evaluated here: other condition operators, NotPrincipal, policy variables.
    """
    keys = {key.lower(): value for key, value in (context or {}).items()}
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in _many(policy["Statement"])
        if _names(statement, "Action", action, _action_matches)
        and _names_resource(statement, resource)
        and _names_principal(statement, principal)
        and _conditions_met(statement.get("Condition", {}), keys)
    }
    return effects == {"Allow"}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _glob(pattern: str, value: str) -> bool:
    if "${" in pattern:
        raise ValueError(f"policy variables are not evaluated: {pattern}")
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _action_matches(pattern: str, action: str) -> bool:
    return _glob(pattern.lower(), action.lower())


def _names(statement: Json, element: str, value: str, matches: Callable[[str, str], bool]) -> bool:
    """Tell whether the statement's element (or its Not form) covers the value."""
    if element in statement:
        return any(matches(pattern, value) for pattern in _many(statement[element]))
    excluded = statement.get(f"Not{element}")
    return excluded is not None and not any(matches(p, value) for p in _many(excluded))


def _names_resource(statement: Json, resource: str | None) -> bool:
    if statement.keys().isdisjoint({"Resource", "NotResource"}):
        return True
    if resource is None:
        raise ValueError("the policy names resources: say which one is acted on")
    return _names(statement, "Resource", resource, _glob)


def _names_principal(statement: Json, principal: tuple[str, str] | None) -> bool:
    if "NotPrincipal" in statement:
        raise ValueError("NotPrincipal is not evaluated")
    if "Principal" not in statement:
        return True
    if principal is None:
        raise ValueError("the policy names principals: say who acts")
    (kind, name), named = principal, statement["Principal"]
    if named == "*":
        return True
    accepted = {"*", name}
    if kind == "AWS":
        account = name.split(":")[4]
        accepted |= {account, f"arn:aws:iam::{account}:root"}
    return not accepted.isdisjoint(_many(named.get(kind, [])))


def _arn_matches(pattern: str, arn: str) -> bool:
    """Compare the six parts of an ARN one by one, as ArnLike and ArnEquals do."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) and all(map(_glob, patterns, parts))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringEqualsIgnoreCase": lambda wanted, given: wanted.lower() == given.lower(),
    "StringLike": _glob,
    "ArnEquals": _arn_matches,
    "ArnLike": _arn_matches,
    "Bool": lambda wanted, given: wanted.lower() == given.lower(),
    "NumericEquals": lambda wanted, given: float(wanted) == float(given),
    "NumericLessThanEquals": lambda wanted, given: float(given) <= float(wanted),
    "NumericGreaterThanEquals": lambda wanted, given: float(given) >= float(wanted),
}


def _conditions_met(conditions: Json, keys: Mapping[str, str | list[str]]) -> bool:
    return all(
        _condition_met(
            operator,
            [str(w).lower() if w in (True, False) else w for w in _many(wanted)],
            keys.get(key.lower()),
        )
        for operator, block in conditions.items()
        for key, wanted in block.items()
    )


def _condition_met(operator: str, wanted: list[Any], given: str | list[str] | None) -> bool:
    """Evaluate one operator of one key; several wanted values are alternatives."""
    wanted = [str(value).lower() if isinstance(value, bool) else str(value) for value in wanted]
    if operator == "Null":
        return (given is None) == (wanted == ["true"])
    quantifier, _, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = "Not" in name
    matches = _OPERATORS.get(name.replace("Not", ""))
    if matches is None:
        raise ValueError(f"condition operator {operator} is not known")
    if given is None:
        return optional or negated or quantifier == "ForAllValues"

    def verdicts() -> Iterator[bool]:
        for value in _many(given):
            yield any(matches(pattern, value) for pattern in wanted) != negated

    return any(verdicts()) if quantifier == "ForAnyValue" else all(verdicts())
