"""Synthesize kubecost.yaml: read the settings and write Terraform JSON to cdktf.out/stacks."""

import os
import sys
from pathlib import Path

from architectures.faults import find_faults
from architectures.synthesis import synthesize
from settings.file import SettingsError, load
from stacks.output import OutputError, replaced


def main() -> int:
    """Write every stack; return 1 with the reason on stderr, or 130 if interrupted."""
    try:
        settings = load(find_faults)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        with replaced(Path(os.environ.get("CDKTF_OUTDIR") or "cdktf.out")) as out:
            synthesize(settings, out)
    except OutputError as error:
        print(f"synth: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
