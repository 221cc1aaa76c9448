"""The real terraform, with those providers that can be had here."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from modules.versions import PROVIDERS
from tests.conftest import Stack, one_at_a_time
from tests.terraform.deployment import Deployment
from tests.terraform.simulated_aws import SimulatedAws
from tools.common import TERRAFORM

Terraform = Callable[..., subprocess.CompletedProcess[str]]

# They wait for what AWS takes: three to four minutes each.
LONGEST = ("test_lifecycle", "test_fleet", "test_billing")
CUT: dict[str, list[str]] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest."""
    items.sort(key=lambda item: not item.path.stem.startswith(LONGEST))


@pytest.fixture(scope="session")
def terraform(shared: Path) -> Terraform:
    """Run terraform in a folder; providers are installed once."""
    cache = shared / "plugins"
    cache.mkdir(exist_ok=True)

    def run(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TERRAFORM, *args],
            cwd=folder,
            env={
                **os.environ,
                "TF_PLUGIN_CACHE_DIR": str(cache),
                "TF_IN_AUTOMATION": "1",
                "CHECKPOINT_DISABLE": "1",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def missing_providers(
    terraform: Terraform, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> set[str]:
    """Find out which providers can neither be downloaded nor taken from a mirror."""
    found = shared / "missing.json"
    with one_at_a_time(found):
        if not found.exists():
            missing = []
            for name, provider in PROVIDERS.items():
                folder = tmp_path_factory.mktemp(f"provider-{name}")
                (folder / "main.tf.json").write_text(
                    json.dumps({"terraform": {"required_providers": {name: provider}}})
                )
                if terraform(folder, "init", "-no-color").returncode:
                    missing.append(name)
            found.write_text(json.dumps(missing))
    missing = json.loads(found.read_text())
    if "aws" in missing:
        if os.environ.get("CI"):
            pytest.fail("terraform init found no AWS provider: set TF_CLI_CONFIG_FILE")
        pytest.skip("no registry and no mirror has the AWS provider")
    return set(missing)


@pytest.fixture(scope="session")
def deployed(
    stacks: Callable[[str], dict[str, Stack]],
    missing_providers: set[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployment]:
    """Give the default stacks, applied; who changes something there puts it back."""
    folder = tmp_path_factory.mktemp("deployed")
    with SimulatedAws(region="ap-northeast-2") as aws:
        deployment = Deployment(folder, stacks("defaults"), aws, missing_providers)
        deployment.apply()
        yield deployment


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker cut out to the process that prints the summary."""
    if output := getattr(session.config, "workeroutput", None):
        output["cut"] = CUT


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker cut out; it has no output if it crashed."""
    CUT.update(getattr(node, "workeroutput", {}).get("cut", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if CUT:
        terminalreporter.section("cut out for want of providers", sep="-")
        for reason, addresses in CUT.items():
            terminalreporter.line(f"{reason}: {', '.join(sorted(addresses))}")


@pytest.fixture(scope="module")
def simulated_aws() -> Iterator[None]:
    """Send every AWS request to moto, on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "simulated",
        "AWS_SECRET_ACCESS_KEY": "simulated",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield
    server.stop()
