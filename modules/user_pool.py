"""The Cognito user pool whose users open the UIs."""

import re

from cdktf import Postcondition, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.cognito_identity_provider import CognitoIdentityProvider
from cdktf_cdktf_provider_aws.cognito_user_pool import (
    CognitoUserPool,
    CognitoUserPoolAccountRecoverySetting,
    CognitoUserPoolAccountRecoverySettingRecoveryMechanism,
    CognitoUserPoolAdminCreateUserConfig,
    CognitoUserPoolPasswordPolicy,
    CognitoUserPoolSoftwareTokenMfaConfiguration,
)
from cdktf_cdktf_provider_aws.cognito_user_pool_domain import CognitoUserPoolDomain
from cdktf_cdktf_provider_aws.data_aws_cognito_user_pools import DataAwsCognitoUserPools
from constructs import Construct

from settings.expose import CognitoSettings

SAML_PROVIDER = "company"

_MFA = {"required": "ON", "optional": "OPTIONAL", "none": "OFF"}


def domain_prefix(pool: str, account_id: str) -> str:
    """Write the domain of a pool that is created here; it must be unique in its region."""
    return f"{re.sub('[^a-z0-9-]', '-', pool.lower())}-{account_id}"


class UserPool(Construct):
    """A pool in which administrators create users, or a company's SAML provider logs them in.

    It can be destroyed, with its users, because deletion protection would keep the stack.
    """

    def __init__(
        self, scope: Construct, id: str, settings: CognitoSettings, *, name: str, account_id: str
    ) -> None:
        super().__init__(scope, id)
        pool = CognitoUserPool(
            self,
            "this",
            name=name,
            username_attributes=["email"],
            auto_verified_attributes=["email"],
            deletion_protection="INACTIVE",
            admin_create_user_config=CognitoUserPoolAdminCreateUserConfig(
                allow_admin_create_user_only=True
            ),
            account_recovery_setting=CognitoUserPoolAccountRecoverySetting(
                recovery_mechanism=[
                    CognitoUserPoolAccountRecoverySettingRecoveryMechanism(
                        name="verified_email", priority=1
                    )
                ]
            ),
            mfa_configuration=_MFA[settings.mfa],
            software_token_mfa_configuration=None
            if settings.mfa == "none"
            else CognitoUserPoolSoftwareTokenMfaConfiguration(enabled=True),
            password_policy=CognitoUserPoolPasswordPolicy(
                minimum_length=settings.password_length,
                require_lowercase=True,
                require_uppercase=True,
                require_numbers=True,
                require_symbols=True,
                temporary_password_validity_days=7,
            ),
        )
        CognitoUserPoolDomain(
            self, "domain", domain=domain_prefix(name, account_id), user_pool_id=pool.id
        )
        if settings.saml_metadata_url:
            CognitoIdentityProvider(
                self,
                "saml",
                user_pool_id=pool.id,
                provider_name=SAML_PROVIDER,
                provider_type="SAML",
                provider_details={"MetadataURL": settings.saml_metadata_url},
                attribute_mapping={
                    "email": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
                },
                lifecycle=TerraformResourceLifecycle(
                    # Cognito adds these, which it read from the metadata.
                    ignore_changes=[
                        f'provider_details["{key}"]'
                        for key in (
                            "ActiveEncryptionCertificate",
                            "SLORedirectBindingURI",
                            "SSORedirectBindingURI",
                        )
                    ]
                ),
            )


def find_pool(scope: Construct, id: str, name: str, *, stack: str) -> DataAwsCognitoUserPools:
    """Look up the pool that a stack creates; if it is missing, the plan says how to create it."""
    return DataAwsCognitoUserPools(
        scope,
        id,
        name=name,
        lifecycle=TerraformResourceLifecycle(
            postcondition=[
                Postcondition(
                    condition="${length(self.ids) == 1}",
                    error_message=f"There must be exactly one Cognito user pool {name}. If there is"
                    f" none, create it with: cdktf deploy {stack}. If there are several, delete the"
                    " others.",
                )
            ]
        ),
    )
