"""The Cost and Usage Report: the columns of its table, and the folders of its files; plain data.

Athena finds columns of Parquet by name. A declared column that a file lacks is null, and a column
that is not declared is ignored. So a table may declare more columns than a report has.

Names and types: AWS Cost and Usage Reports user guide, "Data dictionary". What Kubecost queries:
opencost/opencost, pkg/cloud/aws/athenaintegration.go and provider.go, from which Kubecost's own
code comes.
"""

from collections.abc import Iterable
from datetime import date

# Every column in Kubecost's queries.
ASKED_BY_KUBECOST = {
    "bill_payer_account_id": "string",
    "line_item_usage_account_id": "string",
    "line_item_line_item_type": "string",
    "line_item_usage_start_date": "timestamp",
    "line_item_product_code": "string",
    "line_item_usage_type": "string",
    "line_item_resource_id": "string",
    "line_item_availability_zone": "string",
    "product_region_code": "string",
    "line_item_unblended_cost": "double",
    # Only in reports of payers with an enterprise discount.
    "line_item_net_unblended_cost": "double",
    "reservation_effective_cost": "double",
    "reservation_net_effective_cost": "double",
    "reservation_reservation_a_r_n": "string",
    "savings_plan_savings_plan_a_r_n": "string",
    "savings_plan_savings_plan_rate": "double",
    "savings_plan_savings_plan_effective_cost": "double",
    "savings_plan_net_savings_plan_effective_cost": "double",
}
# Further columns for people's own queries.
ASKED_BY_PEOPLE = {
    "identity_line_item_id": "string",
    "bill_billing_period_start_date": "timestamp",
    "line_item_usage_end_date": "timestamp",
    "line_item_usage_amount": "double",
    "line_item_line_item_description": "string",
    "line_item_operation": "string",
    "pricing_unit": "string",
    "pricing_public_on_demand_cost": "double",
    "product_instance_type": "string",
    "product_product_family": "string",
}
# The tags by which Kubecost finds the cluster of a resource.
KUBERNETES_TAGS = (
    "resource_tags_aws_eks_cluster_name",
    "resource_tags_user_eks_cluster_name",
    "resource_tags_user_alpha_eksctl_io_cluster_name",
    "resource_tags_user_kubernetes_io_service_name",
    "resource_tags_user_kubernetes_io_created_for_pvc_name",
    "resource_tags_user_kubernetes_io_created_for_pvc_namespace",
    "resource_tags_user_kubernetes_io_created_for_pv_name",
)

# Both are text, and the month has no leading zero, as in AWS's folders and Kubecost's queries.
PARTITIONS = {"year": "string", "month": "string"}
# The years and months that may have folders; a query without a year reads each of them.
YEARS = "2025,2050"
MONTHS = "1,12"


def columns(tags: Iterable[str] = ()) -> dict[str, str]:
    """List names and Athena types of the columns to declare, with those of further tags."""
    tagged = dict.fromkeys((*KUBERNETES_TAGS, *tags), "string")
    return {**ASKED_BY_KUBECOST, **ASKED_BY_PEOPLE, **tagged}


def data_folder(bucket: str, prefix: str, report: str) -> str:
    """Write the path of the folder with the files of an Athena report, by year and month.

    Source: AWS Cost and Usage Reports user guide, "Understanding your report versions".
    """
    return f"s3://{bucket}/{prefix}/{report}/{report}"


def partition_projection(folder: str) -> dict[str, str]:
    """Write the table's parameters that describe its partitions, so that it needs no crawler.

    Source: Amazon Athena user guide, "Set up partition projection". `$${` is Terraform's escape of
    `${`.
    """
    return {
        "projection.enabled": "true",
        "projection.year.type": "integer",
        "projection.year.range": YEARS,
        "projection.month.type": "integer",
        "projection.month.range": MONTHS,
        "storage.location.template": f"{folder}/year=$${{year}}/month=$${{month}}",
    }


def rows_of_day(table: str, day: date) -> str:
    """Write the query that counts a day's line items, and those that have a cluster's name."""
    return (
        "SELECT count(*), count(nullif(resource_tags_aws_eks_cluster_name, ''))"
        f" FROM \"{table}\" WHERE year = '{day.year}' AND month = '{day.month}'"
        f" AND date(line_item_usage_start_date) = date '{day}'"
    )


def cost_by_cluster(table: str) -> str:
    """Write a query for people: the cost of each cluster on the day before yesterday.

    Yesterday's report is complete only a day later. Instances with a Savings Plan or a reservation
    count with their share of it, as in Kubecost.
    """
    day = "date_add('day', -2, current_date)"
    return (
        "SELECT resource_tags_aws_eks_cluster_name AS cluster, round(sum(CASE"
        " line_item_line_item_type"
        " WHEN 'SavingsPlanCoveredUsage' THEN savings_plan_savings_plan_effective_cost"
        " WHEN 'DiscountedUsage' THEN reservation_effective_cost"
        " ELSE line_item_unblended_cost END), 2) AS cost"
        f' FROM "{table}"'
        f" WHERE year = cast(year({day}) AS varchar) AND month = cast(month({day}) AS varchar)"
        f" AND date(line_item_usage_start_date) = {day}"
        " AND resource_tags_aws_eks_cluster_name <> ''"
        " GROUP BY 1 ORDER BY 2 DESC"
    )
