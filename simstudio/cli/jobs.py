"""Background executions: waiting for one, and showing its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simstudio.cli.connection import Connection
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.progress import Waiting
from simstudio.cli.tables import seconds, show_fields

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient
    from simstudio.models.execution import WorkflowExecutionResult
    from simstudio.models.jobs import Job
    from simstudio.models.v2.runs import Run


def waited(connection: Connection, client: SimStudioClient, task_id: str, workflow: str | None, timeout: float) -> Job:
    """Wait until a background run is done, showing its state meanwhile.

    Raises:
        JobFailedError: It failed.
        JobTimeoutError: It was not done in time.
        SimStudioError: It could not be asked for.
    """
    known = connection.workflow_of(client, workflow)
    invocation = connection.invocation
    invocation.task_id = task_id
    invocation.begun = True
    with Waiting(f"{task_id}: waiting") as waiting:
        return client.jobs.wait(
            task_id,
            workflow_id=known,
            timeout=timeout,
            on_progress=lambda state: waiting.update(f"{task_id}: {state.status}"),
        )


def show_job(connection: Connection, found: Job) -> None:
    """Print the state of a background run."""
    if connection.as_json or not on_terminal():
        write_json({"taskId": found.task_id, **found.to_dict(), **cut_texts_of(found)})
        return
    result = found.result if found.done else None
    metadata = found.metadata if isinstance(found.metadata, Mapping) else {}
    state = "paused: it waits for a human" if found.paused else found.status
    failed = found.done and not found.succeeded and not found.paused
    show_fields(
        [
            ("job", found.task_id),
            ("status", f"{state}, but its workflow failed" if failed and found.status == "completed" else state),
            ("workflow", found.workflow_id),
            ("execution", found.execution_id),
            ("started", metadata.get("startedAt")),
            ("completed", metadata.get("completedAt")),
            ("took", seconds(metadata.get("duration"))),
            ("error", found.error_message),
            ("output", result.output if result is not None else None),
            ("cut texts", ", ".join(found.truncated) or None),
        ]
    )


def cut_texts_of(found: Job | Run | WorkflowExecutionResult) -> dict[str, list[str]]:
    """The key for JSON output that says where the server cut texts of the output; empty if it cut none."""
    return {"truncated": list(found.truncated)} if found.truncated else {}
