"""``simstudio logs``: the executions in a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.lists import Column, limit_option, page_size, show_list, view_options
from simstudio.cli.options import moment_option, workflows_option, workspace_option
from simstudio.cli.references import find_workflow
from simstudio.cli.tail import tail
from simstudio.cli.traces import shows_trace

_EPILOG = """\b
Examples:
  simstudio logs list --workspace ID --level error
  simstudio logs show LOG
  simstudio logs show last --html run.html
  simstudio logs tail --workspace ID --json | jq .executionId
"""


def _cost(log: Mapping[str, Any]) -> Any:
    cost = log.get("cost")
    return cost.get("total") if isinstance(cost, Mapping) else None


_COLUMNS = (
    Column("started", "startedAt", "time"),
    Column("took", "totalDurationMs", "duration"),
    Column("workflow", "workflowId", "id"),
    Column("trigger", "trigger", wide=True),
)
_V1 = (
    Column("run", "executionId", "id"),
    Column("level", "level"),
    *_COLUMNS,
    Column("cost", _cost, "dollars", wide=True),
    Column("log", "id", "id", wide=True),
)
_V2 = (
    Column("run", "runId", "id"),
    Column("status", "status"),
    *_COLUMNS,
    Column("credits", _cost, "credits", wide=True),
    Column("level", "level", wide=True),
)


@click.group(epilog=_EPILOG, invoke_without_command=True)
@click.pass_context
def logs(ctx: click.Context) -> None:
    """List, show and follow the logs of a workspace."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


logs.add_command(tail)


@logs.command("list")
@workspace_option
@workflows_option
@click.option("--level", type=click.Choice(["info", "error"]), help="Only logs of this level; error: failed runs.")
@click.option(
    "--trigger", "triggers", metavar="NAME", multiple=True, help="Only logs with this trigger. Again for more."
)
@click.option(
    "--status",
    "statuses",
    metavar="NAME",
    multiple=True,
    help="Only runs with this status, such as failed (v2). Again for more.",
)
@moment_option("--since", "Earliest start, ISO 8601 in UTC, as 2026-11-20T08:00:00Z.")
@moment_option("--until", "Latest start.")
@limit_option(50)
@connected
@view_options
def list_(
    connection: Connection,
    workspace: str | None,
    workflows: Sequence[str],
    level: str | None,
    triggers: Sequence[str],
    statuses: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    *,
    limit: int | None,
) -> None:
    """List the logs of a workspace, the newest first."""
    chosen: dict[str, Any] = {
        "level": level,
        "triggers": list(triggers),
        "status": list(statuses),
        "start_date": since,
        "end_date": until,
    }
    filters = {name: value for name, value in chosen.items() if value}
    with connection.client() as client:
        if workflows:
            filters["workflow_ids"] = [
                find_workflow(connection, client, each, workspace=workspace) for each in workflows
            ]
        if statuses:
            connection.require_v2(client, "The status of a run is", "v1 has --level error.")
        found = connection.surface(client).logs.list(connection.workspace(workspace), limit=page_size(limit), **filters)
        show_list(found, _V2 if client.api_version == "v2" else _V1, limit)


@logs.command
@shows_trace
def show() -> None:
    """Show one run in full: its input and output, and its blocks as bars to scale.

    ID is that of a run in v2; in v1 that of a log, an execution or a background job. "last" is the newest run of the
    workspace.
    """
