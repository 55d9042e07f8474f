"""Whatever replaces a method of httpx's transports (cassettes, mocks, tracers) sees every call, whenever it comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import vcr
from faultserver import FaultServer
from wireanswers import DONE, FINAL, answer, answering, streaming, text
from wirecalls import Caller, async_client_of, client_of, hasty

from simstudio import AsyncSimStudioClient, SimStudioClient
from simstudio.transport.upload import Upload

Serve = Callable[..., FaultServer]


def execute(client: Any) -> Any:
    return client.workflows.execute("wf")


def stream(client: Any) -> Any:
    return client.execute_workflow("wf", stream=True)


def as_upload(request: Any, call_next: Any) -> Any:
    request.content = Upload(request.content)
    return (yield from call_next(request))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Patch both transports when it is called; gives the paths that they carry from then on."""

    def patch() -> list[str]:
        seen: list[str] = []
        handle, ahandle = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

        def watch(self: Any, request: httpx.Request) -> httpx.Response:
            seen.append(request.url.path)
            return handle(self, request)

        async def awatch(self: Any, request: httpx.Request) -> httpx.Response:
            seen.append(request.url.path)
            return await ahandle(self, request)

        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", watch)
        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", awatch)
        return seen

    return patch


@pytest.mark.parametrize("upload", [False, True])
@pytest.mark.parametrize("use", [execute, stream])
def test_a_patch_sees_calls_streams_and_uploads(
    serve: Serve, own: Caller, watched: Callable[[], list[str]], use: Any, upload: bool
) -> None:
    server = serve(answering(streaming(text("Hi"), FINAL, DONE) if use is stream else answer()))
    seen = watched()
    own(server.url, use, middleware=lambda stack: [*hasty(stack), *([as_upload] if upload else [])])
    assert seen == ["/api/workflows/wf/execute"]


def test_a_patch_that_comes_after_a_call_sees_the_next_one(
    serve: Serve, own: Caller, watched: Callable[[], list[str]]
) -> None:
    seen: list[list[str]] = []

    def patch_and_execute(client: Any) -> Any:
        seen.append(watched())
        return execute(client)

    server = serve()
    own(server.url, execute, patch_and_execute)
    assert seen == [["/api/workflows/wf/execute"]]
    assert len(server.connections) == 1


def test_a_cassette_that_is_opened_after_a_call_records_and_replays(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    with client_of(server.url) as client:
        execute(client)
        for _ in range(2):
            with vcr.use_cassette(str(tmp_path / "tape.yaml")):
                assert execute(client).output == {"greeting": "Hello"}
            assert len(server.requests) == 2
    assert "/api/workflows/wf/execute" in (tmp_path / "tape.yaml").read_text()


async def test_a_cassette_that_is_opened_after_a_call_records_and_replays_async(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    async with async_client_of(server.url) as client:
        await execute(client)
        for _ in range(2):
            with vcr.use_cassette(str(tmp_path / "tape.yaml")):
                assert (await execute(client)).output == {"greeting": "Hello"}
            assert len(server.requests) == 2
    assert "/api/workflows/wf/execute" in (tmp_path / "tape.yaml").read_text()


@pytest.mark.parametrize("kind", [SimStudioClient, AsyncSimStudioClient])
def test_there_is_no_wire_to_choose(kind: Any) -> None:
    with pytest.raises(TypeError, match="wire"):
        kind("key", wire="httpx")


@pytest.mark.parametrize("kind", [SimStudioClient, AsyncSimStudioClient])
def test_the_setting_of_a_wire_is_ignored_with_one_line_of_the_log(
    kind: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SIM_WIRE", "sockets")
    kind("key")
    (record,) = [record for record in caplog.records if record.name.startswith("simstudio")]
    assert (record.name, record.levelname) == ("simstudio.transport", "WARNING")
    assert "SIM_WIRE is ignored" in record.getMessage()
