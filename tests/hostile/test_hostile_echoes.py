"""Servers that echo what they are sent, and connections that fail: no text, frame or pickle of an error holds a key."""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simstudio import File, SimStudioError
from simstudio.services.vectorvein import WorkflowInputField
from tests.driving import frames as sse
from tests.frames import chain, leaks
from tests.hostile.servers import KEY, Call, Endless, Handler, Server, play

ECHO = {
    "X-Echo": KEY,
    "X-Request-Id": KEY,
    "Set-Cookie": f"k={KEY}",
    "Location": f"https://x.test/{KEY}",
    "X-Ca-Error-Message": KEY,
}
JSON = {
    **dict.fromkeys(("error", "message", "msg", "code", "errCode", "errMessage", "output", "taskId"), KEY),
    "details": [{KEY: KEY}],
    "data": {KEY: [KEY]},
    "status": 500,
    "success": False,
}


def lost(n: int) -> httpx.Response:
    raise httpx.ReadError(f"lost {KEY}")


def refused(n: int) -> httpx.Response:
    raise httpx.ConnectError(f"refused {KEY}")


def late(n: int) -> httpx.Response:
    raise httpx.ReadTimeout(f"late {KEY}")


HANDLERS: dict[str, Handler] = {
    **{
        f"status {status}": lambda n, status=status: httpx.Response(status, headers=ECHO, json=JSON)
        for status in (200, 302, 401, 409, 429, 500)
    },
    "a page": lambda n: httpx.Response(503, headers=ECHO, html=f"<title>{KEY}</title>"),
    "no JSON": lambda n: httpx.Response(200, headers=ECHO, content=f"{{{KEY}".encode()),
    "a list": lambda n: httpx.Response(200, headers=ECHO, json=[KEY]),
    "a stream": lambda n: httpx.Response(
        200, headers={**ECHO, "content-type": "text/event-stream"}, content=sse({"event": "error", "error": KEY})
    ),
    "spoiled gzip": lambda n: httpx.Response(
        200, headers={**ECHO, "content-encoding": "gzip"}, stream=Endless([KEY.encode()])
    ),
    "a connection that is refused": refused,
    "a connection that is lost": lost,
    "silence": late,
}
FIELDS = [WorkflowInputField("n", "f", 1)]
CALLS: dict[str, tuple[str, Call]] = {
    "execute": ("sim", lambda c: c.workflows.execute("wf", {"a": File(b"x", name="a.txt")})),
    "execute, v2": ("sim", lambda c: c.v2.runs.execute("wf", input={"a": 1})),
    "submit": ("sim", lambda c: c.workflows.submit("wf")),
    "stream": ("sim", lambda c: c.workflows.stream("wf")),
    "wait": ("sim", lambda c: c.jobs.wait("t", timeout=1)),
    "handle": ("sim", lambda c: c.jobs.handle("t").wait(timeout=1)),
    "list": ("sim", lambda c: c.v2.workflows.list("ws")),
    "list of logs": ("sim", lambda c: c.v1.logs.list("ws")),
    "upload": ("sim", lambda c: c.v1.files.upload("ws", File(b"x", name="a.txt"))),
    "download": ("sim", lambda c: c.v1.files.download("f", workspace_id="ws")),
    "resume": ("sim", lambda c: c.workflows.resume("r", 1, workflow_id="wf", context_id="c")),
    "raw response": ("sim", lambda c: c.with_raw_response.usage.limits()),
    "request": ("sim", lambda c: c.request("POST", "/x", json={"a": 1}, into=dict[str, int])),
    "documented": ("sim", lambda c: c.execute_workflow("wf", {"a": 1}, stream=True)),
    "oomol run": ("oomol", lambda c: c.tasks.run({"blockId": "a::b"}, {"timeout_ms": 1000})),
    "oomol files": ("oomol", lambda c: c.tasks.create_with_files("a::b", {}, File(b"x", name="a.txt"))),
    "oomol install": ("oomol", lambda c: c.packages.install_and_wait("p", timeout_ms=1000)),
    "oomol applets": ("oomol", lambda c: c.applets.list()),
    "oomol handle": ("oomol", lambda c: c.tasks.handle("t").wait(timeout=1)),
    "speedpix run": ("speedpix", lambda c: c.run("wf", {"a": 1}, timeout=1)),
    "speedpix upload": ("speedpix", lambda c: c.files.create(File(b"x", name="a.txt"))),
    "speedpix get": ("speedpix", lambda c: c.predictions.get("t")),
    "speedpix post": ("speedpix", lambda c: c.post("/scc/x", {"a": 1})),
    "vectorvein run": ("vectorvein", lambda c: c.workflows.run("w", FIELDS, timeout=1)),
    "vectorvein list": ("vectorvein", lambda c: c.agents.iterate()),
    "vectorvein upload": ("vectorvein", lambda c: c.files.upload(Path(__file__))),
    "vectorvein handle": ("vectorvein", lambda c: c.agent_tasks.handle("t").wait(timeout=1)),
}  # fmt: skip


def shown(error: BaseException) -> str:
    """What a program may print, log or send on of an error."""
    texts = ["".join(traceback.format_exception(error)), repr(error)]
    texts += [pickle.dumps(error).decode("latin-1"), pickle.dumps(copy.copy(error)).decode("latin-1")]
    for each in chain(error):
        response = getattr(each, "response", None)
        texts += [repr(each.args), repr(vars(each)), repr(headers_held_by(each))]
        if isinstance(each, SimStudioError) and response is not None:
            texts += [response.text, str(dict(response.headers)), response.url]
    return "\n".join(texts)


def headers_held_by(error: BaseException) -> list[tuple[str, str]]:
    """The headers of the requests that an error of an HTTP library keeps."""
    requests = [value for value in vars(error).values() if isinstance(value, httpx.Request)]
    return [pair for request in requests for pair in request.headers.items()]


def failures(mode: str, call: str) -> Iterator[SimStudioError]:
    """What a call raises, for each way to answer it; some answers are none of its failures."""
    service, use = CALLS[call]
    for handler in HANDLERS.values():
        try:
            play(mode, service, Server(handler), use, max_retries=1)
        except SimStudioError as error:
            yield error


@pytest.mark.parametrize("call", CALLS)
def test_no_error_holds_a_key(call: str, no_waiting: list[float]) -> None:
    check(failures("sync", call))


@pytest.mark.parametrize("call", ["execute", "stream", "list", "upload", "speedpix run"])
def test_no_error_of_an_async_client_holds_a_key(call: str, no_waiting: list[float]) -> None:
    check(failures("async", call))


def check(errors: Iterator[SimStudioError]) -> None:
    found = list(errors)
    assert len(found) > len(HANDLERS) // 2
    for error in found:
        assert leaks(error, KEY) == []
        assert KEY not in shown(error)
