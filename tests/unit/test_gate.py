"""Ring 1: what the policy gate is made of: networks, policies, expressions, YAML, the command."""

import json
import random
import subprocess
import sys
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from modules.yaml_text import to_yaml
from tests.conftest import ROOT
from tools.gate import command, networks
from tools.gate.absent import ABSENT, Unread
from tools.gate.expressions import expressions, unknown_functions
from tools.gate.reader import UnreadableError, read
from tools.gate.rights import complete, policy, trust

WORKSPACE = (
    "arn:aws:aps:ap-northeast-2:111122223333:workspace/ws-0d3c2f31-1a2b-4c3d-8e9f-0123456789ab"
)


def says(rule: Any, before: Any, after: Any) -> list[str]:
    return [text for _, text in rule.judge(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (["10.0.0.0/16"], ["10.0.0.0/17", "10.0.128.0/17"], ""),
        (["10.0.0.0/17", "10.0.128.0/17"], ["10.0.0.0/16"], ""),
        (["10.0.0.0/16"], ["10.0.0.0/15"], "10.1.0.0/16 (65,536 addresses)"),
        (["203.0.113.7/32"], ["203.0.113.6/31"], "203.0.113.6/32 (1 address)"),
        ([], ["0.0.0.0/0"], "everyone"),
        ([], ["0.0.0.0/1", "128.0.0.0/1"], "everyone"),
        ([], ["::/0"], "everyone"),
        (["0.0.0.0/0"], ["203.0.113.0/24"], ""),
        (["0.0.0.0/0"], [], ""),
        (["0.0.0.0/0"], ["::/1"], "::/1"),
    ],
)
def test_what_is_newly_open(before: list[str], after: list[str], found: str) -> None:
    assert networks.opened(before, after).removeprefix("is newly open to ").startswith(found)
    assert bool(networks.opened(before, after)) == bool(found)


def test_the_whole_internet_is_known_by_its_sum() -> None:
    for bits in (1, 4, 8, 11):
        blocks = [str(each) for each in ip_network("0.0.0.0/0").subnets(prefixlen_diff=bits)]
        random.Random(bits).shuffle(blocks)
        assert networks.opened([], blocks) == "is newly open to everyone"
        assert networks.opened(["0.0.0.0/0"], blocks) == ""
        assert networks.opened(blocks, ["0.0.0.0/0"]) == ""


def test_what_is_no_block_is_not_understood() -> None:
    for value in (["x"], ["10.0.0.1/8"], [None], [1], {"a": "10.0.0.0/8"}, Unread(("${var.x}",))):
        assert networks.opened([], value).startswith("is open to addresses that cannot be read")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a ${b.c} d ${e}", ["b.c", "e"]),
        ("$${a} $$${b} %%{c}", ["b"]),
        ('${f("}")}x${g}', ['f("}")', "g"]),
        ('${f("${g("}")}")}x', ['f("${g("}")}")']),
        ("%{ if a }b%{ endif }", ["if a", "endif"]),
        ("${ {a = {}} }", ["{a = {}}"]),
        ("${a", ["a"]),
        ('${a /* " */}b', ['a /* " */}b']),
    ],
)
def test_expressions(text: str, found: list[str]) -> None:
    assert list(expressions(text)) == found


def test_functions_that_are_hidden() -> None:
    assert unknown_functions('${try("${"}"}", file("x"))}') == {"file"}
    assert unknown_functions("${length(sort(tolist(a)))} sum(b) ${c}") == set()
    assert unknown_functions("$${file(x)}") == set()


def test_incomplete_arns_are_completed_as_iam_does() -> None:
    assert complete("arn:aws:aps") == "arn:aws:aps:*:*:*"
    assert complete("*") == "*"
    assert complete(WORKSPACE) == WORKSPACE
    assert complete("${a.b:c}") == "${a.b:c}"
    assert complete('arn:aws:aps:${replace(x, "a:", "")}') == (
        'arn:aws:aps:${replace(x, "a:", "")}:*:*'
    )


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def may(action: Any, resource: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


WIDE = document(may("aps:*", "arn:aws:aps"))
CONDITION = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (ABSENT, document(may("aps:RemoteWrite", WORKSPACE)), []),
        (ABSENT, document(may("aps:ListWorkspaces", "*")), []),
        (ABSENT, document(may("aps:RemoteWrite", "*")), ["allows aps:RemoteWrite on *"]),
        (ABSENT, WIDE, ["allows aps:* on arn:aws:aps"]),
        (WIDE, document(may(["aps:GetLabels", "aps:Quer?Metrics"], WORKSPACE)), []),
        (WIDE, document(may("APS:RemoteWrite", "arn:aws:aps:*:*:workspace/*")), []),
        (WIDE, document(may("aps:*", "*")), ["allows aps:* on *"]),
        (WIDE, document(may("s3:GetObject", WORKSPACE)), [f"allows s3:GetObject on {WORKSPACE}"]),
        (document(may("aps:*", "*", Condition=CONDITION)), WIDE, ["allows aps:* on arn:aws:aps"]),
        (WIDE, document(may("aps:*", "arn:aws:aps", Condition=CONDITION)), []),
        (
            document(may("aps:*", "*"), may("aps:Delete*", "*", "Deny")),
            document(may("aps:*", "*")),
            ["no longer denies aps:Delete*"],
        ),
        (document(may("aps:*", "*")), document(may("aps:*", "*"), may("x:*", "*", "Deny")), []),
        ("{", WIDE, ["allows aps:* on arn:aws:aps"]),
        # `[` is a letter to IAM.
        (document(may("aps:[ab]*", "*")), document(may("aps:a", "*")), ["allows aps:a on *"]),
    ],
)
def test_a_policy_may_only_shrink(before: Any, after: Any, found: list[str]) -> None:
    assert says(policy, before, after) == found


def test_policies_of_the_published_controller_are_known() -> None:
    text = (ROOT / "modules/load_balancer_controller_policy.json").read_text()
    assert says(policy, ABSENT, text) == []
    wider = json.loads(text)
    wider["Statement"][0].pop("Condition", None)
    wider["Statement"][0]["Action"] = "*"
    assert len(says(policy, ABSENT, json.dumps(wider))) == 1


def test_a_trust_may_gain_conditions_and_lose_none() -> None:
    service = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "x.aws"}}
    bare, bound = document(service), document({**service, "Condition": CONDITION})
    assert says(trust, bare, bound) == []
    assert says(trust, bound, bare) == ['lets {"Service": "x.aws"} assume the role']
    assert says(trust, bare, bare) == []


# Texts as users have them, and such as YAML has a meaning for.
texts = st.text(
    st.sampled_from("ab01 \n'\"\\:#-{}[]|>&*!%@`~$.,?_=<+éyno\t")
    | st.characters(exclude_categories=["Cs"]),
    max_size=12,
) | st.sampled_from(
    [
        *("yes", "null", "~", "1e3", "0x1f", "1:30", "2024-01-01", "true", "-", "---", "? a"),
        *("<<", "=", "1_000", ".5", "1.", "0o7", "010", ".inf", "60s", "a ", "a\nb\n", "\n\na"),
    ]
)
data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def alike(text: str) -> bool:
    """Read a text here and by PyYAML; refusing is always allowed, differing never."""
    try:
        found = read(text)
    except UnreadableError:
        return False
    # repr: 1, 1.0 and true are equal to Python.
    assert repr(found) == repr(yaml.safe_load(text)), text
    return True


@pytest.mark.lengthy
def test_what_looks_like_a_number_is_read_alike_or_refused() -> None:
    read_here = sum(
        alike(f"a: {''.join(each)}\n")
        for length in range(1, 5)
        for each in product("+-.012e_", repeat=length)
    )
    assert read_here > 100


@pytest.mark.lengthy
@given(written=st.dictionaries(texts, data, max_size=4))
@hypothesis_settings(max_examples=300, deadline=None)
def test_what_is_written_is_read_alike_or_refused(written: dict[str, Any]) -> None:
    alike(to_yaml(written))


@pytest.mark.lengthy
@given(
    written=st.dictionaries(texts, data, min_size=1, max_size=4),
    where=st.floats(0, 1, exclude_max=True),
    what=st.sampled_from(
        ["", " ", "\n", ":", "- ", "'", '"', "|", "#", "{", "&a ", "? ", "!", "x"]
    ),
    cut=st.integers(0, 2),
)
@hypothesis_settings(max_examples=600, deadline=None)
def test_what_is_tampered_with_is_read_alike_or_refused(
    written: dict[str, Any], where: float, what: str, cut: int
) -> None:
    text = to_yaml(written)
    at = int(where * len(text))
    alike(text[:at] + what + text[at + cut :])


def test_the_values_of_our_stacks_are_read() -> None:
    plain: Any = {
        "a": {"b": [1, {"c": "d: e"}, ["x"]]},
        "é": "it's\n\n  so\n",
        "null": None,
        "e": [],
        "m": {},
    }
    assert read(to_yaml(plain)) == plain
    for text in (
        "a: {b: c}\n",
        "a: &x 1\n",
        "a: *x\n",
        "a: !!str 1\n",
        "a : 1\nb: 2",
        "? a\n: b\n",
    ):
        with pytest.raises(UnreadableError):
            read(text)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = {"resource": {"aws_lb": {"x\x1b]2J": {"name": "x"}}}}
    change = {"actions": ["create"], "before": None, "after": {"name": "x"}}
    resource = {"address": "aws_lb.x\x1b]2J", "mode": "managed", "type": "aws_lb", "change": change}
    plan = {"format_version": "1.2", "resource_changes": [resource]}
    files = [tmp_path / "plan.json", tmp_path / "cdk.tf.json"]
    for file, content in zip(files, (plan, stack), strict=True):
        file.write_text(json.dumps(content))
    named = [str(file) for file in files]
    assert command.main(named) == 1
    assert capsys.readouterr().out == (
        "aws_lb.x\\x1b]2J: is of a kind that the gate does not know\n"
    )
    assert command.main([*named, "--override"]) == 0
    for broken in ("", "{", "[]", "{}", '{"format_version": "2.0"}', "[" * 100_000):
        files[0].write_text(broken)
        assert command.main([*named, "--override"]) == 2
    assert command.main([str(tmp_path / "none"), named[1]]) == 2


def test_nothing_but_the_standard_library_is_needed() -> None:
    imported = "import json, sys, tools.gate.command; print(json.dumps([*sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", imported], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert names - sys.stdlib_module_names <= {"tools", "bindings", "__main__"}


def test_nothing_of_the_folder_it_runs_in_is_imported(tmp_path: Path) -> None:
    for name in ("argparse.py", "json.py", "tools.py", "sitecustomize.py"):
        (tmp_path / name).write_text("import sys; sys.exit(0)")
    line = [sys.executable, "-I", str(ROOT / "tools"), "gate", "none.json", "none.json"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "none.json" in done.stderr
