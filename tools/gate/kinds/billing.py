"""The bill: its report, the buckets and the table. The gate asks about each first one."""

from tools.gate.kinds.kind import Kind, harmless, unchanging
from tools.gate.rights import policy
from tools.gate.rules import Rule, one_of

_CLOSED: dict[str, Rule] = dict.fromkeys(
    ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"),
    one_of(True, needed=True),
)
_REPORT = (
    *("additional_artifacts", "additional_schema_elements", "compression", "format"),
    *("refresh_closed_reports", "report_name", "report_versioning", "s3_bucket", "s3_prefix"),
    *("s3_region", "time_unit"),
)
_TABLE = ("database_name", "name", "parameters", "partition_keys", "table_type")

KINDS: dict[str, Kind] = {
    "aws_athena_workgroup": Kind(
        {**harmless("description"), **unchanging("name", "configuration", "force_destroy")},
        loses="the results of queries",
    ),
    "aws_ce_cost_allocation_tag": Kind(unchanging("tag_key", "status"), loses="a tag in the bill"),
    "aws_cur_report_definition": Kind(
        unchanging(*_REPORT),
        asks_to_create="sends the account's bill to a bucket",
        loses="the bill",
    ),
    "aws_glue_catalog_database": Kind(
        {**harmless("description"), **unchanging("name")}, loses="the bill's tables"
    ),
    "aws_glue_catalog_table": Kind(
        {**unchanging(*_TABLE), **harmless("storage_descriptor")}, loses="the bill's table"
    ),
    "aws_s3_bucket": Kind(unchanging("bucket", "force_destroy"), loses="all objects in the bucket"),
    "aws_s3_bucket_lifecycle_configuration": Kind(unchanging("bucket", "rule")),
    "aws_s3_bucket_ownership_controls": Kind(unchanging("bucket", "rule")),
    "aws_s3_bucket_policy": Kind(
        {**unchanging("bucket"), "policy": policy}, asks_to_create="lets others use a bucket"
    ),
    "aws_s3_bucket_public_access_block": Kind(
        {**unchanging("bucket"), **_CLOSED}, loses="the block of public access to the bucket"
    ),
    "aws_s3_bucket_server_side_encryption_configuration": Kind(unchanging("bucket", "rule")),
    "aws_spot_datafeed_subscription": Kind(
        unchanging("bucket", "prefix"), asks_to_create="sends spot prices to a bucket"
    ),
}
