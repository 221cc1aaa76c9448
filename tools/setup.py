"""Install what Pipfile.lock and package-lock.json pin, and print how long each step takes.

`packages` is what synth needs, `all` adds what the tests and tools need, `cdktf` is the CDKTF
command line. With `--cdk cdktn` the packages are those of CDK Terrain, see docs/future.md.
Standard library only, because this runs before anything is installed.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.common import ROOT, CommandError, command_line

UV_VERSION = "0.13.9"
UV_LOCK = ROOT / "tools/locked/uv.txt"
TOOLS = ROOT / ".tools"
VENV = TOOLS / "venv"
# The names of CDKTF's packages in Pipfile.lock begin with this; the fork has its own lock.
CDKTF, CDKTN = "cdktf", "cdktn"
FORK = ROOT / "bindings/cdktn.txt"
OFFLINE = (
    "If the download failed because you are behind a proxy or a mirror, set HTTPS_PROXY,"
    " PIP_INDEX_URL or npm_config_registry, and run the command again."
)
# uv does not read pip's settings, and more people configure a mirror for pip than for uv.
OF_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
# Loading a binding for the first time unpacks it into jsii's cache in the user's home.
UNPACK = (
    "import bindings, importlib;"
    "[importlib.import_module(root + '._jsii') for root in bindings.PROVIDERS]"
)


def main(arguments: list[str]) -> int:
    """Install one of the three and return 0; raise CommandError with the installer's message."""
    parser = command_line("setup", __doc__)
    parser.add_argument("what", choices=("packages", "all", "cdktf"))
    parser.add_argument("--cdk", choices=(CDKTF, CDKTN), default=CDKTF)
    options = parser.parse_args(arguments)
    if options.what == "cdktf":
        with step("CDKTF command line of package-lock.json"):
            run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
    else:
        install_packages(
            VENV, cdk=options.cdk, everything=options.what == "all" or any(VENV.glob(".all-*"))
        )
    return 0


def install_packages(venv: Path, *, cdk: str, everything: bool) -> None:
    """Make a virtual environment match the locks, without or with [dev-packages]."""
    wanted = locked(cdk, everything=everything)
    new = not (venv / "bin/python").exists() or venv.is_symlink()
    uv = install_uv()
    if new:
        # Earlier versions made a link to an environment of pipenv.
        venv.unlink() if venv.is_symlink() else shutil.rmtree(venv, ignore_errors=True)
        run(uv, "venv", "--python", sys.executable, "--no-project", str(venv))
    # The Makefile reads these files as: installed from these locks.
    for mark in venv.glob(".*-cdkt?"):
        mark.unlink()
    listed = venv / "requirements.txt"
    listed.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    with step(f"{len(wanted)} Python packages of Pipfile.lock"):
        run(
            *(uv, "pip", "sync", "--require-hashes", "--python", str(venv / "bin/python")),
            str(listed),
        )
    with step("bindings unpacked for Node.js"):
        run(str(venv / "bin/python"), "-c", UNPACK)
    for what in ("packages", "all") if everything else ("packages",):
        (venv / f".{what}-{cdk}").touch()


def install_uv() -> str:
    """Install uv at its pinned version if it is missing; return its path."""
    folder = TOOLS / f"uv-{UV_VERSION}"
    program = folder / "bin/uv"
    if not program.exists():
        with step(f"uv {UV_VERSION}, which installs Python packages"):
            run(sys.executable, "-m", "venv", "--clear", str(folder))
            run(
                *(str(folder / "bin/python"), "-m", "pip", "install", "--quiet"),
                *("--disable-pip-version-check", "--require-hashes", "-r", str(UV_LOCK)),
            )
    return str(program)


def locked(cdk: str, *, everything: bool) -> list[str]:
    """List what the locks pin as entries of a requirements file; the fork replaces CDKTF."""
    lock = json.loads((ROOT / "Pipfile.lock").read_text(encoding="utf-8"))
    wanted = list(requirements(lock, ["default", "develop"] if everything else ["default"]))
    if cdk == CDKTF:
        return wanted
    fork = re.split(r"\n(?=\S)", FORK.read_text(encoding="utf-8").strip())
    return [line for line in wanted if not line.startswith(CDKTF)] + fork


def requirements(lock: Mapping[str, Any], sections: Iterable[str]) -> Iterator[str]:
    """Write sections of a Pipfile.lock as lines of a requirements file, hashes included."""
    packages = {name: pinned for section in sections for name, pinned in lock[section].items()}
    for name, pinned in sorted(packages.items()):
        extras = f"[{','.join(pinned['extras'])}]" if "extras" in pinned else ""
        marker = f" ; {pinned['markers']}" if "markers" in pinned else ""
        hashes = "".join(f" --hash={each}" for each in pinned["hashes"])
        yield f"{name}{extras}{pinned['version']}{marker}{hashes}"


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print a step, and after it how long it took."""
    print(f"setup: {what} ...", end="", flush=True)
    start = time.monotonic()
    try:
        yield
    except CommandError:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - start:.0f} s", flush=True)


def run(*command: str) -> None:
    """Run an installer quietly; show its output only if it fails."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"{done.stdout.strip()}\n{OFFLINE}")


def environment() -> dict[str, str]:
    """Make an installer's environment: our programs come first, and uv gets pip's mirror."""
    return {
        **from_pip(pip_settings()),
        **os.environ,
        "PATH": os.pathsep.join([str(VENV / "bin"), os.environ["PATH"]]),
        "UV_PYTHON_DOWNLOADS": "never",
    }


def pip_settings() -> str:
    """Read pip's settings, from its files and its environment variables."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def from_pip(settings: str) -> dict[str, str]:
    """Translate the output of `pip config list` to the variables that uv reads."""
    found = {}
    for line in settings.splitlines():
        key, _, value = line.partition("=")
        if variable := OF_PIP.get(key.rpartition(".")[2]):
            found[variable] = " ".join(str(ast.literal_eval(value)).split())
    return found
