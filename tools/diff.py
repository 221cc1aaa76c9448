"""Show the differences of two commits' synthesized stacks, by address; needs no credentials.

`make diff BASE=main` compares the commit BASE with the files as they are now, or with HEAD if that
is given. Each side is synthesized by its own code from its own settings file.
"""

import difflib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tools.common import ROOT, command_line
from tools.documents import readable, unescaped
from tools.synthesis import Stack, SynthError, addresses, synthesize

CONTEXT_LINES = 2
# Keys that identify the items of a list.
NAMING_KEYS = {"job_name", "name", "record", "alert", "Sid"}


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Check a commit out to a folder, and delete the folder at the end."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*args: str) -> None:
    done = subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        hint = "name a commit of this clone, such as BASE=HEAD~1, or git fetch it first"
        raise SynthError(f"{done.stderr.strip()}; {hint}")


def compare(old: dict[str, Stack], new: dict[str, Stack]) -> str:
    """Write the changes as one text; empty if nothing changes."""
    parts = []
    for name in sorted(old.keys() | new.keys()):
        before, after = addresses(old.get(name, {})), addresses(new.get(name, {}))
        changed = {
            address: difference
            for address in sorted(before.keys() | after.keys())
            if (difference := _difference(before.get(address), after.get(address)))
        }
        if not changed:
            continue
        added = len(changed.keys() - before.keys())
        removed = len(changed.keys() - after.keys())
        edited = len(changed) - added - removed
        parts.append(f"stack {name}: {added} added, {edited} changed, {removed} removed")
        for address, difference in changed.items():
            sign = "+" if address not in before else "-" if address not in after else "!"
            parts += [f"{sign} {address}", *difference, ""]
    return "\n".join(parts)


def _difference(before: Any, after: Any) -> list[str]:
    old, new = _lines(before), _lines(after)
    lines: list[str] = []
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        changes = [code for code in group if code[0] != "equal"]
        _, old_at, _, new_at, _ = changes[0]
        shown = group[0][1] if old else group[0][3]
        if above := _keys_above(old if old else new, old_at if old else new_at, shown):
            lines.append(f"@ {above}")
        for tag, a, b, c, d in group:
            if tag == "equal":
                lines += [f"  {line}" for line in old[a:b]]
            else:
                lines += [f"- {line}" for line in old[a:b]]
                lines += [f"+ {line}" for line in new[c:d]]
    return lines


def _keys_above(lines: list[str], at: int, shown: int) -> str:
    """Name the keys that contain line `at` and stand above line `shown`, to show the position."""
    names: list[str] = []
    depth = _depth(lines[at]) if at < len(lines) else 0
    for number in range(at - 1, -1, -1):
        if _depth(lines[number]) >= depth:
            continue
        key, _, value = lines[number].strip().removeprefix("- ").partition(":")
        is_item = lines[number].lstrip().startswith("- ")
        # The first key of a list's item stands beside the item's other keys, and names the item.
        is_neighbour = is_item and depth == _depth(lines[number]) + len("- ")
        if number < shown and (value or not is_neighbour):
            names.insert(0, f"{key}:{value}" if value else key)
        depth = _depth(lines[number])
    return " > ".join(names)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


class _Dumper(yaml.SafeDumper):
    """Write lists indented, each item's name first and no aliases, so that lines compare well."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _represent_mapping(dumper: yaml.SafeDumper, data: dict[str, Any]) -> yaml.MappingNode:
    items = sorted(data.items(), key=lambda item: (item[0] not in NAMING_KEYS, item[0]))
    return dumper.represent_mapping("tag:yaml.org,2002:map", items)


_Dumper.add_representer(dict, _represent_mapping)


def _lines(body: Any) -> list[str]:
    if body is None:
        return []
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key != "//"}
    text = yaml.dump(readable(body, _document), Dumper=_Dumper, allow_unicode=True, width=10_000)
    return text.splitlines()


def _document(text: str) -> Any:
    """Read Helm values, scrape configurations and rules; other long texts become lines."""
    try:
        data = yaml.safe_load(unescaped(text))
    except yaml.YAMLError:
        data = None
    return readable(data, _document) if isinstance(data, dict | list) else text.splitlines()


def main(arguments: list[str]) -> int:
    """Print the differences. Raises SynthError if a side cannot be synthesized."""
    parser = command_line("diff", __doc__)
    parser.add_argument("base", help="commit to compare with")
    parser.add_argument("head", nargs="?", help="commit to show (default: the files as they are)")
    options = parser.parse_args(arguments)
    sides = []
    for commit in (options.base, options.head):
        print(f"diff: synthesizing {commit or 'the files as they are'}", file=sys.stderr)
        try:
            if commit:
                with checked_out(commit) as tree:
                    sides.append(synthesize(tree))
            else:
                sides.append(synthesize(ROOT))
        except SynthError as error:
            side = commit or "the working tree"
            raise SynthError(f"{side} cannot be synthesized: {error}") from None
    print(compare(*sides) or "The synthesized Terraform is the same.")
    return 0
