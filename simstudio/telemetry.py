"""OpenTelemetry: one span and a few metrics for each call of a client, with the extra ``[otel]``.

    from simstudio.telemetry import Telemetry

    client = SimStudioClient(middleware=Telemetry())

:class:`Telemetry` is a middleware in two parts. The outer one is above retry: it opens one CLIENT span for a call,
sends its W3C context with the request, and closes the span when the response, or the last byte of a stream, has been
read. The inner one is below logging and adds an event for each attempt. Attributes follow the semantic conventions for
HTTP, and for an execution those for generative AI.

No input and no output is recorded unless ``content=True``, and no header ever. Without a configured SDK, OpenTelemetry
does nothing, and so does the middleware.
"""

from __future__ import annotations

import json
import math
import re
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import attrs

from simstudio._version import __version__
from simstudio.core.sse import SSEDecoder
from simstudio.transport.errors import ConfigurationError, SimStudioError

try:
    from opentelemetry import metrics, propagate, trace
except ImportError as error:
    raise ConfigurationError(
        "simstudio.telemetry needs opentelemetry-api: install the package with the extra [otel]."
    ) from error

if TYPE_CHECKING:
    from datetime import datetime
    from typing import TypeAlias

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, MeterProvider, Observation
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from simstudio.batch.batch import AsyncBatch, Batch
    from simstudio.traces.span import Span as TraceSpan
    from simstudio.traces.trace import Trace
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Body, Request, Response
    from simstudio.transport.stack import Handler, Middleware

    Attributes: TypeAlias = dict[str, str | bool | int | float]

__all__ = ["Telemetry"]

_EXECUTION = re.compile(r"/api/(?:v2/)?workflows/([^/]+)/execute")
_UNVERSIONED = re.compile(r"/(workflows|runs|jobs|executions|paused)/[^/]+")
_RESUME = re.compile(r"/api/resume/.+")
_LONGEST_TAIL = 1024 * 1024
"""Bytes at the end of a stream that are kept until its last event is read."""
_SCOPE = "simstudio"


@attrs.define(eq=False)
class Telemetry:
    """A middleware for both clients: ``SimStudioClient(middleware=Telemetry())``.

    With middleware of your own: ``middleware=lambda stack: [*Telemetry()(stack), mine]``.

    Args:
        content: Whether to record the input and output texts of executions, on their spans.
        blocks: Whether a result that brings a trace adds a span for each block of the workflow, as children of the
            call's span. Current servers send none with a result; see :meth:`export`.
        tracer_provider: By default the global one.
        meter_provider: By default the global one.
    """

    content: bool = attrs.field(default=False, kw_only=True)
    blocks: bool = attrs.field(default=True, kw_only=True)
    tracer_provider: TracerProvider | None = attrs.field(default=None, kw_only=True)
    meter_provider: MeterProvider | None = attrs.field(default=None, kw_only=True)
    _made: _Instruments | None = attrs.field(default=None, init=False, repr=False)

    def __call__(self, stack: list[Middleware]) -> list[Middleware]:
        """Return the stack with this middleware around it, and below it."""
        return [self._trace_call, *stack, self._trace_attempt]

    def export(self, trace: Trace, *, parent: Context | None = None) -> None:
        """Export the blocks of a run as spans, so that a tracing backend shows them below the caller's own span.

        Args:
            trace: Such as ``client.traces.get(run)`` returns.
            parent: Context of the span above them; by default the current one.

        Example:
            >>> telemetry.export(client.traces.get(result))  # doctest: +SKIP
        """
        for span in trace.spans:
            self._export_span(span, parent)

    def observe(self, batch: Batch[Any] | AsyncBatch[Any], name: str = "batch") -> None:
        """Report the progress of a batch as the gauge ``simstudio.batch.items``, by ``state``.

        Args:
            name: Value of the attribute ``simstudio.batch.name``.
        """
        seen = weakref.ref(batch)

        def items(_: CallbackOptions) -> Iterable[Observation]:
            found = seen()
            if found is None:
                return
            for state in ("done", "failed", "unknown", "running"):
                count = getattr(found.progress, state)
                yield metrics.Observation(count, {"simstudio.batch.name": name, "state": state})

        self._instruments.meter.create_observable_gauge(
            "simstudio.batch.items", [items], "{item}", "Items of a batch by state."
        )

    def __getstate__(self) -> dict[str, Any]:
        if self.tracer_provider is not None or self.meter_provider is not None:
            raise ConfigurationError("A Telemetry with providers of its own cannot be pickled: use the global ones.")
        return {"content": self.content, "blocks": self.blocks}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    # -- middleware ----------------------------------------------------------------------------------------------------

    def _trace_call(self, request: Request, call_next: Handler) -> Flow[Response]:
        call = _Call(self, request)
        try:
            response = yield from call_next(request)
        except BaseException as error:
            call.fail(error)
            raise
        call.answer(response)
        if response.body is None:
            call.finish(response.content)
        else:
            response.body = _ObservedBody(response, response.body, call)
        return response

    def _trace_attempt(self, request: Request, call_next: Handler) -> Flow[Response]:
        call = next((each.call for each in request.observers if isinstance(each, _Marker)), None)
        if call is None:
            return (yield from call_next(request))
        call.span.add_event("attempt", {"simstudio.attempt": request.attempt})
        try:
            response = yield from call_next(request)
        except SimStudioError as error:
            call.attempt(request.attempt, {"error.type": _type(error)})
            raise
        call.attempt(request.attempt, {"http.response.status_code": response.status})
        return response

    # -- spans of blocks -----------------------------------------------------------------------------------------------

    def _export_span(self, span: TraceSpan, parent: Context | None) -> None:
        pending = [(span, parent)]
        while pending:
            each, above = pending.pop()
            if each.start is None:
                pending += [(child, above) for child in reversed(each.children)]
                continue
            attributes: Attributes = {"simstudio.block.type": each.type}
            _put(attributes, "simstudio.block.id", each.block_id)
            _put(attributes, "simstudio.iteration", each.iteration)
            _put(attributes, "simstudio.cost.usd", each.cost)
            _put(attributes, "gen_ai.request.model", each.model)
            _put(attributes, "gen_ai.usage.input_tokens", _whole(each.input_tokens))
            _put(attributes, "gen_ai.usage.output_tokens", _whole(each.output_tokens))
            if self.content:
                _put(attributes, "simstudio.input", _json(each.input))
                _put(attributes, "simstudio.output", _json(each.output))
            made = self._instruments.tracer.start_span(
                each.name, above, attributes=attributes, start_time=_nanoseconds(each.start)
            )
            if each.failed:
                made.set_status(trace.StatusCode.ERROR, each.error if self.content else None)
            made.end(_nanoseconds(each.end or each.start))
            inside = trace.set_span_in_context(made, above)
            pending += [(child, inside) for child in reversed(each.children)]

    @property
    def _instruments(self) -> _Instruments:
        if self._made is None:
            self._made = _Instruments.of(self)
        return self._made


@attrs.frozen
class _Instruments:
    """Tracer, meter and instruments, made when the first call needs them."""

    tracer: Tracer
    meter: Meter
    duration: Histogram
    attempts: Counter
    tokens: Histogram
    cost: Counter

    @classmethod
    def of(cls, telemetry: Telemetry) -> _Instruments:
        meter = metrics.get_meter(_SCOPE, __version__, telemetry.meter_provider)
        return cls(
            trace.get_tracer(_SCOPE, __version__, telemetry.tracer_provider),
            meter,
            meter.create_histogram("simstudio.client.duration", "s", "Duration of calls, with retries and streams."),
            meter.create_counter("simstudio.client.attempts", "{attempt}", "Attempts at calls."),
            meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens of executions, by type."),
            meter.create_counter("simstudio.client.cost", "1", "Cost of executions; v2 states credits."),
        )


@attrs.frozen
class _Marker:
    """An observer of a request, which leads the inner part of the middleware to the call."""

    call: _Call

    def __call__(self, response: Response) -> None:
        """Observe nothing."""


class _Call:
    """One logical call: its span, and what is measured of it."""

    def __init__(self, telemetry: Telemetry, request: Request) -> None:
        self._telemetry = telemetry
        self._instruments = telemetry._instruments
        address = urlsplit(request.url)
        self._currency = "credits" if "/api/v2/" in address.path else "usd"
        self._execution = _EXECUTION.fullmatch(address.path[address.path.find("/api/") :])
        template = request.template or _template(address.path)
        self._labels: Attributes = {
            "http.request.method": request.method,
            "server.address": address.hostname or "",
            "url.template": template,
        }
        _put(self._labels, "server.port", address.port or {"http": 80, "https": 443}.get(address.scheme))
        url = urlunsplit(address._replace(query="", fragment="", netloc=address.netloc.rpartition("@")[2]))
        attributes: Attributes = {**self._labels, "url.full": url}
        name = f"{request.method} {template}"
        if self._execution is not None:
            name = f"invoke_agent {unquote(self._execution[1])}"
            self._labels |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "sim"}
            attributes |= {**self._labels, "gen_ai.agent.id": unquote(self._execution[1])}
            if telemetry.content and isinstance(request.content, bytes):
                attributes["simstudio.input"] = request.content.decode("utf-8", "replace")
        self.span: Span = self._instruments.tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
        self._started = time.perf_counter()
        self._open = True
        self._streamed = False
        if self.span.is_recording():
            request.observers = (*request.observers, _Marker(self))
        if not request.anonymous:  # a signed URL takes no other headers
            carrier: dict[str, str] = {}
            propagate.inject(carrier, self.context)
            for header, value in carrier.items():
                request.headers.put(header, value)

    @property
    def context(self) -> Context:
        return trace.set_span_in_context(self.span)

    def attempt(self, number: int, outcome: Attributes) -> None:
        """Add the event of an attempt that has ended."""
        self.span.add_event("attempt.end", {"simstudio.attempt": number, **outcome})
        self._instruments.attempts.add(1, {**self._labels, **outcome})

    def answer(self, response: Response) -> None:
        """Record the head of the response."""
        self._labels["http.response.status_code"] = response.status
        self.span.set_attribute("http.response.status_code", response.status)
        if response.attempt > 1:
            self.span.set_attribute("http.request.resend_count", response.attempt - 1)
        if response.request_id:
            self.span.set_attribute("simstudio.request_id", response.request_id)
        if not response.ok:
            self._labels["error.type"] = str(response.status)
            self.span.set_attribute("error.type", str(response.status))
            self.span.set_status(trace.StatusCode.ERROR)

    def fail(self, error: BaseException) -> None:
        """End the span of a call that brought no whole response."""
        if not self._open:
            return
        self._labels["error.type"] = _type(error)
        self.span.set_attribute("error.type", _type(error))
        message = str(error) if self._telemetry.content and isinstance(error, SimStudioError) else None
        self.span.set_status(trace.StatusCode.ERROR, message)
        self._end()

    def finish(self, content: bytes) -> None:
        """End the span of a call whose whole body, or last part of a stream, is here."""
        if not self._open:
            return
        if self._execution is not None and self._labels.get("http.response.status_code") != 202:
            self._read_execution(content)
        self._end()

    def _end(self) -> None:
        self._open = False
        self._instruments.duration.record(time.perf_counter() - self._started, self._labels)
        self.span.end()

    def _read_execution(self, content: bytes) -> None:
        """Read the result of an execution: whether it failed, its run, tokens, cost and blocks."""
        from simstudio.traces.costs import shares
        from simstudio.traces.span import walk
        from simstudio.traces.trace import Trace

        data = _result(content)
        if data is None:
            return
        if data.get("success") is False or data.get("status") in ("failed", "error"):
            self._labels.setdefault("error.type", "execution")
            self.span.set_attribute("error.type", str(self._labels["error.type"]))
            self.span.set_status(trace.StatusCode.ERROR)
        found = Trace(data)
        attributes: Attributes = {}
        _put(attributes, "simstudio.run_id", found.run_id)
        _put(attributes, f"simstudio.cost.{self._currency}", found.cost)
        spans = list(walk(found.spans))
        counts = {
            "input": sum(shares(spans, lambda each: each.input_tokens)),
            "output": sum(shares(spans, lambda each: each.output_tokens)),
        }
        for kind, count in counts.items():
            whole = _whole(count)
            if whole:
                attributes[f"gen_ai.usage.{kind}_tokens"] = whole
                self._instruments.tokens.record(whole, {**self._labels, "gen_ai.token.type": kind})
        if found.cost:
            self._instruments.cost.add(found.cost, {**self._labels, "simstudio.currency": self._currency})
        if self._telemetry.content:
            _put(attributes, "simstudio.output", _json(data.get("output")))
        self.span.set_attributes(attributes)
        if self._telemetry.blocks and self.span.is_recording():
            self._telemetry.export(found, parent=self.context)


class _ObservedBody:
    """The unread body of a stream; the span of its call ends when it has been read or closed."""

    def __init__(self, response: Response, body: Body, call: _Call) -> None:
        self._response = response
        self._body = body
        self._call = call
        self._tail = b""

    def piece(self) -> bytes | None:
        with self._failing():
            return self._seen(self._body.piece())

    async def apiece(self) -> bytes | None:
        with self._failing():
            return self._seen(await self._body.apiece())

    def await_event(self) -> None:
        self._body.await_event()

    def read(self) -> None:
        with self._failing():
            self._body.read()
        self._call.finish(self._response.content)

    async def aread(self) -> None:
        with self._failing():
            await self._body.aread()
        self._call.finish(self._response.content)

    def drain(self) -> None:
        self._body.drain()
        self._call.finish(self._tail)

    async def adrain(self) -> None:
        await self._body.adrain()
        self._call.finish(self._tail)

    def close(self) -> None:
        self._body.close()
        self._call.finish(self._tail)

    async def aclose(self) -> None:
        await self._body.aclose()
        self._call.finish(self._tail)

    def _seen(self, piece: bytes | None) -> bytes | None:
        if piece is None:
            self._call.finish(self._tail)
        else:
            if not self._tail:
                self._call.span.add_event("first_piece")
            self._tail = (self._tail + piece)[-_LONGEST_TAIL:]
        return piece

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._call.fail(error)
            raise


def _result(content: bytes) -> dict[str, Any] | None:
    """The result in a body: JSON, in v2 below ``data``, or the last event of a stream that says how the run ended."""
    try:
        data = json.loads(content)
    except RecursionError:
        return None
    except ValueError:
        data = _last_event(content)
    if isinstance(data, dict) and isinstance(data.get("data"), dict) and "output" not in data:
        data = data["data"]
    return data if isinstance(data, dict) else None


def _last_event(content: bytes) -> Any:
    # A tail that was cut begins within an event.
    begin = content.find(b"\n\n") + 2 if len(content) == _LONGEST_TAIL else 0
    last: Any = None
    try:
        for event in SSEDecoder(max_event_size=_LONGEST_TAIL).feed(content[begin:]):
            if event.data.startswith("{") and '"event"' in event.data:
                found = json.loads(event.data)
                if found.get("event") in ("final", "done"):
                    last = found
                elif found.get("event") == "error":
                    last = {"success": False, "error": found.get("error"), "output": None}
    except (SimStudioError, ValueError, RecursionError):
        return last
    return last


def _template(path: str) -> str:
    """The template of a path of the unversioned routes, and of the same operations in v2."""
    path = path[path.find("/api/") :] if "/api/" in path else path
    return "/api/resume/{ids}" if _RESUME.fullmatch(path) else _UNVERSIONED.sub(r"/\1/{id}", path)


def _put(attributes: Attributes, name: str, value: str | float | None) -> None:
    if value is not None:
        attributes[name] = value


def _whole(value: float | None) -> int | None:
    return None if value is None or not math.isfinite(value) else int(value)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _type(error: BaseException) -> str:
    return type(error).__qualname__


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000) * 1000
