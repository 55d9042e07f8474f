from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from simstudio import ConfigurationError, Request, Response
from simstudio.transport.auth import APIKeyAuth
from simstudio.transport.hints import RateLimits
from simstudio.transport.logging import Logging
from simstudio.transport.retry import Retry
from simstudio.transport.stack import arrange, compose
from tests.driving import Both, answer, async_client, client, play
from tests.modes import both_modes


def naming(name: str) -> Any:
    def middleware(request: Request, call_next: Any) -> Any:
        request.headers["X-Trail"] = request.headers.get("X-Trail", "") + name
        response = yield from call_next(request)
        response.headers["X-Back"] = response.headers.get("X-Back", "") + name
        return response

    return middleware


def passing(request: Request, call_next: Any) -> Any:
    return (yield from call_next(request))


class Tracing:
    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, request: Request, call_next: Any) -> Any:
        response = yield from call_next(request)
        self.seen.append(response.status)
        return response

    def method(self, request: Request, call_next: Any) -> Any:
        return (yield from call_next(request))


async def waiting(request: Request, call_next: Any) -> Response:
    raise AssertionError("never called")


async def generating(request: Request, call_next: Any) -> AsyncIterator[Response]:
    yield answer()


def returning(request: Request, call_next: Any) -> Response:
    return answer()


def test_the_first_of_the_list_is_the_outermost() -> None:
    played = play(compose([naming("a"), naming("b")])(Request("GET", "https://x")), answer())
    assert played.requests[0].headers["X-Trail"] == "ab"
    assert played.result.headers["X-Back"] == "ba"


def test_an_empty_stack_hands_the_request_to_the_wire() -> None:
    request = Request("GET", "https://x")
    assert play(compose([])(request), answer(204)).requests == [request]


def test_a_middleware_may_answer_by_itself() -> None:
    def cached(request: Request, call_next: Any) -> Any:
        return answer(203)
        yield

    played = play(compose([cached])(Request("GET", "https://x")))
    assert played.steps == []
    assert played.result.status == 203


def test_a_middleware_sees_failures_and_may_mend_them() -> None:
    def mending(request: Request, call_next: Any) -> Any:
        try:
            return (yield from call_next(request))
        except ConnectionError:
            return answer(200)

    assert play(compose([mending])(Request("GET", "https://x")), ConnectionError()).result.status == 200


class TestArrange:
    def test_nothing_given_is_the_default(self) -> None:
        assert arrange([passing], None) == [passing]

    def test_a_list_is_appended(self) -> None:
        mine = naming("m")
        assert arrange([passing], [mine]) == [passing, mine]
        assert arrange([passing], (mine,)) == [passing, mine]

    def test_a_function_gets_a_copy_of_the_default_and_returns_the_one_to_use(self) -> None:
        default = [passing]

        def choose(stack: list[Any]) -> list[Any]:
            stack.clear()
            return [*stack, tracing]

        tracing = Tracing()
        assert arrange(default, choose) == [tracing]
        assert default == [passing]

    def test_a_function_may_return_any_iterable(self) -> None:
        assert arrange([passing], lambda stack: (item for item in stack)) == [passing]

    @pytest.mark.parametrize(
        "middleware",
        [passing, Tracing(), Tracing().method, functools.partial(passing), functools.partial(Tracing())],
        ids=["function", "object", "method", "partial", "partial of an object"],
    )
    def test_anything_that_makes_a_generator_is_middleware(self, middleware: Any) -> None:
        played = play(compose(arrange([], [middleware]))(Request("GET", "https://x")), answer(202))
        assert played.result.status == 202

    def test_a_partial_keeps_its_arguments(self) -> None:
        def tagging(tag: str, request: Request, call_next: Any) -> Any:
            request.headers["X-Tag"] = tag
            return (yield from call_next(request))

        played = play(compose(arrange([], [functools.partial(tagging, "t")]))(Request("GET", "https://x")), answer())
        assert played.requests[0].headers["X-Tag"] == "t"

    @pytest.mark.parametrize("middleware", [waiting, generating, functools.partial(waiting)])
    def test_an_async_one_is_refused_by_name(self, middleware: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"The middleware (waiting|generating) is async"):
            arrange([], [middleware])

    @pytest.mark.parametrize(
        ("middleware", "name"),
        [
            (returning, "returning"),
            (functools.partial(returning), "returning"),
            (Tracing, "Tracing"),
            (5, "int"),
            ("auth", "str"),
        ],
    )
    def test_one_that_is_no_generator_is_refused_by_name(self, middleware: Any, name: str) -> None:
        with pytest.raises(ConfigurationError, match=f"The middleware {name} is not a generator function"):
            arrange([], [middleware])

    @pytest.mark.parametrize("option", [5, "passing", b"x"])
    def test_what_is_neither_a_list_nor_a_function_is_refused(self, option: Any) -> None:
        with pytest.raises(ConfigurationError, match="middleware= takes a list of middleware or a function of one"):
            arrange([], option)

    @pytest.mark.parametrize("given", [None, 5, "passing"])
    def test_a_function_that_returns_no_list_is_refused_by_name(self, given: Any) -> None:
        def choose(stack: list[Any]) -> Any:
            return given

        with pytest.raises(ConfigurationError, match=r"choose must return the list of middleware"):
            arrange([], choose)

    def test_a_bare_middleware_in_place_of_the_list_is_refused(self) -> None:
        with pytest.raises((ConfigurationError, TypeError)):
            arrange([passing], passing)  # type: ignore[arg-type]


class TestClients:
    def test_the_default_is_auth_rate_limits_retry_logging(self) -> None:
        found: list[type] = []

        def look(stack: list[Any]) -> list[Any]:
            found.extend(type(item) for item in stack)
            return stack

        client(middleware=look)
        assert found == [APIKeyAuth, RateLimits, Retry, Logging]

    @both_modes
    async def test_an_appended_one_sees_every_attempt(self, both: Both, no_waiting: None) -> None:
        tracing = Tracing()
        made = both.client(answer(503), answer(200, {"isDeployed": True}), middleware=[tracing])
        await both(made.workflows.status("wf"))
        assert tracing.seen == [503, 200]

    async def test_one_put_first_sees_the_call_as_one(self, both: Both, no_waiting: None) -> None:
        tracing = Tracing()
        made = both.client(answer(503), answer(200, {"isDeployed": True}), middleware=lambda stack: [tracing, *stack])
        await both(made.workflows.status("wf"))
        assert tracing.seen == [200]

    @pytest.mark.parametrize("make", [client, async_client])
    def test_one_definition_serves_both_clients_and_a_wrong_one_is_refused_when_the_client_is_made(
        self, make: Callable[..., Any]
    ) -> None:
        with pytest.raises(ConfigurationError, match="waiting"):
            make(middleware=[waiting])

    async def test_without_auth_no_key_is_sent(self, both: Both) -> None:
        made = both.client(answer(200, {"isDeployed": True}), middleware=lambda stack: stack[1:])
        await both(made.workflows.status("wf"))
        assert "x-api-key" not in made.script.requests[0].headers

    async def test_a_raw_response_may_come_from_a_middleware(self, both: Both) -> None:
        def cached(request: Request, call_next: Any) -> Any:
            return answer(200, {"isDeployed": True})
            yield

        made = both.client(middleware=[cached])
        response = await both(made.with_raw_response.workflows.status("wf"))
        assert response.parse().is_deployed
