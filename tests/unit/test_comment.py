"""Ring 1: whatever a plan holds, its comment can be sent, shows no secret and calls nobody."""

import base64
import html
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.gate import Finding
from tools.review.comment import LIMIT, comment
from tools.review.masking import MASK, mask
from tools.review.terraform import Plan

EVIL = "EVIL"
# What leaves a code span or a fence, calls a person, hides or breaks a line.
NAMES = [
    f"{before}{EVIL}{after}"
    for before in ("", "`", "``", "`" * 9, "` ", "\\`", "```\n", "~~~\n", "</details>", "<!-- ")
    for after in (
        "",
        "`",
        " @octocat",
        "\n\n# heading",
        "\r\n* item",
        "](https://evil)",
        "\u202e",
        "\0",
    )
] + [EVIL * 20_000, "`" * 70_000 + EVIL, "🗺" * 40_000 + EVIL, "\ud800" + EVIL, f"<b>{EVIL}</b>"]


def plan(name: str, text: str = "", error: str = "", count: int = 1) -> Plan:
    def change(address: str, actions: list[str]) -> dict[str, Any]:
        paths = [[name, 0, name]] if "create" in actions else []
        return {
            "address": address,
            "previous_address": f"{name}-old",
            "action_reason": f"delete_because_of_{name}",
            "change": {
                "actions": actions,
                "before": None,
                "after": None,
                "replace_paths": paths,
            },
        }

    kinds = [["delete"], ["delete", "create"], ["forget"], ["create"]]
    data = {
        "resource_changes": [
            change(f"{name}-{index}", kinds[index % 4]) for index in range(count * 4)
        ],
        "resource_drift": [{"address": name, "change": {}}] * count,
        "deferred_changes": [
            {"reason": name, "resource_change": {"address": name, "change": {"actions": ["read"]}}}
        ],
        "output_changes": {name: {"actions": ["create"]}},
        "checks": [{"status": "fail", "address": {"to_display": name}}],
    }
    return Plan(data, text, error)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        # As AWS provider 6 reads a state that 5.100 wrote.
        ({"id": "a", "tags": {}}, {"id": "a", "tags": {}, "region": "eu-west-1"}, False),
        ({"id": "a", "region": None}, {"id": "a", "region": "eu-west-1"}, False),
        ({"id": "a"}, {"id": "b", "region": "eu-west-1"}, True),
        ({"region": "us-east-1"}, {"region": "eu-west-1"}, True),
        ({"id": "a", "region": "eu-west-1"}, {"id": "a", "region": None}, True),
        ({"id": "a"}, None, True),
        ({"id": "a"}, {"id": "a"}, True),
    ],
)
def test_a_region_that_became_known_is_no_drift(
    before: dict[str, Any], after: dict[str, Any] | None, told: bool
) -> None:
    drift = {"address": "aws_vpc.vpc", "change": {"before": before, "after": after}}
    text = comment("base", Plan({"resource_changes": [], "resource_drift": [drift]}, "", ""))
    assert ("Changed outside of Terraform" in text) is told


def shown_as_markdown(tokens: list[Token]) -> Iterator[str]:
    """Give what a reader sees outside of code."""
    for token in tokens:
        if token.type in ("code_inline", "fence", "code_block"):
            continue
        if token.children:
            yield from shown_as_markdown(token.children)
        else:
            yield token.content


def length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2 + text.count("\n")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:40]))
def test_a_name_stays_a_name(name: str) -> None:
    found = [Finding(name, f"is open to {name}")]
    written = comment("prom", plan(name, name, name), findings=found, number=name)
    assert length(written) <= LIMIT
    assert EVIL in written
    assert not any(EVIL in text for text in shown_as_markdown(MarkdownIt().parse(written)))
    json.dumps({"body": written}).encode()
    written.encode()
    assert all(char.isprintable() or char in "\n\t " for char in written)


texts = st.text(max_size=300) | st.sampled_from(NAMES[:60])


@pytest.mark.lengthy
@given(
    name=texts,
    text=texts,
    error=texts,
    count=st.integers(0, 40),
    findings=st.integers(0, 60),
    long=st.sampled_from([1, 50, 500]),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_every_comment_fits(
    name: str, text: str, error: str, count: int, findings: int, long: int
) -> None:
    found = [Finding(name * long, text * long)] * findings
    planned = plan(name * long, (text + "\n") * long, (error + "\n") * long, count)
    written = comment("prom", planned, findings=found, run_url="https://ci.example/1")
    assert length(written) <= LIMIT
    assert written.startswith("<!-- terraform plan of prom -->\n### `prom`: ")
    assert written.endswith("[Run with the whole plan](https://ci.example/1)\n")
    assert bool(findings) == ("Policy gate: stopped" in written)
    small = comment("prom", planned, findings=found, limit=700)
    assert length(small) <= 700


SECRET = 'p<&> "w\\ö ${x}%{y}z'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        # Go's JSON, as terraform prints it
        json.dumps(SECRET, ensure_ascii=False)[1:-1]
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026"),
        SECRET.replace("${", "$${").replace("%{", "%%{"),
        json.dumps(SECRET.replace("${", "$${").replace("%{", "%%{"), ensure_ascii=False)[1:-1],
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET).replace("%20", "+"),
        SECRET.replace(" ", "\n│ "),
        SECRET.replace(" ", "\n  │   "),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    change = {"before": None, "after": {"a": SECRET}, "after_sensitive": {"a": True}}
    data = {"resource_changes": [{"change": change}]}
    hidden = mask(f"before {form} after", data, {})
    assert hidden.startswith(f"before {MASK}")
    assert hidden.endswith(" after")
    assert len(hidden) < len(f"before {MASK} after") + 4  # the last letters of base64


@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "https://x:"])
def test_a_secret_is_masked_inside_of_base64(before: str) -> None:
    encoded = base64.b64encode(f"{before}correct horse{before}".encode()).decode()
    hidden = mask(encoded, None, {"X_TOKEN": "correct horse"})
    assert MASK in hidden
    # Letters that hold a neighbour's bits, too, stay.
    assert len(hidden.replace(MASK, "").rstrip("=")) <= len(before) * 2 * 4 / 3 + 4


@pytest.mark.parametrize(
    "name",
    [
        *("TF_VAR_db_password", "PRIVATE_KEY", "privateKey", "api_key", "apikey", "Client_Secret"),
        *("PASSPHRASE", "AWS_SESSION_TOKEN", "gh_token", "AWS_ACCESS_KEY_ID", "MY_CREDENTIALS"),
    ],
)
def test_variables_are_known_by_their_names(name: str) -> None:
    assert mask("a swordfish b", None, {name: "swordfish"}) == f"a {MASK} b"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("https://ana:geheim1@host/x", f"https://{MASK}@host/x"),
        ("https://:geheim1@host", f"https://{MASK}@host"),
        ("Authorization: Bearer abc.DEF-123", f"Authorization: Bearer {MASK}"),
        ("authorization: basic dXNlcjpwYXNz", f"authorization: basic {MASK}"),
        (
            "<SecretAccessKey>a/b+c1234</SecretAccessKey>",
            f"<SecretAccessKey>{MASK}</SecretAccessKey>",
        ),
        ('"SessionToken": "IQoJb3JpZ2lu"', f'"SessionToken": "{MASK}"'),
        ("aws_secret_access_key = abcdef12345", f"aws_secret_access_key = {MASK}"),
        ("X-Amz-Credential=AKIA/x&y=1", f"X-Amz-Credential={MASK}&y=1"),
        ("https://host/a:b@c is fine: x", "https://host/a:b@c is fine: x"),
        ("a bearer of news", "a bearer of news"),
    ],
)
def test_credentials_are_known_by_their_looks(text: str, hidden: str) -> None:
    assert mask(text, None, {}) == hidden


@pytest.mark.parametrize("program", ["Terraform", "OpenTofu"])
def test_what_every_plan_says_is_left_out(program: str) -> None:
    text = (
        f"{program} used the selected providers to generate the following execution plan.\n"
        "Resource actions are indicated with the following symbols:\n  + create\n\n"
        "  # aws_vpc.vpc will be created\n"
    )
    written = comment("base", Plan({"resource_changes": []}, text, ""))
    assert "symbols" not in written
    assert "aws_vpc.vpc will be created" in written


def test_findings_are_masked_too() -> None:
    change = {"before": None, "after": {"a": "swordfish"}, "after_sensitive": {"a": True}}
    data = {"resource_changes": [{"address": "x.y", "change": {**change, "actions": ["create"]}}]}
    written = comment("prom", Plan(data, "", ""), findings=[Finding("x.y", "a is swordfish")])
    assert "swordfish" not in written
    assert f"a is {MASK}" in written
