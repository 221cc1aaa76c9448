"""Synthesize: kubecost.yaml -> settings -> stacks -> Terraform JSON in cdktf.out/stacks."""

import sys

from architectures.faults import find_faults
from settings.file import SettingsError, load


def main() -> int:
    """Write every stack, or say on stderr what is wrong with the settings; 1 if anything is."""
    try:
        settings = load(find_faults)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    # Only now: loading CDKTF takes longer than judging the settings.
    from cdktf import App

    from architectures.app import add_stacks

    app = App()
    add_stacks(app, settings)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
