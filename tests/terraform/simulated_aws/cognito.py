"""Amazon Cognito: tags of existing user pools."""

from .core import AwsError, Call, Json, Service

cognito = Service("cognito-idp")


def _tags(call: Call) -> dict[str, str]:
    pool = call.backend("cognito-idp").user_pools.get(call["ResourceArn"].rpartition("/")[2])
    if not pool:
        message = f"User pool {call['ResourceArn']} does not exist."
        raise AwsError("ResourceNotFoundException", message)
    tags: dict[str, str] = pool.extended_config.setdefault("UserPoolTags", {})
    return tags


@cognito.operation
def tag_resource(call: Call) -> Json:
    """Add tags to a user pool."""
    _tags(call).update(call["Tags"])
    return {}


@cognito.operation
def untag_resource(call: Call) -> Json:
    """Take tags from a user pool."""
    for key in call["TagKeys"]:
        _tags(call).pop(key, None)
    return {}


@cognito.operation
def list_tags_for_resource(call: Call) -> Json:
    """List the tags of a user pool."""
    return {"Tags": dict(_tags(call))}
