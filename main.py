"""Synthesize: kubecost.yaml -> settings -> stacks -> Terraform JSON in cdktf.out/stacks."""

import sys

import bindings  # noqa: F401

# isort: split
from cdktf import App

from architectures import ARCHITECTURES, add_stacks
from settings import file as settings_file


def main() -> int:
    """Write every stack, or say on stderr what is wrong with the settings; 1 if anything is."""
    try:
        settings = settings_file.load(ARCHITECTURES)
    except settings_file.SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    app = App()
    add_stacks(app, settings)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
