"""The base class of every stack: addresses, pinned versions, state backend, AWS provider."""

from typing import ClassVar

import jsii
from cdktf import (
    CloudBackend,
    LocalBackend,
    NamedCloudWorkspace,
    S3Backend,
    TerraformElement,
    TerraformStack,
)
from cdktf_cdktf_provider_aws.provider import (
    AwsProvider,
    AwsProviderAssumeRole,
    AwsProviderDefaultTags,
    AwsProviderIgnoreTags,
)
from constructs import Construct, Node

from modules import versions
from settings import StateSettings


class Stack(TerraformStack):
    """A Terraform root module with its own state.

    A resource's address is its construct's path, without CDKTF's hash: the resource `vpc` of the
    construct `network` is `aws_vpc.network_vpc`. A resource with the id `this` has the address of
    its parent construct. If two constructs would share an address, the synth ends with an error.

    Attributes:
        providers: what the stack needs; a subclass that needs more says so.
    """

    providers: ClassVar[tuple[str, ...]] = ("aws",)

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        state: StateSettings,
        region: str,
        tags: dict[str, str],
        role_arn: str | None = None,
    ) -> None:
        super().__init__(scope, name)
        self._paths: dict[tuple[str, str], str] = {}
        # Ranges of versions, instead of the exact version of each binding.
        ranges = {provider: versions.PROVIDERS[provider] for provider in self.providers}
        required = {"required_version": versions.TERRAFORM, "required_providers": ranges}
        self.add_override("terraform", required)
        self._keep_state(name, state)
        self._tags = tags
        self.aws_provider("aws", region=region, role_arn=role_arn)

    def aws_provider(
        self, id: str, *, region: str, role_arn: str | None, alias: str | None = None
    ) -> AwsProvider:
        """Add an AWS provider for a region, and for the account of a role to assume."""
        return AwsProvider(
            self,
            id,
            alias=alias,
            region=region,
            assume_role=[AwsProviderAssumeRole(role_arn=role_arn)] if role_arn else None,
            default_tags=[AwsProviderDefaultTags(tags=self._tags)] if self._tags else None,
            # AMP itself puts this tag on a workspace that a managed scraper writes to.
            ignore_tags=[AwsProviderIgnoreTags(keys=["AMPAgentlessScraper"])],
        )

    def _keep_state(self, name: str, state: StateSettings) -> None:
        match state.backend:
            case "local":
                # Relative to cdktf.out/stacks/<name>, which `make clean` removes.
                LocalBackend(self, path=f"../../../terraform.{name}.tfstate")
            case "s3":
                assert state.s3.bucket
                backend = S3Backend(
                    self,
                    bucket=state.s3.bucket,
                    key=f"{state.s3.prefix}/{name}.tfstate",
                    region=state.s3.region,
                    encrypt=True,
                )
                # CDKTF 0.21 has no argument for it.
                backend.add_override("use_lockfile", True)
            case "cloud":
                assert state.cloud.organization
                CloudBackend(
                    self,
                    hostname=state.cloud.hostname,
                    organization=state.cloud.organization,
                    workspaces=NamedCloudWorkspace(
                        f"{state.cloud.workspace_prefix}{name}", project=state.cloud.project
                    ),
                )

    @jsii.member(jsii_name="allocateLogicalId")
    def _allocate_logical_id(self, tf_element: TerraformElement | Node) -> str:
        path = tf_element.path if isinstance(tf_element, Node) else tf_element.to_string()
        address = "_".join(part for part in path.split("/")[1:] if part != "this")
        holder = self._paths.setdefault((type(tf_element).__name__, address), path)
        if holder != path:
            raise ValueError(f"{holder} and {path} would share the address {address}")
        return address
