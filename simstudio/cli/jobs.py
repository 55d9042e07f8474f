"""Background executions: waiting for one, and showing its state."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.cli.connection import Connection
from simstudio.cli.output import on_terminal, say, write_json
from simstudio.cli.progress import Waiting
from simstudio.cli.prompts import ask
from simstudio.cli.readable import duration, moment_and_time
from simstudio.cli.tables import show_fields

if TYPE_CHECKING:
    from simstudio.cli.invocation import Invocation
    from simstudio.client import SimStudioClient
    from simstudio.models.execution import WorkflowExecutionResult
    from simstudio.models.jobs import Job
    from simstudio.models.pauses import Pause
    from simstudio.models.v2.runs import Run
    from simstudio.resources.jobs import Until


def wait_for_job(
    connection: Connection,
    client: SimStudioClient,
    task_id: str,
    workflow: str | None,
    timeout: float,
    *,
    until: Until = "pause",
    asks: bool = False,
) -> Job:
    """Wait until a background run is done, and show its state meanwhile.

    Args:
        connection: Its invocation gets the id of what goes on when the command ends.
        client: Sends the requests.
        task_id: The id of the run or of its job.
        workflow: The id of its workflow; v2 needs it.
        timeout: Seconds to wait.
        until: ``pause`` ends the wait at a pause as well; ``done`` says what each pause asks and goes on.
        asks: Whether to ask on the terminal what a pause asks, and to send the answer.

    Raises:
        JobFailedError: The run failed.
        JobTimeoutError: The run was not done in time.
        SimStudioError: The state of the run cannot be read.
    """
    invocation = connection.invocation
    invocation.task_id = task_id
    invocation.begun = True
    with Waiting(f"{task_id}: waiting") as waiting:

        def meet(pause: Pause) -> Any:
            with waiting.hidden():
                say(f"note: {describe_wait(invocation, task_id, workflow, pause)}")
                return ask(pause) if asks else None

        return client.jobs.wait(
            task_id,
            workflow_id=workflow,
            timeout=timeout,
            on_progress=lambda job: waiting.update(f"{task_id}: {job.status}"),
            until=until,
            on_pause=meet if until == "done" else None,
        )


def describe_wait(invocation: Invocation, run: str, workflow: str | None, pause: Pause) -> str:
    """The person whom a paused run waits for, the question of the pause, and where and how to answer."""
    from simstudio.resources.pauses import describe_pause

    words = [*invocation.program, "runs", "resume", pause.execution_id or run]
    workflow = pause.workflow_id or workflow
    words += ["--workflow", workflow] if workflow else []
    words += ["--api-version", "v2"] if invocation.workflow is not None else []
    there = "there, or " if pause.links.ui_url else ""
    return f"{run}: {describe_pause(pause)}; answer it {there}with: {shlex.join(words)}"


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
            ("started", moment_and_time(metadata.get("startedAt"))),
            ("completed", moment_and_time(metadata.get("completedAt"))),
            ("took", duration(metadata.get("duration"))),
            ("error", found.error_message),
            ("output", result.output if result is not None else None),
            ("cut texts", ", ".join(found.truncated) or None),
        ]
    )


def cut_texts_of(found: Job | Run | WorkflowExecutionResult) -> dict[str, list[str]]:
    """The key for JSON output that says where the server cut texts of the output; empty if it cut none."""
    return {"truncated": list(found.truncated)} if found.truncated else {}
