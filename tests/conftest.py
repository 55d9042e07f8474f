"""What all tests share, whichever of them are run: nothing of the machine that they run on reaches them.

A proxy of the environment would get the calls to servers on this machine, ``NO_PROXY`` would keep from a test's own
proxy what is meant for it, and ``SIM_WIRE`` and the like would set up clients that a test sets up otherwise. They are
taken away here, before anything is imported that reads them, so that the processes that tests start do not inherit
them either. No test reaches beyond this machine, and none installs anything: that happens before pytest runs.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.driving import Both
from tests.properties import examples

for _name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.lower(), None)
for _name in (
    "SIM_API_KEY",
    "SIM_BASE_URL",
    "SIM_API_VERSION",
    "SIM_WIRE",
    "SIM_LOG",
    "SIM_WORKSPACE_ID",
    "SIM_WEBHOOK_SECRET",
    "SIM_BATCH_SHARED",
    "PYTHONDONTWRITEBYTECODE",
):
    os.environ.pop(_name, None)
sys.dont_write_bytecode = False  # each run, and each process that a test starts, would compile all modules anew

# No example is timed: a busy machine is no bug. It is said here because `@given` takes what holds at its import.
# Examples are the same in each run, so that a run that passed passes again; HYPOTHESIS_RANDOM=1 looks for new ones.
# .ci/run asks for fewer on all Pythons but one.
settings.register_profile(
    "simstudio",
    deadline=None,
    database=None,
    print_blob=True,
    derandomize="HYPOTHESIS_RANDOM" not in os.environ,
    max_examples=examples(),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("simstudio")


@pytest.fixture
def mode() -> str:
    """The kind of client that a test runs on; ``tests.modes.both_modes`` makes it both."""
    return "sync"


@pytest.fixture
def both(mode: str) -> Both:
    """Scripted clients of the kind that ``mode`` names."""
    return Both(mode)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The drivers' sleeps take no time; what they were asked to sleep is collected."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("simstudio.transport.flow.time.sleep", slept.append)
    monkeypatch.setattr("asyncio.sleep", sleep)
    return slept


@pytest.fixture(params=[0, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The process has each umask in turn."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def pytest_collection() -> None:
    """Pause garbage collection while tests are collected, which makes next to no garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Exempt the collected tests, which live to the end, from garbage collection: it took a quarter of the time."""
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _freeze_what_stays() -> Iterator[None]:
    """Exempt what a module leaves (imports, caches, reports): a collection in a later test took 0.2 s because of it."""
    yield
    gc.collect()
    gc.freeze()
