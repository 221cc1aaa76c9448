"""What stands between the network and the UIs: load balancer, name, certificate and login."""

from collections.abc import Iterator
from typing import Any

from tools.gate import networks
from tools.gate.absent import ABSENT, Unread, is_empty
from tools.gate.kinds.kind import Kind, harmless, unchanging
from tools.gate.rules import block, free, one_of, settled

_PREFIX = "alb.ingress.kubernetes.io/"
_CIDRS, _SCHEME = f"{_PREFIX}inbound-cidrs", f"{_PREFIX}scheme"


def _reach(before: Any, after: Any) -> Iterator[str]:
    """Judge which addresses a load balancer admits, as its controller reads the annotations."""
    if after.get(_SCHEME) != "internal" and (before is ABSENT or before.get(_SCHEME) == "internal"):
        yield "faces the internet"
    old = ABSENT if before is ABSENT else _inbound(before)
    private = networks.networks(list(networks.PRIVATE))
    to_create = private if after.get(_SCHEME) == "internal" else []
    if text := networks.opened(old, _inbound(after), to_create=to_create):
        yield text


def _inbound(annotations: Any) -> Any:
    """Find the blocks that are admitted; without a list, the controller admits everyone."""
    cidrs = annotations.get(_CIDRS)
    if is_empty(cidrs):
        return list(networks.EVERYONE)
    return cidrs if isinstance(cidrs, Unread) else [each.strip() for each in cidrs.split(",")]


_ANNOTATIONS = {
    _CIDRS: free,  # _reach
    _SCHEME: free,  # _reach
    **{
        f"{_PREFIX}{name}": settled
        for name in (
            *("auth-idp-cognito", "auth-idp-oidc", "auth-on-unauthenticated-request"),
            *("auth-scope", "auth-session-timeout", "auth-type", "group.name", "listen-ports"),
            *("load-balancer-attributes", "ssl-policy", "ssl-redirect", "wafv2-acl-arn"),
        )
    },
    f"{_PREFIX}target-type": one_of("ip"),
    f"{_PREFIX}certificate-arn": free,
    f"{_PREFIX}healthcheck-path": free,
    f"{_PREFIX}ip-address-type": free,
    f"{_PREFIX}subnets": free,
    f"{_PREFIX}tags": free,
}
_POOL = (
    *("account_recovery_setting", "admin_create_user_config", "auto_verified_attributes"),
    *("mfa_configuration", "name", "password_policy", "software_token_mfa_configuration"),
    "username_attributes",
)
_CLIENT = (
    *("allowed_oauth_flows", "allowed_oauth_flows_user_pool_client", "allowed_oauth_scopes"),
    *("callback_urls", "generate_secret", "name", "prevent_user_existence_errors"),
    *("supported_identity_providers", "user_pool_id"),
)

KINDS: dict[str, Kind] = {
    "aws_acm_certificate": Kind(
        unchanging("domain_name", "validation_method", "subject_alternative_names"),
        loses="the certificate of a UI",
    ),
    "aws_acm_certificate_validation": Kind(
        harmless("certificate_arn", "validation_record_fqdns"), replaceable=True
    ),
    "aws_cognito_identity_provider": Kind(
        {}, asks_to_create="lets users of another directory log in", loses="a way to log in"
    ),
    "aws_cognito_user_pool": Kind(
        {**unchanging(*_POOL), "deletion_protection": one_of("ACTIVE", "INACTIVE")},
        loses="all users of the UIs",
    ),
    "aws_cognito_user_pool_client": Kind(unchanging(*_CLIENT), loses="the login of a UI"),
    "aws_cognito_user_pool_domain": Kind(
        unchanging("domain", "user_pool_id"), loses="the login of all UIs"
    ),
    "aws_route53_record": Kind(
        {**unchanging("name", "records", "type", "zone_id"), **harmless("alias", "ttl")},
        asks_to_create="creates a name in DNS",
        loses="a name in DNS",
    ),
    "kubernetes_ingress_v1": Kind(
        {
            "metadata": block(
                {
                    **harmless("name", "namespace", "generation", "resource_version", "uid"),
                    "annotations": block(_ANNOTATIONS, together=_reach),
                }
            ),
            "spec": settled,
            **harmless("wait_for_load_balancer", "status"),
        },
        loses="the way to a UI",
    ),
    "kubernetes_role_binding_v1": Kind(
        {},
        asks_to_create="lets somebody in the cluster do what a role says",
        loses="a right that a UI's login needs",
    ),
    "kubernetes_role_v1": Kind(
        {}, asks_to_create="grants rights in the cluster", loses="a right that a UI's login needs"
    ),
    "kubernetes_secret_v1": Kind(
        {}, asks_to_create="creates a Secret", loses="a Secret that a UI's login needs"
    ),
}
