"""The command `verify`: its options, waiting, and the report as text or JSON."""

import json
import sys
import time
from collections import Counter
from dataclasses import asdict

from tools.common import CommandError, command_line
from tools.documents import printable
from tools.verify import checks
from tools.verify.answer import MALFORMED
from tools.verify.context import Context
from tools.verify.declared import Declared
from tools.verify.finding import CannotCheckError, Finding, Status

TRUE, FALSE, NOT_CHECKED = 0, 1, 2
AGAIN = 30  # seconds between two rounds of checks

Findings = list[tuple[str, Finding]]


def main(arguments: list[str]) -> int:
    """Return 0 if all is true, 1 if something is false, 2 if something could not be checked.

    Raises:
        CommandError: there is no such stack, or its cluster cannot be reached.
    """
    parser = command_line(
        "verify",
        "Verify a deployment: pods, roles, targets, metrics in AMP. It changes nothing. Exit "
        "status: 0 all is true, 1 something is false, 2 something could not be checked.",
    )
    parser.add_argument("stack", nargs="?", default="", help="a stack that make synth wrote")
    parser.add_argument("--context", help="context of the kubeconfig; default: the cluster's")
    parser.add_argument(
        "--wait", type=float, default=0, metavar="MINUTES", help="repeat until all is true"
    )
    parser.add_argument(
        "--max-age", type=int, default=300, metavar="SECONDS", help="older metrics are stale (300)"
    )
    parser.add_argument("--json", action="store_true", help="write JSON, for CI")
    options = parser.parse_args(arguments)
    deadline = time.monotonic() + options.wait * 60
    while True:
        declared = Declared.read(options.stack)
        if not declared.is_on_cluster:
            raise CommandError(
                f"{options.stack} is not on a cluster; verify a stack whose Kubecost reads it, such"
                " as prom"
            )
        context = _connect(declared, options.context, options.max_age)
        left = deadline - time.monotonic()
        # While there is time left, what is false may become true: print one line only.
        live = left <= 0 and not options.json
        findings = _look(context, live=live)
        status = _exit_status(findings)
        if status == TRUE or left <= 0:
            break
        _say(_progress(findings, left))
        time.sleep(min(AGAIN, left))
    if options.json:
        print(json.dumps(_data(context, findings, status), indent=2))
    elif not live:
        print(_report(context, findings))
    return status


def _connect(declared: Declared, context: str | None, max_age: int) -> Context:
    try:
        return Context.connect(declared, context, max_age)
    except MALFORMED as error:
        problem = f"{type(error).__name__}: {error}"
        raise CannotCheckError(f"a server gave an unexpected answer ({problem})") from None


def _look(context: Context, *, live: bool) -> Findings:
    """Check everything once; if `live`, print each finding at once."""
    findings: Findings = []
    if live:
        print(_head(context), flush=True)
    for theme, finding in checks.run(context):
        findings.append((theme, finding))
        if live:
            print(_lines(theme, finding), flush=True)
    if live:
        print(_sum(findings))
    return findings


def _report(context: Context, findings: Findings) -> str:
    lines = [_lines(theme, finding) for theme, finding in findings]
    return "\n".join([_head(context), *lines, _sum(findings)])


def _exit_status(findings: Findings) -> int:
    seen = {finding.status for _, finding in findings}
    return FALSE if Status.FAIL in seen else NOT_CHECKED if Status.UNKNOWN in seen else TRUE


def _head(context: Context) -> str:
    declared = context.declared
    where = f"cluster {declared.cluster_name} in {declared.region_and_role[0]}"
    return printable(f"{declared.name} on {where}, context {context.kube.context}")


def _lines(theme: str, finding: Finding) -> str:
    """Write one line, and three more for a finding that is false."""
    lines = [f"{finding.status:8}{theme:10}{printable(finding.what)}"]
    for name in ("seen", "expected", "fix"):
        if text := getattr(finding, name):
            lines.append(f"{'':18}{name + ':':10}{printable(text)}")
    return "\n".join(lines)


def _sum(findings: Findings) -> str:
    counts = Counter(finding.status for _, finding in findings)
    return ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])


def _progress(findings: Findings, left: float) -> str:
    missing = [
        finding.what for _, finding in findings if finding.status in (Status.FAIL, Status.UNKNOWN)
    ]
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"not yet: {missing[0]}{more}; {left / 60:.0f} minutes left"


def _data(context: Context, findings: Findings, status: int) -> dict[str, object]:
    return {
        "stack": context.declared.name,
        "cluster": context.declared.cluster_name,
        "region": context.declared.region_and_role[0],
        "context": context.kube.context,
        "exit_status": status,
        "findings": [{"theme": theme, **asdict(finding)} for theme, finding in findings],
    }


def _say(text: str) -> None:
    print(f"verify: {printable(text)}", file=sys.stderr, flush=True)
