"""What else a bill needs and moto lacks: cost allocation tags, spot data feed, Athena workgroups.

Sources: API reference of each operation; Billing user guide, "Activating user-defined cost
allocation tags"; EC2 user guide, "Track your Spot Instance costs using the Spot Instance data
feed".
"""

import json
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models import ec2_backends

from .core import AwsError, Call, Json, Service
from .cur import bucket_of
from .eks import clusters

ce, ec2, athena = Service("ce"), Service("ec2"), Service("athena")


@dataclass
class Tags:
    """The cost allocation tags of an account: those that are active."""

    active: set[str] = field(default_factory=set)


@dataclass
class Feed:
    """The spot data feed of an account, at most one."""

    subscription: Json = field(default_factory=dict)


def _seen() -> set[str]:
    """Return the keys that AWS has seen: those of EC2 resources, and its own on cluster nodes.

    The account that asks is the payer of all.
    """
    keys = set()
    for account, regions in list(ec2_backends.items()):
        for region, backend in list(regions.items()):
            keys |= {key for tags in backend.tags.values() for key in tags}
            if clusters(Call({}, account, region)):
                keys.add("aws:eks:cluster-name")
    return keys


def _tags(call: Call) -> Tags:
    return call.state("ce", Tags)


@ce.operation
def update_cost_allocation_tags_status(call: Call) -> Json:
    """Activate or deactivate tags; one that AWS has not seen is an error beside the others."""
    seen, tags, errors = _seen(), _tags(call), []
    for entry in call["CostAllocationTagsStatus"]:
        key = entry["TagKey"]
        if key not in seen | tags.active:
            errors.append(
                {"TagKey": key, "Code": "TagKeysNotFound", "Message": f"Tag keys not found: {key}"}
            )
        elif entry["Status"] == "Active":
            tags.active.add(key)
        else:
            tags.active.discard(key)
    return {"Errors": errors}


@ce.operation
def list_cost_allocation_tags(call: Call) -> Json:
    """Answer what AWS has seen, each active or not."""
    active = _tags(call).active
    asked = call["TagKeys"]
    found = [
        {
            "TagKey": key,
            "Type": "AWSGenerated" if key.startswith("aws:") else "UserDefined",
            "Status": "Active" if key in active else "Inactive",
        }
        for key in sorted(_seen() | active)
        if not asked or key in asked
    ]
    return {"CostAllocationTags": [tag for tag in found if call["Status"] in (None, tag["Status"])]}


def _feed(call: Call) -> Feed:
    # One for an account, whatever the region.
    anywhere = Call(call.params, call.account, "us-east-1")
    state: Feed = vars(anywhere.backend("ec2")).setdefault("simulated_feed", Feed())
    return state


@ec2.operation
def create_spot_datafeed_subscription(call: Call) -> Json:
    """Subscribe; the feed writes by ACL, so the bucket must take ACLs."""
    name = call["Bucket"]
    bucket = bucket_of(call, name)
    ownership = json.dumps(bucket.ownership_rule) if bucket else ""
    if "BucketOwnerPreferred" not in ownership and "ObjectWriter" not in ownership:
        raise AwsError("InvalidParameterValue", f"The bucket {name} cannot be written by ACL")
    _feed(call).subscription = {
        "Bucket": name,
        "Prefix": call["Prefix"] or "",
        "OwnerId": call.account,
        "State": "Active",
    }
    return {"SpotDatafeedSubscription": _feed(call).subscription}


@ec2.operation
def describe_spot_datafeed_subscription(call: Call) -> Json:
    subscription = _feed(call).subscription
    if not subscription:
        message = "Spot datafeed subscription does not exist."
        raise AwsError("InvalidSpotDatafeed.NotFound", message)
    return {"SpotDatafeedSubscription": subscription}


@ec2.operation
def delete_spot_datafeed_subscription(call: Call) -> Json:
    _feed(call).subscription = {}
    return {}


def _workgroup(call: Call) -> Any:
    group = call.backend("athena").work_groups.get(call["WorkGroup"])
    if group is None:
        message = f"WorkGroup {call['WorkGroup']} is not found."
        raise AwsError("InvalidRequestException", message)
    return group


@athena.operation
def get_work_group(call: Call) -> None:
    """Refuse what is not there; moto answers null."""
    _workgroup(call)


@athena.operation
def update_work_group(call: Call) -> Json:
    """Change what the request names, and leave the rest."""
    group = _workgroup(call)
    group.description = call.params.get("Description", group.description)
    group.state = call.params.get("State", group.state)
    updates = dict(call["ConfigurationUpdates"] or {})
    results = updates.pop("ResultConfigurationUpdates", {})
    if updates.pop("RemoveBytesScannedCutoffPerQuery", False):
        group.configuration.pop("BytesScannedCutoffPerQuery", None)
    held = group.configuration.setdefault("ResultConfiguration", {})
    for name, value in results.items():
        if name.startswith("Remove"):
            held.pop(name.removeprefix("Remove"), None)
        else:
            held[name] = value
    group.configuration.update(updates)
    return {}


@athena.operation
def delete_work_group(call: Call) -> None:
    """Refuse to delete a workgroup with queries in it, unless the request deletes them too."""
    group = _workgroup(call)
    used = any(each.workgroup is group for each in call.backend("athena").executions.values())
    if used and not call["RecursiveDeleteOption"]:
        raise AwsError("InvalidRequestException", f"WorkGroup {group.name} is not empty.")


@athena.operation
def start_query_execution(call: Call) -> None:
    """Refuse a query if neither request nor workgroup says where its results go."""
    group = call.backend("athena").work_groups.get(call["WorkGroup"] or "primary")
    if group is None:
        raise AwsError("InvalidRequestException", f"WorkGroup {call['WorkGroup']} is not found.")
    asked = (call["ResultConfiguration"] or {}).get("OutputLocation")
    if not (asked or group.configuration.get("ResultConfiguration", {}).get("OutputLocation")):
        message = "No output location provided. An output location is required either through the"
        raise AwsError("InvalidRequestException", f"{message} Workgroup result configuration.")


@athena.operation
def list_tags_for_resource(call: Call) -> Json | None:
    """Answer an empty list for a workgroup without tags; moto answers that it does not exist."""
    arn = call["ResourceARN"]
    athena_backend = call.backend("athena")
    known = arn in [group.arn for group in athena_backend.work_groups.values()]
    return {"Tags": []} if known and not athena_backend.tagger.has_tags(arn) else None
