"""Driving flows by hand: scripted answers in, recorded steps out. No socket, no clock."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio import AsyncSimStudioClient, SimStudioClient
from simstudio.core.context import Context
from simstudio.transport.flow import Blocking, Call, Flow, FromBody, Gather, Sleep
from simstudio.transport.message import Headers, Request, Response

if TYPE_CHECKING:
    from tests.recorded import Recording

T = TypeVar("T")
R = TypeVar("R")
Answer = Response | BaseException | Callable[[Request], Response]

KEY = "sk-sim-test-Zebra4711"
"""An obviously fake key that nothing else looks like."""


def answer(
    status: int = 200, body: Any = None, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
) -> Response:
    """A response: ``body`` as JSON, or ``content`` as it is."""
    sent = dict(headers or {})
    if content is None:
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        sent.setdefault("Content-Type", "application/json")
    return Response(
        status, Headers.decode((n.encode("latin-1"), v.encode("latin-1")) for n, v in sent.items()), content
    )


class Pieces:
    """The unread body of a streamed answer, in pieces; an exception among them is raised."""

    def __init__(self, response: Response, pieces: Iterable[bytes | BaseException]) -> None:
        self.response = response
        self.pieces = list(pieces)
        self.did: list[str] = []

    def piece(self) -> bytes | None:
        self.did.append("piece")
        if not self.pieces:
            return None
        piece = self.pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def await_event(self) -> None:
        pass

    def read(self) -> None:
        self.response.content = b"".join(iter(self.piece, None))
        self.close()

    def drain(self) -> None:
        self.did.append("drain")
        self.response.body = None

    def close(self) -> None:
        self.did.append("close")
        self.response.body = None

    async def apiece(self) -> bytes | None:
        return self.piece()

    async def aread(self) -> None:
        self.read()

    async def adrain(self) -> None:
        self.drain()

    async def aclose(self) -> None:
        self.close()


def streamed(*pieces: bytes | BaseException, content_type: str = "text/event-stream") -> Response:
    """An answer whose body is unread."""
    response = answer(200, headers={"Content-Type": content_type})
    response.body = Pieces(response, pieces)
    return response


def replayed(found: Recording) -> Callable[[Request], Response]:
    """What a real server answered; where a stream is asked for, unread and in pieces that end anywhere."""

    def respond(request: Request) -> Response:
        response = Response(found.status, Headers(found.headers), found.body)
        if request.streamed and response.status < 300:
            response.content, length = b"", 37
            response.body = Pieces(response, [found.body[at : at + length] for at in range(0, len(found.body), length)])
        return response

    return respond


def frames(*data: Any) -> bytes:
    """Server-sent events, each the JSON of one frame (or a text as it is)."""
    return b"".join(b"data: " + (d.encode() if isinstance(d, str) else json.dumps(d).encode()) + b"\n\n" for d in data)


@attrs.define
class Script:
    """A wire that answers from a list, and remembers what it was asked."""

    answers: list[Answer]
    requests: list[Request] = attrs.field(factory=list)
    closed: bool = False

    def send(self, request: Request) -> Response:
        self.requests.append(request.copy())  # as it was: a redirect changes its address
        assert self.answers, f"nothing is scripted for {request!r}"
        given = self.answers.pop(0)
        if isinstance(given, BaseException):
            raise given
        response = given if isinstance(given, Response) else given(request)
        response.method, response.url, response.attempt = request.method, request.url, request.attempt
        return response

    def close(self) -> None:
        self.closed = True


class AsyncScript(Script):
    async def send(self, request: Request) -> Response:  # type: ignore[override]
        return Script.send(self, request)

    async def aclose(self) -> None:
        self.closed = True


@attrs.define
class Played:
    """What a driven flow did."""

    result: Any = None
    error: BaseException | None = None
    steps: list[Any] = attrs.field(factory=list)
    asked: list[Request] = attrs.field(factory=list)
    """Copies of the requests, as they were when they were sent."""

    @property
    def requests(self) -> list[Request]:
        return [step for step in self.steps if isinstance(step, Request)]

    @property
    def sleeps(self) -> list[float]:
        return [step.seconds for step in self.steps if isinstance(step, Sleep)]


def play(flow: Flow[Any], *answers: Answer, on_sleep: Callable[[float], Any] = lambda _: None) -> Played:
    """Drive a flow to its end. What it raises is kept in ``error``."""
    wire = Script(list(answers))
    played = Played(asked=wire.requests)
    try:
        played.result = _perform(flow, wire, played.steps, on_sleep)
    except Exception as raised:
        played.error = raised
    return played


def _perform(flow: Flow[Any], wire: Script, steps: list[Any], on_sleep: Callable[[float], Any]) -> Any:
    given: Any = None
    error: BaseException | None = None
    try:
        while True:
            step = flow.throw(error) if error is not None else flow.send(given)
            steps.append(step)
            given = error = None
            try:
                if isinstance(step, Request):
                    given = wire.send(step)
                elif isinstance(step, Sleep):
                    on_sleep(step.seconds)
                elif isinstance(step, (Call, Blocking)):
                    given = step.function(*step.args)
                elif isinstance(step, Gather):
                    given = [_perform(each, wire, steps, on_sleep) for each in step.flows]
                else:
                    assert isinstance(step, FromBody)
                    given = getattr(step.body, step.what)()
            except BaseException as raised:
                error = raised
    except StopIteration as stop:
        return stop.value


def result_of(flow: Flow[T], *answers: Answer) -> T:
    """What a flow returns; what it raises comes out."""
    played = play(flow, *answers)
    if played.error is not None:
        raise played.error
    return played.result  # type: ignore[no-any-return]


def client(*answers: Answer, **options: Any) -> SimStudioClient:
    """A sync client over a :class:`Script` (``client.script``)."""
    made = SimStudioClient(options.pop("api_key", KEY), options.pop("base_url", "https://sim.test"), **options)
    return scripted(made, *answers)


def async_client(*answers: Answer, **options: Any) -> AsyncSimStudioClient:
    """An async client over a :class:`Script` (``client.script``)."""
    made = AsyncSimStudioClient(options.pop("api_key", KEY), options.pop("base_url", "https://sim.test"), **options)
    return scripted(made, *answers)


def scripted(made: Any, *answers: Answer) -> Any:
    """A client, over a :class:`Script` from now on (``client.script``)."""
    context = context_of(made)
    made.script = (AsyncScript if context.mode.asynchronous else Script)(list(answers))
    (context.session.async_wire if context.mode.asynchronous else context.session.sync_wire).use(made.script)
    return made


def context_of(made: Any) -> Context:
    """What the resources of a client have of it."""
    return made._context  # type: ignore[no-any-return]


def dialect_of(made: Any) -> Any:
    """What a client speaks to its server."""
    return made._dialects.own


def resource(kind: Callable[..., R], of: Any) -> R:
    """A resource of a client, as the client's own class would declare it."""
    return kind(context_of(of), "things")


class Both:
    """One call on the sync and on the async client: ``mode`` is a test's parameter."""

    def __init__(self, mode: str) -> None:
        self.asynchronous = mode == "async"

    def client(self, *answers: Answer, **options: Any) -> Any:
        return (async_client if self.asynchronous else client)(*answers, **options)

    async def __call__(self, value: Any) -> Any:
        return await value if inspect.isawaitable(value) else value


class Clock:
    """Monotonic seconds that pass only when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
