"""A simulated AWS for tests: moto as a server on loopback, with what moto lacks for EKS and AMP.

Requests are validated against botocore's service models, then judged as AWS documents it; what has
to exist first, and what must be gone first, is insisted on. Not simulated: the time that AWS takes,
the permissions of the caller (`iam` evaluates policies), Kubernetes itself, and the data plane.
Amazon S3 is moto's alone: its calls are neither validated, nor counted, nor throttled.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from select import select
from types import TracebackType
from typing import Any, Self

import boto3
import jmespath
from botocore.config import Config

from tests.terraform.providers import Providers

REGION = "us-east-1"
ACCOUNT = "123456789012"
START_TIMEOUT = 60  # seconds
# Where a service has its API, whatever the region.
_REGION_OF = {"cur": "us-east-1"}

# What a stack can leave behind: service, operation that lists it, arguments, and what to take.
_LISTINGS: list[tuple[str, str, dict[str, Any], str]] = [
    ("ec2", "describe_vpcs", {}, "Vpcs[?!IsDefault].VpcId"),
    ("ec2", "describe_subnets", {}, "Subnets[?!DefaultForAz].SubnetId"),
    ("ec2", "describe_internet_gateways", {}, "InternetGateways[].InternetGatewayId"),
    ("ec2", "describe_nat_gateways", {}, "NatGateways[?State!='deleted'].NatGatewayId"),
    ("ec2", "describe_addresses", {}, "Addresses[].AllocationId"),
    ("ec2", "describe_route_tables", {}, "RouteTables[?!(Associations[?Main])].RouteTableId"),
    ("ec2", "describe_security_groups", {}, "SecurityGroups[?GroupName!='default'].GroupId"),
    ("ec2", "describe_vpc_endpoints", {}, "VpcEndpoints[?State!='deleted'].VpcEndpointId"),
    ("ec2", "describe_network_interfaces", {}, "NetworkInterfaces[].NetworkInterfaceId"),
    ("ec2", "describe_launch_templates", {}, "LaunchTemplates[].LaunchTemplateId"),
    ("ec2", "describe_volumes", {}, "Volumes[].VolumeId"),
    ("eks", "list_clusters", {}, "clusters"),
    ("amp", "list_workspaces", {}, "workspaces[].arn"),
    ("amp", "list_scrapers", {}, "scrapers[].arn"),
    ("logs", "describe_log_groups", {}, "logGroups[].logGroupName"),
    ("iam", "list_roles", {}, "Roles[].Arn"),
    ("iam", "list_policies", {"Scope": "Local"}, "Policies[].Arn"),
    ("iam", "list_open_id_connect_providers", {}, "OpenIDConnectProviderList[].Arn"),
    ("kms", "list_aliases", {}, "Aliases[?!starts_with(AliasName, 'alias/aws/')].AliasName"),
    ("s3", "list_buckets", {}, "Buckets[].Name"),
    ("sns", "list_topics", {}, "Topics[].TopicArn"),
    ("sns", "list_subscriptions", {}, "Subscriptions[].Endpoint"),
    ("cloudwatch", "describe_alarms", {}, "MetricAlarms[].AlarmArn"),
    ("acm", "list_certificates", {}, "CertificateSummaryList[].CertificateArn"),
    ("cognito-idp", "list_user_pools", {"MaxResults": 60}, "UserPools[].Id"),
    ("cur", "describe_report_definitions", {}, "ReportDefinitions[].ReportName"),
    ("glue", "get_databases", {}, "DatabaseList[].Name"),
    ("athena", "list_work_groups", {}, "WorkGroups[?Name!='primary'].Name"),
    ("ce", "list_cost_allocation_tags", {"Status": "Active"}, "CostAllocationTags[].TagKey"),
]


class SimulatedAws:
    """The server in a process of its own; a context manager that ends it.

    Attributes:
        url: address of every service.
        region: where clients look.
        environment: what Terraform, its AWS provider and boto3 need to use it and nothing else.
    """

    def __init__(self, *, region: str = REGION, lose_scraper_answer: bool = True) -> None:
        """Start the server and wait until it answers.

        Args:
            region: where clients look; Terraform too, where its provider names none.
            lose_scraper_answer: the AWS provider sleeps eight minutes after it deleted a managed
                scraper, but not when its repeated request finds none. With True (default) the
                answer to amp:DeleteScraper is lost after the deletion, so that it repeats.

        Raises:
            RuntimeError: the server ended, or printed nothing for `START_TIMEOUT` seconds.
        """
        self.region = region
        self.providers = Providers()
        self._clients: dict[tuple[str, Config | None], Any] = {}
        faults = ["--unanswered", "amp:DeleteScraper"] if lose_scraper_answer else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.terraform.simulated_aws", "--until-eof", *faults],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,  # its end ends the server, should this process be killed
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        ready, _, _ = select([self._process.stdout], [], [], START_TIMEOUT)
        word, _, address = (self._process.stdout.readline() if ready else "").partition(" ")
        if word != "ready":
            self.close()
            raise RuntimeError("the simulated AWS did not start")
        self.url = address.strip()
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server."""
        self.close()

    def close(self) -> None:
        """End the server and wait until it is gone."""
        self.providers.close()
        self._process.terminate()
        self._process.communicate(timeout=10)

    def client(self, service: str, config: Config | None = None) -> Any:
        """Return a boto3 client of a service; one with the same configuration is made once."""
        key = (service, config)
        if key not in self._clients:
            self._clients[key] = boto3.client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.url,
                region_name=_REGION_OF.get(service, self.region),
                aws_access_key_id="simulated",
                aws_secret_access_key="simulated",
                config=config,
            )
        return self._clients[key]

    def throttle(self, operation: str, times: int) -> None:
        """Refuse the next calls of an operation, for example ``eks:CreateCluster``, as too many."""
        self._control("throttle", {operation: times})

    def calls(self) -> list[str]:
        """Return the operations called since the start or the last reset, oldest first."""
        return self._control("calls")

    def reset(self) -> None:
        """Forget all resources and calls."""
        self._control("reset", {})

    def leftovers(self) -> list[str]:
        """Return what exists besides what every new account has, as ``service:id``."""
        found: list[str] = []
        for service, operation, arguments, path in _LISTINGS:
            answer = getattr(self.client(service), operation)(**arguments)
            found += (f"{service}:{name}" for name in jmespath.search(path, answer))
        return found

    def _control(self, path: str, body: dict[str, int] | None = None) -> list[str]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/simulated-aws/{path}", data) as answer:
            calls: list[str] = json.load(answer)
            return calls
