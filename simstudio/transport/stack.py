"""The middleware stack.

A middleware is a generator function that receives a request and returns a response. It serves sync and async clients::

    def mine(request, call_next):
        request.headers["X-Trace"] = "abc"
        response = yield from call_next(request)
        return response

The first middleware of a list is the outermost. The default stack is authentication → rate limits → retry → logging. A
middleware that a user appends is called below logging, once for each attempt.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from simstudio.transport.errors import ConfigurationError
from simstudio.transport.flow import Flow
from simstudio.transport.message import Request, Response

if TYPE_CHECKING:
    from typing import TypeAlias

Handler: TypeAlias = Callable[[Request], Flow[Response]]
Middleware: TypeAlias = Callable[[Request, Handler], Flow[Response]]
MiddlewareOption: TypeAlias = Iterable[Middleware] | Callable[[list[Middleware]], Iterable[Middleware]] | None


def send(request: Request) -> Flow[Response]:
    """Send a request over the wire: the innermost handler."""
    response: Response = yield request
    return response


def compose(stack: Sequence[Middleware]) -> Handler:
    """Make one handler from a list of middleware, the first outermost."""
    handler: Handler = send
    for middleware in reversed(stack):
        handler = _link(middleware, handler)
    return handler


def _link(middleware: Middleware, call_next: Handler) -> Handler:
    # Middleware of this package is known to return responses, which saves a frame for each layer.
    if type(middleware).__module__.startswith("simstudio.transport."):
        own: Any = middleware
        return functools.partial(own, call_next=call_next)

    def handle(request: Request) -> Flow[Response]:
        response = yield from middleware(request, call_next)
        if not isinstance(response, Response):
            raise ConfigurationError(
                f"The middleware {_name(middleware)} gave {type(response).__name__} instead of the response: "
                "end it with `return response`."
            )
        return response

    return handle


def arrange(default: list[Middleware], option: MiddlewareOption) -> list[Middleware]:
    """Return the stack of a client with this ``middleware=``.

    Args:
        default: The default stack, outermost first.
        option: A list to append to it, or a function that takes the default stack and returns another one.

    Raises:
        ConfigurationError: A middleware is no generator function; the message names it.
    """
    if option is None:
        return default
    if callable(option):
        chosen = option(list(default))
        if not isinstance(chosen, Iterable) or isinstance(chosen, (str, bytes)):
            raise ConfigurationError(f"{_name(option)} must return the list of middleware to use, not {chosen!r}.")
        stack = list(chosen)
    else:
        if isinstance(option, (str, bytes)) or not isinstance(option, Iterable):
            raise ConfigurationError(f"middleware= takes a list of middleware or a function of one, not {option!r}.")
        stack = [*default, *option]
    for middleware in stack:
        _check(middleware)
    return stack


def _check(middleware: object) -> None:
    function = middleware.func if isinstance(middleware, functools.partial) else middleware
    call = function if inspect.isroutine(function) else getattr(function, "__call__", None)  # noqa: B004
    if inspect.isgeneratorfunction(call) and not isinstance(function, type):
        return
    name = _name(middleware)
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        raise ConfigurationError(
            f"The middleware {name} is async. One plain generator function serves both clients: "
            "`def mine(request, call_next): response = yield from call_next(request); return response`."
        )
    raise ConfigurationError(
        f"The middleware {name} is not a generator function. Write "
        "`def mine(request, call_next): response = yield from call_next(request); return response`."
    )


def _name(thing: object) -> str:
    if isinstance(thing, functools.partial):
        thing = thing.func
    return getattr(thing, "__qualname__", None) or type(thing).__qualname__
