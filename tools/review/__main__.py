"""Plan a stack, print its review, and comment it on a pull request if there is one."""

import argparse
import json
import os
import sys
from pathlib import Path

from tools import gate
from tools.review import terraform
from tools.review.comment import LIMIT, comment, marker
from tools.review.github import PullRequest

STACKS = Path("cdktf.out/stacks")


def main(arguments: list[str]) -> int:
    """Give 1 if planning failed, or if the policy gate stops the plan; 2 without such a stack."""
    parser = argparse.ArgumentParser(prog="python -m tools.review", description=__doc__)
    parser.add_argument("stack", help="a folder of cdktf.out/stacks")
    parser.add_argument("--pull-request", type=int, help="number; takes GITHUB_* variables")
    parser.add_argument("--labels", type=json.loads, default=[], help="its labels, a JSON list")
    options = parser.parse_args(arguments)
    folder = STACKS / options.stack
    if not folder.is_dir():
        names = ", ".join(sorted(each.name for each in STACKS.glob("*")))
        there = f"there are: {names}" if names else "nothing is synthesized yet: make synth"
        print(f"no stack {options.stack}; {there}", file=sys.stderr)
        return 2

    plan = terraform.plan(folder)
    synthesized = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
