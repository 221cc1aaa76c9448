"""Find Terraform's expressions in texts, and tell which of them are safe.

An expression stands for a value that is not known yet. The shapes below are safe: they are
references whose value AWS chooses, on one line and without a wildcard. Such a value is a name, an
id, an ARN or an address.
"""

import re
from collections.abc import Iterator
from functools import cache

_NAME = r"\w+"
_LOOKED_UP = r"(data\.)?"
# Add a shape here if it refers to one attribute that AWS sets, and that no text in the stack sets.
KNOWN_SHAPES = (
    rf"{_LOOKED_UP}aws_prometheus_workspace\.{_NAME}\.(id|arn|prometheus_endpoint)",
    rf"aws_iam_role\.{_NAME}\.(arn|name)",
    rf"{_LOOKED_UP}aws_iam_openid_connect_provider\.{_NAME}\.arn",
    rf"{_LOOKED_UP}aws_eks_cluster\.{_NAME}\.(name|arn|endpoint)",
    rf"{_LOOKED_UP}aws_eks_cluster\.{_NAME}\.vpc_config\[0\]\.(vpc_id|cluster_security_group_id)",
    rf"{_LOOKED_UP}aws_eks_cluster\.{_NAME}\.identity\[0\]\.oidc\[0\]\.issuer",
    rf"replace\({_LOOKED_UP}aws_eks_cluster\.{_NAME}\.identity\[0\]\.oidc\[0\]\.issuer,"
    r""" ["']https://["'], ["']["']\)""",
    rf"data\.aws_partition\.{_NAME}\.partition",
    rf"data\.aws_caller_identity\.{_NAME}\.account_id",
    rf"aws_cloudwatch_log_group\.{_NAME}\.arn",
    rf"aws_prometheus_scraper\.{_NAME}\.arn",
    rf"aws_cognito_user_pool(_client)?\.{_NAME}\.(id|arn)",
    rf"data\.aws_cognito_user_pools\.{_NAME}\.(ids|arns)\[0\]",
    rf"aws_acm_certificate(_validation)?\.{_NAME}\.(arn|certificate_arn)",
    rf"aws_s3_bucket\.{_NAME}\.(id|bucket|arn|bucket_regional_domain_name)",
    rf"aws_athena_workgroup\.{_NAME}\.(id|arn|name)",
    rf"aws_glue_catalog_(database|table)\.{_NAME}\.(name|arn)",
    rf"data\.aws_(route53_zone|lb_hosted_zone_id)\.{_NAME}\.(zone_id|id)",
    rf"aws_sns_topic\.{_NAME}\.arn",
    rf"aws_kms_key\.{_NAME}\.arn",
    rf"aws_security_group\.{_NAME}\.id",
    rf"aws_vpc\.{_NAME}\.(id|cidr_block)",
    rf"sha256\(jsonencode\(kubernetes_config_map_v1\.{_NAME}\.data\)\)",
)
_KNOWN = re.compile("|".join(f"(?:{shape})" for shape in KNOWN_SHAPES))
# Functions that only compute from their arguments; file(), templatefile() and others read the
# runner's files.
KNOWN_FUNCTIONS = {
    "alltrue",
    "anytrue",
    "base64decode",
    "contains",
    "element",
    "endswith",
    "formatdate",
    "jsondecode",
    "jsonencode",
    "length",
    "lookup",
    "min",
    "one",
    "parseint",
    "replace",
    "sha256",
    "slice",
    "sort",
    "substr",
    "tolist",
    "toset",
    "tostring",
    "try",
}
_CALL = re.compile(r"([A-Za-z_][\w:-]*)\s*\(")
_OPENING = re.compile(r"(\$+|%+)\{")
# A comment or a heredoc could hide the end of the expression.
_HIDES = ("#", "//", "/*", "<<")


def expressions(text: str) -> Iterator[str]:
    """Find the content of each `${…}` and `%{…}`, with the braces and quotes inside it.

    If the end of an expression cannot be found, it extends to the end of the text. `$${` is not an
    expression.
    """
    at = 0
    while match := _OPENING.search(text, at):
        at = match.end()
        if len(match[1]) % 2:
            end = _end_of_expression(text, at)
            yield text[at : end - 1].strip() if end <= len(text) else text[at:]
            at = end


def _end_of_expression(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        if text.startswith(_HIDES, at):
            break
        char = text[at]
        at += 1
        if char == '"':
            at = _end_of_quotation(text, at)
        elif char == "{":
            depth += 1
        elif char == "}":
            if not depth:
                return at
            depth -= 1
    return len(text) + 1


def _end_of_quotation(text: str, at: int) -> int:
    while at < len(text):
        if text[at] == '"':
            return at + 1
        if text[at] == "\\":
            at += 2
        elif (match := _OPENING.match(text, at)) and len(match[1]) % 2:
            at = _end_of_expression(text, match.end())
        else:
            at = match.end() if match else at + 1
    return len(text) + 1


def unknown_expressions(text: str) -> list[str]:
    """Find the expressions that have none of the known shapes."""
    return [each for each in expressions(text) if not _KNOWN.fullmatch(each)]


@cache
def unknown_functions(text: str) -> frozenset[str]:
    """Find the functions that the text's expressions call and KNOWN_FUNCTIONS does not list.

    Text in quotes counts too, because a template inside it may call a function.
    """
    found = list(expressions(text))
    called = {name for each in found for name in _CALL.findall(each)}
    hidden = {each for each in found if any(sign in each for sign in ("<<", "/*"))}
    return frozenset(called - KNOWN_FUNCTIONS | hidden)
