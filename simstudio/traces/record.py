"""Records of runs: their spans, and queries of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from simstudio.core.errors import InvalidInputError
from simstudio.core.model import Model
from simstudio.traces.costs import shares
from simstudio.traces.critical_path import find_critical_path
from simstudio.traces.reading import find_spans, is_wrapper, read_spans
from simstudio.traces.span import Span, walk
from simstudio.traces.values import first_number, items, mapping, milliseconds, text, time
from simstudio.traces.words import cost_words, count_words, duration_words

_OTHER = "other"
_WRAPPER_STATES = {"error": "failed", "failed": "failed", "success": "completed"}


class RunRecord:
    """The record of a run: the JSON object of a log, a run, a result or a job; :class:`~simstudio.Trace` shows it."""

    def __init__(self, data: Mapping[str, Any] | list[Any]) -> None:
        if isinstance(data, Model):
            data = data.to_dict()
        self.data: dict[str, Any] = dict(data) if isinstance(data, Mapping) else {"traceSpans": data}

    # -- spans ---------------------------------------------------------------------------------------------------------

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """Top-level spans, mostly blocks; the span in which Sim wraps them is the trace itself."""
        return tuple(span for each in self._roots for span in (each.children if self._wrapped else (each,)))

    def __iter__(self) -> Iterator[Span]:
        return (span for span, _ in walk(self.spans))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def failures(self) -> list[Span]:
        """Spans that failed and have no failed span inside: the causes."""
        return [span for span in self if span.failed and not any(child.failed for child in span.children)]

    def slowest(self, n: int = 5) -> list[Span]:
        """The ``n`` spans with the longest durations, longest first, without loops, parallels and their iterations."""
        timed = [span for span in self if span.duration is not None and not span.is_container]
        return sorted(timed, key=lambda span: span.duration or 0.0, reverse=True)[: max(0, n)]

    @cached_property
    def critical_path(self) -> tuple[Span, ...]:
        """The spans that decided how long the run took, each followed by those inside it.

        Of steps that ran side by side it has only the one that ended last. Spans without a start are not on it.
        """
        return tuple(span for span in self if id(span) in self.critical_ids)

    @cached_property
    def critical_ids(self) -> frozenset[int]:
        """The ``id()`` of each span on the critical path."""
        return frozenset() if self.end is None else frozenset(find_critical_path(self.spans, self.end))

    # -- the run -------------------------------------------------------------------------------------------------------

    @cached_property
    def run_id(self) -> str | None:
        """Id of the run; None if the data does not name it."""
        return self._find_text("runId", "executionId")

    @cached_property
    def workflow_id(self) -> str | None:
        """Id of the workflow; None if the data does not name it."""
        return self._find_text("workflowId")

    @cached_property
    def workflow_name(self) -> str | None:
        """Name of the workflow; None if the data does not name it."""
        return text(mapping(self.data.get("workflow")).get("name")) or self._find_text("workflowName")

    @cached_property
    def status(self) -> str | None:
        """Status of the run, in the words of v2: ``completed``, ``failed``, ``running`` …; None if it is unknown."""
        stated = text(self.data.get("status"))
        if stated is not None:
            return _WRAPPER_STATES.get(stated, stated)
        success = self.data.get("success")
        if self.data.get("level") == "error" or success is False:
            return "failed"
        states = [_WRAPPER_STATES.get(span.status or "") for span in self._roots]
        if "failed" in states:
            return "failed"
        if success is not True and self.data.get("endedAt", "") is None:  # a log of v1: running, or paused
            return None
        return "completed" if success is True or "completed" in states else None

    @cached_property
    def error(self) -> str | None:
        """Text of the error with which the run failed; None if it did not fail, or the server gives none."""
        for value in (self.data.get("error"), mapping(self._final_output).get("error")):
            found = text(value) or text(mapping(value).get("message"))
            if found is not None and self.status == "failed":
                return found
        causes = [span for span in self.failures if not span.error_handled]
        return next((span.error for span in causes if span.error), None) if self.status == "failed" else None

    @cached_property
    def start(self) -> datetime | None:
        """Start of the first span in UTC, or else of the run; None if no time is known."""
        starts = [span.start for span in (*self._roots, *self) if span.start is not None]
        return min(starts) if starts else time(self._fact("startedAt", "startTime"))

    @cached_property
    def end(self) -> datetime | None:
        """End of the last span in UTC, or else of the run; None if no time is known."""
        ends = [span.end or span.start for span in (*self._roots, *self)]
        known = [end for end in ends if end is not None]
        return max(known) if known else time(self._fact("endedAt", "endTime"))

    @property
    def duration(self) -> float | None:
        """Milliseconds from the start to the end; of a run that paused, with the pauses."""
        if self.start is None or self.end is None:
            return first_number(self._fact("totalDurationMs", "durationMs", "totalDuration", "duration"))
        return milliseconds(self.end - self.start)

    @cached_property
    def cost(self) -> float | None:
        """Cost of the run as the server states it, with its base charge; else the sum over the spans.

        US dollars; v2 states credits. None if no cost is known.
        """
        stated = first_number(mapping(self.data.get("cost")).get("total"), self.data.get("cost"))
        return stated if stated is not None else self._sum(lambda span: span.cost)

    @cached_property
    def tokens(self) -> float | None:
        """Number of tokens; None if it is unknown."""
        found = self._sum(lambda span: span.tokens)
        execution = mapping(self.data.get("executionData"))
        return found if found is not None else first_number(mapping(execution.get("tokens")).get("total"))

    def cost_by(self, by: Literal["model", "block", "type"]) -> dict[str, float]:
        """Costs of the spans, the largest first, in US dollars: their sum is that of all spans.

        Args:
            by: ``model``, the language model (costs without one are ``other``); ``block``, the name of the block;
                or ``type``, the type of the span.
        """
        spans = list(walk(self.spans))
        found: dict[str, float] = {}
        labels: list[str] = []
        for (span, depth), share in zip(spans, shares(spans, lambda each: each.cost), strict=True):
            labels[depth:] = [_label(span, by, labels[depth - 1] if depth else "")]
            if share:
                found[labels[depth]] = found.get(labels[depth], 0.0) + share
        if not found and by == "model":
            found = self._stated_cost_by_model()
        return dict(sorted(found.items(), key=lambda each: each[1], reverse=True))

    def to_dicts(self) -> list[dict[str, Any]]:
        """One flat JSON object a span, depth first, for data frames: times in ISO 8601, durations in milliseconds."""
        rows: list[dict[str, Any]] = []
        ids: list[str | None] = []
        for span, depth in walk(self.spans):
            ids[depth:] = [span.id]
            rows.append(
                {
                    "id": span.id,
                    "parent_id": ids[depth - 1] if depth else None,
                    "depth": depth,
                    "block_id": span.block_id,
                    "name": span.name,
                    "type": span.type,
                    "status": span.status,
                    "error": span.error,
                    "error_handled": span.error_handled,
                    "start": None if span.start is None else span.start.isoformat(),
                    "duration": span.duration,
                    "iteration": span.iteration,
                    "model": span.model,
                    "tokens": span.tokens,
                    "input_tokens": span.input_tokens,
                    "output_tokens": span.output_tokens,
                    "cost": span.cost,
                    "critical": id(span) in self.critical_ids,
                }
            )
        return rows

    def summary(self) -> list[str]:
        """Status and duration, and numbers of spans, tokens and costs, in words; what is unknown is left out."""
        took = duration_words(self.duration)
        status = self.status or ("" if took else "unknown")
        words = [f"{status} after {took}" if status and took else status or took, count_words(len(self), "span")]
        failures = len(self.failures)
        words.append(f"{failures:,} failed" if failures else "")
        words.append(count_words(self.tokens, "token") if self.tokens else "")
        words.append(f"cost {cost_words(self.cost)}" if self.cost else "")
        return [each for each in words if each]

    def __eq__(self, other: object) -> bool:
        return self.data == other.data if isinstance(other, RunRecord) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # like a mapping

    # -- reading -------------------------------------------------------------------------------------------------------

    @cached_property
    def _roots(self) -> tuple[Span, ...]:
        return read_spans(find_spans(self.data), time(self._fact("startedAt", "startTime")))

    @property
    def _wrapped(self) -> bool:
        return bool(self._roots) and all(map(is_wrapper, self._roots))

    @property
    def _final_output(self) -> Any:
        return self.data.get("finalOutput", mapping(self.data.get("executionData")).get("finalOutput"))

    def _fact(self, *names: str) -> Any:
        """The first value under one of these names, in the record or in its metadata."""
        for place in (self.data, mapping(self.data.get("metadata")), mapping(self.data.get("executionMetadata"))):
            for name in names:
                if place.get(name) is not None:
                    return place[name]
        return None

    def _find_text(self, *names: str) -> str | None:
        return text(self._fact(*names))

    def _sum(self, amount: Callable[[Span], float | None]) -> float | None:
        spans = list(walk(self.spans))
        return sum(shares(spans, amount)) if any(amount(span) is not None for span, _ in spans) else None

    def _stated_cost_by_model(self) -> dict[str, float]:
        """Costs by model of a log whose spans have none: ``models`` of v1, ``items`` of v2."""
        cost = mapping(self.data.get("cost"))
        models = mapping(cost.get("models")) or mapping(mapping(self.data.get("executionData")).get("models"))
        stated = [(name, mapping(each).get("total")) for name, each in models.items()]
        charged = [mapping(each) for each in items(cost.get("items"))]
        stated += [
            (str(each.get("description")), each.get("cost")) for each in charged if each.get("category") == "model"
        ]
        known = [(name, first_number(value)) for name, value in stated]
        return {name: value for name, value in known if value}


def _label(span: Span, by: str, outer: str) -> str:
    """The label under which the cost of a span is counted; that of a call within an agent is the agent's."""
    if by == "model":
        return span.model or outer or _OTHER
    if by == "type":
        return span.type or outer or _OTHER
    if by == "block":
        within = outer if span.block_id is None and not span.is_container else ""
        return "" if span.is_container else within or span.name
    raise InvalidInputError(f'by= is "model", "block" or "type", not {by!r}.')
