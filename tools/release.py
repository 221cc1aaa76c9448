"""Write the files of a release: notes, the defaults as Terraform JSON with lock files, checksums.

The workflow of a tag runs it after `make synth`. Standard library only.
"""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from tools.common import ROOT, STACKS, TERRAFORM, CommandError, command_line

CHANGELOG = ROOT / "CHANGELOG.md"
# The platforms on which people and Terraform Cloud run Terraform.
PLATFORMS = ("darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64", "windows_amd64")
_HEADING = re.compile(r"^## \[(?P<version>\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Write the files; raise CommandError if the tag is not the version or Terraform fails."""
    parser = command_line("release", __doc__)
    parser.add_argument("tag", help="for example v0.2.0; must be the first version of CHANGELOG.md")
    parser.add_argument("--output", type=Path, default=Path("release"), help="folder to write to")
    parser.add_argument(
        "--platform", action="append", help=f"for the lock files; default: {', '.join(PLATFORMS)}"
    )
    options = parser.parse_args(arguments)
    version, notes = newest(CHANGELOG.read_text(encoding="utf-8"))
    if options.tag != f"v{version}":
        raise CommandError(
            f"tag {options.tag}: the first version of CHANGELOG.md is {version}, so its tag is"
            f" v{version}"
        )
    stacks = sorted(file.parent for file in STACKS.glob("*/cdk.tf.json"))
    if not stacks:
        raise CommandError("nothing is synthesized; run: make synth")
    lock_providers(stacks, options.platform or PLATFORMS)
    out: Path = options.output
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    archive = out / f"eks-kubecost-{version}-terraform-json.tar.gz"
    pack(stacks, archive, f"eks-kubecost-{version}")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (out / "SHA256SUMS").write_text(f"{digest}  {archive.name}\n", encoding="utf-8")
    (out / "notes.md").write_text(notes, encoding="utf-8")
    print(f"release: {version}: {archive} with {len(stacks)} stacks, {out}/SHA256SUMS, notes.md")
    return 0


def newest(changelog: str) -> tuple[str, str]:
    """Return the first version of a changelog, and the text below its heading.

    Raises:
        CommandError: no heading has the form `## [1.2.3] - 2026-11-27`.
    """
    found = _HEADING.search(changelog)
    if not found:
        raise CommandError("CHANGELOG.md has no heading like ## [1.2.3] - 2026-11-27; add one")
    after = changelog[found.end() :]
    return found["version"], after.partition("\n## ")[0].strip() + "\n"


def lock_providers(stacks: list[Path], platforms: list[str] | tuple[str, ...]) -> None:
    """Write `.terraform.lock.hcl` into each stack; lock stacks with the same providers once.

    Terraform downloads from the providers' registry even if a mirror is configured, which takes
    minutes.
    """
    locked: dict[str, Path] = {}
    for stack in stacks:
        terraform = json.loads((stack / "cdk.tf.json").read_text(encoding="utf-8"))["terraform"]
        wanted = json.dumps(terraform["required_providers"], sort_keys=True)
        lock = stack / ".terraform.lock.hcl"
        if wanted in locked:
            shutil.copyfile(locked[wanted], lock)
            continue
        lock.unlink(missing_ok=True)
        done = subprocess.run(
            [
                *(TERRAFORM, f"-chdir={stack}", "providers", "lock"),
                *(f"-platform={platform}" for platform in platforms),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandError(f"{stack}: terraform providers lock failed\n{done.stdout.strip()}")
        locked[wanted] = lock


def pack(stacks: list[Path], archive: Path, folder: str) -> None:
    """Put each stack's JSON and lock file into an archive; the same files give the same bytes."""
    with (
        archive.open("wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for stack in stacks:
            for name in (".terraform.lock.hcl", "cdk.tf.json"):
                info = tarfile.TarInfo(f"{folder}/{stack.name}/{name}")
                info.size, info.mode = (stack / name).stat().st_size, 0o644
                with (stack / name).open("rb") as content:
                    tar.addfile(info, content)
