"""Apply an organization's rules to everything that the stacks create."""

from cdktf import App
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.launch_template import LaunchTemplate
from cdktf_cdktf_provider_aws.prometheus_workspace import PrometheusWorkspace

from settings import Settings


def apply_rules(app: App, settings: Settings) -> None:
    """Set path and boundary of every role, and the organization's key where data is encrypted."""
    iam, kms = settings.iam, settings.kms
    for each in app.node.find_all():
        if isinstance(each, IamRole):
            if iam.path != "/":
                each.path = iam.path
            if iam.permissions_boundary:
                each.permissions_boundary = iam.permissions_boundary
        elif isinstance(each, CloudwatchLogGroup) and kms.logs:
            each.kms_key_id = kms.logs
        elif isinstance(each, PrometheusWorkspace) and kms.workspaces:
            each.kms_key_arn = kms.workspaces
        elif isinstance(each, LaunchTemplate) and kms.volumes:
            each.add_override("block_device_mappings.0.ebs.kms_key_id", kms.volumes)
