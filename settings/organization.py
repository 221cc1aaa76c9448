"""Rules of an organization about what is made in its accounts."""

from settings.kinds import KmsKeyArn, PolicyArn, RolePath
from settings.section import Section


class IamSettings(Section):
    """What every IAM role that is made here has."""

    path: RolePath = "/"
    """Path of the roles, for example `/platform/`. A change makes them anew."""
    permissions_boundary: PolicyArn | None = None
    """ARN of a managed policy that bounds what the roles may do."""


class KmsSettings(Section):
    """Customer managed keys in place of those that AWS owns. Their policies are yours to write."""

    workspaces: KmsKeyArn | None = None
    """Key for AMP workspaces. AMP takes it at creation only: a change makes a workspace anew, and
    its metrics are lost."""
    logs: KmsKeyArn | None = None
    """Key for log groups: those of the cluster and of the workspaces."""
    volumes: KmsKeyArn | None = None
    """Key for the nodes' disks in base, and for the volumes of `kubecost.encrypted_volumes`."""
