"""Plan a stack and print the review; with --pull-request, write it as a comment there."""

import json
import os
import sys
import tempfile
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tools import gate
from tools.common import STACKS, command_line, read_stack
from tools.review import terraform
from tools.review.comment import LIMIT, comment, marker
from tools.review.github import PullRequest

FILE = "cdk.tf.json"
PASSED, STOPPED = 0, 1


def main(arguments: list[str]) -> int:
    """Return 1 if there is no complete plan, or if the policy gate stops it; else 0."""
    parser = command_line("plan", __doc__)
    parser.add_argument("stack", help="a folder of cdktf.out/stacks")
    parser.add_argument("--pull-request", type=int, help="number; takes GITHUB_* variables")
    parser.add_argument("--override", action="store_true", help="the findings are accepted")
    parser.add_argument(
        "--accept", default="", help="numbers of plans whose findings are accepted, in one text"
    )
    parser.add_argument(
        "--only-from",
        type=Path,
        metavar="FOLDER",
        help=f"take {FILE} of the stack, and nothing else, from this folder of stacks",
    )
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="plan in this new folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the plan for an apply")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        # A plan may have letters that a runner's locale cannot encode.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(encoding="utf-8", errors="backslashreplace")
    source = options.only_from or STACKS
    stack = read_stack(options.stack, source)
    with ExitStack() as leaving:
        folder = source / options.stack
        if options.only_from:
            folder = options.into or Path(leaving.enter_context(tempfile.TemporaryDirectory()))
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FILE).write_text(json.dumps(stack), encoding="utf-8")
        out = options.out.absolute() if options.out else None
        accepted = set(options.accept.split())
        review = _judge(folder, stack, out, accepted, override=options.override)
    plan, findings, number = review
    overridden = options.override or number in accepted

    def write(limit: int | None) -> str:
        return comment(
            options.stack,
            plan,
            findings=findings,
            overridden=overridden,
            number=number,
            run_url=_run_url(),
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
        try:
            request.put(marker(options.stack), write(LIMIT))
        except (OSError, ValueError) as error:
            print(f"review: GitHub refused the comment: {error}", file=sys.stderr)
            return STOPPED
    stopped = bool(plan.error) or plan.data is None or (bool(findings) and not overridden)
    return STOPPED if stopped else PASSED


def _judge(
    folder: Path, stack: Any, out: Path | None, accepted: Collection[str], *, override: bool
) -> tuple[terraform.Plan, Sequence[gate.Finding], str]:
    """Plan what is in a folder; return the plan, the gate's findings and the plan's number.

    A deployment accepts the findings by that number. If planning alone could do harm, the stack is
    planned only after somebody accepted that.
    """
    unsafe, number = gate.unsafe(stack), gate.number_of(stack)
    if unsafe and not override and number not in accepted:
        return terraform.Plan(None, "", "The policy gate stopped the plan."), unsafe, number
    plan = terraform.plan(folder, out)
    if plan.data is None or plan.error:
        return plan, unsafe, ""
    try:
        return plan, gate.findings(plan.data, stack), gate.digest(plan.data)
    except gate.PlanError as error:
        reason = f"the plan cannot be judged: {error}"
        return terraform.Plan(plan.data, plan.text, reason), unsafe, ""


def _run_url() -> str:
    if not (run := os.environ.get("GITHUB_RUN_ID")):
        return ""
    server, repository = os.environ["GITHUB_SERVER_URL"], os.environ["GITHUB_REPOSITORY"]
    return f"{server}/{repository}/actions/runs/{run}"
