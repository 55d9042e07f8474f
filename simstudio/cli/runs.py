"""``simstudio runs``: the executions of a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.jobs import cut_texts_of, show_job, wait_for_job
from simstudio.cli.lists import Column, limit_option, page_size, show_list, view_options
from simstudio.cli.options import (
    moment_option,
    run_argument,
    timeout_option,
    workflow_argument,
    workflow_option,
    workspace_option,
)
from simstudio.cli.output import on_terminal, write_json
from simstudio.cli.prompts import can_ask
from simstudio.cli.readable import amount, duration, moment_and_time
from simstudio.cli.references import find_run_and_workflow, find_workflow
from simstudio.cli.resume import resume
from simstudio.cli.tables import show_fields
from simstudio.cli.traces import shows_trace
from simstudio.errors import NotFoundError

if TYPE_CHECKING:
    from simstudio.client import SimStudioClient
    from simstudio.resources.jobs import Until

_EPILOG = """\b
Examples:
  simstudio runs list WORKFLOW --status failed --api-version v2
  simstudio runs show RUN
  simstudio runs wait RUN --workflow WORKFLOW --timeout 600
  simstudio runs resume RUN --workflow WORKFLOW --input '{"approved": true}'

\b
What each version of the API can do:
  v1    runs in the background, by their id; lists paused runs only
  v2    all, but a run is found only with its --workflow (show needs none)
"""


def _cost(run: Mapping[str, Any]) -> Any:
    cost = run.get("cost")
    return cost.get("total") if isinstance(cost, Mapping) else None


_STATUSES = ("pending", "running", "completed", "failed", "cancelled", "paused")
_RUNS = (
    Column("run", "runId", "id"),
    Column("status", "status"),
    Column("started", "startedAt", "time"),
    Column("took", "durationMs", "duration"),
    Column("credits", _cost, "credits", wide=True),
    Column("trigger", "trigger", wide=True),
)
_PAUSED = (
    Column("run", "executionId", "id"),
    Column("status", "status"),
    Column("paused", "pausedAt", "time"),
    Column("pauses", "totalPauseCount"),
    Column("answered", "resumedCount"),
)


@click.group(epilog=_EPILOG, invoke_without_command=True, short_help="List, show, wait for, answer and cancel runs.")
@click.pass_context
def runs(ctx: click.Context) -> None:
    """List, show, wait for, answer and cancel runs.

    RUN is the id of a run, its first characters, or last for the newest run of the workspace.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


runs.add_command(resume)


@runs.command("list")
@workflow_argument
@click.option("--status", type=click.Choice(_STATUSES), help="Only runs with this status. v1 lists paused runs only.")
@click.option("--trigger", metavar="NAME", help="Only runs with this trigger, such as api or schedule (v2).")
@moment_option("--since", "Earliest start, ISO 8601 in UTC, as 2026-11-20T08:00:00Z (v2).")
@moment_option("--until", "Latest start (v2).")
@click.option("--oldest-first", is_flag=True, help="The oldest run first (v2).")
@limit_option(50)
@connected
@view_options
def list_(
    connection: Connection,
    workflow: str,
    status: str | None,
    trigger: str | None,
    since: datetime | None,
    until: datetime | None,
    *,
    oldest_first: bool,
    limit: int | None,
) -> None:
    """List the runs of WORKFLOW, the newest first."""
    chosen = {"trigger": trigger, "start_date": since, "end_date": until, "order": "asc" if oldest_first else None}
    filters: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    with connection.client() as client:
        workflow = find_workflow(connection, client, workflow)
        if client.api_version == "v1" and status == "paused" and not filters:
            show_list(client.workflows.paused(workflow), _PAUSED, limit)
            return
        connection.require_v2(
            client, "Lists of runs are", "v1 lists paused runs (--status paused), and logs: simstudio logs list"
        )
        if status is not None:
            filters["status"] = status
        found = client.v2.runs.list(workflow, limit=page_size(limit), **filters)
        show_list(found, _RUNS, limit)


@runs.command
@run_argument
@workflow_option
@workspace_option
@connected
def get(connection: Connection, run: str, workflow: str | None, workspace: str | None) -> None:
    """Show the state of RUN. The exit code is 0 whatever the state is."""
    with connection.client() as client:
        run, known = find_run_and_workflow(connection, client, run, workflow, workspace)
        if client.api_version == "v1" or known is None:
            show_job(connection, client.jobs.get(run, workflow_id=known))
            return
        shown = client.v2.runs.get(known, run, include_output=True)
    found = {**shown.to_dict(), **cut_texts_of(shown)}
    if connection.as_json or not on_terminal():
        write_json(found)
        return
    error, files = found.get("error"), found.get("files")
    show_fields(
        [
            ("run", found.get("runId")),
            ("workflow", found.get("workflowId")),
            ("status", "paused: it waits for a human" if found.get("status") == "paused" else found.get("status")),
            ("trigger", found.get("trigger")),
            ("started", moment_and_time(found.get("startedAt"))),
            ("ended", moment_and_time(found.get("endedAt"))),
            ("took", duration(found.get("durationMs"))),
            ("credits", amount(_cost(found))),
            ("paused", found.get("paused")),
            ("error", error.get("message") if isinstance(error, Mapping) else error),
            ("files", files or None),
            ("output", found.get("output")),
            ("cut texts", ", ".join(shown.truncated) or None),
        ]
    )


@runs.command
@shows_trace
def show() -> None:
    """Show what one run did: its blocks as bars to scale, with durations, tokens and costs.

    ID is that of a run; in v1 also that of a log or of a background job. "last" is the newest run of the workspace.
    """


@runs.command
@run_argument
@workflow_option
@workspace_option
@click.option(
    "--until",
    type=click.Choice(["pause", "done"]),
    default="pause",
    show_default=True,
    help="pause: also end when the run pauses for a human; done: wait until somebody has answered and it has ended.",
)
@click.option("--ask", "asks", is_flag=True, help="With --until done: ask on this terminal what a pause asks.")
@timeout_option("Seconds to wait.", default=3600.0)
@connected
def wait(
    connection: Connection,
    run: str,
    workflow: str | None,
    workspace: str | None,
    *,
    until: Until,
    asks: bool,
    timeout: float,
) -> None:
    """Wait until RUN is done, and show it.

    The exit code is 1 if the run failed, and 4 if it was not done in time. With --until done, the command says whom a
    paused run waits for, and where to answer.
    """
    if asks and until != "done":
        raise click.UsageError("--ask goes with --until done", click.get_current_context())
    if asks and not can_ask():
        raise click.UsageError("--ask needs a terminal", click.get_current_context())
    with connection.client() as client:
        run, known = find_run_and_workflow(connection, client, run, workflow, workspace)
        done = wait_for_job(connection, client, run, known, timeout, until=until, asks=asks)
    show_job(connection, done)


@runs.command
@run_argument
@workflow_option
@workspace_option
@connected
def cancel(connection: Connection, run: str, workflow: str | None, workspace: str | None) -> None:
    """Cancel RUN. The exit code is 1 if it was over, or the server could not cancel it."""
    with connection.client() as client:
        run, known = find_run_and_workflow(connection, client, run, workflow, workspace, acts=True)
        of, execution = (known, run) if client.api_version == "v2" else _execution(client, known, run)
        if of is None:
            raise click.UsageError(
                f"There is no background run {run}. If it is another execution, give its --workflow ID",
                click.get_current_context(),
            )
        result = client.workflows.cancel(of, execution)
    if not result.success:
        reason = f": {result.reason}" if result.reason else ""
        raise CommandError(f"The run {run} was not cancelled{reason}.", ExitCode.FAILED, "NotCancelled")
    if connection.as_json or not on_terminal():
        write_json(result.to_dict())
        return
    show_fields([("run", run), ("cancelled", True), ("reason", result.reason)])


def _execution(client: SimStudioClient, workflow: str | None, run: str) -> tuple[str | None, str]:
    """Workflow and execution of an id that may be that of a job: v1 reports success for an unknown execution."""
    try:
        job = client.jobs.get(run)
    except NotFoundError:
        return workflow, run
    return workflow or job.workflow_id, job.execution_id or run
