"""The key appears nowhere but in the header of a request to the configured origin, and in a pickled client."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from simstudio import APIConnectionError, APITimeoutError, InvalidInputError, SimStudioError, UsageLimits
from simstudio.transport.auth import Credentials
from simstudio.transport.logging import Logging
from tests.driving import KEY, Both, answer, streamed
from tests.driving import frames as sent_frames
from tests.frames import chain, frames, reprs
from tests.modes import both_modes
from tests.scripts import reached

ECHO = {
    "X-Echo": KEY,
    "X-Request-Id": f"r-{KEY}",
    "Server": KEY,
    "Set-Cookie": f"k={KEY}",
    "Location": f"https://x.test/{KEY}",
}


def echo(status: int, body: Any = None, content: bytes | None = None, **headers: str) -> Any:
    """An answer of a server that shows whoever asks what it was asked with."""
    return answer(status, body, content=content, headers={**ECHO, "Content-Type": "application/json", **headers})


def everything(error: BaseException) -> str:
    """All that a program may print, log or send on of an error."""
    texts = [str(error), repr(error), "".join(traceback.format_exception(error))]
    texts += [pickle.dumps(error).decode("latin-1"), pickle.dumps(copy.copy(error)).decode("latin-1")]
    texts += [repr(vars(error))]
    for cause in chain(error):  # Dask pickles them along (tblib)
        texts += [repr(cause.args), repr(vars(cause))]
    for response in [
        getattr(error, "response", None),
        *(attempt.response for attempt in getattr(error, "history", ())),
    ]:
        if response is not None:
            texts += [repr(response), response.text, str(dict(response.headers)), response.url]
    for frame in frames(error):
        for value in frame.f_locals.values():
            texts += reprs(value)
    return "\n".join(texts)


Call = Callable[[Any], Any]


def execute(made: Any) -> Any:
    return made.workflows.execute("wf", {"a": 1})


def status(made: Any) -> Any:
    return made.workflows.status("wf")


def wait(made: Any) -> Any:
    return made.jobs.wait("t1", timeout=5)


async def stream(both: Both, made: Any) -> Any:
    opened = await both(made.workflows.stream("wf"))
    return await both(opened.result())


FAILURES: dict[str, tuple[Call, list[Any]]] = {
    **{
        f"status {code}": (status, [echo(code, {"error": f"No {KEY}", "code": KEY, "details": [{KEY: KEY}]})])
        for code in (302, 400, 401, 402, 403, 404, 409, 418, 423)
    },
    "status 500 again and again": (status, [echo(500, {"error": KEY})] * 3),
    "a proxy's page": (status, [echo(404, content=f"<html><title>{KEY}</title>{KEY}</html>".encode())]),
    "an execution's 429": (execute, [echo(429, {"error": f"mine {KEY}", "message": KEY})]),
    "a failed execution": (execute, [echo(500, {"success": False, "output": {KEY: KEY}, "error": KEY, "code": KEY})]),
    "a timed out execution": (execute, [echo(408, {"success": False, "output": [KEY], "error": KEY})]),
    "a page instead of a result": (execute, [echo(200, content=f"<html>{KEY}".encode())]),
    "bytes instead of a result": (execute, [echo(200, content=KEY.encode() + b"\xff")]),
    "an unknown answer": (status, [echo(200, [KEY])]),
    "a flat method's unknown answer": (lambda made: made.get_job_status("t1"), [echo(200, [KEY])]),
    "a user's type": (lambda made: made.request("GET", "/api/x", into=dict[str, int]), [echo(200, {KEY: KEY})]),
    "a receipt without an id": (lambda made: made.workflows.submit("wf"), [echo(202, {"message": KEY})]),
    "a result instead of a receipt": (
        lambda made: made.workflows.submit("wf"),
        [echo(200, {"success": True, "output": KEY})],
    ),
    "a failed job": (
        wait,
        [echo(200, {"taskId": "t1", "status": "failed", "error": KEY, "output": KEY, "metadata": {"k": KEY}})],
    ),
    "a failed workflow of a job": (
        wait,
        [echo(200, {"taskId": "t1", "status": "completed", "output": {"success": False, "output": KEY, "error": KEY}})],
    ),
    "a cancelled job": (wait, [echo(200, {"taskId": "t1", "status": "cancelled", KEY: KEY})]),
    "a connection lost after an answer": (
        status,
        [echo(503, {"error": KEY}), APIConnectionError("lost"), APIConnectionError(f"lost {KEY}")],
    ),
    "a silence": (status, [APITimeoutError(f"silent {KEY}")] * 3),
    "a path with the key": (lambda made: made.request("GET", f"/api/x?key={KEY}"), [echo(404, {"error": KEY})]),
}
STREAMS: dict[str, bytes] = {
    "an error frame": sent_frames({"blockId": KEY, "chunk": KEY}, {"event": "error", "error": KEY, KEY: KEY}),
    "an end too early": sent_frames({"blockId": "b", "chunk": KEY}),
    "garbage": sent_frames({"blockId": "b", "chunk": KEY}) + b"data: " + KEY.encode() + b"\xff\n\n",
}


@pytest.mark.parametrize("name", FAILURES)
async def test_no_error_of_a_call_holds_it(both: Both, no_waiting: list[float], name: str) -> None:
    call, answers = FAILURES[name]
    made = both.client(*map(copy.deepcopy, answers))
    with pytest.raises(SimStudioError) as caught:
        await both(call(made))
    assert KEY not in everything(caught.value)
    for cause in (caught.value.__cause__, caught.value.__context__):
        assert cause is None or KEY not in "".join(traceback.format_exception(cause))


@both_modes
@pytest.mark.parametrize("name", STREAMS)
async def test_no_error_of_a_stream_holds_it(both: Both, name: str) -> None:
    with pytest.raises(SimStudioError) as caught:
        await stream(both, both.client(streamed(STREAMS[name])))
    assert KEY not in everything(caught.value)


async def test_a_job_that_is_never_done_holds_it_not(both: Both, no_waiting: list[float]) -> None:
    pending = echo(200, {"taskId": "t1", "status": "processing", "error": KEY, "output": KEY})
    made = both.client(*[pending] * 200)
    with pytest.raises(SimStudioError) as caught:
        await both(made.jobs.wait("t1", timeout=0.01))
    assert KEY not in everything(caught.value)


async def test_no_error_of_bad_arguments_holds_it(both: Both) -> None:
    made = both.client()
    for call in (
        lambda: made.workflows.execute(KEY + "\ud800"),
        lambda: made.request("GET", f"https://{KEY}/"),
        lambda: made.request("GET", "/x", headers={"X": KEY + "\n"}),
        lambda: made.workflows.execute("wf", {"a": {KEY}, (KEY,): 1}),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await both(call())
        assert KEY not in everything(caught.value)


async def test_no_answer_that_is_kept_holds_the_requests(both: Both) -> None:
    limits = {"success": True, "usage": {"plan": "free"}}
    made = both.client(answer(200, limits), answer(200, limits))
    model = await both(made.usage.limits())
    raw = await both(made.with_raw_response.usage.limits())
    assert isinstance(model, UsageLimits)
    for thing in (model, raw, raw.response, raw.parse()):
        assert KEY.encode() not in pickle.dumps(thing)
        assert KEY not in repr(thing)


async def test_no_log_holds_it_at_any_level_bodies_included(both: Both, no_waiting: list[float]) -> None:
    stream_ = io.StringIO()
    handler = logging.StreamHandler(stream_)
    shown: list[str] = []
    handler.addFilter(lambda record: shown.append(repr(vars(record))) is None)
    root = logging.getLogger()
    levels = [(logger, logger.level) for logger in (root, logging.getLogger("simstudio"))]
    root.addHandler(handler)
    for logger, _ in levels:
        logger.setLevel(1)
    try:
        for call, answers in FAILURES.values():
            made = both.client(
                *map(copy.deepcopy, answers),
                middleware=lambda stack: [*stack[:-1], Logging(bodies=True, credentials=stack[0].credentials)],
                headers={"X-Mine": f"mine {KEY}"},
            )
            with pytest.raises(SimStudioError):
                await both(call(made))
    finally:
        root.removeHandler(handler)
        for logger, level in levels:
            logger.setLevel(level)
    assert len(shown) > 2 * len(FAILURES)
    assert KEY not in stream_.getvalue()
    assert KEY not in "".join(shown)


@both_modes
def test_no_part_of_a_client_shows_it(both: Both) -> None:
    made = both.client(headers={"X-Mine": KEY})
    for thing in (
        made,
        made.jobs,
        made.workflows.execute,
        made.with_raw_response,
        made.with_options(timeout=1),
        *reached(made),
    ):
        assert KEY not in repr(thing), type(thing)
        assert KEY not in f"{thing}"


def test_the_requests_a_middleware_sees_do_not_show_it() -> None:
    from simstudio import Request
    from simstudio.transport.message import Headers

    request = Request("POST", f"https://x.test/y?{KEY}", Headers({"X-API-Key": KEY}), json.dumps(KEY).encode())
    assert KEY not in repr(request)
    assert KEY not in repr(request.headers)
    assert KEY not in repr(Credentials(KEY))
