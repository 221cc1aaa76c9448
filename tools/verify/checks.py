"""All checks, in an order in which a fault of one explains faults of the next."""

from collections.abc import Callable, Iterator

from tools.verify import amp, base, bill, costs, delivery, pods, policies, roles, targets, ui
from tools.verify.answer import MALFORMED
from tools.verify.context import Context
from tools.verify.finding import CannotCheckError, Finding, Status

Check = Callable[[Context], Iterator[Finding]]

OVERLAY: dict[str, Check] = {
    "pods": pods.check,
    "roles": roles.check,
    "amp": amp.check,
    "targets": targets.check,
    "delivery": delivery.check,
    "costs": costs.check,
    "policies": policies.check,
    "bill": bill.check,
    "ui": ui.check,
}
BASE: dict[str, Check] = {"cluster": base.check, "roles": roles.check}


def run(context: Context) -> Iterator[tuple[str, Finding]]:
    """Run the checks; yield the theme and each finding.

    If a check cannot continue, a finding says why and the next check runs. If the stack is not
    deployed, the rest is skipped.
    """
    checks = BASE if context.declared.makes_cluster else OVERLAY
    for theme, check in checks.items():
        try:
            for finding in check(context):
                yield theme, finding
            if check is pods.check and not context.is_deployed:
                yield theme, Finding.skipped("all other checks: the stack is not deployed")
                return
        except CannotCheckError as error:
            yield theme, Finding(Status.UNKNOWN, f"could not be checked: {error}")
        except MALFORMED as error:
            problem = f"{type(error).__name__}: {error}"
            what = f"could not be checked: a server gave an unexpected answer ({problem})"
            yield theme, Finding(Status.UNKNOWN, what)
