"""What a page says, held against the repository: each check gives lines and what is wrong."""

import ast
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from architectures import ARCHITECTURES
from architectures.faults import find_faults
from settings import Settings
from settings import file as settings_file
from stacks.chart_keys import FILE, ChartKeys
from tests.conftest import ROOT, project_files
from tests.unit import makefile
from tests.unit.markdown import At, Page, simple_commands
from tools import reference
from tools.__main__ import COMMANDS

# What a command makes, and is therefore not in the repository.
MADE = {"cdktf.out", "ejected", "node_modules", ".tools", ".lab"}
STACKS = ("base", "load_balancer", "grafana", "billing", *ARCHITECTURES)
MARKS = re.compile(r"<[^>]*>|…|\.\.\.")


def links(page: Page) -> Iterator[tuple[int, str]]:
    for line, target in page.links:
        url = urlsplit(target)
        if url.scheme or url.netloc:
            yield from ((line, fault) for fault in address(target))
            continue
        file = (page.path.parent / unquote(url.path)).resolve() if url.path else page.path
        if not file.exists():
            yield line, f"{target}: there is no such file"
        elif url.fragment and file.suffix == ".md" and url.fragment not in Page(file).anchors:
            yield line, f"{target}: the page has no such heading"
    for line, text in page.texts:
        for target in re.findall(r"\bhttps?://[^\s)>]+", text):
            if urlsplit(target).hostname != "localhost":
                yield from ((line, fault) for fault in address(target))


def address(target: str) -> Iterator[str]:
    """Judge an external link by its form; nothing is fetched."""
    url = urlsplit(target)
    host = url.hostname or ""
    if url.scheme != "https":
        yield f"{target}: only https, and files of the repository"
    try:
        ip_address(host)
    except ValueError:
        inside = "." not in host or host.endswith((".local", ".internal", ".lan", ".localhost"))
    else:
        inside = True
    if inside:
        yield f"{target}: {host or 'nothing'} is no public host"


def typed(page: Page) -> Iterator[tuple[int, list[str]]]:
    """Give each simple command that the page says to type, as words, with its line."""
    for line, text in [*page.commands, *page.spans]:
        for words in simple_commands(text):
            yield line, words


def targets(page: Page) -> Iterator[tuple[int, str]]:
    known = makefile.variables()
    for line, words in typed(page):
        if words[0] != "make":
            continue
        named = [word for word in words[1:] if re.fullmatch("[a-z][a-z-]*", word)]
        for target in named:
            if target not in known:
                yield line, f"make {target}: the Makefile has no such target"
        read = set().union(*(known.get(target, set()) for target in named))
        for word in words[1:]:
            name, is_variable, value = word.partition("=")
            if is_variable and name not in read and {*named} <= {*known}:
                yield line, f"make {' '.join(named)}: does not read {name}"
            if name == "STACK":
                yield from ((line, fault) for fault in stack(value))


def modules(page: Page) -> Iterator[tuple[int, str]]:
    for line, words in typed(page):
        if words[:3] == ["python", "-m", "tools"]:
            if words[3] not in COMMANDS:
                yield line, f"python -m tools {words[3]}: there is no such command"
        elif words[:2] == ["python", "-m"]:
            yield line, f"python -m {words[2]}: what a person runs is a command of tools"


def stacks(page: Page) -> Iterator[tuple[int, str]]:
    for line, words in typed(page):
        if words[0] == "cdktf" and words[1:2] and words[1] in ("deploy", "destroy", "diff"):
            for name in words[2:]:
                if not name.startswith("-"):
                    yield from ((line, fault) for fault in stack(name))


def stack(name: str) -> Iterator[str]:
    """Say whether no settings file can have a stack of this name; a glob may match any."""
    if name in STACKS or name == "*" or MARKS.search(name) or "$" in name:
        return
    architecture, of_cluster, _ = name.partition("-")
    if not (of_cluster and architecture in (*ARCHITECTURES, "load_balancer")):
        yield f"{name}: there can be no such stack"


def paths(page: Page) -> Iterator[tuple[int, str]]:
    for line, text in page.spans:
        name = text.removeprefix("/")
        if not re.fullmatch(r"[\w.*-]+(/[\w.*-]+)*/?", name) or MARKS.search(name):
            continue
        first = name.split("/")[0]
        is_path = "/" in name and (ROOT / first).is_dir() and first not in MADE
        is_file = re.fullmatch(r"[\w-]+\.(py|md|png)", name)
        places = (ROOT, page.path.parent)
        if (is_path and not any(any(place.glob(name)) for place in places)) or (
            is_file and name not in file_names()
        ):
            yield line, f"{text}: there is no such file"


def file_names() -> set[str]:
    return {file.name for file in project_files()}


def settings_keys(page: Page) -> Iterator[tuple[int, str]]:
    sections = {
        key for key, body in SCHEMA["properties"].items() if "." not in key and nested(body)
    }
    for line, text in page.spans:
        path = text.replace("[]", "").split(".")
        is_key = re.fullmatch(r"[a-z_]+(\[\])?(\.[A-Za-z0-9_-]+)+", text) and path[0] in sections
        if is_key and f".{path[-1]}" not in (".py", ".md", ".tf", ".yaml", ".json"):
            if has(SCHEMA, path) or may_be_helm(path):
                continue
            yield line, f"{text}: kubecost.yaml has no such key"


SCHEMA = reference.schema(ARCHITECTURES)


def nested(body: dict[str, Any]) -> dict[str, Any]:
    """Give the keys below a key of the schema, or below the entries of its list."""
    found: dict[str, Any] = {}
    for option in (body, *body.get("anyOf", ())):
        found |= option.get("items", option).get("properties", {})
    return found


def has(schema: dict[str, Any], path: list[str]) -> bool:
    """Say whether the schema has a key; below kubecost.values the chart's may_be_helm knows."""
    for at, part in enumerate(path):
        keys = nested(schema)
        if part not in keys:
            return False
        schema = keys[part]
        if path[: at + 1] == ["kubecost", "values"]:
            return at + 1 == len(path) or may_be_helm(path[at + 1 :])
    return True


def may_be_helm(path: list[str]) -> bool:
    """Say whether Kubecost's chart has the value."""
    value: Any = 1
    for part in reversed(path):
        value = {part: value}
    return not [*KUBECOST.warnings("", value)]


# Names that a template might look up anywhere are no keys for a page to tell.
KUBECOST = ChartKeys.of(
    "cost-analyzer", {**json.loads(FILE.read_text())["cost-analyzer"], "anywhere": ()}
)


def code(page: Page) -> Iterator[tuple[int, str]]:
    for line, language, text in page.fences:
        try:
            match language:
                case "yaml":
                    data = yaml.safe_load(text)
                    if isinstance(data, dict) and {*data} & {*Settings.model_fields}:
                        settings_file.settings_in(text, find_faults, file="settings")
                case "json":
                    json.loads(text)
                case "python":
                    ast.parse(text)
                case "console":
                    if not any(row.startswith("$ ") for row in text.splitlines()):
                        yield line, "console without a command (`$ `)"
                case "bash" | "sh":
                    yield from shell(At(line, text))
        except (ValueError, SyntaxError, yaml.YAMLError, settings_file.SettingsError) as error:
            yield line, f"{language} that is none: {' '.join(str(error).split())}"
    for command in page.commands:
        yield from shell(command)


def shell(command: At) -> Iterator[tuple[int, str]]:
    done = subprocess.run(
        ["bash", "-n"], input=command.text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        yield command.line, f"bash cannot read it: {done.stderr.splitlines()[0]}"


CHECKS: tuple[Callable[[Page], Iterator[tuple[int, str]]], ...] = (
    links,
    targets,
    modules,
    stacks,
    paths,
    settings_keys,
    code,
)


def faults(page: Page) -> list[str]:
    try:
        name = page.path.relative_to(ROOT)
    except ValueError:
        name = Path(page.path.name)
    found = sorted({fault for check in CHECKS for fault in check(page)})
    return [f"{name}:{line}: {says}" for line, says in found]
