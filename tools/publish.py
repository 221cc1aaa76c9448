"""Commit the synthesized stacks to the branch `synthesized` of a repository, if they changed."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.common import STACKS, CommandError, command_line

BRANCH = "synthesized"
LOCK = ".terraform.lock.hcl"
AUTHOR = ("-c", "user.name=publish", "-c", "user.email=publish@users.noreply.github.com")


def main(arguments: list[str]) -> int:
    """Push the changed stacks. Raises CommandError if git fails."""
    parser = command_line("publish", __doc__)
    parser.add_argument("repository", help="address or path, to which git may push")
    parser.add_argument(
        "--lock",
        nargs="+",
        default=[],
        metavar="PLATFORM",
        help="lock the providers of each stack by digest, for example linux_amd64",
    )
    options = parser.parse_args(arguments)
    repository = options.repository
    source = _git(Path(), "rev-parse", "--short", "HEAD")
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder)
        _git(clone, "init", "--quiet", "--initial-branch", BRANCH)
        if _git(clone, "ls-remote", "--heads", repository, BRANCH):
            _git(clone, "pull", "--quiet", "--depth", "1", repository, BRANCH)
        locks = {file.parent.name: file.read_bytes() for file in clone.glob(f"*/{LOCK}")}
        _git(clone, "rm", "--quiet", "-r", "--ignore-unmatch", ".")
        for file in STACKS.glob("*/cdk.tf.json"):
            stack = clone / file.parent.name
            stack.mkdir(exist_ok=True)
            shutil.copy(file, stack)
            if options.lock and (locked := locks.get(stack.name)):
                (stack / LOCK).write_bytes(locked)
        if options.lock:
            _lock(clone, options.lock)
        _git(clone, "add", "--all")
        if not _git(clone, "status", "--porcelain"):
            print("publish: nothing changed")
            return 0
        _git(clone, *AUTHOR, "commit", "--quiet", "--message", f"Synthesized from {source}")
        _git(clone, "push", "--quiet", repository, BRANCH)
        print(f"publish: pushed {_git(clone, 'rev-parse', '--short', 'HEAD')} to {BRANCH}")
    return 0


def _lock(clone: Path, platforms: list[str]) -> None:
    """Write a lock file for each stack; a provider that is locked already keeps its version.

    Stacks that require the same providers share one download.
    """
    done: dict[str, Path] = {}
    for file in sorted(clone.glob("*/cdk.tf.json")):
        terraform = json.loads(file.read_text(encoding="utf-8")).get("terraform", {})
        demanded = json.dumps(terraform.get("required_providers", {}), sort_keys=True)
        if demanded in done:
            shutil.copy(done[demanded], file.parent)
            continue
        line = ["terraform", "providers", "lock", *(f"-platform={each}" for each in platforms)]
        try:
            status = subprocess.run(
                line, cwd=file.parent, check=False, stdout=sys.stderr
            ).returncode
        except OSError as error:
            raise CommandError(f"terraform cannot be started: {error}") from None
        if status:
            raise CommandError(f"the providers of {file.parent.name} cannot be locked, see above")
        done[demanded] = file.parent / LOCK


def _git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", *args], cwd=folder, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise CommandError("git failed, see above")
    return done.stdout.strip()
