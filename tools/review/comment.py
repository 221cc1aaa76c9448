"""Write a plan as a comment in GitHub's Markdown."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any

from tools.documents import printable
from tools.gate import OVERRIDE_LABEL, Finding
from tools.review.masking import mask
from tools.review.terraform import Plan

# GitHub refuses longer bodies (REST API, "Validation Failed: body is too long").
LIMIT = 65_536
LONGEST_LIST = 20
LONGEST_NAME = 300

_NOISE = re.compile(
    r"^\S.*: (Refreshing state\.\.\.|Reading\.\.\.|Still reading\.\.\.|Read complete after).*\n"
    r"|^(Acquiring|Releasing) state lock\. .*\n"
    r"|^(Terraform|OpenTofu) used the selected providers(.|\n)*?\n\n"
    r"|^(╷|╵)\n",
    re.MULTILINE,
)
_SYMBOL = re.compile(r"( *)(-/\+|\+/-|[-+~]) ?")


def marker(stack: str) -> str:
    """Write the hidden text by which a stack's comment is found again."""
    return f"<!-- terraform plan of {stack} -->"


def comment(
    stack: str,
    plan: Plan,
    *,
    findings: Sequence[Finding] = (),
    overridden: bool = False,
    number: str = "",
    run_url: str = "",
    limit: int | None = LIMIT,
) -> str:
    """Write the review of a stack's plan.

    Args:
        stack: the stack's name.
        plan: the output of Terraform.
        findings: what the policy gate found.
        overridden: whether somebody accepted the findings.
        number: the number by which a deployment accepts exactly this plan.
        run_url: the address of the run, which has the whole plan.
        limit: the most characters of the comment; the beginning of a longer plan is cut.
    """
    foot = ["", f"[Run with the whole plan]({run_url})"] if run_url else []
    title = [marker(stack), f"### {_code(stack)}: {_headline(plan)}", ""]
    verdict = _verdict(overridden=overridden, number=number) if findings else []
    room = limit
    for longest in (LONGEST_LIST, 5, 0):
        head = [*title]
        if plan.data:
            head += [f"* {sentence}" for sentence in _sentences(plan.data, longest)]
        head += [*verdict, *_limited(findings, longest)] if findings else []
        head = mask("\n".join(head), plan.data).split("\n")
        if limit is not None:
            room = limit - _length("\n".join([*head, *foot, ""]))
        # Keep a third for the plan itself.
        if limit is None or (room or 0) > limit // 3:
            break
    if room is not None and room < 0:
        head, room = [*title, *verdict, "", "The plan is too long for a comment."], 0
    body: list[str] = []
    if plan.error:
        error = mask(_NOISE.sub("", plan.error).strip("\n"), plan.data)
        body += _fenced(error, "text", None if room is None else room * 2 // 3)
    text = coloured(mask(_NOISE.sub("", plan.text).strip("\n"), plan.data))
    if text and not _is_no_change(plan):
        left = None if room is None else room - _length("\n".join(body)) - 100
        summary = "Plan up to the error" if plan.error else "Plan"
        if fenced := _fenced(text, "diff", left):
            body += ["", f"<details><summary>{summary}</summary>", *fenced, "", "</details>"]
    return _sendable("\n".join([*head, *body, *foot, ""]))


def _verdict(*, overridden: bool, number: str) -> list[str]:
    label = _code(OVERRIDE_LABEL)
    if overridden:
        return ["", f"**Policy gate: accepted for this commit by the label {label}**", ""]
    lines = [
        "",
        f"**Policy gate: stopped. To accept this plan, set the label {label}. The label is valid "
        "for this commit only: after another push, remove it and set it again.**",
    ]
    return [*lines, *(["", f"Number of this plan: {_code(number)}"] if number else []), ""]


def _sendable(text: str) -> str:
    """Replace characters that cannot be sent or shown: lone surrogates, control characters."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return re.sub(r"[^\S\n\t ]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "�", text)


def _is_no_change(plan: Plan) -> bool:
    return not plan.error and plan.text.lstrip().startswith("No changes.")


def _headline(plan: Plan) -> str:
    if plan.error:
        return "planning failed"
    if plan.data is None:
        return "planned"
    counts = Counter(
        action for each in (plan.data.get("resource_changes") or []) for action in _actions(each)
    )
    verbs = {
        "import": "to import",
        "create": "to add",
        "update": "to change",
        "delete": "to destroy",
        "forget": "to forget",
    }
    always = ("create", "update", "delete")
    shown = [
        f"{counts[action]} {verb}"
        for action, verb in verbs.items()
        if counts[action] or (action in always and counts.total())
    ]
    if deferred := len(plan.data.get("deferred_changes") or []):
        shown.append(f"{deferred} deferred")
    if shown:
        return ", ".join(shown)
    return "no changes" if _is_no_change(plan) else "no changes to resources"


def _actions(resource: dict[str, Any]) -> list[str]:
    change = resource["change"]
    ours = [action for action in change["actions"] if action not in ("no-op", "read")]
    return [*ours, "import"] if change.get("importing") else ours


def _sentences(plan: dict[str, Any], longest: int) -> list[str]:
    """List what a reviewer must not miss."""
    replaced: list[str] = []
    destroyed: list[str] = []
    forgotten: list[str] = []
    moved: list[str] = []
    for resource in plan.get("resource_changes") or []:
        address, actions = _code(resource["address"]), resource["change"]["actions"]
        if "delete" in actions:
            (replaced if "create" in actions else destroyed).append(address + _reason(resource))
        if "forget" in actions:
            forgotten.append(address)
        if previous := resource.get("previous_address"):
            moved.append(f"{_code(previous)} → {address}")
    drifted = [
        _code(each["address"])
        for each in plan.get("resource_drift") or []
        if not _only_adds_region(each["change"])
    ]
    deferred = [
        f"{_code(each['resource_change']['address'])} ({_words(each.get('reason'))})"
        for each in plan.get("deferred_changes") or []
    ]
    outputs = [
        _code(name)
        for name, change in (plan.get("output_changes") or {}).items()
        if change["actions"] != ["no-op"]
    ]
    failed = [
        _code(check["address"]["to_display"])
        for check in plan.get("checks") or []
        if check["status"] in ("fail", "error")
    ]
    said = {
        "**Destroyed**": destroyed,
        "**Replaced**": replaced,
        "**Failed checks**": failed,
        "Forgotten, not destroyed": forgotten,
        "Deferred to a later plan": deferred,
        "Moved": moved,
        "Changed outside of Terraform": [each for each in drifted if each not in moved],
        "Changed outputs": outputs,
    }
    return [f"{what}: {_joined(names, longest)}" for what, names in said.items() if names]


def _only_adds_region(change: dict[str, Any]) -> bool:
    """Tell whether a change only adds `region`, as AWS provider 6 does to a state of provider 5."""
    before, after = change.get("before"), change.get("after")
    if not before or not after or before.get("region") is not None or not after.get("region"):
        return False
    return {**before, "region": None} == {**after, "region": None}


def _reason(resource: dict[str, Any]) -> str:
    if paths := resource["change"].get("replace_paths"):
        return f" because of {', '.join(_code(_path(path)) for path in paths)}"
    _, _, reason = resource.get("action_reason", "").partition("_because_")
    # Nearly everything is destroyed because its configuration is removed, so do not say that.
    known = reason in ("", "no_resource_config")
    return "" if known else f" ({_words(reason)})"


def _words(reason: Any) -> str:
    """Write one of Terraform's reasons as words."""
    return re.sub(r"[^a-z ]", "", str(reason).replace("_", " "))


def _path(path: Iterable[Any]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]


def _joined(names: Sequence[str], longest: int) -> str:
    if not longest:
        return f"{len(names)}"
    more = len(names) - longest
    return ", ".join(names[:longest]) + (f" and {more} more" if more > 0 else "")


def _limited(findings: Sequence[Finding], longest: int) -> list[str]:
    shown = [f"* {_code(each.where)}: {_code(each.what)}" for each in findings[:longest]]
    more = len(findings) - longest
    return [*shown, f"* {more} more"] if more > 0 else shown


def coloured(text: str) -> str:
    """Move Terraform's symbols to the first column, so that GitHub shows + green and - red.

    In a long text the symbols stand in one column; a dash in another column is a YAML list's.
    """
    lines, column = [], None
    for line in text.splitlines():
        symbol = _SYMBOL.match(line)
        if column is not None and line.strip().startswith("EOT"):
            column = None
        if symbol and column in (None, len(symbol[1])):
            mark = symbol[2].replace("~", "!")
            lines.append(mark.ljust(symbol.end(2) + 1) + line[symbol.end(2) :])
        else:
            lines.append(f" {line}")
        if line.endswith("<<-EOT"):
            indent = len(line) - len(line.lstrip(" "))
            column = indent + (4 if symbol else 2)
    return "\n".join(lines)


@lru_cache(maxsize=4096)  # a comment that is too long is written again, shorter
def _code(text: str) -> str:
    """Quote a text of a plan as code, so that nothing in it is Markdown, HTML or a mention."""
    text = " ".join(str(text).split())
    if len(text) > 2 * LONGEST_NAME:
        text = text[:LONGEST_NAME] + text[-LONGEST_NAME:]  # the middle is cut below anyway
    text = printable(text)
    if len(text) > LONGEST_NAME:
        text = f"{text[: LONGEST_NAME // 2]}…{text[-LONGEST_NAME // 2 :]}"
    text = _bounded(text) or "(nothing)"
    fence = _fence(text, 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _bounded(text: str) -> str:
    """Shorten long runs of backticks, because the fence around them must be longer."""
    return re.sub("`{10,}", "``````````…", text)


def _fence(text: str, shortest: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(shortest, longest + 1)


def _fenced(text: str, language: str, room: int | None) -> list[str]:
    """Put a text in a fence that it cannot close; return [] if no line of it fits."""
    text = _bounded(text)
    fence = _fence(text, 3)
    frame = _length(f"\n{fence}{language}\n{fence}\n")
    if room is not None and _length(text) > room - frame:
        text = _tail(text, room - frame)
    return ["", f"{fence}{language}", text, fence] if text else []


def _tail(text: str, room: int) -> str:
    """Keep the last lines: a plan ends with its summary, and an error with its cause."""
    lines = text.splitlines()
    room -= _length(f"… the first {len(lines)} lines are cut\n")
    if room < 0:
        return ""

    def fits(line: str) -> bool:
        nonlocal room
        room -= _length(f"{line}\n")
        return room >= 0

    kept = list(takewhile(fits, reversed(lines)))[::-1]
    return "\n".join([f"… the first {len(lines) - len(kept)} lines are cut", *kept])


def _length(text: str) -> int:
    """Compute the largest length that GitHub may count.

    A character outside the basic multilingual plane and an end of a line count twice, as in
    JavaScript and on Windows. GitHub states its limit in characters.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 + text.count("\n")
