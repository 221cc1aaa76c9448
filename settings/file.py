"""Read kubecost.yaml as `Settings`, or report each fault in it on one readable line.

The file is `kubecost.yaml` beside main.py, or the one that the environment variable
`KUBECOST_CONFIG` names. `parse` reads other YAML files of the user with the same messages.
"""

import difflib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from settings import Settings
from settings.faults import MISSING, Fault, find_faults
from settings.section import Section
from settings.texts import find_texts

Kind = TypeVar("Kind", bound=Section)
LONGEST = 1 << 20  # bytes of a settings file
MOST_NODES = 100_000
DEEPEST = 100
_HIDDEN = "(not shown)"


class SettingsError(Exception):
    """The settings file cannot be used; `faults` has one readable line for each reason."""

    def __init__(self, file: str, faults: Collection[Fault | str]) -> None:
        self.faults = [_printable(f"{file}: {fault}") for fault in faults]
        super().__init__("\n".join(self.faults))


def _printable(line: str) -> str:
    """Escape characters that would break a line or control a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


Check = Callable[[Settings], Iterator[Fault]]


def load(*checks: Check) -> Settings:
    """Read and validate the settings file.

    `checks` find what the settings alone cannot show, such as faults of architectures and chart
    values. Raises SettingsError with every fault that was found.
    """
    path = Path(os.environ.get("KUBECOST_CONFIG") or Path(__file__).parent.parent / "kubecost.yaml")
    return settings_in(read_text(path), *checks, file=path.name)


def settings_in(text: str, *checks: Check, file: str) -> Settings:
    """Validate the text of a settings file as `load` does; `file` is its name in messages."""
    data = _mapping(text, Settings, file)
    faults: list[Fault] = []
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        faults += (_fault(each, Settings) for each in wrong)
        settings = _known(data, [each["loc"] for each in wrong])
    for check in (find_faults, *checks):
        faults += check(settings)
    if faults:
        raise SettingsError(file, faults)
    return settings


def _known(data: dict[str, Any], wrong: Iterable[tuple[int | str, ...]]) -> Settings:
    """Validate everything outside the locations in `wrong`; the fields there get no value.

    So the combinations of all other keys can be checked, and none is checked with a default that
    the user did not choose.
    """
    data = deepcopy(data)
    unknown = []
    for location in wrong:
        mapping: Any = data
        section: type[Section] = Settings
        for depth, part in enumerate(location, start=1):
            field = section.model_fields.get(str(part))
            within = field.annotation if field else None
            if depth == len(location) or not _is_section(within):
                for key in [key for key in mapping if key == part or not isinstance(key, str)]:
                    del mapping[key]
                unknown += [location[:depth]] if field else []
                break
            mapping, section = mapping[part], within
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        # Wrong only because a key beside it is gone, such as allowed_cidrs beside an old `expose`.
        return _known(data, [*wrong, *(each["loc"] for each in error.errors(include_url=False))])
    for path in unknown:
        settings = _forget(settings, path)
    return settings


def _forget(section: Kind, path: tuple[int | str, ...]) -> Kind:
    """Copy a section without the value of one field; reading it raises AttributeError."""
    name = str(path[0])
    values = dict(section.__dict__)
    if len(path) > 1:
        values[name] = _forget(values[name], path[1:])
    else:
        values.pop(name, None)
    copied = section.model_copy()
    copied.__dict__.clear()
    copied.__dict__.update(values)
    return copied


def parse(path: Path, kind: type[Kind]) -> Kind:
    """Read a YAML file as a section of type `kind`; raise SettingsError with every fault in it."""
    return parse_text(read_text(path), kind, path.name)


def parse_text(text: str, kind: type[Kind], file: str) -> Kind:
    """Read YAML as `parse` does; `file` is its name in messages."""
    data = _mapping(text, kind, file)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        faults = [_fault(e, kind) for e in error.errors(include_url=False)]
        raise SettingsError(file, faults) from None


def read_text(path: Path) -> str:
    """Read a user's file; raise SettingsError if it cannot be read."""
    try:
        with path.open("rb") as file:
            read = file.read(LONGEST + 1)
        if len(read) > LONGEST:
            raise SettingsError(path.name, ["is larger than 1 MiB, the limit of a settings file"])
        return read.decode("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(path.name, [f"cannot be read: {reason}"]) from None
    except UnicodeDecodeError:
        raise SettingsError(path.name, ["is not UTF-8 text"]) from None


def _mapping(text: str, kind: type[Section], file: str) -> dict[str, Any]:
    try:
        loader = _UniqueKeyLoader(text)
        node = loader.get_single_node()
        data = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise SettingsError(file, [_yaml_fault(error)]) from None
    if not isinstance(data, dict):
        found = "is empty" if data is None else f"holds a {type(data).__name__}"
        keys = " and ".join(list(kind.model_fields)[:2])
        raise SettingsError(file, [f"{found}; it must hold keys such as {keys}"])
    if faults := list(find_texts(data)):
        raise SettingsError(file, faults)
    return data


class _UniqueKeyLoader(yaml.SafeLoader):
    """Raise a YAML error where PyYAML stays silent or raises an exception that is not its own.

    That is: two equal keys, of which PyYAML keeps the last; a value that does not fit its tag; and
    aliases that expand to more than anyone writes.
    """

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read a node and all below it."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise RecursionError
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> yaml.Node | None:
        """Read a document; refuse it if it has too many values after its aliases are expanded."""
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            _count(node, {})
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make the Python value of a node."""
        try:
            return super().construct_object(node, deep)
        except (KeyError, AttributeError, IndexError, TypeError):
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            scalar = isinstance(node, yaml.ScalarNode)
            problem = f"{node.value!r} is not a {tag}" if scalar else f"this is not a {tag}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(
                None, None, "the tag says mapping, but this is not one", node.start_mark
            )
        seen = set()
        for key_node, _ in node.value:
            if (key_node.tag, str(key_node.value)) in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} appears twice", key_node.start_mark
                )
            seen.add((key_node.tag, str(key_node.value)))
        return super().construct_mapping(node, deep)


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Count a node and all below it; refuse a node that contains itself, or too many nodes."""
    if id(node) in known:
        count = known[id(node)]
        if not count:
            raise yaml.constructor.ConstructorError(
                None, None, "an alias stands inside the value that it repeats", node.start_mark
            )
        return count
    known[id(node)] = 0
    below = node.value if isinstance(node, yaml.CollectionNode) else []
    count = 1
    for each in below:
        for child in each if isinstance(each, tuple) else (each,):
            count += _count(child, known)
    if count > MOST_NODES:
        problem = f"more than {MOST_NODES:,} values after its aliases are expanded"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    known[id(node)] = count
    return count


def _yaml_fault(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"is nested too deeply: at most {DEEPEST} levels are allowed"
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"is not YAML: {' '.join(str(error).split())}"
    mark = error.problem_mark or error.context_mark
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"is not YAML: {error.problem or error.context}{where}"


def _fault(error: ErrorDetails, kind: type[Section]) -> Fault:
    """Turn one of pydantic's errors into a fault with this project's wording."""
    path = [part for part in error["loc"] if part != "[key]"]
    if path[:2] == ["kubecost", "values"]:
        path = path[:3]
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    given, context = error["input"], error.get("ctx", {})
    number = isinstance(given, int | float) and not isinstance(given, bool)
    shown = _HIDDEN if _may_be_secret(path, given) else given
    match error["type"]:
        case "extra_forbidden" if instead := _section_of(path, kind).REFUSED.get(str(path[-1])):
            return Fault(key, _HIDDEN, problem=f"not allowed here; use {instead}")
        case "extra_forbidden":
            return Fault(key, shown, problem=f"there is no such key{_nearest(path, kind)}")
        case "missing":
            return Fault(key, MISSING, problem="it must be given")
        case "literal_error":
            allowed = context["expected"].replace("'", '"') + (", in quotes" if number else "")
        case "string_type":
            allowed = "text" + (", in quotes" if number else "")
        case "int_type":
            allowed = "a whole number"
        case "float_type":
            allowed = "a number"
        case "date_type":
            allowed = "a date such as 2026-11-24, without quotes"
        case "bool_type":
            allowed = "true or false"
        case "tuple_type":
            allowed = "a list"
        case "invalid-json-value":
            allowed = "text, numbers, lists and mappings (a date in quotes)"
        case "dict_type" | "model_type":
            allowed = "a mapping (key: value)"
        case "greater_than_equal":
            allowed = f"at least {context['ge']}"
        case "less_than_equal":
            allowed = f"at most {context['le']}"
        case _:
            allowed = error["msg"]
    return Fault(key, shown, allowed)


def _may_be_secret(path: list[int | str], given: Any) -> bool:
    """Tell whether a value must not go to a terminal or a pipeline's log.

    A secret may stand where its ARN should, under a key that does not exist, or inside of a URL.
    """
    if given is MISSING or isinstance(given, int | float) or str(given).startswith("arn:"):
        return False
    text = " ".join(map(str, [*path, given]))
    return bool(re.search(r"(?i)secret|password|://[^/\s]*@", text))


def _nearest(path: list[int | str], section: type[Section]) -> str:
    """Name the known key that an unknown one resembles most, or all keys of its section."""
    keys = list(_section_of(path, section).model_fields)
    near = difflib.get_close_matches(str(path[-1]), keys, n=1)
    return f"; did you mean {near[0]}?" if near else f"; the keys here are {', '.join(keys)}"


def _section_of(path: list[int | str], section: type[Section]) -> type[Section]:
    """Find the section to which the last part of a path belongs, or should belong."""
    for part in path[:-1]:
        if isinstance(part, str) and part in section.model_fields:
            section = _section_in(section.model_fields[part].annotation) or section
    return section


def _is_section(annotation: Any) -> TypeGuard[type[Section]]:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _section_in(annotation: Any) -> type[Section] | None:
    """Find the Section in an annotation such as `tuple[ClusterSettings, ...] | None`."""
    if _is_section(annotation):
        return annotation
    return next(filter(None, map(_section_in, get_args(annotation))), None)
