"""Write a stack as HCL, to leave CDKTF: `make eject STACK=prom` writes the folder ejected/prom.

CDKTF's own `synth --hcl` does not work here: it leaves the quotes of policy documents unescaped
and writes preconditions as attributes. This command reads the providers' schemas to tell blocks
from attributes, so that the HCL means the same to Terraform as the JSON.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tools.common import TERRAFORM, CommandError, Json, as_list, command_line, read_stack

EJECTED = Path("ejected")
BUILTIN = "terraform.io/builtin/terraform"
# AWS compares these as JSON, so another way to write the same document is not a change.
POLICIES = {"policy", "assume_role_policy"}
# The name of each kind of block in the providers' schemas.
SCHEMAS = {
    "resource": "resource_schemas",
    "data": "data_source_schemas",
    "ephemeral": "ephemeral_resource_schemas",
}
_IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")


def to_hcl(stack: Json, schemas: Json) -> str:
    """Write a stack's JSON as HCL.

    Args:
        stack: a cdk.tf.json.
        schemas: `terraform providers schema -json` for the stack's providers.

    Raises:
        ValueError: the stack has a section or block that no stack of this project has.
    """
    sources = {"terraform": BUILTIN}
    for name, provider in stack.get("terraform", {}).get("required_providers", {}).items():
        sources[name] = provider["source"]
    # An address begins with the registry of the program that ran, Terraform or OpenTofu.
    by_provider = {
        name: schema
        for name, source in sources.items()
        for address, schema in schemas["provider_schemas"].items()
        if f"/{address}".endswith(f"/{source}")
    }
    blocks: list[list[str]] = []
    for section, body in sorted(stack.items(), key=lambda item: _position(item[0])):
        match section:
            case "//":
                continue
            case "terraform":
                blocks.append(_block("terraform", _terraform(body)))
            case "provider":
                for name, instances in body.items():
                    schema = by_provider[name]["provider"].get("block", {})
                    for instance in as_list(instances):
                        blocks.append(_block(f'provider "{name}"', _body(instance, schema)))
            case "resource" | "data" | "ephemeral":
                for kind, named in body.items():
                    listed = by_provider[kind.split("_")[0]][SCHEMAS[section]]
                    for name, arguments in named.items():
                        title = f'{section} "{kind}" "{name}"'
                        blocks.append(_block(title, _body(arguments, listed[kind]["block"])))
            case "output":
                for name, arguments in body.items():
                    blocks.append(_block(f'output "{name}"', _body(arguments, {})))
            case "moved":
                for move in as_list(body):
                    blocks.append(
                        _block("moved", [f"{side} = {move[side]}" for side in ("from", "to")])
                    )
            case _:
                raise ValueError(f"cannot write {section} as HCL")
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _position(section: str) -> int:
    order = ("terraform", "provider", "moved", "ephemeral", "data", "resource", "output")
    return order.index(section) if section in order else len(order)


def _terraform(body: Json) -> Iterator[str]:
    for key, value in body.items():
        if key == "required_providers":
            yield from _block(key, [f"{name} = {_expression(v)}" for name, v in value.items()])
        elif key == "backend":
            ((kind, arguments),) = value.items()
            yield from _block(f'backend "{kind}"', _body(arguments, {}))
        elif key == "cloud":
            yield from _block(key, _body(value, {"block_types": {"workspaces": {"block": {}}}}))
        else:
            yield f"{key} = {_expression(value)}"


def _block(title: str, lines: Iterable[str]) -> list[str]:
    return [f"{title} {{", *lines, "}"]


def _body(arguments: Json, schema: Json) -> Iterator[str]:
    blocks = schema.get("block_types", {})
    for key, value in arguments.items():
        if key == "//" or value is None:
            continue
        if key == "lifecycle":
            yield from _block(key, _lifecycle(value))
        elif key == "depends_on":
            yield f"{key} = [{', '.join(value)}]"
        elif key == "provider":
            yield f"{key} = {value}"
        elif key in ("dynamic", "provisioner", "connection"):
            raise ValueError(f"cannot write {key} as HCL")
        elif key in blocks:
            for each in as_list(value):
                yield from _block(key, _body(each, blocks[key]["block"]))
        elif inner := _block_like(schema, key, value):
            for each in as_list(value):
                yield from _block(key, _body(each, inner))
        elif key in POLICIES and isinstance(value, str) and value.startswith("{"):
            yield f"{key} = jsonencode({_document(value)})"
        else:
            yield f"{key} = {_expression(value)}"


def _lifecycle(body: Json) -> Iterator[str]:
    for key, value in body.items():
        if key in ("precondition", "postcondition"):
            for each in as_list(value):
                yield from _block(key, [f"{k} = {_expression(v)}" for k, v in each.items()])
        elif key in ("ignore_changes", "replace_triggered_by"):
            yield f"{key} = {value if value == 'all' else '[' + ', '.join(value) + ']'}"
        else:
            yield f"{key} = {_expression(value)}"


def _block_like(schema: Json, key: str, value: Any) -> Json | None:
    """Find the schema of an attribute that is written as blocks, so that its parts are optional."""
    kind = schema.get("attributes", {}).get(key, {}).get("type")
    if not value or not isinstance(kind, list) or kind[0] not in ("list", "set"):
        return None
    element = kind[1]
    if not isinstance(element, list) or element[0] != "object":
        return None
    return {"attributes": {name: {"type": each} for name, each in element[1].items()}}


def _expression(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        if len(value) == 1 and not isinstance(value[0], dict | list):
            return f"[{_expression(value[0])}]"
        return "[\n" + "".join(f"{_expression(each)},\n" for each in value) + "]"
    if isinstance(value, dict):
        pairs = [
            f"{key if _IDENTIFIER.fullmatch(key) else _quoted(key)} = {_expression(each)}\n"
            for key, each in value.items()
            if key != "//"
        ]
        return "{\n" + "".join(pairs) + "}"
    return json.dumps(value)


def _text(text: str) -> str:
    parts = list(_parts(text))
    if len(parts) == 1 and text.startswith("${"):
        return text[2:-1]
    if "\n" not in text or "\r" in text:
        return _quoted(text)
    end = "EOT"
    while end in text.split():
        end += "_"
    lines = text if text.endswith("\n") else f"{text}\n"
    document = f"<<{end}\n{lines}{end}\n"
    return document if text.endswith("\n") else f"chomp({document})"


def _quoted(text: str) -> str:
    # JSON's escapes are decoded already, and the content of ${} is HCL already.
    escapes = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
    shown = [part if part[:2] in ("${", "%{") else part.translate(escapes) for part in _parts(text)]
    return '"' + "".join(shown) + '"'


def _document(text: str) -> str:
    """Write a JSON document as an HCL value; keep its expressions as they are."""
    parts = list(_parts(text))
    numbered = "".join(
        f"${{{number}}}" if part.startswith("${") else part for number, part in enumerate(parts)
    )

    def restored(data: Any) -> Any:
        if isinstance(data, str):
            return re.sub(r"(?<!\$)\$\{(\d+)\}", lambda match: parts[int(match[1])], data)
        if isinstance(data, list):
            return [restored(each) for each in data]
        if isinstance(data, dict):
            return {restored(key): restored(each) for key, each in data.items()}
        return data

    return _expression(restored(json.loads(numbered)))


def _parts(text: str) -> Iterator[str]:
    """Split a template into literal texts and its ${expressions} and %{directives}."""
    start = at = 0
    while at < len(text):
        if text.startswith(("$${", "%%{"), at):
            at += 3
        elif text.startswith(("${", "%{"), at):
            if start < at:
                yield text[start:at]
            start, at = at, _end(text, at + 2)
            yield text[start:at]
            start = at
        else:
            at += 1
    if start < at:
        yield text[start:at]


def _end(text: str, at: int) -> int:
    """Find the end of the expression that begins at `at`; it may contain quoted templates."""
    depth = 1
    while depth:
        if text[at] == '"':
            at += 1
            while text[at] != '"':
                if text.startswith("${", at):
                    at = _end(text, at + 2)
                else:
                    at += 2 if text[at] == "\\" else 1
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return at


def provider_schemas(stack: Json) -> Json:
    """Read the providers' schemas with terraform, which installs the providers first.

    Raises:
        subprocess.CalledProcessError: terraform failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        required = stack["terraform"].get("required_providers", {})
        file = Path(folder) / "main.tf.json"
        # The built-in provider is listed only if the configuration uses it.
        declared: Json = {"resource": {"terraform_data": {"any": {}}}}
        file.write_text(
            json.dumps({"terraform": {"required_providers": required}, **declared}),
            encoding="utf-8",
        )
        print("eject: terraform init, to read the providers' schemas", file=sys.stderr)
        for command in (["init", "-input=false"], ["providers", "schema", "-json"]):
            done = subprocess.run(
                [TERRAFORM, *command], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
            )
        schemas: Json = json.loads(done.stdout)
        return schemas


def eject(stack: Json, folder: Path) -> None:
    """Write main.tf into a folder; a state of the local backend stays in its file."""
    text = to_hcl(_with_state_seen_from(folder, stack), provider_schemas(stack))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tf").write_text(text, encoding="utf-8")
    subprocess.run([TERRAFORM, "fmt", "-list=false"], cwd=folder, check=True)


def _with_state_seen_from(folder: Path, stack: Json) -> Json:
    local = stack["terraform"].get("backend", {}).get("local")
    if not local:
        return stack
    name = Path(local["path"]).name
    # Go up as many folders as the folder is deep.
    path = "/".join([".."] * len(folder.parts) + [name])
    return stack | {"terraform": stack["terraform"] | {"backend": {"local": {"path": path}}}}


def main(arguments: list[str]) -> int:
    """Write the HCL of a synthesized stack."""
    parser = command_line("eject", __doc__)
    parser.add_argument("stack", help="a folder of cdktf.out/stacks")
    name = parser.parse_args(arguments).stack
    stack = read_stack(name)
    try:
        eject(stack, EJECTED / name)
    except subprocess.CalledProcessError as error:
        raise CommandError(f"terraform {error.cmd[1]} failed, see above") from None
    print(f"ejected/{name}/main.tf: terraform init && terraform plan in it shows no changes")
    return 0
