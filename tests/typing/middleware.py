"""How a user's own middleware is typed. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator

from simstudio import (
    AsyncSimStudioClient,
    Flow,
    Handler,
    Middleware,
    Request,
    Response,
    Retry,
    RetryPolicy,
    SimStudioClient,
)

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def tracing(request: Request, call_next: Handler) -> Flow[Response]:
    request.headers["X-Trace"] = "abc"
    response = yield from call_next(request)
    assert_type(response, Response)
    return response


def tagging(tag: str, request: Request, call_next: Handler) -> Flow[Response]:
    request.headers["X-Tag"] = tag
    return (yield from call_next(request))


class Counting:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        self.count += 1
        return (yield from call_next(request))


def patient(stack: list[Middleware]) -> list[Middleware]:
    policy = RetryPolicy(max_retries=9)
    return [Retry(policy) if isinstance(middleware, Retry) else middleware for middleware in stack]


def lazily(stack: list[Middleware]) -> Iterator[Middleware]:
    yield from stack


SimStudioClient("key", middleware=[tracing, Counting(), functools.partial(tagging, "t")])
SimStudioClient("key", middleware=(tracing,))
SimStudioClient("key", middleware=patient)
SimStudioClient("key", middleware=lazily)
SimStudioClient("key", middleware=lambda stack: [*stack, tracing])
AsyncSimStudioClient("key", middleware=[tracing, Counting()])
AsyncSimStudioClient("key", middleware=patient)

one: Middleware = tracing
other: Middleware = Counting()


async def waiting(request: Request, call_next: Handler) -> Response:
    raise NotImplementedError


def returning(request: Request, call_next: Handler) -> Response:
    raise NotImplementedError


def forgetful(request: Request, call_next: Handler) -> Flow[None]:
    yield from call_next(request)


SimStudioClient("key", middleware=[waiting])  # type: ignore[list-item]
AsyncSimStudioClient("key", middleware=[waiting])  # type: ignore[list-item]
SimStudioClient("key", middleware=[returning])  # type: ignore[list-item]
SimStudioClient("key", middleware=[forgetful])  # type: ignore[list-item]
SimStudioClient("key", middleware=tracing)  # type: ignore[arg-type]
SimStudioClient("key", middleware=[5])  # type: ignore[list-item]
