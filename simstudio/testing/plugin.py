"""The pytest plugin: fixtures for a local Sim server, its clients, cassettes, strict models and a blocked network.

pytest loads it in every run, so it imports nothing else before a fixture is used.
"""

from __future__ import annotations

import functools
import inspect
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from simstudio import AsyncSimStudioClient, SimStudioClient
    from simstudio.sandbox import Sandbox, SandboxServer

_MARKED = "_sim_marked_cassette"
_FAILED = pytest.StashKey[bool]()


class _TestFailed(Exception):  # noqa: N818 - never leaves this module
    pass


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker ``sim_cassette``."""
    config.addinivalue_line(
        "markers",
        "sim_cassette(name=None, *, all_played=False, **vcr_options): record the test's requests in a cassette beside "
        "the test's file, and replay them (simstudio.testing).",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Run a marked test inside its cassette."""
    names = getattr(item, "fixturenames", None)
    # The first fixture, so that the requests of other fixtures are recorded as well.
    if names is not None and _MARKED not in names and item.get_closest_marker("sim_cassette"):
        names.insert(0, _MARKED)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Store whether a test failed."""
    if call.excinfo is not None:
        item.stash[_FAILED] = True


@pytest.hookimpl(optionalhook=True)
def pytest_recording_configure(config: pytest.Config, vcr: Any) -> None:  # noqa: ARG001 - pytest-recording names them
    """Register the matchers of `vcr_config` with pytest-recording."""
    from simstudio.testing.matchers import register_matchers

    register_matchers(vcr)


@pytest.fixture
def sim_sandbox() -> Sandbox:
    """A local Sim server with its default workflows, before it listens, so that workflows can be added."""
    from simstudio.sandbox import Sandbox

    return Sandbox()


@pytest.fixture
def sim_server(sim_sandbox: Sandbox) -> Iterator[SandboxServer]:
    """The server of `sim_sandbox`, which listens on a port of this machine (``sim_server.base_url``)."""
    with sim_sandbox.serve() as server:
        yield server


@pytest.fixture
def sim_client(sim_server: SandboxServer) -> Iterator[SimStudioClient]:
    """A client of `sim_server`, closed after the test."""
    with sim_server.client() as client:
        yield client


@pytest.fixture
def sim_async_client(sim_server: SandboxServer, request: pytest.FixtureRequest) -> Iterator[AsyncSimStudioClient]:
    """An async client of `sim_server`, closed at the end of the test in the test's event loop."""
    client = sim_server.async_client()
    test = request.node
    # An async fixture would depend on the plugin that runs async tests, so the test itself closes the client.
    if inspect.iscoroutinefunction(getattr(test, "obj", None)):
        test.obj = _close_after(test.obj, client)
        yield client
    else:
        yield client
        _run(client.aclose)


@pytest.fixture
def sim_vcr_config() -> dict[str, Any]:
    """Options for every cassette of `sim_cassette` (see `simstudio.testing.vcr_config`). Override this fixture."""
    return {}


@pytest.fixture
def sim_cassette(
    request: pytest.FixtureRequest, sim_vcr_config: dict[str, Any]
) -> Callable[..., AbstractContextManager[Any]]:
    """A function that opens a cassette in the directory ``cassettes`` beside the test's file.

    The default name is that of the test. ``all_played=True`` requires that each exchange is replayed. Further options
    are those of `simstudio.testing.vcr_config`.

    Example:
        >>> with sim_cassette("run") as cassette:  # doctest: +SKIP
        ...     client.workflows.execute("wf", {"message": "hi"})
    """

    def sim_cassette(
        name: str | None = None, *, all_played: bool = False, **options: Any
    ) -> AbstractContextManager[Any]:
        return _cassette(
            request.path, name or _default_name(request), {**sim_vcr_config, **options}, all_played=all_played
        )

    return sim_cassette


@pytest.fixture
def sim_no_network() -> Iterator[None]:
    """Block connections to other machines while the test runs."""
    from simstudio.testing.network import block_network

    with block_network():
        yield


@pytest.fixture
def sim_strict_models() -> Iterator[None]:
    """Make every deviation of a response from its model an error while the test runs."""
    from simstudio.testing.strict import strict_models

    with strict_models():
        yield


@pytest.fixture(name=_MARKED)
def _sim_marked_cassette(request: pytest.FixtureRequest) -> Iterator[Any]:
    marker = request.node.get_closest_marker("sim_cassette")
    if marker is None:  # only other parameter sets of the test are marked
        yield None
        return
    # A failed test raises nothing in its fixtures, and vcrpy would save what it recorded.
    with suppress(_TestFailed), request.getfixturevalue("sim_cassette")(*marker.args, **marker.kwargs) as cassette:
        yield cassette
        if request.node.stash.get(_FAILED, False):
            raise _TestFailed


def _default_name(request: pytest.FixtureRequest) -> str:
    # The class and the file are part of the name, because other tests may have the same name.
    names = [request.cls.__name__] if request.cls else []
    name = re.sub(r"[^\w.,=-]+", "_", ".".join([*names, request.node.name]))
    return f"{request.path.stem}/{name.strip('_')}"


@contextmanager
def _cassette(file: Path, name: str, options: dict[str, Any], *, all_played: bool) -> Iterator[Any]:
    from simstudio.testing.cassettes import assert_all_played, make_vcr

    options.setdefault("cassette_library_dir", file.parent / "cassettes")
    with make_vcr(**options).use_cassette(name) as cassette:
        replayed = bool(cassette.rewound)
        yield cassette
        if all_played and replayed:
            assert_all_played(cassette)


def _close_after(test: Callable[..., Any], client: Any) -> Callable[..., Any]:
    @functools.wraps(test)
    async def test_and_close(*args: Any, **kwargs: Any) -> Any:
        try:
            return await test(*args, **kwargs)
        finally:
            await client.aclose()

    return test_and_close


def _run(close: Callable[[], Any]) -> None:
    # asyncio.run would unset the current event loop of the main thread.
    import asyncio

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(close())
    finally:
        loop.close()
