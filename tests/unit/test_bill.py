"""Ring 1: the very SQL that Kubecost sends, run on Parquet files in the report's layout.

DuckDB stands in for Athena. The table has the columns that we declare, whatever the files have,
and text partitions from the folders' names. The queries are put together here as OpenCost does it
(opencost/opencost at 5f6533303e, pkg/cloud/aws/athenaintegration.go, GetCloudCost, and
provider.go, GetSavingsPlanDataFromAthena, GetReservationDataFromAthena), from which Kubecost's own,
closed code comes. What cannot be shown so: that Athena's partition projection finds the folders.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pyarrow.parquet
import pytest

from metrics import bill
from settings.billing import CLUSTER_TAG, VOLUME_TAGS, tag_column

TABLE = "kubecost"
ARROW = {
    "string": pyarrow.string(),
    "double": pyarrow.float64(),
    "timestamp": pyarrow.timestamp("ms"),
}
DUCKDB = {"string": "VARCHAR", "double": "DOUBLE", "timestamp": "TIMESTAMP"}
DISCOUNT_COLUMNS = {
    "line_item_net_unblended_cost",
    "reservation_net_effective_cost",
    "savings_plan_net_savings_plan_effective_cost",
}

Row = dict[str, Any]


def line(
    kind: str, resource: str, cost: float, *others: Row, on: str = "2026-11-24", **more: Any
) -> Row:
    """Give a line item of the report; `others` and `more` are further columns."""
    return {
        "bill_payer_account_id": "111122223333",
        "line_item_usage_account_id": "444455556666",
        "line_item_line_item_type": kind,
        "line_item_usage_start_date": datetime.fromisoformat(on),
        "line_item_product_code": "AmazonEC2",
        "line_item_usage_type": "BoxUsage:m7i.large",
        "line_item_resource_id": resource,
        "line_item_availability_zone": "eu-west-1a",
        "product_region_code": "eu-west-1",
        "line_item_unblended_cost": cost,
        **{name: value for other in (*others, more) for name, value in other.items()},
    }


def deliver(folder: Path, rows: list[Row], *, without: set[str] = DISCOUNT_COLUMNS) -> None:
    """Write rows as AWS would: a file for each month, with the columns that this payer has.

    A file has columns that nobody declared, too.
    """
    types = {k: v for k, v in bill.columns().items() if k not in without}
    schema = pyarrow.schema([(name, ARROW[kind]) for name, kind in types.items()])
    schema = schema.append(pyarrow.field("product_clock_speed", pyarrow.string()))
    months: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        start: datetime = row["line_item_usage_start_date"]
        months.setdefault((start.year, start.month), []).append(row)
    for (year, month), written in months.items():
        partition = folder / f"year={year}" / f"month={month}"
        partition.mkdir(parents=True)
        table = pyarrow.Table.from_pylist(written, schema=schema)
        pyarrow.parquet.write_table(table, partition / "kubecost-00001.snappy.parquet")


def opened(folder: Path, *tags: str) -> duckdb.DuckDBPyConnection:
    """Give a database with the table as we declare it; a column that no file has is null."""
    database = duckdb.connect()
    files = sorted(folder.rglob("*.parquet"))
    found = {name for file in files for name in pyarrow.parquet.read_schema(file).names}
    declared = bill.columns(tags)
    selected = [
        f'"{name}"' if name in found else f'CAST(NULL AS {DUCKDB[kind]}) AS "{name}"'
        for name, kind in declared.items()
    ]
    database.execute(
        f"CREATE VIEW {TABLE} AS SELECT {', '.join([*selected, *bill.PARTITIONS])} FROM"
        f" read_parquet('{folder}/*/*/*.parquet', union_by_name = true, hive_partitioning = true,"
        " hive_types = {'year': VARCHAR, 'month': VARCHAR})"
    )
    return database


def column_names(database: duckdb.DuckDBPyConnection) -> set[str]:
    """Ask for the columns as Kubecost does before its other queries."""
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = '{}' AND"
    query += " table_name = '{}'"
    return {name for (name,) in database.execute(query.format("main", TABLE)).fetchall()}


def cloud_cost_query(columns: set[str], start: date, end: date) -> str:
    """Put Kubecost's query for the costs of some days together."""
    kubernetes = ["line_item_product_code = 'AmazonEKS'"]
    kubernetes += [
        f"{tag} <> ''"
        for tag in (
            "resource_tags_aws_eks_cluster_name",
            "resource_tags_user_eks_cluster_name",
            "resource_tags_user_alpha_eksctl_io_cluster_name",
            "resource_tags_user_kubernetes_io_service_name",
            "resource_tags_user_kubernetes_io_created_for_pvc_name",
            "resource_tags_user_kubernetes_io_created_for_pv_name",
        )
        if tag in columns
    ]
    tags = [f'"{name}"' for name in sorted(columns) if name.startswith("resource_tags_user_")]
    tags += [name for name in sorted(columns) if name.startswith("resource_tags_aws_")]
    grouped = {
        "usage_date": "DATE_TRUNC('day',line_item_usage_start_date)",
        "line_item_resource_id": "line_item_resource_id",
        "bill_payer_account_id": "bill_payer_account_id",
        "line_item_usage_account_id": "line_item_usage_account_id",
        "line_item_product_code": "line_item_product_code",
        "line_item_usage_type": "line_item_usage_type",
        "product_region_code": "product_region_code",
        "line_item_availability_zone": "line_item_availability_zone",
        "is_kubernetes": f"({' OR '.join(kubernetes)})",
    }

    def net(gross: str, column: str) -> str:
        return f"COALESCE({column}, {gross}, 0)" if column in columns else gross

    unblended = "line_item_unblended_cost"
    effective = "reservation_effective_cost", "savings_plan_savings_plan_effective_cost"

    def amortized(reserved: str, planned: str, other: str) -> str:
        return (
            f"CASE line_item_line_item_type WHEN 'DiscountedUsage' THEN {reserved}"
            f" WHEN 'SavingsPlanCoveredUsage' THEN {planned} ELSE {other} END"
        )

    net_unblended = net(unblended, "line_item_net_unblended_cost")
    sums = {
        "list_cost": "CASE line_item_line_item_type WHEN 'EdpDiscount' THEN 0"
        f" WHEN 'PrivateRateDiscount' THEN 0 ELSE {unblended} END",
        "net_cost": net_unblended,
        "amortized_net_cost": amortized(
            net(effective[0], "reservation_net_effective_cost"),
            net(effective[1], "savings_plan_net_savings_plan_effective_cost"),
            net_unblended,
        ),
        "amortized_cost": amortized(*effective, unblended),
    }
    selected = [f"{expression} as {name}" for name, expression in grouped.items()]
    selected += tags + [f"SUM({expression}) as {name}" for name, expression in sums.items()]
    months = sorted({(day.year, day.month) for day in (start, end)})
    partitions = " OR ".join(f"(year = '{year}' AND month = '{month}')" for year, month in months)
    kinds = (
        "Usage",
        "DiscountedUsage",
        "SavingsPlanCoveredUsage",
        "EdpDiscount",
        "PrivateRateDiscount",
    )
    types = " OR ".join(f"line_item_line_item_type = '{kind}'" for kind in kinds)
    return (
        f'SELECT {", ".join(selected)} FROM "{TABLE}" WHERE ({partitions})'
        f" AND line_item_usage_start_date >= date '{start}'"
        f" AND line_item_usage_start_date < date '{end}' AND ({types})"
        f" GROUP BY {', '.join([*grouped.values(), *tags])}"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder that the table's location template begins with."""
    location = bill.data_folder("reports", "bill", "kubecost").removeprefix("s3://")
    template = bill.partition_projection(location)["storage.location.template"]
    assert template == "reports/bill/kubecost/kubecost/year=$${year}/month=$${month}"
    return tmp_path / location


def costs(
    database: duckdb.DuckDBPyConnection, start: str = "2026-11-24", end: str = "2026-11-25"
) -> dict[str, Row]:
    """Give what Kubecost reads, by resource; the sums of one resource are added up."""
    days = date.fromisoformat(start), date.fromisoformat(end)
    answer = database.execute(cloud_cost_query(column_names(database), *days))
    names = [str(column[0]) for column in answer.description or ()]
    read: dict[str, Row] = {}
    for values in answer.fetchall():
        row = dict(zip(names, values, strict=True))
        held = read.setdefault(row["line_item_resource_id"], row)
        if held is not row:
            for name in ("list_cost", "net_cost", "amortized_cost", "amortized_net_cost"):
                held[name] += row[name]
    return read


def amounts(row: Row) -> tuple[float, ...]:
    names = ("list_cost", "net_cost", "amortized_cost", "amortized_net_cost")
    return tuple(round(row[name], 6) for name in names)


def node(name: str = "shop") -> Row:
    return {tag_column(CLUSTER_TAG): name}


def test_every_kind_of_price_is_read_as_aws_bills_it(folder: Path) -> None:
    plan = {
        "savings_plan_savings_plan_a_r_n": "arn:aws:savingsplans::111122223333:savingsplan/1",
        "savings_plan_savings_plan_effective_cost": 1.75,
    }
    reserved = {
        "reservation_reservation_a_r_n": "arn:aws:ec2:eu-west-1:111122223333:reserved-instances/1",
        "reservation_effective_cost": 1.5,
    }
    deliver(
        folder,
        [
            line("Usage", "i-ondemand", 2.4192, node()),
            line("SavingsPlanCoveredUsage", "i-plan", 2.4192, plan, node()),
            # What takes the on-demand price off again. Kubecost does not ask for it.
            line("SavingsPlanNegation", "i-plan", -2.4192, plan, node()),
            line("DiscountedUsage", "i-reserved", 0.0, reserved, node()),
            line("Usage", "i-spot", 0.7, node(), line_item_usage_type="SpotUsage:m7i.large"),
            line("RIFee", "", 45.0),
            line("SavingsPlanRecurringFee", "", 42.0),
            line("Tax", "", 3.0),
        ],
    )
    read = costs(opened(folder))
    assert set(read) == {"i-ondemand", "i-plan", "i-reserved", "i-spot"}
    assert amounts(read["i-ondemand"]) == (2.4192, 2.4192, 2.4192, 2.4192)
    assert amounts(read["i-plan"]) == (2.4192, 2.4192, 1.75, 1.75)
    assert amounts(read["i-reserved"]) == (0.0, 0.0, 1.5, 1.5)
    assert amounts(read["i-spot"]) == (0.7, 0.7, 0.7, 0.7)
    assert all(row["is_kubernetes"] is True for row in read.values())


def test_an_enterprise_discount_comes_off_the_net_costs(folder: Path) -> None:
    # With an EDP AWS adds the net columns to the report, and a line for each discount.
    deliver(
        folder,
        [
            line("Usage", "i-ondemand", 2.0, line_item_net_unblended_cost=1.8),
            line(
                "SavingsPlanCoveredUsage",
                "i-plan",
                2.0,
                line_item_net_unblended_cost=2.0,
                savings_plan_savings_plan_effective_cost=1.5,
                savings_plan_net_savings_plan_effective_cost=1.35,
            ),
            line(
                "DiscountedUsage",
                "i-reserved",
                0.0,
                line_item_net_unblended_cost=0.0,
                reservation_effective_cost=1.2,
                reservation_net_effective_cost=1.08,
            ),
            line("EdpDiscount", "i-ondemand", -0.2, line_item_net_unblended_cost=0.0),
            line("PrivateRateDiscount", "i-private", -0.4, line_item_net_unblended_cost=-0.4),
            line("Usage", "i-private", 2.0, line_item_net_unblended_cost=2.0),
        ],
        without=set(),
    )
    read = costs(opened(folder))
    assert amounts(read["i-ondemand"]) == (2.0, 1.8, 1.8, 1.8)
    assert amounts(read["i-plan"]) == (2.0, 2.0, 1.5, 1.35)
    assert amounts(read["i-reserved"]) == (0.0, 0.0, 1.2, 1.08)
    assert amounts(read["i-private"]) == (2.0, 1.6, 1.6, 1.6)


def test_a_cost_is_the_clusters_by_any_of_the_tags(folder: Path) -> None:
    volume = {tag_column(VOLUME_TAGS[0]): "data-0"}
    deliver(
        folder,
        [
            line("Usage", "i-node", 1.0, node()),
            line("Usage", "vol-claimed", 1.0, volume),
            line("Usage", "cluster/shop", 2.4, line_item_product_code="AmazonEKS"),
            line("Usage", "db-1", 5.0, line_item_product_code="AmazonRDS"),
        ],
    )
    belongs = {name: row["is_kubernetes"] for name, row in costs(opened(folder)).items()}
    # Null, for no tag of the row has a value: Kubecost takes it for false.
    assert belongs == {"i-node": True, "vol-claimed": True, "cluster/shop": True, "db-1": None}


def test_a_tag_that_no_file_has_does_no_harm(folder: Path) -> None:
    # Activated today: the column is declared, and in no file yet; the next day it is in some.
    later = tag_column("CostCenter")
    deliver(folder, [line("Usage", "db-1", 5.0)])
    read = costs(opened(folder, later))
    assert amounts(read["db-1"]) == (5.0, 5.0, 5.0, 5.0)
    assert read["db-1"][later] is None
    assert later not in costs(opened(folder))["db-1"]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2026-08-31", "2026-09-02", {"august", "september"}),
        ("2026-09-01", "2026-09-02", {"september"}),
        ("2026-12-31", "2027-01-02", {"december", "january"}),
        ("2026-10-01", "2026-10-02", set()),
    ],
)
def test_months_are_found_without_a_leading_zero(
    start: str, end: str, found: set[str], folder: Path
) -> None:
    days = {
        "august": "2026-08-31",
        "september": "2026-09-01",
        "december": "2026-12-31",
        "january": "2027-01-01",
    }
    deliver(folder, [line("Usage", name, 1.0, on=day) for name, day in days.items()])
    assert set(costs(opened(folder), start, end)) == found


def test_the_queries_for_rates_find_their_columns(folder: Path) -> None:
    """Kubecost asks for the rates of running instances by two more queries."""
    deliver(
        folder,
        [
            line(
                "SavingsPlanCoveredUsage",
                "i-plan",
                2.4,
                savings_plan_savings_plan_a_r_n="arn:plan",
                savings_plan_savings_plan_rate=0.07,
            ),
            line(
                "DiscountedUsage",
                "i-reserved",
                0.0,
                reservation_reservation_a_r_n="arn:reserved",
                reservation_effective_cost=1.5,
            ),
        ],
    )
    database = opened(folder)
    between = "line_item_usage_start_date BETWEEN date '2026-11-24' AND date '2026-11-25'"
    plans = database.execute(
        "SELECT line_item_usage_start_date, savings_plan_savings_plan_a_r_n,"
        f" line_item_resource_id, savings_plan_savings_plan_rate FROM {TABLE} as cost_data"
        f" WHERE {between} AND line_item_line_item_type = 'SavingsPlanCoveredUsage'"
        " ORDER BY line_item_usage_start_date DESC"
    ).fetchall()
    assert [row[1:] for row in plans] == [("arn:plan", "i-plan", 0.07)]
    reservations = database.execute(
        "SELECT line_item_usage_start_date, reservation_reservation_a_r_n,"
        f" line_item_resource_id, reservation_effective_cost FROM {TABLE} as cost_data"
        f" WHERE {between} AND reservation_reservation_a_r_n <> ''"
        " ORDER BY line_item_usage_start_date DESC"
    ).fetchall()
    assert [row[1:] for row in reservations] == [("arn:reserved", "i-reserved", 1.5)]


def test_the_query_for_people_says_what_each_cluster_cost(folder: Path) -> None:
    plan = {"savings_plan_savings_plan_effective_cost": 1.75}
    deliver(
        folder,
        [
            line("Usage", "i-1", 2.0, node("shop")),
            line("SavingsPlanCoveredUsage", "i-2", 2.4, plan, node("shop")),
            line("Usage", "i-3", 1.0, node("data")),
            line("Usage", "i-3", 9.0, node("data"), on="2026-11-23"),
            line("Usage", "db-1", 5.0),
        ],
    )
    database = opened(folder)
    # DuckDB has neither Athena's date_add nor a way to set the day.
    query = bill.cost_by_cluster(TABLE).replace(
        "date_add('day', -2, current_date)", "date '2026-11-24'"
    )
    assert database.execute(query).fetchall() == [("shop", 3.75), ("data", 1.0)]


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("team", "resource_tags_user_team"),
        ("CostCenter", "resource_tags_user_cost_center"),
        ("cost center", "resource_tags_user_cost_center"),
        ("AWSTeam", "resource_tags_user_a_w_s_team"),
        (CLUSTER_TAG, "resource_tags_aws_eks_cluster_name"),
        (VOLUME_TAGS[0], "resource_tags_user_kubernetes_io_created_for_pvc_name"),
    ],
)
def test_a_tags_column_is_spelled_as_aws_does(key: str, column: str) -> None:
    assert tag_column(key) == column


def test_the_tags_that_are_always_activated_are_always_declared() -> None:
    assert {tag_column(key) for key in (CLUSTER_TAG, *VOLUME_TAGS)} <= set(bill.columns())


def test_the_query_of_verify_counts_the_rows_of_a_day(folder: Path) -> None:
    deliver(
        folder,
        [
            line("Usage", "i-1", 2.0, node("shop")),
            line("Usage", "db-1", 5.0),
            line("Usage", "i-1", 2.0, node("shop"), on="2026-11-23"),
        ],
    )
    database = opened(folder)
    for day, counted in ((24, (2, 1)), (23, (1, 1)), (22, (0, 0))):
        query = bill.rows_of_day(TABLE, date(2026, 11, day))
        assert database.execute(query).fetchall() == [counted]
