"""Ring 1: which scrape jobs must have targets."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from metrics.scrape_jobs import Targets, for_prometheus, scrape_jobs
from tools.verify import targets
from tools.verify.context import Context
from tools.verify.finding import Finding, Status

JOBS = for_prometheus(scrape_jobs(Targets("kubecost-prom", "kubecost-prom", 3001, None)))
ALL_UP = {
    "kubecost": 1,
    "kubecost-networking": 3,
    "kubernetes-nodes": 3,
    "kubernetes-nodes-cadvisor": 3,
    "prometheus": 1,
}


def findings(up: dict[str, int], down: dict[str, int] | None = None) -> list[Finding]:
    active = [
        {"scrapePool": job, "health": health, "lastError": "refused", "scrapeUrl": "http://a"}
        for health, counts in (("up", up), ("down", down or {}))
        for job, count in counts.items()
        for _ in range(count)
    ]
    answer = json.dumps({"data": {"activeTargets": active}})
    context: Any = SimpleNamespace(
        declared=SimpleNamespace(jobs=JOBS, name="prom"),
        prometheus="http://prometheus",
        nodes=["n1", "n2", "n3"],
        namespace="kubecost-prom",
        ask_prometheus=lambda path, **query: answer,
    )
    return list(targets.check(cast(Context, context)))


def test_a_cluster_without_gpus_has_no_dcgm_exporter() -> None:
    (finding,) = findings(ALL_UP)
    assert finding.status is Status.OK
    assert "dcgm" not in str(finding)


def test_a_dcgm_exporter_that_is_there_must_be_up() -> None:
    (fine,) = findings(ALL_UP | {"kubecost-dcgm-exporter": 2})
    assert fine.status is Status.OK
    (fault,) = findings(ALL_UP, {"kubecost-dcgm-exporter": 2})
    assert fault.status is Status.FAIL
    assert "0 of 2 up: refused" in str(fault)


@pytest.mark.parametrize("job", ALL_UP)
def test_every_other_job_must_have_a_target(job: str) -> None:
    (fault,) = findings({name: count for name, count in ALL_UP.items() if name != job})
    assert fault.status is Status.FAIL
    assert job in str(fault)
