"""Where the documents' examples are run: unchanged, against a local Sim of the generation asked for.

The examples name ids of their own and, some of them, ``https://sim.ai``. The ids are ordinary functions of the sandbox;
requests to ``https://sim.ai`` are led to it at the last moment, in httpx's and requests' transports, so that everything
above them is what a user has.
"""

from __future__ import annotations

import io
import runpy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import requests
from attrs import field, frozen

from simstudio import SimStudioClient
from simstudio.sandbox import Sandbox
from simstudio.sandbox.sandbox import SandboxServer
from simstudio.testing import block_network

EXAMPLES = Path(__file__).parent / "examples"
GENERATIONS = ("documents", "v0.4", "v0.6")
KEY = "your-api-key-here"
"""The one that the quick start holds."""
WORKFLOWS = ("workflow-id", "my-workflow-id", "workflow-1", "workflow-2", "WORKFLOW_ID")
JOB = "task-id-from-async-execution"
TEXT = "One, two"


def agent(input: dict[str, Any]) -> Iterator[str]:
    """What the workflows do."""
    yield "One"
    yield ", two"


def nothing(input: dict[str, Any]) -> dict[str, Any]:
    """What a workflow that is never run does."""
    return {}


def documented(generation: str, **options: Any) -> Sandbox:
    """A sandbox with the workflows that the documents name."""
    sandbox = Sandbox(**{"api_key": KEY, **options, "generation": generation})
    for name in WORKFLOWS:
        sandbox.workflow(name, block="agent1")(agent)
    return sandbox


@frozen
class Ran:
    """What an example did.

    Attributes:
        lines: what it printed.
        names: its variables.
    """

    lines: list[str]
    names: dict[str, Any] = field(repr=False)


@contextmanager
def world(
    base_url: str, monkeypatch: Any, *, job: str = JOB, before: Callable[[str], None] = lambda path: None
) -> Iterator[None]:
    """The environment that the examples expect.

    Args:
        base_url: what `https://sim.ai` is.
        monkeypatch: pytest's.
        job: the job that the documents' id is led to.
        before: called with the path of each request before it is sent.
    """
    monkeypatch.setenv("SIM_API_KEY", KEY)
    monkeypatch.setenv("SIM_BASE_URL", base_url)
    there = httpx.URL(base_url)

    def lead(request: httpx.Request) -> httpx.Request:
        path = request.url.path.replace(JOB, job)
        before(path)
        if request.url.host == "sim.ai":
            request.url = request.url.copy_with(scheme=there.scheme, host=there.host, port=there.port)
            request.headers["Host"] = request.url.netloc.decode()
        request.url = request.url.copy_with(path=path)
        return request

    send, asend = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request
    send_of_requests = requests.adapters.HTTPAdapter.send

    def handle(transport: Any, request: httpx.Request) -> httpx.Response:
        return send(transport, lead(request))

    async def ahandle(transport: Any, request: httpx.Request) -> httpx.Response:
        return await asend(transport, lead(request))

    def handle_of_requests(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.url = request.url.replace("https://sim.ai", base_url)
        return send_of_requests(adapter, request, *args, **kwargs)

    with (
        mock.patch.object(httpx.HTTPTransport, "handle_request", handle),
        mock.patch.object(httpx.AsyncHTTPTransport, "handle_async_request", ahandle),
        mock.patch.object(requests.adapters.HTTPAdapter, "send", handle_of_requests),
        block_network(),
    ):
        yield


def run_example(name: str, **given: Any) -> Ran:
    """Run an example as a program, unchanged.

    A few are fragments. They get what the documents' text before them has made: a ``client``, and ``datetime``.

    Args:
        name: the file, or its number.
        **given: further names that a fragment needs.
    """
    (file,) = EXAMPLES.glob(f"{name}*.py")
    given = {"client": SimStudioClient(), "datetime": datetime, **given}
    printed = io.StringIO()
    with redirect_stdout(printed):
        names = runpy.run_path(str(file), init_globals=given, run_name="__main__")
    return Ran(printed.getvalue().splitlines(), names)


def finished_job(server: SandboxServer) -> str:
    """The id of a job that has ended on a server."""
    with server.client() as client:
        receipt = client.workflows.submit("workflow-id")
        while not client.jobs.get(receipt).done:
            pause()
    return receipt.task_id


class Gate:
    """A workflow that is held in the middle of its run until it is released."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()

    def __call__(self, input: dict[str, Any]) -> dict[str, str]:
        self.entered.set()
        assert self.released.wait(5)
        return {"content": TEXT}


def pause() -> None:
    """Give the server a moment; not by `time.sleep`, which the tests replace."""
    threading.Event().wait(0.002)
