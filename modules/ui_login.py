"""Log people in at the load balancer, before a request reaches a UI."""

import json

from cdktf import (
    ITerraformDependable,
    TerraformDataSource,
    TerraformOutput,
    TerraformStack,
    Token,
)
from cdktf_cdktf_provider_aws.cognito_user_pool_client import CognitoUserPoolClient
from cdktf_cdktf_provider_aws.data_aws_cognito_user_pool import DataAwsCognitoUserPool
from cdktf_cdktf_provider_aws.data_aws_secretsmanager_secret_versions import (
    DataAwsSecretsmanagerSecretVersions,
)
from cdktf_cdktf_provider_kubernetes.role_binding_v1 import (
    RoleBindingV1,
    RoleBindingV1Metadata,
    RoleBindingV1RoleRef,
    RoleBindingV1Subject,
)
from cdktf_cdktf_provider_kubernetes.role_v1 import RoleV1, RoleV1Metadata, RoleV1Rule
from cdktf_cdktf_provider_kubernetes.secret_v1 import SecretV1, SecretV1Metadata
from constructs import Construct

from modules import load_balancer_controller, versions
from modules.user_pool import SAML_PROVIDER, domain_prefix, find_pool
from settings.expose import CognitoSettings, LoginSettings, OidcSettings

Annotations = dict[str, str]

_SECRET = "ui-login"


class Login(Construct):
    """The annotations of an Ingress that make the load balancer log people in.

    Attributes:
        annotations: without the prefix alb.ingress.kubernetes.io/; empty without a login.
        before: what must exist before the Ingress.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: LoginSettings | None,
        *,
        account_id: str,
        host: str,
        namespace: str,
        session_hours: int,
        pool: str,
        pool_stack: str,
        after: ITerraformDependable,
    ) -> None:
        super().__init__(scope, id)
        self._after = after
        self._account_id = account_id
        self.annotations: Annotations = {}
        self.before: list[ITerraformDependable] = []
        if not settings:
            return
        # ALB user guide, "Authenticate users": the path is fixed, the host in lower case.
        callback = f"https://{host}/oauth2/idpresponse"
        if settings.oidc:
            self.annotations = self._oidc(settings.oidc, namespace)
            TerraformOutput(
                self,
                "callback_url",
                value=callback,
                description=f"Register it at {settings.oidc.issuer} for the client",
            )
        elif settings.cognito:
            self.annotations = self._cognito(
                settings.cognito, callback=callback, client=namespace, pool=pool, stack=pool_stack
            )
        self.annotations |= {
            "auth-on-unauthenticated-request": "authenticate",
            "auth-scope": "openid",
            "auth-session-timeout": str(session_hours * 3600),
        }

    def _cognito(
        self, settings: CognitoSettings, *, callback: str, client: str, pool: str, stack: str
    ) -> Annotations:
        if settings.pool_id:
            found = DataAwsCognitoUserPool(self, "pool", user_pool_id=settings.pool_id)
            pool_id, pool_arn, domain = settings.pool_id, found.arn, settings.domain
            provider = settings.identity_provider
        else:
            pools = find_pool(self, "pool", pool, stack=stack)
            pool_id, pool_arn = f"${{{pools.fqn}.ids[0]}}", f"${{{pools.fqn}.arns[0]}}"
            domain = domain_prefix(pool, self._account_id)
            provider = SAML_PROVIDER if settings.saml_metadata_url else "COGNITO"
        client_id = CognitoUserPoolClient(
            self,
            "client",
            name=client,
            user_pool_id=pool_id,
            generate_secret=True,
            allowed_oauth_flows=["code"],
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_scopes=["openid"],
            callback_urls=[callback],
            supported_identity_providers=[provider],
            prevent_user_existence_errors="ENABLED",
        ).id
        idp = {"userPoolARN": pool_arn, "userPoolClientID": client_id, "userPoolDomain": domain}
        return {"auth-type": "cognito", "auth-idp-cognito": json.dumps(idp)}

    def _oidc(self, settings: OidcSettings, namespace: str) -> Annotations:
        secret = settings.secret_name or self._secret(settings, namespace)
        self._let_controller_read(secret, namespace)
        authorization, token, user_info = (
            settings.endpoints if all(settings.endpoints) else self._discovered(settings.issuer)
        )
        idp = {
            "issuer": settings.issuer,
            "authorizationEndpoint": authorization,
            "tokenEndpoint": token,
            "userInfoEndpoint": user_info,
            "secretName": secret,
        }
        return {"auth-type": "oidc", "auth-idp-oidc": json.dumps(idp)}

    def _secret(self, settings: OidcSettings, namespace: str) -> str:
        """Give the client's secret to the controller, outside Terraform's plan and state.

        It overrides the JSON, because CDKTF 0.21 has no ephemeral block (Terraform 1.10).
        """
        assert settings.secret_arn
        id = "_".join([*self.node.path.split("/")[1:], "secret"])
        TerraformStack.of(self).add_override(
            f"ephemeral.aws_secretsmanager_secret_version.{id}", {"secret_id": settings.secret_arn}
        )
        secret_versions = DataAwsSecretsmanagerSecretVersions(
            self, "secret_versions", secret_id=settings.secret_arn
        ).fqn
        # Terraform does not store the value, so it cannot see a change. The number shows it.
        current = (
            f"one([for each in {secret_versions}.versions : each.version_id"
            ' if contains(each.version_stages, "AWSCURRENT")])'
        )
        secret = SecretV1(
            self,
            "secret",
            metadata=SecretV1Metadata(name=_SECRET, namespace=namespace),
            data_wo={
                "clientID": settings.client_id,
                "clientSecret": "${ephemeral.aws_secretsmanager_secret_version."
                f"{id}.secret_string}}",
            },
            data_wo_revision=Token.as_number(
                f"${{parseint(substr(sha256({current}), 0, 12), 16)}}"
            ),
            depends_on=[self._after],
        )
        self.before.append(secret)
        return _SECRET

    def _let_controller_read(self, secret: str, namespace: str) -> None:
        """Let the load balancer controller read this one Secret.

        By default its chart lets it read none (values.yaml, clusterSecretsPermissions). These are
        the rights in the controller's documentation, "RBAC configuration for secrets resources".
        """
        role = RoleV1(
            self,
            "secret_reader",
            metadata=RoleV1Metadata(name=f"{_SECRET}-reader", namespace=namespace),
            rule=[
                RoleV1Rule(
                    api_groups=[""],
                    resources=["secrets"],
                    resource_names=[secret],
                    verbs=["get", "list", "watch"],
                )
            ],
            depends_on=[self._after],
        )
        binding = RoleBindingV1(
            self,
            "controller_reads_secret",
            metadata=RoleBindingV1Metadata(name=f"{_SECRET}-reader", namespace=namespace),
            role_ref=RoleBindingV1RoleRef(
                api_group="rbac.authorization.k8s.io", kind="Role", name=role.metadata.name
            ),
            subject=[
                RoleBindingV1Subject(
                    kind="ServiceAccount",
                    name=load_balancer_controller.SERVICE_ACCOUNT,
                    namespace=load_balancer_controller.NAMESPACE,
                )
            ],
            depends_on=[self._after],
        )
        self.before.append(binding)

    def _discovered(self, issuer: str) -> tuple[str, str, str]:
        """Read the endpoints when Terraform plans (OpenID Connect Discovery 1.0)."""
        TerraformStack.of(self).add_override(
            "terraform.required_providers.http", versions.PROVIDERS["http"]
        )
        document = TerraformDataSource(self, "discovery", terraform_resource_type="http")
        url = f"{issuer.removesuffix('/')}/.well-known/openid-configuration"
        document.add_override("url", url)
        document.add_override(
            "lifecycle.postcondition",
            [
                {
                    "condition": "${self.status_code == 200 && try(jsondecode(self.response_body)"
                    f'.issuer, "") == "{issuer}"}}',
                    "error_message": f"{url} is not the discovery document of {issuer}. Correct"
                    " kubecost.expose.login.oidc.issuer, or give the three endpoints there.",
                }
            ],
        )
        found = f"jsondecode({document.fqn}.response_body)"
        authorization, token, user_info = (
            f"${{{found}.{endpoint}}}"
            for endpoint in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        )
        return authorization, token, user_info
