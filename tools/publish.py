"""Commit the synthesized stacks to the branch `synthesized` of a repository, if they changed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.common import STACKS, CommandError, command_line

BRANCH = "synthesized"
AUTHOR = ("-c", "user.name=publish", "-c", "user.email=publish@users.noreply.github.com")


def main(arguments: list[str]) -> int:
    """Push what changed. Raises CommandError if git fails."""
    parser = command_line("publish", __doc__)
    parser.add_argument("repository", help="address or path, to which git may push")
    repository = parser.parse_args(arguments).repository
    source = _git(Path(), "rev-parse", "--short", "HEAD")
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder)
        _git(clone, "init", "--quiet", "--initial-branch", BRANCH)
        if _git(clone, "ls-remote", "--heads", repository, BRANCH):
            _git(clone, "pull", "--quiet", "--depth", "1", repository, BRANCH)
        _git(clone, "rm", "--quiet", "-r", "--ignore-unmatch", ".")
        for file in STACKS.glob("*/cdk.tf.json"):
            (clone / file.parent.name).mkdir(exist_ok=True)
            shutil.copy(file, clone / file.parent.name)
        _git(clone, "add", "--all")
        if not _git(clone, "status", "--porcelain"):
            print("publish: nothing changed")
            return 0
        _git(clone, *AUTHOR, "commit", "--quiet", "--message", f"Synthesized from {source}")
        _git(clone, "push", "--quiet", repository, BRANCH)
        print(f"publish: pushed {_git(clone, 'rev-parse', '--short', 'HEAD')} to {BRANCH}")
    return 0


def _git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", *args], cwd=folder, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise CommandError("git failed, see above")
    return done.stdout.strip()
