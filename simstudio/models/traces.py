"""The traces of models: what a log, a result or a job says of the steps of its run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simstudio.traces.trace import Trace


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
    import shlex  # which a first result does not wait for

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
