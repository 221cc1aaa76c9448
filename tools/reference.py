"""Write what settings/ says of each key: docs/settings.md, an example, a JSON Schema for editors.

Run by `make reference`. Editors find the schema by the first line of kubecost.yaml.
"""

import json
import re
import textwrap
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml

from architectures import ARCHITECTURES
from modules.owned_values import OWNED_VALUES
from settings import Settings
from tools.common import ROOT, command_line

PAGE = Path("docs/settings.md")
SCHEMA = Path("docs/kubecost.schema.json")
EXAMPLE = Path("examples/every-key.yaml")

# Draft 7 is what every editor knows; nothing in the schema is newer.
DRAFT = "http://json-schema.org/draft-07/schema#"

HEAD = """\
# Settings

<!-- Written by `make reference` from settings/; edit it there. -->

Every key of `kubecost.yaml`, or of the file that the environment variable `KUBECOST_CONFIG` names.
A key that you leave out has its default. If the file has faults, `make synth` ends with one line
for each. Editors that read this line

```yaml
# yaml-language-server: $schema=./docs/kubecost.schema.json
```

(VS Code with the YAML extension, Neovim, the JetBrains family) complete and check the keys while
you type. Only synth checks address ranges, and keys that must fit together.
"""

EXAMPLE_HEAD = """\
# yaml-language-server: $schema=../docs/kubecost.schema.json
# Every key of kubecost.yaml with its default; copy from here what you change. `make reference`
# writes this file from settings/; more on each key: docs/settings.md.
"""

Schema = dict[str, Any]


def schema(architectures: Collection[str]) -> Schema:
    """Give the JSON Schema of kubecost.yaml, without references, for these architectures."""
    made = Settings.model_json_schema(mode="validation")
    found: Schema = _plain(made, made.pop("$defs"))
    found["properties"]["architectures"]["default"] = "all"  # which is None in Python
    listed = found["properties"]["architectures"]["anyOf"][1]
    listed["items"] = {"enum": list(architectures)}
    found["properties"]["kubecost"]["properties"]["values"] |= _refused_values()
    return {"$schema": DRAFT, "title": "kubecost.yaml", **found}


def _plain(node: Any, sections: Schema) -> Any:
    """Put sections in their places, and drop the titles that pydantic makes of the names."""
    if isinstance(node, list):
        return [_plain(item, sections) for item in node]
    if not isinstance(node, dict):
        return node
    section = sections.get(str(node.get("$ref", "")).removeprefix("#/$defs/"), {})
    merged = {**section, **node}
    plain = {
        key: {name: _plain(body, sections) for name, body in value.items()}
        if key in ("properties", "patternProperties")
        else value
        if key == "default"
        else _plain(value, sections)
        for key, value in merged.items()
        if key not in ("$ref", "title")
    }
    # Said of the keys, not of each pattern, editors show what a key may be.
    for pattern, body in plain.pop("patternProperties", {}).items():
        plain["propertyNames"]["pattern"] = pattern
        plain["additionalProperties"] = body
    words = f"{plain.get('description', '')} {plain.get('patternErrorMessage', '')}".split()
    return plain | {"description": " ".join(words)} if words else plain


def _refused_values() -> Schema:
    """Refuse the Helm values that an architecture decides by itself, each with the reason."""
    root: Schema = {}
    for path, reason in OWNED_VALUES.items():
        *above, last = path.split(".")
        node = root
        for part in above:
            node = node.setdefault("properties", {}).setdefault(part, {"type": "object"})
        refused = {"not": {}, "description": f"Refused: {reason}.", "errorMessage": reason}
        node.setdefault("properties", {})[last] = refused
    return root


def page(found: Schema) -> str:
    """Render docs/settings.md: a table for each section, every key with an anchor of its own."""
    return "\n".join([HEAD, *_section(found, path="")])


def _section(section: Schema, *, path: str) -> Iterator[str]:
    keys = section["properties"]
    leaves = {key: body for key, body in keys.items() if _section_in(body) is None}
    if path:
        yield from (f"## {path}", "", section["description"], "")
    if leaves:
        yield from ("| key | default | allowed | meaning |", "|---|---|---|---|")
    for key, body in leaves.items():
        name = f"{path}.{key}".lstrip(".")
        required = key in section.get("required", ())
        default = "required" if required else _code(body["default"])
        meaning = body["description"].removesuffix(body.get("patternErrorMessage", "")).rstrip()
        cells = (f'<a id="{name}"></a>`{name}`', default, _allowed(body), meaning)
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
    if leaves:
        yield ""
    for key, body in keys.items():
        if inner := _section_in(body):
            is_list = any("items" in option for option in (body, *body.get("anyOf", ())))
            described = inner | {"description": body["description"]}
            yield from _section(described, path=f"{path}.{key}".lstrip(".") + "[]" * is_list)


def _section_in(body: Schema) -> Schema | None:
    """Find the mapping of known keys in a key's schema: itself, or what its list has."""
    for option in (body, *body.get("anyOf", ())):
        inner = option.get("items", option)
        if inner.get("additionalProperties") is False and "properties" in inner:
            return dict(inner)
    return None


def _allowed(body: Schema) -> str:
    """Say in words what a key's schema allows."""
    if options := body.get("anyOf"):
        return ", or ".join(_allowed(option) for option in options)
    if "const" in body:
        return _code(body["const"])
    if values := body.get("enum"):
        return ", ".join(map(_code, values))
    if words := body.get("patternErrorMessage"):
        return str(words).removeprefix("Allowed: ").removesuffix(".")
    match body["type"]:
        case "integer" | "number":
            return f"{body['minimum']} to {body['maximum']}"
        case "boolean":
            return "`true`, `false`"
        case "array":
            return f"list; each entry: {_allowed(body['items'])}"
        case "null":
            return "`null`"
    if "propertyNames" not in body:
        return "mapping"
    key, value = _allowed(body["propertyNames"]), _allowed(body["additionalProperties"])
    return f"mapping; each key: {key}; each value: {value}"


def example(found: Schema) -> str:
    """Render a settings file that shows every key with its default."""
    return "\n".join([EXAMPLE_HEAD, *_keys(found, indent="")]) + "\n"


def _keys(section: Schema, *, indent: str) -> Iterator[str]:
    for key, body in section["properties"].items():
        if not indent and _section_in(body):
            yield ""
        words = f"{body['description'].removesuffix(body.get('patternErrorMessage', ''))} "
        comment = f"{indent}# "
        first_sentence = re.split(r"(?<=\.)\s", words.replace("`", ""))[0].strip()
        yield textwrap.fill(
            first_sentence,
            100,
            initial_indent=comment,
            subsequent_indent=comment,
            break_on_hyphens=False,
        )
        if (inner := _section_in(body)) and "properties" in body:
            yield f"{indent}{key}:"
            yield from _keys(inner, indent=f"{indent}  ")
        else:
            yield f"{indent}{key}: {json.dumps(body['default'], ensure_ascii=False)}"


def _code(value: Any) -> str:
    """Write a value as YAML does, with quotes only where it would be no text without them."""
    plain = isinstance(value, str) and yaml.safe_load(value) == value
    return f"`{value if plain else json.dumps(value)}`"


def files() -> dict[Path, str]:
    """Give the text of every file by its path in the repository."""
    found = schema(ARCHITECTURES)
    return {
        PAGE: page(found),
        EXAMPLE: example(found),
        SCHEMA: json.dumps(found, indent=2, ensure_ascii=False) + "\n",
    }


def main(arguments: list[str]) -> int:
    """Write every file."""
    command_line("reference", __doc__).parse_args(arguments)
    for path, text in files().items():
        (ROOT / path).write_text(text, encoding="utf-8")
        print(path)
    return 0
