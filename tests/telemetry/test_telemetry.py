"""``simstudio.telemetry``: what a tracing backend sees of a call."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import opentelemetry.metrics
import opentelemetry.trace
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON, Sampler
from opentelemetry.trace import SpanKind, StatusCode

from simstudio import APIConnectionError, ConfigurationError, ExecutionError, SimStudioClient, SimStudioError, Trace
from simstudio.sandbox import Sandbox
from simstudio.telemetry import Telemetry
from tests.driving import Both, answer, streamed

EXECUTED = {
    "success": True,
    "output": {"text": "Hi"},
    "executionId": "e1",
    "metadata": {"duration": 5},
    "logs": [],
    "traceSpans": [
        {
            "id": "s1", "name": "Agent 1", "type": "agent", "blockId": "b1", "status": "success",
            "startTime": "2026-08-01T10:00:00.000Z", "endTime": "2026-08-01T10:00:02.000Z", "duration": 2000,
            "cost": {"total": 0.25}, "tokens": {"input": 7, "output": 3, "total": 10}, "model": "gpt-x",
            "output": {"content": "a secret text"},
            "children": [
                {"id": "s2", "name": "Search", "type": "tool", "startTime": "2026-08-01T10:00:00.500Z",
                 "endTime": "2026-08-01T10:00:01.000Z", "duration": 500, "status": "error", "output": {"error": "no"}},
            ],
        }
    ],
}  # fmt: skip


class Seen:
    """A telemetry with providers of its own, and what they received."""

    def __init__(self, sampler: Sampler = DEFAULT_ON, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        tracers = TracerProvider(sampler)
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.telemetry = Telemetry(tracer_provider=tracers, meter_provider=MeterProvider([self.reader]), **options)
        self.tracer = tracers.get_tracer("caller")

    @property
    def spans(self) -> list[ReadableSpan]:
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    @property
    def calls(self) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.kind is SpanKind.CLIENT]

    def metrics(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        scopes = data.resource_metrics[0].scope_metrics if data else []
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}


@pytest.fixture
def seen() -> Seen:
    return Seen()


class TestACall:
    async def test_is_one_client_span_with_an_event_for_each_attempt(
        self, both: Both, seen: Seen, no_waiting: list[float]
    ) -> None:
        client = both.client(answer(503), answer(200, {"isDeployed": True}), middleware=seen.telemetry)
        await both(client.workflows.status("wf"))

        (span,) = seen.spans
        assert (span.name, span.kind) == ("GET /api/workflows/{id}/status", SpanKind.CLIENT)
        assert dict(span.attributes) == {
            "http.request.method": "GET",
            "http.request.resend_count": 1,
            "http.response.status_code": 200,
            "server.address": "sim.test",
            "server.port": 443,
            "url.full": "https://sim.test/api/workflows/wf/status",
            "url.template": "/api/workflows/{id}/status",
        }
        assert [(event.name, dict(event.attributes)) for event in span.events] == [
            ("attempt", {"simstudio.attempt": 1}),
            ("attempt.end", {"simstudio.attempt": 1, "http.response.status_code": 503}),
            ("attempt", {"simstudio.attempt": 2}),
            ("attempt.end", {"simstudio.attempt": 2, "http.response.status_code": 200}),
        ]
        assert span.status.status_code is StatusCode.UNSET

    async def test_sends_its_context_with_every_attempt_below_the_caller_s_span(
        self, both: Both, seen: Seen, no_waiting: list[float]
    ) -> None:
        client = both.client(answer(503), answer(200, {"isDeployed": True}), middleware=seen.telemetry)
        with seen.tracer.start_as_current_span("caller") as caller:
            await both(client.workflows.status("wf"))

        span = seen.calls[0]
        context = span.context
        assert span.parent is not None
        assert span.parent.span_id == caller.get_span_context().span_id
        assert [request.headers["traceparent"] for request in client.script.requests] == [
            f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        ] * 2

    async def test_of_a_family_has_the_template_of_its_route(self, both: Both, seen: Seen) -> None:
        client = both.client(answer(200, {"data": {"id": "t1"}}), middleware=seen.telemetry)
        await both(client.v2.tables.get("t1", workspace_id="ws"))

        assert seen.spans[0].name == "GET /api/v2/tables/{tableId}"
        assert "ws" not in str(seen.spans[0].attributes["url.full"])

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [(answer(404, {"error": "no"}), "404"), (APIConnectionError("gone"), "APIConnectionError")],
        ids=["status", "no response"],
    )
    async def test_that_fails_has_the_error_s_type_and_no_text(
        self, both: Both, seen: Seen, reply: Any, kind: str, no_waiting: list[float]
    ) -> None:
        client = both.client(*[reply] * 3, middleware=seen.telemetry)
        with pytest.raises(Exception):  # noqa: B017, PT011 - which one is not the question
            await both(client.workflows.status("wf"))

        (span,) = seen.spans
        assert (span.attributes["error.type"], span.status.status_code) == (kind, StatusCode.ERROR)
        assert span.status.description is None
        assert [event.name for event in span.events if event.name == "exception"] == []
        (duration,) = seen.metrics()["simstudio.client.duration"]
        assert duration.attributes["error.type"] == kind

    async def test_whose_trace_is_not_sampled_is_measured_all_the_same(
        self, both: Both, no_waiting: list[float]
    ) -> None:
        seen = Seen(sampler=ALWAYS_OFF)
        client = both.client(answer(503, {"error": "busy"}), answer(200, {"data": 1}), middleware=seen.telemetry)
        await both(client.request("GET", "/api/v1/x"))

        attempts = seen.metrics()["simstudio.client.attempts"]
        assert {point.attributes["http.response.status_code"]: point.value for point in attempts} == {503: 1, 200: 1}
        assert seen.spans == []

    async def test_costs_nothing_without_an_sdk(self, both: Both) -> None:
        client = both.client(answer(200, {"isDeployed": True}), middleware=Telemetry())
        await both(client.workflows.status("wf"))

        assert "traceparent" not in client.script.requests[0].headers


class TestAnExecution:
    async def test_is_read_for_metrics_alone_where_its_trace_is_not_sampled(self, both: Both) -> None:
        seen = Seen(sampler=ALWAYS_OFF)
        client = both.client(answer(200, EXECUTED), middleware=seen.telemetry)
        await both(client.workflows.execute("wf"))

        points = seen.metrics()["gen_ai.client.token.usage"]
        assert {point.attributes["gen_ai.token.type"]: point.sum for point in points} == {"input": 7, "output": 3}

    async def test_is_not_read_without_an_sdk(self, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("simstudio.telemetry.call.parse_result", None)  # a call would raise
        pieces = streamed(b'data: {"event":"final","data":{}}\n\n')
        client = both.client(answer(200, EXECUTED), pieces, middleware=Telemetry())

        assert (await both(client.workflows.execute("wf"))).success
        stream = await both(client.workflows.stream("wf"))
        assert (await both(stream.result())).success

    async def test_follows_the_conventions_for_generative_ai(self, both: Both, seen: Seen) -> None:
        client = both.client(answer(200, EXECUTED), middleware=seen.telemetry)
        await both(client.workflows.execute("wf", {"name": "Ada"}))

        (span,) = seen.calls
        assert span.name == "invoke_agent wf"
        expected = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": "sim",
            "gen_ai.agent.id": "wf",
            "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.output_tokens": 3,
            "simstudio.cost.usd": 0.25,
            "simstudio.run_id": "e1",
        }
        assert {name: value for name, value in span.attributes.items() if name in expected} == expected
        metrics = seen.metrics()
        assert {point.attributes["gen_ai.token.type"]: point.sum for point in metrics["gen_ai.client.token.usage"]} == {
            "input": 7,
            "output": 3,
        }
        assert [point.value for point in metrics["simstudio.client.cost"]] == [0.25]

    async def test_shows_its_blocks_below_it(self, both: Both, seen: Seen) -> None:
        client = both.client(answer(200, EXECUTED), middleware=seen.telemetry)
        await both(client.workflows.execute("wf"))

        by_name = {span.name: span for span in seen.spans}
        call, agent, search = by_name["invoke_agent wf"], by_name["Agent 1"], by_name["Search"]
        assert (agent.parent.span_id, search.parent.span_id) == (call.context.span_id, agent.context.span_id)
        assert agent.end_time - agent.start_time == 2_000_000_000
        assert agent.attributes["gen_ai.request.model"] == "gpt-x"
        assert search.status.status_code is StatusCode.ERROR

    @pytest.mark.parametrize("content", [False, True])
    async def test_shows_texts_only_when_asked(self, both: Both, content: bool) -> None:
        seen = Seen(content=content)
        client = both.client(answer(200, EXECUTED), middleware=seen.telemetry)
        await both(client.workflows.execute("wf", {"name": "Ada", "db": {"password": "hush"}}))

        recorded = repr([(dict(span.attributes), span.status.description) for span in seen.spans])
        assert "hush" not in recorded
        assert [text in recorded for text in ("Ada", "Hi", "a secret text")] == [content] * 3

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 100_000,
            b'{"success": true, "output": 1, "traceSpans": [{"tokens": {"input": 1e999}, "cost": {"total": "x"}}]}',
            b'{"success": true, "output": 1, "executionId": {"odd": 1}, "cost": [], "traceSpans": {"a": 5}}',
        ],
        ids=["too deep", "odd numbers", "odd types"],
    )
    async def test_with_an_odd_body_is_what_it_is_without_telemetry(self, both: Both, seen: Seen, body: bytes) -> None:
        outcomes = []
        for middleware in (None, seen.telemetry):
            client = both.client(answer(200, content=body), middleware=middleware)
            try:
                outcomes.append(repr(await both(client.workflows.execute("wf"))))
            except SimStudioError as error:
                outcomes.append(type(error).__name__)
        assert outcomes[0] == outcomes[1]
        assert len(seen.calls) == 1

    async def test_that_fails_with_a_result_is_an_error(self, both: Both, seen: Seen) -> None:
        client = both.client(answer(200, {"success": False, "output": {}, "error": "no"}), middleware=seen.telemetry)
        await both(client.workflows.execute("wf"))

        assert (seen.calls[0].attributes["error.type"], seen.calls[0].status.status_code) == (
            "execution",
            StatusCode.ERROR,
        )


@pytest.fixture
def sandbox() -> Sandbox:
    sandbox = Sandbox()

    @sandbox.workflow("breaks")
    def breaks(input: Any) -> Any:
        yield "one"
        raise ValueError("no more")

    return sandbox


class TestAStream:
    """On a socket, in both colours: the span ends with the stream, not with its headers."""

    @pytest.mark.parametrize("leave_early", [False, True])
    def test_is_read_inside_its_span(self, sandbox: Sandbox, seen: Seen, leave_early: bool) -> None:
        opened = threading.Event()

        @sandbox.workflow("talks")
        def talks(input: Any) -> Iterator[str]:
            yield "one"
            assert opened.wait(30)
            yield " two"

        with (
            sandbox.serve() as server,
            server.client(middleware=seen.telemetry) as client,
            client.workflows.stream("talks", selected_outputs=["talks.content"]) as stream,
        ):
            text = stream.text()
            assert next(text) == "one"
            assert seen.calls == []
            if leave_early:
                stream.close()
            opened.set()
            if not leave_early:
                stream.result()
        (span,) = seen.calls
        assert [event.name for event in span.events] == ["attempt", "attempt.end", "first_piece"]
        assert span.status.status_code is StatusCode.UNSET

    async def test_that_is_answered_by_plain_json_ends_too(self, both: Both, seen: Seen) -> None:
        body = json.dumps({"success": True, "output": {"text": "Hi"}, "executionId": "e1"}).encode()
        client = both.client(streamed(body, content_type="application/json"), middleware=seen.telemetry)
        stream = await both(client.workflows.stream("wf"))
        await both(stream.result())

        (span,) = seen.calls
        assert span.attributes["simstudio.run_id"] == "e1"

    async def test_that_breaks_off_is_an_error(self, sandbox: Sandbox, seen: Seen) -> None:
        with sandbox.serve() as server:
            async with server.async_client(middleware=seen.telemetry) as client:
                with pytest.raises(ExecutionError):
                    async with client.workflows.stream("breaks", selected_outputs=["breaks.content"]) as stream:
                        await stream.result()
        (span,) = seen.calls
        assert (span.attributes["error.type"], span.status.status_code) == ("execution", StatusCode.ERROR)


class TestMore:
    def test_a_trace_is_exported_below_the_current_span(self, seen: Seen) -> None:
        with seen.tracer.start_as_current_span("caller") as caller:
            seen.telemetry.export(Trace(EXECUTED))

        by_name = {span.name: span for span in seen.spans}
        assert by_name["Agent 1"].parent.span_id == caller.get_span_context().span_id

    def test_a_batch_reports_its_progress(self, sandbox: Sandbox, seen: Seen) -> None:
        with sandbox.serve() as server, server.client() as client:
            batch = client.workflows.map("hello", [{"name": "Ada"}, {"name": "Bob"}])
            seen.telemetry.observe(batch, "nightly")
            with batch:
                assert len(list(batch)) == 2
            points = seen.metrics()["simstudio.batch.items"]
        assert {point.attributes["state"]: point.value for point in points} == {
            "done": 2,
            "failed": 0,
            "unknown": 0,
            "running": 0,
        }

    def test_a_middleware_of_one_s_own_goes_beside_it(self, sandbox: Sandbox, seen: Seen) -> None:
        paths: list[str] = []

        def mine(request: Any, call_next: Any) -> Any:
            paths.append(request.path)
            return (yield from call_next(request))

        with (
            sandbox.serve() as server,
            server.client(middleware=lambda stack: [*seen.telemetry(stack), mine]) as client,
        ):
            client.workflows.execute("hello")
        assert len(paths) == len(seen.calls) == 1

    def test_its_options_have_types(self) -> None:
        hints = get_type_hints(Telemetry)
        assert hints["tracer_provider"] == opentelemetry.trace.TracerProvider | None
        assert hints["meter_provider"] == opentelemetry.metrics.MeterProvider | None

    def test_a_client_with_it_pickles_unless_it_has_providers_of_its_own(self, seen: Seen) -> None:
        client = pickle.loads(pickle.dumps(SimStudioClient("k", "https://sim.test", middleware=Telemetry())))
        assert isinstance(client, SimStudioClient)
        with pytest.raises(ConfigurationError, match="providers"):
            pickle.dumps(seen.telemetry)

    def test_a_file_that_goes_to_a_signed_url_takes_no_context(self, seen: Seen) -> None:
        from simstudio.transport.message import Request

        sent: list[Any] = []

        def wire(request: Any) -> Any:
            sent.append(request)
            return answer(200)
            yield

        outer: Callable[..., Any] = seen.telemetry([])[0]
        for anonymous in (False, True):
            for _ in outer(Request("PUT", "https://bucket.test/x?sig=1", anonymous=anonymous), wire):
                pass
        assert ["traceparent" in request.headers for request in sent] == [True, False]
        assert "sig" not in repr([dict(span.attributes) for span in seen.spans])
