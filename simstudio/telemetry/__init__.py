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

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.functions import with_hints
from simstudio.transport.errors import ConfigurationError, SimStudioError

try:
    from opentelemetry import metrics
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider
except ImportError as error:
    raise ConfigurationError(
        "simstudio.telemetry needs opentelemetry-api: install the package with the extra [otel]."
    ) from error

from simstudio.telemetry.attributes import error_type
from simstudio.telemetry.blocks import export_blocks
from simstudio.telemetry.call import Call, Marker
from simstudio.telemetry.instruments import Instruments
from simstudio.telemetry.observed_body import ObservedBody

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Observation

    from simstudio.batch.batch import AsyncBatch, Batch
    from simstudio.traces.trace import Trace
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response
    from simstudio.transport.stack import Handler, Middleware

__all__ = ["Telemetry"]


@attrs.define(eq=False)
class Telemetry:
    """A middleware for both clients: ``SimStudioClient(middleware=Telemetry())``.

    With middleware of your own: ``middleware=lambda stack: [*Telemetry()(stack), mine]``.

    Args:
        content: Whether to record the input and output texts of executions, on their spans. What has the name of a
            secret (``apiKey``, ``password`` …) is left out of them.
        blocks: Whether a result that brings a trace adds a span for each block of the workflow, as children of the
            call's span. Current servers send none with a result; see :meth:`export`.
        tracer_provider: By default the global one.
        meter_provider: By default the global one.
    """

    content: bool = attrs.field(default=False, kw_only=True)
    blocks: bool = attrs.field(default=True, kw_only=True)
    tracer_provider: TracerProvider | None = attrs.field(default=None, kw_only=True)
    meter_provider: MeterProvider | None = attrs.field(default=None, kw_only=True)
    _made: Instruments | None = attrs.field(default=None, init=False, repr=False)

    def __call__(self, stack: list[Middleware]) -> list[Middleware]:
        """Return the stack with this middleware around it, and below it."""
        return [self._trace_call, *stack, self._trace_attempt]

    @with_hints
    def export(self, trace: Trace, *, parent: Context | None = None) -> None:
        """Export the blocks of a run as spans, so that a tracing backend shows them below the caller's own span.

        Args:
            trace: Such as ``client.traces.get(run)`` returns.
            parent: Context of the span above them; by default the current one.

        Example:
            >>> telemetry.export(client.traces.get(result))  # doctest: +SKIP
        """
        export_blocks(self._instruments.tracer, trace, parent, content=self.content)

    @with_hints
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
        call = Call(self._instruments, request, content=self.content, blocks=self.blocks)
        try:
            response = yield from call_next(request)
        except BaseException as error:
            call.fail(error)
            raise
        call.answer(response)
        if response.body is None:
            call.finish(response.content)
        else:
            response.body = ObservedBody(response, response.body, call)
        return response

    def _trace_attempt(self, request: Request, call_next: Handler) -> Flow[Response]:
        call = next((each.call for each in request.observers if isinstance(each, Marker)), None)
        if call is None:
            return (yield from call_next(request))
        call.span.add_event("attempt", {"simstudio.attempt": request.attempt})
        try:
            response = yield from call_next(request)
        except SimStudioError as error:
            call.attempt(request.attempt, {"error.type": error_type(error)})
            raise
        call.attempt(request.attempt, {"http.response.status_code": response.status})
        return response

    @property
    def _instruments(self) -> Instruments:
        if self._made is None:
            self._made = Instruments.of(self.tracer_provider, self.meter_provider)
        return self._made
