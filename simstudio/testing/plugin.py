"""The pytest plugin: fixtures for local servers, their clients, cassettes, strict models and a blocked network.

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
    from simstudio.sandbox.services.oomol import OomolSandbox
    from simstudio.sandbox.services.speedpix import SpeedPixSandbox
    from simstudio.sandbox.services.vectorvein import VectorVeinSandbox

_SERVICES = ("oomol", "speedpix", "vectorvein")
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
def sim_api_version() -> str | None:
    """Version of the API that `sim_client` and `sim_async_client` use: ``v1``, ``v2``, or None for the default.

    For both: ``@pytest.mark.parametrize("sim_api_version", ["v1", "v2"])``.
    """
    return None


@pytest.fixture
def sim_client(sim_server: SandboxServer, sim_api_version: str | None) -> Iterator[SimStudioClient]:
    """A client of `sim_server`, closed after the test."""
    with sim_server.client(**_version(sim_api_version)) as client:
        yield client


@pytest.fixture
def sim_async_client(
    sim_server: SandboxServer, sim_api_version: str | None, request: pytest.FixtureRequest
) -> Iterator[AsyncSimStudioClient]:
    """An async client of `sim_server`, closed at the end of the test in the test's event loop."""
    yield from _until_end_of_test(sim_server.async_client(**_version(sim_api_version)), request)


@pytest.fixture
def oomol_sandbox() -> OomolSandbox:
    """A local Oomol Connect with its default blocks, before it listens, so that blocks can be added."""
    from simstudio.sandbox.services.oomol import OomolSandbox

    return OomolSandbox()


@pytest.fixture
def speedpix_sandbox() -> SpeedPixSandbox:
    """A local SpeedPix with its default workflows, before it listens, so that workflows can be added."""
    from simstudio.sandbox.services.speedpix import SpeedPixSandbox

    return SpeedPixSandbox()


@pytest.fixture
def vectorvein_sandbox() -> VectorVeinSandbox:
    """A local VectorVein with its default workflow, before it listens, so that workflows can be added."""
    from simstudio.sandbox.services.vectorvein import VectorVeinSandbox

    return VectorVeinSandbox()


def _server_fixture(service: str) -> Any:
    def serve(request: pytest.FixtureRequest) -> Iterator[Any]:
        with request.getfixturevalue(f"{service}_sandbox").serve() as server:
            yield server

    serve.__doc__ = f"The server of `{service}_sandbox`, which listens on a port of this machine."
    return pytest.fixture(name=f"{service}_server")(serve)


def _client_fixture(service: str) -> Any:
    def connect(request: pytest.FixtureRequest) -> Iterator[Any]:
        with request.getfixturevalue(f"{service}_server").client() as client:
            yield client

    connect.__doc__ = f"A client of `{service}_server`, closed after the test."
    return pytest.fixture(name=f"{service}_client")(connect)


def _async_client_fixture(service: str) -> Any:
    def connect(request: pytest.FixtureRequest) -> Iterator[Any]:
        yield from _until_end_of_test(request.getfixturevalue(f"{service}_server").async_client(), request)

    connect.__doc__ = f"An async client of `{service}_server`, closed at the end of the test in the test's event loop."
    return pytest.fixture(name=f"{service}_async_client")(connect)


oomol_server, speedpix_server, vectorvein_server = map(_server_fixture, _SERVICES)
oomol_client, speedpix_client, vectorvein_client = map(_client_fixture, _SERVICES)
oomol_async_client, speedpix_async_client, vectorvein_async_client = map(_async_client_fixture, _SERVICES)


def _version(api_version: str | None) -> dict[str, Any]:
    return {} if api_version is None else {"api_version": api_version}


def _until_end_of_test(client: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """An async client that is closed in the event loop of the test."""
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
