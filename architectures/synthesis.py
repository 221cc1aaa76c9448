"""Synthesize a settings file: a large fleet in several processes."""

from functools import partial
from pathlib import Path

from architectures import ARCHITECTURES
from settings import Settings
from stacks.output import merge
from stacks.processes import Share, run_in_processes, shares_of


def synthesize(settings: Settings, out: Path) -> None:
    """Write the stacks of the settings as Terraform JSON to a folder."""
    shares = shares_of(len(settings.fleet) * len(settings.chosen(ARCHITECTURES)))
    run_in_processes(partial(_write, settings, out), shares)
    merge([out / share.name for share in shares], out)


def _write(settings: Settings, out: Path, share: Share) -> None:
    # Import here: all processes load CDKTF at the same time.
    from architectures.app import write

    folder = out / share.name
    folder.mkdir(parents=True)
    write(settings, folder, share)
