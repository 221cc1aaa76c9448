"""Check AMP: its workspaces, Kubecost's queries to it, and the managed scraper."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from tools.common import Json
from tools.documents import unescaped
from tools.verify.aws import explained
from tools.verify.context import Context
from tools.verify.finding import CannotCheckError, Finding, MissingError

ACTIVE = "ACTIVE"


def check(context: Context) -> Iterator[Finding]:
    """Check that workspaces and scrapers are active and Kubecost's signing proxy gets answers."""
    for name in context.declared.workspaces:
        yield _workspace(context, name)
    for each in context.declared.resources("aws_prometheus_scraper").values():
        yield from _scraper(context, each)
    if context.declared.query_proxy:
        yield _query_proxy(context, *context.declared.query_proxy)


def _workspace(context: Context, name: str) -> Finding:
    declared = context.declared.workspaces[name]
    what = f"AMP workspace {declared.alias or declared.id} is active"
    try:
        found = context.workspace(name)
    except MissingError as error:
        return Finding.fail(
            what,
            seen=str(error),
            expected="a workspace that is ACTIVE",
            fix=f"cdktf deploy {context.declared.name}",
        )
    status = found["status"]["statusCode"]
    return Finding.judge(
        what,
        status == ACTIVE,
        details=f"{found['workspaceId']} in {declared.region}",
        seen=status,
        expected=ACTIVE,
        fix="wait until AWS has changed it"
        if status.endswith("ING")
        else "see the workspace in the AWS console",
    )


def _scraper(context: Context, declared: Json) -> Iterator[Finding]:
    alias = declared["alias"]
    what = f"managed scraper {alias} is active"
    redeploy = f"cdktf deploy {context.declared.name}"
    amp = context.aws.client("amp")
    with explained("list the managed scrapers"):
        pages = amp.get_paginator("list_scrapers").paginate()
        ids = [
            each["scraperId"]
            for page in pages
            for each in page["scrapers"]
            if each.get("alias") == alias
            and each["source"].get("eksConfiguration", {}).get("clusterArn")
            == context.cluster["arn"]
        ]
        if len(ids) != 1:
            yield Finding.fail(
                what,
                seen=f"{len(ids)} scrapers of that name for this cluster",
                expected="one scraper; two would send every sample twice",
                fix=redeploy
                if not ids
                else "delete the scraper that is not in Terraform's state: aws amp list-scrapers",
            )
            return
        scraper = amp.describe_scraper(scraperId=ids[0])["scraper"]
    status, reason = scraper["status"]["statusCode"], scraper.get("statusReason")
    yield Finding.judge(
        what,
        status == ACTIVE,
        details=scraper["scraperId"],
        seen=f"{status}: {reason}" if reason else status,
        expected=ACTIVE,
        fix="AWS takes up to 40 minutes for a new one: add --wait 40"
        if status == "CREATING"
        else f"{redeploy}; check that the cluster's private endpoint is on",
    )
    yield _scraper_configuration(context, declared, scraper)
    if "roleConfiguration" not in scraper:
        yield _scraper_access(context, scraper)


def _scraper_configuration(context: Context, declared: Json, scraper: Json) -> Finding:
    """Compare the scraper's jobs and workspace with the stack's."""
    what = "managed scraper has the jobs and the workspace of this stack"
    found: Any = yaml.safe_load(scraper["scrapeConfiguration"]["configurationBlob"])
    wanted = yaml.safe_load(unescaped(declared["scrape_configuration"]))
    workspace = scraper["destination"]["ampConfiguration"]["workspaceArn"]
    wanted_workspace = context.fill(declared["destination"][0]["amp"][0]["workspace_arn"])
    fix = f"cdktf deploy {context.declared.name}"
    if workspace != wanted_workspace:
        return Finding.fail(what, seen=workspace, expected=wanted_workspace, fix=fix)
    changed = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    return Finding.judge(
        what,
        not changed,
        details=", ".join(job["job_name"] for job in wanted["scrape_configs"]),
        seen=f"another configuration: {', '.join(changed)} differ",
        expected="the configuration of the stack",
        fix=fix,
    )


def _scraper_access(context: Context, scraper: Json) -> Finding:
    """Check the scraper's access entry, which AMP makes if the authentication mode has entries."""
    what = "managed scraper may read the cluster (access entry)"
    eks = context.aws.client("eks")
    name = context.declared.cluster_name
    with explained("list the cluster's access entries"):
        try:
            eks.describe_access_entry(clusterName=name, principalArn=scraper["roleArn"])
        except (eks.exceptions.ResourceNotFoundException, eks.exceptions.InvalidRequestException):
            mode = context.cluster.get("accessConfig", {}).get("authenticationMode")
            return Finding.fail(
                what,
                seen=f"no access entry for {scraper['roleArn']}; authentication mode {mode}",
                expected="an entry with AmazonPrometheusScraperPolicy, which AMP makes",
                fix="if the mode is CONFIG_MAP: aws eks update-cluster-config --name "
                f"{name} --access-config authenticationMode=API_AND_CONFIG_MAP; then create the "
                f"scraper again: cdktf destroy {context.declared.name}, cdktf deploy "
                f"{context.declared.name}",
            )
    return Finding.ok(what)


def _query_proxy(context: Context, port: int, path: str) -> Finding:
    """Query AMP as Kubecost does, with its role: if that fails, Kubecost shows too little."""
    what = "Kubecost can query AMP through its signing proxy"
    pods = [
        pod["metadata"]["name"]
        for pod in context.pods
        if any(
            each.get("containerPort") == port
            for container in pod["spec"]["containers"]
            for each in container.get("ports", [])
        )
    ]
    if not pods:
        return Finding.fail(
            what,
            seen=f"no pod has port {port}",
            expected="the container sigv4proxy in the pod of cost-analyzer",
            fix=f"cdktf deploy {context.declared.name}",
        )
    try:
        text = context.kube.pod(
            context.namespace,
            pods[0],
            port,
            f"{context.fill(path)}/api/v1/query",
            query="vector(1)",
        )
        if json.loads(text).get("status") == "success":
            return Finding.ok(what)
        seen = text[:120]
    except (CannotCheckError, ValueError) as error:
        seen = str(error)
    return Finding.fail(
        what,
        seen=seen,
        expected="an answer to the query vector(1)",
        fix="NoCredentialProviders means that the service account lacks its annotation; 403 means "
        "that the reader role or its region is wrong. See the findings under roles, and: kubectl "
        f"-n {context.namespace} logs {pods[0]} -c sigv4proxy",
    )
