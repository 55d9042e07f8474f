from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from simstudio import APIConnectionError, ConfigurationError, Request, Response
from simstudio.transport.flow import Blocking, Call, Flow, FromBody, Gather, Sleep, adrive, drive
from tests.driving import AsyncScript, Both, Pieces, Script, answer, frames, streamed
from tests.modes import MODES, both_modes


class Driver:
    """``drive`` or ``adrive`` over a script."""

    def __init__(self, asynchronous: bool) -> None:
        self.asynchronous = asynchronous

    async def __call__(self, flow: Any, *answers: Any, seen: list[Response] | None = None) -> Any:
        if self.asynchronous:
            return await adrive(flow, AsyncScript(list(answers)), seen=seen)
        return drive(flow, Script(list(answers)), seen=seen)


@pytest.fixture(params=MODES)
def driven(request: pytest.FixtureRequest) -> Driver:
    return Driver(request.param == "async")


GET = Request("GET", "https://sim.test/api/x")


async def test_a_request_brings_its_response_and_the_flow_its_result(driven: Driver) -> None:
    def flow() -> Any:
        response = yield GET
        return response.status

    assert await driven(flow(), answer(204)) == 204


async def test_flows_compose_by_yield_from(driven: Driver) -> None:
    def inner() -> Any:
        return (yield GET).status

    def outer() -> Any:
        first = yield from inner()
        return first, (yield from inner())

    assert await driven(outer(), answer(200), answer(204)) == (200, 204)


async def test_a_flow_that_needs_nothing_just_returns(driven: Driver) -> None:
    def flow() -> Any:
        return 5
        yield

    assert await driven(flow()) == 5


async def test_a_sleep_waits_its_seconds(driven: Driver, no_waiting: list[float]) -> None:
    def flow() -> Any:
        assert (yield Sleep(1.5)) is None

    await driven(flow())
    assert no_waiting == [1.5]


async def test_a_failure_is_thrown_into_the_flow_which_may_mend_it(driven: Driver) -> None:
    def flow() -> Any:
        try:
            yield GET
        except APIConnectionError as error:
            return str(error)

    assert await driven(flow(), APIConnectionError("refused")) == "refused"


async def test_a_failure_that_the_flow_cannot_use_comes_out_itself(driven: Driver) -> None:
    failure = KeyError("mine")

    def flow() -> Any:
        yield GET

    with pytest.raises(KeyError) as caught:
        await driven(flow(), failure)
    assert caught.value is failure


async def test_an_interruption_is_thrown_into_the_flow_too(driven: Driver) -> None:
    told: list[str] = []

    def flow() -> Any:
        try:
            yield GET
        finally:
            told.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        await driven(flow(), KeyboardInterrupt())
    assert told == ["cleaned up"]


async def test_a_flow_may_go_on_after_a_failure(driven: Driver, no_waiting: list[float]) -> None:
    def flow() -> Any:
        while True:
            try:
                return (yield GET).status
            except APIConnectionError:
                yield Sleep(0.25)

    assert await driven(flow(), APIConnectionError("1"), APIConnectionError("2"), answer(200)) == 200
    assert no_waiting == [0.25, 0.25]


async def test_every_response_is_collected_when_asked(driven: Driver) -> None:
    def flow() -> Any:
        yield GET
        yield GET

    seen: list[Response] = []
    await driven(flow(), answer(200), answer(204), seen=seen)
    assert [response.status for response in seen] == [200, 204]


class TestCall:
    async def test_a_function_is_called_and_its_value_comes_back(self, driven: Driver) -> None:
        def flow() -> Any:
            return (yield Call(lambda a, b: a + b, 1, 2))

        assert await driven(flow()) == 3

    async def test_what_it_raises_comes_out(self, driven: Driver) -> None:
        def stop() -> None:
            raise LookupError("enough")

        def flow() -> Any:
            yield Call(stop)

        with pytest.raises(LookupError, match="enough"):
            await driven(flow())

    async def test_what_an_async_function_returns_is_awaited(self) -> None:
        async def later(value: int) -> int:
            await asyncio.sleep(0)
            return value + 1

        def flow() -> Any:
            return (yield Call(later, 1))

        assert await adrive(flow(), AsyncScript([])) == 2

    def test_the_sync_driver_refuses_an_async_function_by_name(self) -> None:
        async def later() -> None:
            raise AssertionError("never runs")

        def flow() -> Any:
            yield Call(later)

        with pytest.raises(ConfigurationError, match=r"later is async, and this client is not"):
            drive(flow(), Script([]))


class TestBlocking:
    async def test_a_function_that_blocks_runs_beside_the_event_loop(self, driven: Driver) -> None:
        def where(one: int) -> tuple[int, int]:
            return one, threading.get_ident()

        def flow() -> Any:
            return (yield Blocking(where, 1))

        one, thread = await driven(flow())
        assert one == 1
        assert (thread != threading.get_ident()) is driven.asynchronous

    async def test_what_it_raises_is_thrown_into_the_flow(self, driven: Driver) -> None:
        def fail() -> None:
            raise OSError("gone")

        def flow() -> Any:
            try:
                yield Blocking(fail)
            except OSError as error:
                return str(error)

        assert await driven(flow()) == "gone"


class TestBodies:
    async def test_pieces_are_read_one_by_one(self, driven: Driver) -> None:
        def flow() -> Any:
            response = yield GET
            body = response.body
            got = []
            while (piece := (yield FromBody(body, "piece"))) is not None:
                got.append(piece)
            yield FromBody(body, "close")
            return got

        response = streamed(b"a", b"b")
        assert await driven(flow(), response) == [b"a", b"b"]
        assert response.body is None

    async def test_the_rest_can_be_read_into_the_response(self, driven: Driver) -> None:
        def flow() -> Any:
            response = yield GET
            yield FromBody(response.body, "read")
            return response.content

        assert await driven(flow(), streamed(b"a", b"b")) == b"ab"

    async def test_a_response_is_left_open_for_who_gets_it(self, driven: Driver) -> None:
        def flow() -> Any:
            return (yield GET)

        response = streamed(b"a")
        assert (await driven(flow(), response)).body is not None

    async def test_one_still_open_is_closed_when_the_flow_fails(self, driven: Driver) -> None:
        def flow() -> Any:
            yield GET
            raise ValueError("my own")

        response = streamed(b"a")
        body = response.body
        with pytest.raises(ValueError, match="my own"):
            await driven(flow(), response)
        assert isinstance(body, Pieces)
        assert body.did == ["close"]

    async def test_one_already_closed_is_left_alone(self, driven: Driver) -> None:
        def flow() -> Any:
            response = yield GET
            yield FromBody(response.body, "close")
            raise ValueError("my own")

        response = streamed(b"a")
        body = response.body
        with pytest.raises(ValueError, match="my own"):
            await driven(flow(), response)
        assert isinstance(body, Pieces)
        assert body.did == ["close"]

    async def test_each_open_one_is_closed_when_the_flow_fails(self, driven: Driver) -> None:
        def flow() -> Any:
            yield GET
            yield GET
            raise ValueError("my own")

        responses = streamed(b"a"), streamed(b"b")
        with pytest.raises(ValueError, match="my own"):
            await driven(flow(), *responses)
        assert [response.body for response in responses] == [None, None]


class TestCancellation:
    async def test_a_cancelled_flow_may_clean_up_even_with_steps(self) -> None:
        told: list[str] = []

        def flow() -> Any:
            try:
                yield Sleep(60.0)
            finally:
                yield Call(told.append, "told")

        task = asyncio.ensure_future(adrive(flow(), AsyncScript([])))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert told == ["told"]

    async def test_an_open_response_is_closed(self) -> None:
        response = streamed(frames({"blockId": "b", "chunk": "x"}))
        body = response.body

        def flow() -> Any:
            yield GET
            yield Sleep(60.0)

        task = asyncio.ensure_future(adrive(flow(), AsyncScript([response])))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert isinstance(body, Pieces)
        assert body.did == ["close"]


class TestMistakes:
    """Of middleware written by users."""

    @both_modes
    async def test_a_forgotten_from_is_said(self, both: Both) -> None:
        def mine(request: Request, call_next: Any) -> Any:
            response = yield call_next(request)
            return response

        made = both.client(answer(200, {"isDeployed": True}), middleware=[mine])
        with pytest.raises(ConfigurationError, match=r"yield from call_next"):
            await both(made.workflows.status("wf"))

    @both_modes
    async def test_a_forgotten_return_is_said(self, both: Both) -> None:
        def mine(request: Request, call_next: Any) -> Any:
            yield from call_next(request)

        made = both.client(answer(200, {"isDeployed": True}), middleware=[mine])
        with pytest.raises(ConfigurationError, match=r"mine.*return"):
            await both(made.workflows.status("wf"))


def test_a_sleep_shows_its_seconds() -> None:
    assert repr(Sleep(1.5)) == "Sleep(1.5)"


@pytest.mark.parametrize(
    "step", [Sleep(0.0), Blocking(len, ""), Call(len, ""), GET], ids=["sleep", "blocking", "call", "request"]
)
def test_without_a_loop_of_asyncio_no_step_is_taken(step: Any) -> None:
    """The coroutine is driven here as another async library would drive it."""

    def flow() -> Any:
        yield step

    script = AsyncScript([answer(200)])
    with pytest.raises(ConfigurationError, match="needs a running event loop of asyncio"):
        adrive(flow(), script).send(None)
    assert script.requests == []


def _waits(event: str, log: list[str]) -> Flow[str]:
    log.append(event)
    yield Call(lambda: None)
    return event


def _fails(event: str, log: list[str]) -> Flow[str]:
    log.append(event)
    yield Call(lambda: None)
    raise ZeroDivisionError(event)


class TestGather:
    @pytest.mark.parametrize("limit", [1, 2, 9])
    async def test_the_results_are_in_the_order_of_the_flows(self, driven: Driver, limit: int) -> None:
        log: list[str] = []

        def flow() -> Flow[Any]:
            return (yield Gather([_waits(each, log) for each in "abcde"], limit))

        assert await driven(flow()) == [*"abcde"]
        assert sorted(log) == [*"abcde"]

    async def test_an_error_ends_it_and_is_raised_in_the_flow(self, driven: Driver) -> None:
        log: list[str] = []

        def flow() -> Flow[Any]:
            try:
                yield Gather([_fails("a", log), *(_waits(each, log) for each in "bcdefgh")], 1)
            except ZeroDivisionError as error:
                return str(error)

        assert await driven(flow()) == "a"
        assert log == ["a"]

    async def test_of_no_flows_it_gives_no_results(self, driven: Driver) -> None:
        def flow() -> Flow[Any]:
            return (yield Gather([], 3))

        assert await driven(flow()) == []

    @pytest.mark.parametrize(("failure", "waits"), [(ZeroDivisionError, True), (KeyboardInterrupt, False)])
    def test_an_error_stops_the_threads_and_only_ctrl_c_does_not_wait_for_them(
        self, failure: type[BaseException], waits: bool
    ) -> None:
        begun, stopped, released = threading.Event(), threading.Event(), threading.Event()
        ended: list[str] = []

        def fails() -> Flow[None]:
            yield Call(begun.wait)
            raise failure

        def runs() -> Flow[None]:
            begun.set()
            yield Call(stopped.wait)
            if not waits:
                yield Call(released.wait, 30)
            ended.append("")

        def flow() -> Flow[Any]:
            return (yield Gather([fails(), runs()], 2, stopped.set))

        with pytest.raises(failure):
            drive(flow(), Script([]))
        assert bool(ended) is waits
        released.set()

    def test_threads_run_several_at_a_time(self) -> None:
        barrier = threading.Barrier(2, timeout=30)

        def meet() -> Flow[int]:
            return (yield Call(barrier.wait))

        def flow() -> Flow[Any]:
            return (yield Gather([meet(), meet()], 2))

        assert sorted(drive(flow(), Script([]))) == [0, 1]

    async def test_a_cancellation_reaches_all_of_them(self) -> None:
        ended: list[str] = []
        begun = asyncio.Event()

        async def hang() -> None:
            begun.set()
            await asyncio.Event().wait()

        def hangs(name: str) -> Flow[None]:
            try:
                yield Call(hang)
            finally:
                ended.append(name)

        def flow() -> Flow[Any]:
            return (yield Gather([hangs("a"), hangs("b")], 2))

        task = asyncio.ensure_future(adrive(flow(), AsyncScript([])))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(ended) == ["a", "b"]
