"""The AWS provider as a process that serves many commands, for it takes a second to start.

Terraform starts the provider's program up to three times for each command. A provider that was
started with `-debug` takes commands until it is ended, one at a time and with one configuration:
https://developer.hashicorp.com/terraform/plugin/debugging#terraform-cli-provider-debugging
"""

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# A quarter more than what is in use between commands; beyond it, garbage is collected.
_MEMORY = "300MiB"
# Ends it with this process, should that be killed: then its standard input ends.
_UNTIL_EOF = '"$0" -debug & cat > /dev/null; kill $!'
_INSTALLED = ".terraform/providers/registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws_*"


class _Provider:
    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        # Asked for again and again, its HTTP client takes no authorities besides the system's.
        environment = {k: v for k, v in environment.items() if k != "AWS_CA_BUNDLE"}
        self._process = subprocess.Popen(
            ["sh", "-c", _UNTIL_EOF, program],
            env={**environment, "GOMEMLIMIT": _MEMORY},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"TF_REATTACH_PROVIDERS='(.*)'", line):
                self.address = found[1]
                return
        raise RuntimeError(f"{program} -debug ended with {self._process.wait()}")

    def close(self) -> None:
        self._process.communicate()


class Providers:
    """As many providers as there are commands at a time, by their environment."""

    def __init__(self) -> None:
        self._all: list[_Provider] = []
        self._free: defaultdict[frozenset[tuple[str, str]], list[_Provider]] = defaultdict(list)

    @contextmanager
    def attached(self, folder: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """Give the environment for a command in a folder where Terraform installed the provider."""
        program = next(folder.glob(_INSTALLED), None)
        if not program:  # OpenTofu's, which has another address
            yield dict(environment)
            return
        free = self._free[frozenset(environment.items())]
        try:
            provider = free.pop()
        except IndexError:
            provider = _Provider(program, environment)
            self._all.append(provider)
        try:
            yield {**environment, "TF_REATTACH_PROVIDERS": provider.address}
        finally:
            free.append(provider)

    def close(self) -> None:
        """End them."""
        for provider in self._all:
            provider.close()
