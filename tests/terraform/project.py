"""Every stack as a module of one project, so that Terraform loads the providers' schemas once."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from tests.conftest import SETTINGS_FILES, Stack
from tests.terraform.cut import cut


def write_project(
    root: Path,
    stacks: Callable[[str], dict[str, Stack]],
    missing: set[str],
    write: Callable[[Path, Stack], object],
) -> dict[str, set[str]]:
    """Let `write` put each stack, cut, into a folder; give what was cut, and of which stacks."""
    modules = {}
    cuts = defaultdict(set)
    providers = set()
    for settings in SETTINGS_FILES:
        for name, stack in stacks(settings).items():
            kept, removed = cut(stack, missing)
            # A module has no state of its own.
            kept["terraform"] = {"required_providers": kept["terraform"]["required_providers"]}
            # Terraform starts a provider's program for each block, so the same block is kept once.
            # A module without a block gets the project's; one with an alias needs its own.
            blocks = json.dumps(kept["provider"], sort_keys=True)
            if blocks in providers and '"alias"' not in blocks:
                del kept["provider"]
            providers.add(blocks)
            folder = root / settings / name
            folder.mkdir(parents=True)
            write(folder, kept)
            modules[f"{settings}-{name}"] = {"source": f"./{settings}/{name}"}
            for address in removed:
                cuts[address].add(name)
    (root / "main.tf.json").write_text(json.dumps({"module": modules}))
    return cuts
