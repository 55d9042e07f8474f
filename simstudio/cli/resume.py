"""``simstudio runs resume``: answering a run that waits for a human."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.inputs import parse_json, read_json
from simstudio.cli.jobs import show_job
from simstudio.cli.options import run_argument, timeout_option, workflow_option, workspace_option
from simstudio.cli.output import say, write_json, write_value
from simstudio.cli.progress import Waiting
from simstudio.cli.prompts import ask, can_ask, describe_fields
from simstudio.cli.references import find_run_and_workflow
from simstudio.errors import ExecutionError

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient
    from simstudio.models.execution import WorkflowExecutionResult
    from simstudio.models.pauses import Pause, PausedRun
    from simstudio.models.receipts import AsyncExecutionResult

_PATIENCE = 300.0


@click.command(short_help="Answer a run that waits for a human.")
@run_argument
@workflow_option
@workspace_option
@click.option("--context", metavar="ID", help="Context id of the pause to answer, if several wait.")
@click.option(
    "--input",
    "answer",
    metavar="JSON|@FILE|-",
    help="The answer; without it, the fields are asked for on the terminal.",
)
@click.option("--wait", is_flag=True, help="When it goes on in the background, wait for its end.")
@timeout_option("Seconds for the rest of the run.", default=_PATIENCE)
@connected
def resume(
    connection: Connection,
    run: str,
    workflow: str | None,
    workspace: str | None,
    context: str | None,
    answer: str | None,
    *,
    wait: bool,
    timeout: float,
) -> None:
    """Answer the pause of RUN, and print the result of the rest of the run.

    A run that was started in the background goes on there; then its task id is printed. An answer counts once: it is
    never sent a second time by itself.
    """
    given = _read_answer(answer)
    with connection.client() as client:
        run, workflow = find_run_and_workflow(connection, client, run, workflow, workspace, acts=True)
        if workflow is None:
            raise click.UsageError("A pause is found by its workflow: give --workflow ID", click.get_current_context())
        pause = _choose(client.workflows.get_paused(workflow, run), context)
        if answer is None:
            if not can_ask():
                raise click.UsageError(f"It {describe_fields(pause)}. Give --input JSON", click.get_current_context())
            given = ask(pause)
        connection.invocation.begun = True
        with Waiting(f"{run}: going on"):
            resumed = client.workflows.resume(
                pause, given, workflow_id=workflow, context_id=pause.context_id, timeout=timeout
            )
        _finish(connection, client, resumed, wait=wait, timeout=timeout)


def _read_answer(answer: str | None) -> Any:
    if answer is None:
        return None
    if answer == "-" or answer.startswith("@"):
        return read_json(answer.removeprefix("@"), "--input")
    return parse_json(answer, "--input")


def _choose(run: PausedRun, context: str | None) -> Pause:
    """The pause to answer.

    Raises:
        CommandError: No pause waits, or several do and none is chosen.
    """
    waiting = [pause for pause in run.pauses if pause.waiting]
    waiting = [pause for pause in waiting if not pause.in_progress] or waiting
    if context is not None:
        chosen = [pause for pause in waiting if pause.context_id == context]
        if not chosen:
            raise CommandError(f"No pause {context} of the run {run.execution_id} waits.", ExitCode.FAILED, "NotPaused")
        return chosen[0]
    if not waiting:
        raise CommandError(
            f"The run {run.execution_id} does not wait for anybody: its status is {run.status}.",
            ExitCode.FAILED,
            "NotPaused",
        )
    if len(waiting) > 1:
        choices = "; ".join(f"{pause.context_id}: {pause.question or 'no question'}" for pause in waiting)
        raise CommandError(
            f"The run {run.execution_id} waits with several pauses. Choose one by --context ({choices})."
        )
    return waiting[0]


def _finish(
    connection: Connection,
    client: SimStudioClient,
    resumed: WorkflowExecutionResult | AsyncExecutionResult,
    *,
    wait: bool,
    timeout: float,
) -> None:
    from simstudio.models.execution import WorkflowExecutionResult

    if isinstance(resumed, WorkflowExecutionResult):
        if not resumed.success:
            raise ExecutionError("The workflow failed", result=resumed)
        if connection.as_json:
            write_json({"success": True, "output": resumed.output, **resumed.to_dict()})
            return
        write_value(resumed.output)
        if resumed.paused:
            say("note: the run is paused again; it waits for a human")
        return
    if wait:
        connection.invocation.task_id = resumed.task_id
        with Waiting(f"{resumed.task_id}: waiting"):
            job = client.jobs.wait(resumed, timeout=timeout)
        show_job(connection, job)
        return
    if connection.as_json:
        write_json({"taskId": resumed.task_id, "status": resumed.status, **resumed.to_dict()})
    else:
        write_value(resumed.task_id)
