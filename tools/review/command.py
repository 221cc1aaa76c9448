"""Plan a stack, print its review, and comment it on a pull request if there is one."""

import json
import os

from tools import gate
from tools.common import STACKS, command_line, read_stack
from tools.review import terraform
from tools.review.comment import LIMIT, comment, marker
from tools.review.github import PullRequest


def main(arguments: list[str]) -> int:
    """Give 1 if planning failed, or if the policy gate stops the plan."""
    parser = command_line("plan", __doc__)
    parser.add_argument("stack", help="a folder of cdktf.out/stacks")
    parser.add_argument("--pull-request", type=int, help="number; takes GITHUB_* variables")
    parser.add_argument("--labels", type=json.loads, default=[], help="its labels, a JSON list")
    options = parser.parse_args(arguments)
    synthesized = read_stack(options.stack)
    plan = terraform.plan(STACKS / options.stack)
    findings = gate.findings(plan.data, synthesized) if plan.data else []
    overridden = gate.OVERRIDE_LABEL in options.labels
    run_url = ""
    if run := os.environ.get("GITHUB_RUN_ID"):
        server, repository = os.environ["GITHUB_SERVER_URL"], os.environ["GITHUB_REPOSITORY"]
        run_url = f"{server}/{repository}/actions/runs/{run}"

    def write(limit: int | None) -> str:
        return comment(
            options.stack,
            plan,
            findings=findings,
            overridden=overridden,
            run_url=run_url,
            limit=limit,
        )

    print(write(None))
    if options.pull_request:
        request = PullRequest(
            api=os.environ["GITHUB_API_URL"],
            repository=os.environ["GITHUB_REPOSITORY"],
            number=options.pull_request,
            token=os.environ["GITHUB_TOKEN"],
        )
        request.put(marker(options.stack), write(LIMIT))
    return 1 if plan.error or (findings and not overridden) else 0
