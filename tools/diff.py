"""Show what two commits synthesize differently, for each stack and address; no credentials needed.

Run by `make diff BASE=main`: the commit BASE against the files as they are now, or against HEAD
if that is given. Each side is synthesized by its own code from its own settings file.
"""

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tools.documents import readable, unescaped

ROOT = Path(__file__).parent.parent
CONTEXT_LINES = 2
# What tells the items of a list apart.
NAMING_KEYS = {"job_name", "name", "record", "alert", "Sid"}

Stack = dict[str, Any]


class SynthError(Exception):
    """A side that cannot be synthesized, with what its program said."""


def synthesize(tree: Path, settings: Path | None = None) -> dict[str, Stack]:
    """Run the main.py of a source tree, with its own settings or others; give the stacks' JSON."""
    chosen = {"KUBECOST_CONFIG": str(settings)} if settings else {}
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=tree,
            env={**os.environ, **chosen, "CDKTF_OUTDIR": out, "NODE_NO_WARNINGS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SynthError(done.stderr.strip())
        return {
            file.parent.name: json.loads(file.read_text(encoding="utf-8"))
            for file in sorted(Path(out).glob("stacks/*/cdk.tf.json"))
        }


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Give the files of a commit in a folder that is thrown away."""
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


def addresses(stack: Stack) -> dict[str, Any]:
    """Give what a stack declares, by Terraform address."""
    found: dict[str, Any] = {}
    for section, blocks in stack.items():
        if section in ("resource", "data"):
            prefix = "data." if section == "data" else ""
            for kind, named in blocks.items():
                found |= {f"{prefix}{kind}.{name}": body for name, body in named.items()}
        elif section in ("output", "provider", "variable"):
            found |= {f"{section}.{name}": body for name, body in blocks.items()}
        elif section != "//":
            found[section] = blocks
    return found


def compare(old: dict[str, Stack], new: dict[str, Stack]) -> str:
    """Show what changes as one text; empty if nothing does."""
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
    """Name the keys that hold line `at` and stand above line `shown`: where a reader is."""
    names: list[str] = []
    depth = _depth(lines[at]) if at < len(lines) else 0
    for number in range(at - 1, -1, -1):
        if _depth(lines[number]) >= depth:
            continue
        key, _, value = lines[number].strip().removeprefix("- ").partition(":")
        is_item = lines[number].lstrip().startswith("- ")
        # The first key of a list's item is a neighbour of its other keys, and names them.
        is_neighbour = is_item and depth == _depth(lines[number]) + len("- ")
        if number < shown and (value or not is_neighbour):
            names.insert(0, f"{key}:{value}" if value else key)
        depth = _depth(lines[number])
    return " > ".join(names)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


class _Dumper(yaml.SafeDumper):
    """Writes every list indented, every item's name first and no alias: lines that compare."""

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
    """Print the differences; 1 if a side cannot be synthesized."""
    parser = argparse.ArgumentParser(prog="make diff", description=__doc__)
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
            print(f"{commit or 'the working tree'} cannot be synthesized: {error}", file=sys.stderr)
            return 1
    print(compare(*sides) or "The synthesized Terraform is the same.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
