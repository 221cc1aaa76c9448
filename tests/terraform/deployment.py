"""All stacks of a settings file, deployed on a simulated AWS in the order of a user."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.terraform.cut import Stack
from tests.terraform.roots import Root
from tests.terraform.simulated_aws import SimulatedAws

# Order of a user's `cdktf deploy`: what others look up goes first; the rest in any order.
FIRST = ("base", "load_balancer")
LAST = ("grafana",)


class Deployment:
    """All stacks of one settings file on one simulated AWS."""

    def __init__(
        self, folder: Path, stacks: dict[str, Stack], aws: SimulatedAws, missing: set[str]
    ) -> None:
        self.aws = aws
        self.roots = {
            name: Root(folder / name, stack, aws, missing) for name, stack in stacks.items()
        }
        for root in self.roots.values():
            root.init()

    def _waves(self) -> list[list[Root]]:
        hubs = [name for name in self.roots if "-" not in name and name not in FIRST + LAST]
        members = [name for name in self.roots if "-" in name]
        doors = [name for name in members if name.startswith("load_balancer-")]
        waves = [[name] for name in FIRST if name in self.roots]
        waves += [hubs, doors, [name for name in members if name not in doors]]
        waves.append([name for name in LAST if name in self.roots])
        return [[self.roots[name] for name in wave] for wave in waves if wave]

    def _all_at_once(self, work: Callable[[Root], object], roots: list[Root]) -> None:
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(work, roots))

    def apply(self) -> None:
        for wave in self._waves():
            self._all_at_once(Root.apply, wave)

    def assert_nothing_to_do(self) -> None:
        self._all_at_once(Root.assert_nothing_to_do, list(self.roots.values()))

    def destroy(self) -> None:
        for wave in reversed(self._waves()):
            self._all_at_once(Root.destroy, wave)
