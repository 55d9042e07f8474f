"""Parts that results, jobs, logs and runs share: the signs of a pause, the texts that were cut, the trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attr  # the library of attrs, without the six modules that only rename it

if TYPE_CHECKING:
    from simstudio.traces.trace import Trace


def find_resume(output: Any) -> Mapping[str, Any] | None:
    """The ``_resume`` object of a paused run, which names the pause and where to answer it; of several, the first."""
    found = find_paused(output)
    return found[0]["_resume"] if found else None


def find_paused(output: Any) -> list[Mapping[str, Any]]:
    """The objects that hold ``_resume``, one for each pause with which the run waits.

    A synchronous run has them in ``output.data``, or, if there are several, in the ``data`` of each item of
    ``output.pausedBlocks``; a job has the same in ``output.output``.
    """
    for _ in range(3):
        if not isinstance(output, Mapping):
            return []
        blocks = output.get("pausedBlocks")
        found = [_holder(block) for block in (blocks if isinstance(blocks, list) else [output])]
        if any(found):
            return [holder for holder in found if holder]
        output = output.get("output")
    return []


def _holder(block: Any) -> Mapping[str, Any] | None:
    """The object that holds ``_resume``: the block's output or its ``data``; None if neither does."""
    places = (block, block.get("data")) if isinstance(block, Mapping) else ()
    held = (place for place in places if isinstance(place, Mapping) and isinstance(place.get("_resume"), Mapping))
    return next(held, None)


def is_resuming(run: Mapping[str, Any]) -> bool:
    """Whether a run of v2 whose status is ``paused`` has been answered and continues: it then names no pause.

    A run that paused again after an answer names none either, for ever, as servers since August 2026 cannot resume it.
    Its ``endedAt`` is later than its ``pausedAt``.
    """
    block, ended_at = run.get("paused"), run.get("endedAt")
    if run.get("status") != "paused" or not isinstance(block, Mapping) or block.get("contextId", "") is not None:
        return False
    paused_at = block.get("pausedAt")
    return not (isinstance(ended_at, str) and isinstance(paused_at, str) and ended_at > paused_at)


def _as_tuple(paths: list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(paths or ())  # a pickle of an earlier version has none, and JSON has a list


def truncated_field() -> tuple[str, ...]:
    """The field of a model for the paths of the texts in its output that are still cut."""
    field: tuple[str, ...] = attr.field(default=(), converter=_as_tuple, metadata={"wire": ()})
    return field


def find_trace(data: Mapping[str, Any]) -> Trace | None:
    """The trace in the JSON object of a log, a run, a result or a job; None if it has no spans."""
    from simstudio.traces.reading import find_spans
    from simstudio.traces.trace import Trace

    return Trace(data) if find_spans(data) else None


def show_command(run_id: Any, workflow_id: Any, api_version: str | None = None) -> str:
    """The command that shows what a failed run did, or, if the server does not name the run, finds its log.

    Args:
        run_id: Id of the run; anything but a text counts as unknown.
        workflow_id: Id of the workflow; anything but a text counts as unknown.
    """
    import shlex  # imported late: a first result does not need it

    if _is_named(run_id):
        words = ["simstudio", "runs", "show", run_id]
    else:
        of = ["--workflow", workflow_id] if _is_named(workflow_id) else []
        words = ["simstudio", "logs", "list", *of, "--level", "error"]
    return shlex.join([*words, *(("--api-version", "v2") if api_version == "v2" else ())])


def trace_advice(run_id: Any, workflow_id: Any, api_version: str | None = None) -> str:
    """The last sentence of the message of a failed run: how to see what it did."""
    command = show_command(run_id, workflow_id, api_version)
    return f"Its trace: client.traces.get(error), or {command}" if _is_named(run_id) else f"Its log: {command}"


def _is_named(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
