"""What is lost when AMP fails, and that nothing else breaks. See docs/metrics.md."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from copy import deepcopy
from functools import partial
from itertools import pairwise

import pytest
import trustme

from tests.lab.amp import AWAY, Amp, Role
from tests.lab.collectors import MINUTE, Prometheus
from tests.lab.conftest import NewAmp, NewPath
from tests.lab.process import wait_until
from tests.lab.synthesized import PROMETHEUS, Overlay
from tests.lab.world import World, run

OUTAGE = 10  # minutes
STATUSES = (429, 500, 413, AWAY)
ALL, NOTHING = True, False
LOST = {
    "prom_amp_cost": {429: NOTHING, 500: NOTHING, 413: ALL, AWAY: NOTHING},
    "prom_amp": {429: NOTHING, 500: NOTHING, 413: ALL, AWAY: NOTHING},
    "adot_amp": {429: NOTHING, 500: NOTHING, 413: ALL, AWAY: NOTHING},
}
# In every architecture, of a job that is scraped once a minute.
SAMPLES = 'kubecost_cluster_info{cluster_id="blue"}'


def lose(name: str, world: World, ca: trustme.CA, new_path: NewPath) -> dict[int, int]:
    """Let AMP fail for ten minutes; return, by its status, of how many it has no sample then."""
    amps: dict[int, Amp] = {}
    blue, overlay = world.clusters["blue"], world.overlays[name, "blue"]

    def await_each(condition: Callable[[Amp], object], what: str) -> None:
        for status, amp in amps.items():
            wait_until(partial(condition, amp), 120, f"{what}, {name} and {status}")

    with ExitStack() as running, ExitStack() as failing:
        for status in STATUSES:
            amp = amps[status] = Amp(new_path(), ca, f"ws-{name}")
            running.callback(amp.close)
            running.callback(run(name, overlay, new_path(), blue, amp).close)
        await_each(lambda amp: amp.query(SAMPLES), "samples before the outage")
        for status, amp in amps.items():
            failing.enter_context(amp.failing(status))
        end = time.time() + OUTAGE * MINUTE
        wait_until(lambda: time.time() > end, 2 * OUTAGE * MINUTE, "the end of the outage")
        failing.close()
        await_each(lambda amp: amp.times(SAMPLES)[-1] > end + MINUTE, "samples after the outage")
        return {status: gaps(amp.times(SAMPLES)) for status, amp in amps.items()}


def gaps(times: list[float]) -> int:
    return sum(round((after - before) / MINUTE) - 1 for before, after in pairwise(times))


@pytest.mark.parametrize("name", LOST)
def test_what_ten_minutes_cost(world: World, ca: trustme.CA, new_path: NewPath, name: str) -> None:
    lost = lose(name, world, ca, new_path)
    print(name, lost)
    for status in STATUSES:
        assert lost[status] >= OUTAGE - 1 if LOST[name][status] else lost[status] == 0, lost


def test_a_restart_in_an_outage_loses_what_was_not_sent(
    world: World, new_amp: NewAmp, new_path: NewPath
) -> None:
    """A change of its configuration restarts Prometheus, too."""
    amp, directory = new_amp("ws-prom_amp"), new_path()
    overlay, blue = world.overlays["prom_amp", "blue"], world.clusters["blue"]
    with ExitStack() as outage:
        with closing(run("prom_amp", overlay, directory, blue, amp)):
            wait_until(lambda: amp.query(SAMPLES), 60, "samples before the outage")
            outage.enter_context(amp.failing(429))
            end = time.time() + 4 * MINUTE
            wait_until(lambda: time.time() > end, 60, "four minutes of outage")
        restarted = run("prom_amp", overlay, directory, blue, amp)
    with closing(restarted):
        back = time.time()
        wait_until(lambda: amp.times(SAMPLES)[-1] > back, 60, "samples after the restart")
        assert gaps(amp.times(SAMPLES)) >= 3
        # The volume has them: only AMP lacks them.
        assert isinstance(restarted, Prometheus)
        kept = restarted.query(f"count_over_time({SAMPLES.partition('{')[0]}[10m])")
        assert kept[0][1] >= len(amp.times(SAMPLES)) + 3


def test_who_may_not_write_is_refused_and_goes_on(
    world: World, new_amp: NewAmp, new_path: NewPath
) -> None:
    running = []
    with ExitStack() as stack:
        for name in LOST:
            for overlay, may_only_read in (
                (in_another_region(world.overlays[name, "blue"]), False),
                (world.overlays[name, "blue"], True),
            ):
                amp = new_amp(f"ws-{name}")
                role = amp.reader if may_only_read else None
                collector = run(name, overlay, new_path(), world.clusters["blue"], amp, role)
                stack.callback(collector.close)
                running.append((amp, collector))
        for amp, collector in running:
            refused = partial(amp.received.requests.__getitem__, 403)
            wait_until(refused, 60, "a write to be refused")
            assert set(amp.received.requests) == {403}
            assert amp.names() == set()
            collector.process.assert_running()
            if isinstance(collector, Prometheus):
                local = partial(collector.query, SAMPLES.partition("{")[0])
                wait_until(local, 60, "samples in Prometheus itself")


def in_another_region(overlay: Overlay) -> Overlay:
    """Return an overlay whose collector signs for a region that AMP is not in."""
    changed = deepcopy(overlay)
    if "helm_release.collector_release" in changed.texts:
        changed.collector["alternateConfig"]["extensions"]["sigv4auth"]["region"] = "us-west-2"
    else:
        changed.edit(
            PROMETHEUS,
            lambda config: config["remote_write"][0]["sigv4"].update(region="us-west-2"),
        )
    return changed


def test_prometheus_does_not_start_without_credentials(
    world: World, new_amp: NewAmp, new_path: NewPath
) -> None:
    """Hence the release depends on the role and its policy."""
    amp = new_amp("ws-prom_amp_cost")
    overlay = world.overlays["prom_amp_cost", "blue"]
    nobody = Role("", frozenset(), "")
    with pytest.raises(RuntimeError, match="could not get SigV4 credentials"):
        run("prom_amp_cost", overlay, new_path(), world.clusters["blue"], amp, nobody)
