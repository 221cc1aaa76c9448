"""Amazon CloudWatch Logs: encryption of existing groups, and the groups that EKS writes to."""

from typing import Any

from .core import AwsError, Call, Json, Service
from .eks import clusters, write_logs

logs = Service("logs")


def _group(call: Call) -> Any:
    try:
        return call.backend("logs").groups[call["logGroupName"]]
    except KeyError:
        message = "The specified log group does not exist."
        raise AwsError("ResourceNotFoundException", message) from None


@logs.operation
def associate_kms_key(call: Call) -> Json:
    """Encrypt a log group with a key."""
    _group(call).kms_key_id = call["kmsKeyId"]
    return {}


@logs.operation
def disassociate_kms_key(call: Call) -> Json:
    """Encrypt a log group with the key of CloudWatch Logs again."""
    _group(call).kms_key_id = None
    return {}


@logs.operation
def delete_log_group(call: Call) -> Json:
    """Delete a log group; a cluster that still writes to it makes it again."""
    _group(call)
    del call.backend("logs").groups[call["logGroupName"]]
    for cluster in clusters(call).values():
        write_logs(call, cluster)
    return {}
