"""An S3 bucket that only its account and the principals in its policy may use."""

from collections.abc import Sequence

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
)
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from constructs import Construct

from modules import policy

_ABORT_UPLOADS_DAYS = 7


class PrivateBucket(Construct):
    """A bucket that is encrypted, never public, and reached by TLS only.

    Args:
        statements: what principals outside the account may do with it.
        expire_days: the days after which an object is deleted; None keeps it.
        force_destroy: whether a destroy deletes the objects too; if not, it ends with an error
            while there are objects.
        takes_acls: whether its writer gives the objects an ACL; the bucket's owner owns them still.

    Attributes:
        name, arn: the bucket's.
        ready: the resources that must exist before AWS may write to it.
    """

    # checkov:skip=CKV_AWS_21: AWS rewrites the same files each day, so versions would accumulate
    # checkov:skip=CKV_AWS_144: AWS support can deliver old months again; a copy costs as much
    # checkov:skip=CKV_AWS_145: S3 encrypts with its own key; a separate key costs monthly
    # checkov:skip=CKV2_AWS_62: nothing reacts to new objects
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        statements: Sequence[policy.Statement] = (),
        expire_days: int | None = None,
        force_destroy: bool = False,
        takes_acls: bool = False,
        provider: AwsProvider | None = None,
    ) -> None:
        super().__init__(scope, id)
        bucket = S3Bucket(self, "this", bucket=name, force_destroy=force_destroy, provider=provider)
        self.name = bucket.bucket
        self.arn = bucket.arn
        block = S3BucketPublicAccessBlock(
            self,
            "public_access",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            provider=provider,
        )
        encryption = S3BucketServerSideEncryptionConfigurationA(
            self,
            "encryption",
            bucket=bucket.id,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    apply_server_side_encryption_by_default=S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
                        sse_algorithm="AES256"
                    )
                )
            ],
            provider=provider,
        )
        ownership = S3BucketOwnershipControls(
            self,
            "ownership",
            bucket=bucket.id,
            rule=S3BucketOwnershipControlsRule(
                object_ownership="BucketOwnerPreferred" if takes_acls else "BucketOwnerEnforced"
            ),
            provider=provider,
        )
        access = S3BucketPolicy(
            self,
            "policy",
            bucket=bucket.id,
            policy=policy.document(policy.deny_without_tls(bucket.arn), *statements),
            # S3 refuses two changes of a bucket at once.
            depends_on=[block],
            provider=provider,
        )
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=bucket.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="expire",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                    abort_incomplete_multipart_upload=[
                        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                            days_after_initiation=_ABORT_UPLOADS_DAYS
                        )
                    ],
                    expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=expire_days)]
                    if expire_days
                    else None,
                )
            ],
            provider=provider,
        )
        self.ready: list[ITerraformDependable] = [access, encryption, ownership]
