"""Ring 1: the settings page and the editors' schema say what settings/__init__.py does."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, ValidationError
from pydantic import ValidationError as SettingsFault

from architectures import ARCHITECTURES
from modules.owned_values import OWNED_VALUES
from settings import Settings
from tests.conftest import ROOT, SETTINGS_FILES
from tools import reference

SCHEMA = reference.schema(ARCHITECTURES)
FILES = reference.files()
EDITOR = Draft7Validator(SCHEMA)
PROJECT_FILES = [*SETTINGS_FILES.values(), *sorted(ROOT.glob("tests/lab/settings*.yaml"))]
# PyYAML raises more than its own errors for values that are not of their tags.
UNREADABLE = (yaml.YAMLError, ValueError, KeyError, AttributeError, IndexError, TypeError)
BAD_SETTINGS = yaml.safe_load(Path(__file__).with_name("bad_settings.yaml").read_text())

KeyPath = tuple[str | int, ...]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_what_is_committed_is_current(path: Path) -> None:
    committed = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""
    assert committed == FILES[path], (
        f"{path} is not what settings/__init__.py says: run `make reference`"
    )


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_editors_find_the_schema_from_the_example() -> None:
    first_line = SETTINGS_FILES["defaults"].read_text().splitlines()[0]
    assert first_line == f"# yaml-language-server: $schema=../{reference.SCHEMA}"


@pytest.mark.parametrize("file", PROJECT_FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_schema_accepts_every_file_of_the_project(file: Path) -> None:
    EDITOR.validate(yaml.safe_load(file.read_text()))


def refused(data: Any) -> set[KeyPath]:
    """Give the keys that the schema refuses; a key that is unknown or missing by its own path."""

    def paths(error: ValidationError) -> Iterator[KeyPath]:
        at = tuple(error.absolute_path)
        if error.context:
            for inner in error.context:
                yield from paths(inner)
        elif "propertyNames" in error.absolute_schema_path:
            yield (*at, str(error.instance))
        elif error.validator in ("additionalProperties", "required"):
            yield from ((*at, key) for key in re.findall(r"'([^']*)'", error.message))
        else:
            yield at

    return {path for error in EDITOR.iter_errors(data) for path in paths(error)}


def beyond_json_schema(value: Any) -> bool:
    """Tell what a schema cannot refuse: 3.0 is an integer, a date is text, host bits are bits."""
    try:
        host_bits = isinstance(value, str) and bool(IPv4Network(value, strict=False))
    except ValueError:
        host_bits = False
    whole = isinstance(value, float) and value.is_integer()
    return host_bits or whole or isinstance(value, date)


def faults_of_single_keys() -> Iterator[Any]:
    """What pydantic refuses; combinations of keys are refused later, by settings_file."""
    for case in BAD_SETTINGS:
        try:
            data = yaml.safe_load(case["file"])
        except UNREADABLE:
            continue
        try:
            Settings.model_validate(data)
        except SettingsFault as error:
            for fault in error.errors():
                path = tuple(part for part in fault["loc"] if part != "[key]")
                if not beyond_json_schema(fault["input"]):
                    yield pytest.param(data, path, id=".".join(map(str, path)) or "the file")


@pytest.mark.parametrize(("data", "path"), list(faults_of_single_keys()))
def test_the_schema_refuses_each_key_that_is_wrong(data: Any, path: KeyPath) -> None:
    assert path in refused(data)


def test_the_schema_knows_the_architectures() -> None:
    assert refused({"architectures": [*ARCHITECTURES]}) == set()
    assert refused({"architectures": "all"}) == set()
    assert ("architectures", 0) in refused({"architectures": ["promamp"]})
    assert ("architectures",) in refused({"architectures": ["prom", "prom"]})


@pytest.mark.parametrize("owned", OWNED_VALUES)
def test_the_schema_refuses_what_the_architecture_decides(owned: str) -> None:
    path = ("kubecost", "values", *owned.split("."))
    data: Any = {"mine": 1}
    for part in reversed(path):
        data = {part: data}
    assert refused(data) == {path}
    (error,) = EDITOR.iter_errors(data)
    assert error.schema["errorMessage"] == OWNED_VALUES[owned]


def test_an_empty_section_is_no_fault() -> None:
    EDITOR.validate(yaml.safe_load("name: kubecost\nbase:\nstate:\n  s3:\n"))


def keys(schema: Any, prefix: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    for name, body in schema.get("properties", {}).items():
        yield f"{prefix}{name}", body, name in schema.get("required", ())
        if f"{prefix}{name}" != "kubecost.values":
            for option in (body, *body.get("anyOf", ())):
                yield from keys(option.get("items", option), f"{prefix}{name}.")


@pytest.mark.parametrize(
    ("key", "body", "required"), list(keys(SCHEMA)), ids=lambda part: str(part)[:40]
)
def test_every_key_has_a_meaning_a_default_and_a_row(
    key: str, body: dict[str, Any], required: bool
) -> None:
    assert len(body["description"]) > 10
    assert ("default" in body) != required
    page = (ROOT / reference.PAGE).read_text()
    anchor = re.sub(r"(clusters|budgets|existing_reports)\.", r"\1[].", key)
    headings = (f"## {anchor}\n", f"## {anchor}[]\n")
    assert f'<a id="{anchor}"></a>' in page or any(heading in page for heading in headings)


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(pattern := schema.get("pattern"), str):
            assert schema["patternErrorMessage"].startswith("Allowed: ")
            yield pattern
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from patterns(item)


def test_every_pattern_means_the_same_to_an_editor() -> None:
    """Editors match with JavaScript; Node.js 22 has no (?i:...), like theirs."""
    samples = sorted({*texts_of(BAD_SETTINGS), *texts_of(Settings().model_dump(mode="json"))})
    samples += ["True", "AWS:x", "cluster-One", "ws-" + "0" * 36, "256.0.0.0/8", "10.0.0.0", ""]
    asked = dict.fromkeys(patterns(SCHEMA), samples)
    script = """
        const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
        for (const pattern in asked)
          asked[pattern] = asked[pattern].filter((text) => new RegExp(pattern, "u").test(text));
        console.log(JSON.stringify(asked));
    """
    node = subprocess.run(
        ["node", "-e", script], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert node.returncode == 0, node.stderr
    matched = {
        pattern: [text for text in samples if re.search(pattern, text, re.ASCII)]
        for pattern in asked
    }
    assert json.loads(node.stdout) == matched
    assert any(matched.values())


def texts_of(data: Any) -> Iterator[str]:
    """Give every text in some data, and what those that are YAML hold."""
    if isinstance(data, dict):
        data = [*data, *data.values(), yaml_or_nothing(data.get("file"))]
    if isinstance(data, list):
        for item in data:
            yield from texts_of(item)
    elif isinstance(data, str):
        yield data


def yaml_or_nothing(text: Any) -> Any:
    try:
        return yaml.safe_load(text) if isinstance(text, str) else None
    except UNREADABLE:
        return None
