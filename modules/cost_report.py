"""Cost and Usage Reports: how to read one, and the report that this project creates."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cdktf_cdktf_provider_aws.athena_workgroup import (
    AthenaWorkgroup,
    AthenaWorkgroupConfiguration,
    AthenaWorkgroupConfigurationResultConfiguration,
    AthenaWorkgroupConfigurationResultConfigurationEncryptionConfiguration,
)
from cdktf_cdktf_provider_aws.cur_report_definition import CurReportDefinition
from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_catalog_table import (
    GlueCatalogTable,
    GlueCatalogTablePartitionKeys,
    GlueCatalogTableStorageDescriptor,
    GlueCatalogTableStorageDescriptorColumns,
    GlueCatalogTableStorageDescriptorSerDeInfo,
)
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from metrics import bill
from modules import policy
from modules.partitions import arn, bucket_arn
from modules.private_bucket import PrivateBucket
from settings.billing import ReportSettings

API_REGION = "us-east-1"  # the only one with the API of Cost and Usage Report
PREFIX = "bill"
TABLE = "costs"

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


@dataclass(frozen=True)
class CostReport:
    """A report that can be queried through Athena.

    Attributes:
        account: the account that owns it.
        region: the region of Athena.
        database, table: the table with its rows.
        workgroup: the workgroup that runs the queries.
        results_bucket: the bucket for the results of queries.
        report_bucket: the bucket with its files; None if `role_arn` may read them.
        role_arn: the role of the account that a reader assumes; None if the reader itself has the
            rights.
    """

    account: str
    region: str
    database: str
    table: str
    workgroup: str
    results_bucket: str
    report_bucket: str | None = None
    role_arn: str | None = None

    @property
    def database_arn(self) -> str:
        """The ARN of the database in the Glue catalog."""
        return self._glue(f"database/{self.database}")

    def may_read(self, *, tagged: bool) -> list[policy.Statement]:
        """Allow what a reader of the report needs: its role, or the queries themselves.

        `tagged` is for sessions of EKS Pod Identity, whose tags pass from role to role.
        """
        if self.role_arn:
            actions = ["sts:AssumeRole", *(["sts:TagSession"] if tagged else [])]
            return [policy.allow(*actions, resource=self.role_arn)]
        return self.may_query()

    def may_query(self) -> list[policy.Statement]:
        """Allow queries of this table by this workgroup, and no others.

        Sources: Amazon Athena user guide, "Example workgroup policies", "Configure access to
        databases and tables in the AWS Glue Data Catalog" (which also requires the database
        `default`) and "Control access to Amazon S3 from Athena".
        """
        results = bucket_arn(self.results_bucket, region=self.region)
        statements = [
            policy.allow(
                "athena:StartQueryExecution",
                "athena:StopQueryExecution",
                "athena:GetQueryExecution",
                "athena:GetQueryResults",
                "athena:GetWorkGroup",
                resource=self._arn("athena", f"workgroup/{self.workgroup}"),
            ),
            policy.allow(
                "glue:GetDatabase",
                "glue:GetTable",
                "glue:GetTables",
                "glue:GetPartition",
                "glue:GetPartitions",
                resource=[
                    self._glue("catalog"),
                    self.database_arn,
                    self._glue(f"table/{self.database}/{self.table}"),
                ],
            ),
            policy.allow(
                "glue:GetDatabase",
                "glue:GetDatabases",
                resource=[self._glue("catalog"), self._glue("database/default")],
            ),
            policy.allow("s3:GetBucketLocation", "s3:ListBucket", resource=[results]),
            policy.allow(
                "s3:GetObject",
                "s3:PutObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
                resource=[f"{results}/*"],
            ),
        ]
        if self.report_bucket:
            statements += may_read_bucket(bucket_arn(self.report_bucket, region=self.region))
        return statements

    def for_kubecost(self) -> dict[str, str]:
        """Describe it as Kubecost's cloud-integration.json does.

        Keys: chart cost-analyzer 2.8.7, templates/_helpers.tpl, cloudIntegrationFromProductConfigs.
        """
        entry = {
            "athenaBucketName": f"s3://{self.results_bucket}",
            "athenaRegion": self.region,
            "athenaDatabase": self.database,
            "athenaTable": self.table,
            "athenaWorkgroup": self.workgroup,
            "projectID": self.account,
        }
        return entry | ({"masterPayerARN": self.role_arn} if self.role_arn else {})

    def _glue(self, resource: str) -> str:
        return self._arn("glue", resource)

    def _arn(self, service: str, resource: str) -> str:
        return arn(service, resource, region=self.region, account=self.account)


def may_read_bucket(bucket: str) -> list[policy.Statement]:
    """Allow listing a bucket, given by its ARN, and reading its objects."""
    return [
        policy.allow("s3:GetBucketLocation", "s3:ListBucket", resource=bucket),
        policy.allow("s3:GetObject", resource=f"{bucket}/*"),
    ]


def integration(reports: Iterable[CostReport]) -> str:
    """Write Kubecost's cloud-integration.json; it has only names and ARNs, no secrets."""
    return json.dumps({"aws": [report.for_kubecost() for report in reports]})


def created_report(
    name: str, *, region: str, account: str, role_arn: str | None = None
) -> CostReport:
    """Describe the report that the stack `billing` creates for a settings file's `name`.

    Its names depend only on `name` and the account, so that readers need no look-up.
    """
    lower = name.lower()
    return CostReport(
        account=account,
        region=region,
        database=f"{lower.replace('-', '_')}_bill",
        table=TABLE,
        workgroup=f"{name}-bill",
        results_bucket=f"{lower}-bill-results-{account}",
        report_bucket=f"{lower}-bill-{account}",
        role_arn=role_arn,
    )


class CreatedCostReport(Construct):
    """The report itself, with its bucket, its table in Athena and a workgroup for its readers.

    The table uses partition projection and needs no crawler: Athena finds each month by its
    folder's name, from the first delivery on.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: ReportSettings,
        *,
        name: str,
        report: CostReport,
        tag_columns: Sequence[str],
        api: AwsProvider,
    ) -> None:
        super().__init__(scope, id)
        assert report.report_bucket
        files = PrivateBucket(
            self,
            "files",
            name=report.report_bucket,
            statements=_may_deliver(report.report_bucket, report),
            expire_days=settings.retention_days,
            force_destroy=not settings.keep_on_destroy,
        )
        results = PrivateBucket(
            self,
            "results",
            name=report.results_bucket,
            expire_days=settings.results_retention_days,
            force_destroy=True,
        )
        CurReportDefinition(
            self,
            "definition",
            report_name=name,
            time_unit="DAILY",
            format="Parquet",
            compression="Parquet",
            additional_schema_elements=["RESOURCES"],
            additional_artifacts=["ATHENA"],
            report_versioning="OVERWRITE_REPORT",
            refresh_closed_reports=True,
            s3_bucket=files.name,
            s3_prefix=PREFIX,
            s3_region=report.region,
            depends_on=files.ready,
            provider=api,
        )
        self._table(report, files, name, tag_columns)
        AthenaWorkgroup(
            self,
            "workgroup",
            name=report.workgroup,
            description="Kubecost's queries of the cost and usage report",
            # A destroy deletes only the history of queries with it.
            force_destroy=True,
            configuration=AthenaWorkgroupConfiguration(
                enforce_workgroup_configuration=True,
                bytes_scanned_cutoff_per_query=settings.query_limit_gib * 2**30,
                result_configuration=AthenaWorkgroupConfigurationResultConfiguration(
                    output_location=f"s3://{results.name}/",
                    encryption_configuration=AthenaWorkgroupConfigurationResultConfigurationEncryptionConfiguration(
                        encryption_option="SSE_S3"
                    ),
                ),
            ),
        )

    def _table(
        self, report: CostReport, files: PrivateBucket, name: str, tag_columns: Sequence[str]
    ) -> None:
        database = GlueCatalogDatabase(
            self,
            "database",
            name=report.database,
            description="The cost and usage report that Kubecost reads",
        )
        folder = bill.data_folder(files.name, PREFIX, name)
        GlueCatalogTable(
            self,
            "table",
            database_name=database.name,
            name=report.table,
            table_type="EXTERNAL_TABLE",
            parameters={
                "EXTERNAL": "TRUE",
                "classification": "parquet",
                **bill.partition_projection(folder),
            },
            partition_keys=[
                GlueCatalogTablePartitionKeys(name=key, type=kind)
                for key, kind in bill.PARTITIONS.items()
            ],
            storage_descriptor=GlueCatalogTableStorageDescriptor(
                location=f"{folder}/",
                input_format=f"{_PARQUET}.MapredParquetInputFormat",
                output_format=f"{_PARQUET}.MapredParquetOutputFormat",
                ser_de_info=GlueCatalogTableStorageDescriptorSerDeInfo(
                    serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe",
                    parameters={"serialization.format": "1"},
                ),
                columns=[
                    GlueCatalogTableStorageDescriptorColumns(name=column, type=kind)
                    for column, kind in bill.columns(tag_columns).items()
                ],
            ),
        )


class CostReportReader(Construct):
    """The role by which Kubecosts in other accounts query a report.

    Args:
        role_arns: the roles that may assume it; they need not exist yet.
        accounts: the accounts of these roles.
        tagged: as in policy.trust_role.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        report: CostReport,
        role_arns: Iterable[str],
        accounts: Iterable[str],
        tagged: bool,
    ) -> None:
        super().__init__(scope, id)
        # checkov:skip=CKV_AWS_61: the condition names the roles, which need not exist yet
        role = IamRole(
            self,
            "this",
            name=name,
            description="Kubecosts in other accounts read the cost and usage report",
            assume_role_policy=policy.trust_roles_to_come(
                role_arns,
                root_arns=[
                    arn("iam", "root", region=report.region, account=account, regional=False)
                    for account in accounts
                ],
                tagged=tagged,
            ),
        )
        IamRolePolicy(
            self,
            "policy",
            name="access",
            role=role.name,
            policy=policy.document(*report.may_query()),
        )


def _may_deliver(name: str, report: CostReport) -> list[policy.Statement]:
    """Let AWS put reports of this account into a bucket.

    Source: Cost and Usage Reports user guide, "Setting up an Amazon S3 bucket for Cost and Usage
    Reports".
    """
    bucket = bucket_arn(name, region=report.region)
    definitions = arn("cur", "definition/*", region=API_REGION, account=report.account)
    delivery = {
        "Principal": {"Service": "billingreports.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": report.account},
            "ArnLike": {"aws:SourceArn": definitions},
        },
    }
    return [
        policy.allow("s3:GetBucketAcl", "s3:GetBucketPolicy", resource=bucket) | delivery,
        policy.allow("s3:PutObject", resource=f"{bucket}/{PREFIX}/*") | delivery,
    ]
