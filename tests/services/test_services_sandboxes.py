"""The sandboxes of the services run users' functions in the background, side by side."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from simstudio import SimStudioError
from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.services.speedpix import SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from simstudio.services.oomol import TaskFailedError
from simstudio.services.speedpix import PredictionError
from simstudio.services.vectorvein import WorkflowError, WorkflowInputField
from simstudio.transport.flow import Flow
from simstudio.transport.message import Request, Response

LONGEST = 20.0


@attrs.frozen
class Case:
    """A service: its sandbox, how a function becomes a run, and how a run begins."""

    sandbox: Callable[[], Any]
    register: Callable[[Any, Any], None]
    begin: Callable[[Any], Any]
    fails: type[Exception]


CASES = {
    "oomol": Case(
        OomolSandbox,
        lambda sandbox, function: sandbox.block("mine::f")(function),
        lambda client: client.tasks.handle(client.tasks.create({"blockId": "mine::f", "inputValues": {"n": 1}})),
        TaskFailedError,
    ),
    "speedpix": Case(
        lambda: SpeedPixSandbox(states=()),
        lambda sandbox, function: sandbox.workflow("f")(function),
        lambda client: client.run("f", {"n": 1}, wait=False),
        PredictionError,
    ),
    "vectorvein": Case(
        lambda: VectorVeinSandbox(polls=0),
        lambda sandbox, function: sandbox.workflow("f")(function),
        lambda client: client.workflows.submit("f", [WorkflowInputField("node", "n", 1)]),
        WorkflowError,
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def meeting() -> Callable[..., Any]:
    """A plain function of which two calls wait for each other."""
    barrier = threading.Barrier(2)

    def meet(inputs: Any) -> Any:
        barrier.wait(LONGEST)
        return {"met": inputs["n"]}

    return meet


def async_meeting() -> Callable[..., Any]:
    """An async function of which two calls wait for each other."""
    arrived: list[Any] = []

    async def meet(inputs: Any) -> Any:
        arrived.append(inputs)
        for _ in range(round(LONGEST * 100)):
            if len(arrived) == 2:
                return {"met": inputs["n"]}
            await asyncio.sleep(0.01)
        raise AssertionError("the other call did not begin")

    return meet


@pytest.mark.parametrize("function", [meeting, async_meeting])
def test_a_run_begins_at_once_and_functions_run_side_by_side(case: Case, function: Callable[[], Any]):
    sandbox = case.sandbox()
    case.register(sandbox, function())

    with sandbox.serve() as server, server.client() as client:
        runs = [case.begin(client) for _ in range(2)]
        ended = [run.wait(timeout=LONGEST, poll_interval=0.02) for run in runs]

    assert all(state.succeeded for state in ended)


def exit_plainly(inputs: Any) -> Any:
    raise SystemExit(inputs["n"])


async def exit_async(inputs: Any) -> Any:
    raise SystemExit(inputs["n"])


def return_awaitable(inputs: Any) -> Any:
    return exit_async(inputs)


@pytest.mark.parametrize("function", [exit_plainly, exit_async, return_awaitable])
def test_a_function_that_exits_ends_its_run_and_not_the_server(case: Case, function: Any):
    sandbox = case.sandbox()
    case.register(sandbox, function)

    with sandbox.serve() as server, server.client() as client:
        for _ in range(2):
            with pytest.raises(case.fails, match="SystemExit: 1"):
                case.begin(client).wait(timeout=LONGEST, poll_interval=0.02)


async def cancel_itself(inputs: Any) -> Any:
    raise asyncio.CancelledError


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 does not tell whether a task was cancelled")
def test_a_function_that_raises_a_cancellation_has_failed(case: Case):
    sandbox = case.sandbox()
    case.register(sandbox, cancel_itself)

    with sandbox.serve() as server, server.client() as client, pytest.raises(case.fails, match="CancelledError"):
        case.begin(client).wait(timeout=LONGEST, poll_interval=0.02)


def test_an_output_that_contains_itself_has_failed(case: Case):
    output: list[Any] = []
    output.append(output)
    sandbox = case.sandbox()
    case.register(sandbox, lambda inputs: output)

    with sandbox.serve() as server, server.client() as client, pytest.raises(case.fails, match="contains itself"):
        case.begin(client).wait(timeout=LONGEST, poll_interval=0.02)


def test_a_sandbox_ends_while_functions_run(case: Case):
    begun, over = threading.Event(), threading.Event()

    def wait(inputs: Any) -> Any:
        begun.set()
        return over.wait(LONGEST)

    sandbox = case.sandbox()
    case.register(sandbox, wait)
    with sandbox.serve() as server, server.client() as client:
        case.begin(client)
        assert begun.wait(LONGEST)
    over.set()


def test_the_result_of_a_prediction_is_refused_while_it_runs():
    sandbox, over = SpeedPixSandbox(states=()), threading.Event()
    sandbox.workflow("f")(lambda inputs: over.wait(LONGEST) and inputs)

    with sandbox.serve() as server, server.client() as client:
        run = client.run("f", {"n": 1}, wait=False)
        early = client.post("/scc/comfy_get_result", {"taskId": run.id}).json()
        over.set()
        assert run.wait(timeout=LONGEST).output == {"n": 1}
    assert (early["status"], early["errCode"]) == (20, "TASK_NOT_FINISHED")


def replace_body(body: bytes, **headers: str) -> Any:
    """Middleware that sends another body, as a client in another language may."""

    def replace(request: Request, call_next: Any) -> Flow[Response]:
        request.content = body
        request.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return (yield from call_next(request))

    return [replace]


@pytest.mark.parametrize(
    ("body", "said"), [(b"{", "body is not JSON"), (b"[" * 100_000, "body is not JSON"), (b"[]", "object")]
)
def test_a_body_that_cannot_be_read_is_refused_in_the_form_of_the_service(case: Case, body: bytes, said: str):
    with (
        case.sandbox().serve() as server,
        server.client(middleware=replace_body(body), max_retries=0) as client,
        pytest.raises(SimStudioError, match=said) as caught,
    ):
        case.begin(client)
    assert caught.value.status in (200, 400)


def test_a_form_with_inputs_that_are_not_json_is_refused():
    form = b'--x\r\nContent-Disposition: form-data; name="inputValues"\r\n\r\n[1\r\n--x--\r\n'
    middleware = replace_body(form, content_type="multipart/form-data; boundary=x")
    with (
        OomolSandbox().serve() as server,
        server.client(middleware=middleware) as client,
        pytest.raises(SimStudioError, match="inputValues is not JSON"),
    ):
        client.tasks.create({"blockId": "sandbox::echo"})


@pytest.mark.parametrize(
    ("body", "said"), [({}, "'wid' is missing"), ({"wid": "hello", "input_fields": 5}, "bad request: .* not iterable")]
)
def test_a_request_to_vectorvein_that_lacks_something_is_refused_by_name(body: dict[str, object], said: str):
    with VectorVeinSandbox().serve() as server, server.client() as client, pytest.raises(SimStudioError, match=said):
        client.request("POST", "/workflow/run", json=body)


def test_a_page_without_rows_is_refused_by_vectorvein():
    with VectorVeinSandbox().serve() as server, server.client() as client, pytest.raises(SimStudioError, match="400"):
        client.list_workflows(page_size=0)
