"""Steps that a workflow function declares, and that its logs show as spans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from simstudio.sandbox import jsontext
from simstudio.sandbox.seeding import timer
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from typing_extensions import Self

_NO_BLOCKS = ("loop", "loop-iteration", "parallel", "parallel-iteration", "model", "tool")
"""Types of spans that Sim shows without the id of a block."""


class Step:
    """One step of a run, made by ``context.step``: a block, a loop, an iteration, or a call within a block.

    Used with ``with``, which times it; an exception makes it a failed one. Its attributes may be set
    until the end.

    Attributes:
        type: ``function``, ``agent``, ``tool``, ``model``, ``loop``, ``loop-iteration``, ``parallel`` …
        input: JSON data.
        output: JSON data.
        model: Name of a language model.
        input_tokens: Tokens of the prompt.
        output_tokens: Tokens of the answer.
        cost: US dollars, the costs of steps inside included.
    """

    def __init__(
        self,
        name: str,
        type: str = "function",
        *,
        input: object = None,
        output: object = None,
        model: str | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cost: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.type = type
        self.input = input
        self.output = output
        self.model = model
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.cost = cost
        self.error: str | None = None
        self._children: list[Step] = []
        self._clock = clock
        self._started: float | None = None
        self._began = 0.0
        self._seconds: float | None = None

    def step(self, name: str, type: str = "function", **values: Any) -> Step:
        """A step inside this one, with the arguments of :class:`Step`."""
        made = Step(name, type, clock=self._clock, **values)
        self._children.append(made)
        return made

    def __enter__(self) -> Self:
        self._started, self._began = self._clock(), timer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._seconds = timer() - self._began
        if error is not None:
            self.error = str(error) or type(error).__name__

    def span(self, run_started: float, block_id_of: Callable[[str], str]) -> dict[str, Any] | None:
        """The step as logs show it; None if it has not begun."""
        if self._started is None:
            return None
        children = [child.span(run_started, block_id_of) for child in self._children]
        block_id = block_id_of(self.name)
        found: dict[str, Any] = {
            "id": f"{block_id}-{round(self._started * 1000)}",
            "name": self.name,
            "type": self.type,
            "status": "success" if self.error is None else "error",
            "blockId": block_id,
            "startTime": iso(self._started),
            "relativeStartMs": round((self._started - run_started) * 1000),
            "input": jsontext.plain({} if self.input is None else self.input),
            "output": jsontext.plain({} if self.output is None else self.output),
            "children": [child for child in children if child is not None],
        }
        if self.error is not None:
            found["output"] = {"error": self.error}
        if self._seconds is not None:
            found["duration"] = self._seconds * 1000
            found["endTime"] = iso(self._started + self._seconds)
        if self.type in _NO_BLOCKS:
            del found["blockId"]
        if self.model is not None:
            found["model"] = self.model
        if self.cost is not None:
            found["cost"] = {"total": self.cost}
        if self.input_tokens is not None or self.output_tokens is not None:
            read, written = self.input_tokens or 0, self.output_tokens or 0
            found["tokens"] = {"input": read, "output": written, "total": read + written}
        return found


def cost_of(spans: Iterable[dict[str, Any]]) -> float:
    """The cost of spans: of one without a cost, that of the spans inside it."""
    costs = (span["cost"]["total"] if "cost" in span else cost_of(span["children"]) for span in spans)
    return sum(costs)
