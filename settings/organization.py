"""Rules of an organization about what is created in its accounts."""

from settings.kinds import KmsKeyArn, PolicyArn, RolePath
from settings.section import Section


class IamSettings(Section):
    """What every IAM role of this project has."""

    path: RolePath = "/"
    """Path of the roles, for example `/platform/`. A change replaces them."""
    permissions_boundary: PolicyArn | None = None
    """ARN of a managed policy that limits what the roles may do."""


class KmsSettings(Section):
    """Customer managed keys in place of those that AWS owns. Their policies are yours to write."""

    workspaces: KmsKeyArn | None = None
    """Key for AMP workspaces. AMP accepts it only at creation: a change replaces a workspace, and
    its metrics are lost."""
    logs: KmsKeyArn | None = None
    """Key for log groups: those of the cluster and of the workspaces."""
    volumes: KmsKeyArn | None = None
    """Key for the nodes' disks in `base`, and for the volumes of `kubecost.encrypted_volumes`."""
