"""One step of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs

ITERATIONS = ("loop-iteration", "parallel-iteration")
_CONTAINERS = (*ITERATIONS, "loop", "parallel")


@attrs.frozen(eq=False, repr=False)
class Span:
    """One step of a run: a block, a loop, an iteration of it, or a call of a model or a tool within an agent.

    A value that the server did not send, or that cannot be read, is None.

    Attributes:
        name: Name of the block; its type if it has no name.
        type: ``agent``, ``function``, ``loop``, ``loop-iteration``, ``model``, ``tool`` …; empty if unknown.
        start: Time in UTC.
        duration: Milliseconds; None of a step that did not end.
        status: ``success`` or ``error``.
        error: Error text.
        error_handled: Whether the workflow went on after the error.
        tokens: Number of tokens in all, those of steps inside included.
        input_tokens: Tokens of the prompt.
        output_tokens: Tokens of the answer.
        cost: US dollars, the costs of steps inside included.
        model: Name of the language model.
        iteration: Number of the iteration that the step is, or is in, from 0.
        block_id: Id of the block; None of iterations, and of calls within a block.
        input: JSON data.
        output: JSON data.
        children: Steps inside this one.
        data: JSON object that the server sent.
    """

    name: str
    type: str = ""
    id: str | None = None
    start: datetime | None = None
    duration: float | None = None
    status: str | None = None
    error: str | None = None
    error_handled: bool = False
    tokens: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    cost: float | None = None
    model: str | None = None
    iteration: int | None = None
    block_id: str | None = None
    input: Any = None
    output: Any = None
    children: tuple[Span, ...] = ()
    data: dict[str, Any] = attrs.field(factory=dict)

    @property
    def end(self) -> datetime | None:
        """Time in UTC; None of a step that did not end."""
        if self.start is None or self.duration is None:
            return None
        try:
            return self.start + timedelta(milliseconds=self.duration)
        except OverflowError:
            return None

    @property
    def failed(self) -> bool:
        """Whether the step ended with an error, handled or not."""
        return self.status in ("error", "failed")

    @property
    def iterations(self) -> tuple[Span, ...]:
        """Iterations of a loop or a parallel; empty of other steps."""
        return tuple(child for child in self.children if child.type in ITERATIONS)

    @property
    def is_container(self) -> bool:
        """Whether the step only groups others: a loop, a parallel, or an iteration of one."""
        return self.type in _CONTAINERS

    def __iter__(self) -> Iterator[Span]:
        """The step itself and all steps inside it, depth first."""
        return (span for span, _ in walk((self,)))

    def __repr__(self) -> str:
        words = [repr(self.name), self.type, self.status or ""]
        words.append("" if self.duration is None else f"{self.duration:g} ms")
        words.append(f"{len(self.children)} inside" if self.children else "")
        return f"<Span {' '.join(filter(None, words))}>"


def walk(spans: Iterable[Span]) -> Iterator[tuple[Span, int]]:
    """Spans and their depth, depth first; spans of any depth need no recursion."""
    pending = [(span, 0) for span in reversed(tuple(spans))]
    while pending:
        span, depth = pending.pop()
        yield span, depth
        pending += [(child, depth + 1) for child in reversed(span.children)]
