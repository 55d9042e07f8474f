"""The span and the metrics of one call of a client."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import attrs
from opentelemetry import propagate, trace

from simstudio.telemetry.attributes import error_type, json_text, put, whole, without_secrets
from simstudio.telemetry.blocks import export_blocks
from simstudio.telemetry.results import parse_result
from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from simstudio.telemetry.attributes import Attributes
    from simstudio.telemetry.instruments import Instruments
    from simstudio.transport.message import Request, Response

_EXECUTION = re.compile(r"/api/(?:v2/)?workflows/([^/]+)/execute")
_UNVERSIONED = re.compile(r"/(workflows|runs|jobs|executions|paused)/[^/]+")
_RESUME = re.compile(r"/api/resume/.+")


@attrs.frozen
class Marker:
    """An observer of a request that observes nothing: the inner part of the middleware finds the call by it."""

    call: Call

    def __call__(self, response: Response) -> None:
        """Observe nothing."""


class Call:
    """The span and the measurements of one logical call.

    Attributes:
        reads_result: Whether the body of the response is read: that of an execution, if span or metrics are recorded.
    """

    def __init__(self, instruments: Instruments, request: Request, *, content: bool, blocks: bool) -> None:
        self._instruments = instruments
        self._content = content
        self._blocks = blocks
        address = urlsplit(request.url)
        self._currency = "credits" if "/api/v2/" in address.path else "usd"
        self._execution = _EXECUTION.fullmatch(address.path[address.path.find("/api/") :])
        template = request.template or _template(address.path)
        self._labels: Attributes = {
            "http.request.method": request.method,
            "server.address": address.hostname or "",
            "url.template": template,
        }
        put(self._labels, "server.port", address.port or {"http": 80, "https": 443}.get(address.scheme))
        url = urlunsplit(address._replace(query="", fragment="", netloc=address.netloc.rpartition("@")[2]))
        attributes: Attributes = {**self._labels, "url.full": url}
        name = f"{request.method} {template}"
        if self._execution is not None:
            name = f"invoke_agent {unquote(self._execution[1])}"
            self._labels |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "sim"}
            attributes |= {**self._labels, "gen_ai.agent.id": unquote(self._execution[1])}
            if content and isinstance(request.content, bytes):
                attributes["simstudio.input"] = without_secrets(request.content.decode("utf-8", "replace"))
        self.span: Span = self._instruments.tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
        self.reads_result: bool = self._execution is not None and (
            self.span.is_recording() or self._instruments.are_recorded
        )
        self._started = time.perf_counter()
        self._open = True
        request.observers = (*request.observers, Marker(self))
        if not request.anonymous:  # a signed URL takes no other headers
            carrier: dict[str, str] = {}
            propagate.inject(carrier, self.context)
            for header, value in carrier.items():
                request.headers.put(header, value)

    @property
    def context(self) -> Context:
        """A context in which the span of the call is the current one."""
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
        self._labels["error.type"] = error_type(error)
        self.span.set_attribute("error.type", error_type(error))
        message = str(error) if self._content and isinstance(error, SimStudioError) else None
        self.span.set_status(trace.StatusCode.ERROR, message)
        self._end()

    def finish(self, content: bytes) -> None:
        """End the span of a call whose whole body, or last part of a stream, is here."""
        if not self._open:
            return
        if self.reads_result and self._labels.get("http.response.status_code") != 202:
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

        data = parse_result(content)
        if data is None:
            return
        if data.get("success") is False or data.get("status") in ("failed", "error"):
            self._labels.setdefault("error.type", "execution")
            self.span.set_attribute("error.type", str(self._labels["error.type"]))
            self.span.set_status(trace.StatusCode.ERROR)
        found = Trace(data)
        attributes: Attributes = {}
        put(attributes, "simstudio.run_id", found.run_id)
        put(attributes, f"simstudio.cost.{self._currency}", found.cost)
        spans = list(walk(found.spans))
        counts = {
            "input": sum(shares(spans, lambda each: each.input_tokens)),
            "output": sum(shares(spans, lambda each: each.output_tokens)),
        }
        for kind, count in counts.items():
            tokens = whole(count)
            if tokens:
                attributes[f"gen_ai.usage.{kind}_tokens"] = tokens
                self._instruments.tokens.record(tokens, {**self._labels, "gen_ai.token.type": kind})
        if found.cost:
            self._instruments.cost.add(found.cost, {**self._labels, "simstudio.currency": self._currency})
        if self._content:
            put(attributes, "simstudio.output", json_text(data.get("output")))
        self.span.set_attributes(attributes)
        if self._blocks and self.span.is_recording():
            export_blocks(self._instruments.tracer, found, self.context, content=self._content)


def _template(path: str) -> str:
    """The template of a path of the unversioned routes, and of the same operations in v2."""
    path = path[path.find("/api/") :] if "/api/" in path else path
    return "/api/resume/{ids}" if _RESUME.fullmatch(path) else _UNVERSIONED.sub(r"/\1/{id}", path)
