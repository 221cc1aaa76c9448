"""Ring 3: a release's archive has what was synthesized, locked by the real terraform."""

import hashlib
import json
import os
import platform
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from modules.versions import PROVIDERS
from tools import release

MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
HERE = f"{platform.system().lower()}_{MACHINES.get(platform.machine(), platform.machine())}"


def synthesize(folder: Path, **providers: dict[str, Any]) -> None:
    for name, wanted in providers.items():
        stack = folder / "cdktf.out/stacks" / name
        stack.mkdir(parents=True)
        (stack / "cdk.tf.json").write_text(
            json.dumps({"terraform": {"required_providers": wanted}})
        )
        (stack / "terraform.tfstate").write_text("{}")


def test_the_archive_has_json_and_locks_and_the_same_bytes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing_providers: set[str]
) -> None:
    version, notes = release.newest(release.CHANGELOG.read_text())
    aws = {"aws": PROVIDERS["aws"]}
    synthesize(tmp_path, base=aws, prom=aws, none={})
    monkeypatch.chdir(tmp_path)
    # `providers lock` asks the registry, whatever mirror there is, unless told so.
    config = os.environ.get("TF_CLI_CONFIG_FILE")
    mirror = re.search(r'path\s*=\s*"([^"]+)"', Path(config).read_text()) if config else None
    if mirror:
        monkeypatch.setenv("TF_CLI_ARGS_providers_lock", f"-fs-mirror={mirror[1]}")
    wanted = [f"v{version}", "--platform", HERE]
    assert release.main(wanted) == 0
    archive = tmp_path / f"release/eks-kubecost-{version}-terraform-json.tar.gz"
    content = archive.read_bytes()
    assert (tmp_path / "release/notes.md").read_text() == notes
    assert (tmp_path / "release/SHA256SUMS").read_text() == (
        f"{hashlib.sha256(content).hexdigest()}  {archive.name}\n"
    )
    with tarfile.open(archive) as tar:
        top = f"eks-kubecost-{version}"
        assert sorted(tar.getnames()) == [
            f"{top}/{stack}/{file}"
            for stack in ("base", "none", "prom")
            for file in (".terraform.lock.hcl", "cdk.tf.json")
        ]
        lock = tar.extractfile(f"{top}/prom/.terraform.lock.hcl")
        assert lock
        text = lock.read().decode()
        # Terraform adds `zh:` hashes only where the registry answers.
        assert '/hashicorp/aws" {' in text
        assert '"h1:' in text
        assert {(each.uid, each.mtime, each.mode) for each in tar} == {(0, 0, 0o644)}
    assert release.main(wanted) == 0
    assert archive.read_bytes() == content
    assert not list(tmp_path.rglob("release/*.hcl"))
