"""The blocks of a run as spans, below the span of the call that ran it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace

from simstudio.telemetry.attributes import json_text, put, whole

if TYPE_CHECKING:
    from datetime import datetime

    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

    from simstudio.telemetry.attributes import Attributes
    from simstudio.traces.trace import Trace


def export_blocks(tracer: Tracer, run: Trace, parent: Context | None, *, content: bool) -> None:
    """Export the spans of a run; a span without a start is left out, and those inside it are not.

    Args:
        tracer: Starts the spans.
        run: The trace of the run.
        parent: Context of the span above them; by default the current one.
        content: Whether to record inputs, outputs and texts of errors.
    """
    pending = [(span, parent) for span in reversed(run.spans)]
    while pending:
        each, above = pending.pop()
        if each.start is None:
            pending += [(child, above) for child in reversed(each.children)]
            continue
        attributes: Attributes = {"simstudio.block.type": each.type}
        put(attributes, "simstudio.block.id", each.block_id)
        put(attributes, "simstudio.iteration", each.iteration)
        put(attributes, "simstudio.cost.usd", each.cost)
        put(attributes, "gen_ai.request.model", each.model)
        put(attributes, "gen_ai.usage.input_tokens", whole(each.input_tokens))
        put(attributes, "gen_ai.usage.output_tokens", whole(each.output_tokens))
        if content:
            put(attributes, "simstudio.input", json_text(each.input))
            put(attributes, "simstudio.output", json_text(each.output))
        made = tracer.start_span(each.name, above, attributes=attributes, start_time=_nanoseconds(each.start))
        if each.failed:
            made.set_status(trace.StatusCode.ERROR, each.error if content else None)
        made.end(_nanoseconds(each.end or each.start))
        inside = trace.set_span_in_context(made, above)
        pending += [(child, inside) for child in reversed(each.children)]


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
