"""``simstudio runs show`` and ``simstudio logs show``: what one run did."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.completion import complete_workflows
from simstudio.cli.connection import Connection, connected
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.options import workspace_option
from simstudio.cli.output import on_terminal, say, write_json
from simstudio.cli.readable import amount, dollars, duration, moment_and_time
from simstudio.cli.references import find_run, find_workflow
from simstudio.cli.tables import show_fields, show_picture

if TYPE_CHECKING:
    from simstudio.traces.trace import Trace

_MOST_ROWS = 100


def shows_trace(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator: a command that shows one run, with its options; the function is only name and help."""

    @click.argument("run", metavar="ID")
    @workspace_option
    @click.option(
        "--workflow",
        metavar="ID",
        shell_complete=complete_workflows,
        help='With "last" or a shortened ID: a run of this workflow.',
    )
    @click.option(
        "--html",
        "page",
        metavar="FILE",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Write a page with the trace to this file as well.",
    )
    @click.option("--content", is_flag=True, help="With --html: with the inputs and outputs of the blocks.")
    @click.option("--all", "everything", is_flag=True, help=f"Show all spans, also of more than {_MOST_ROWS}.")
    @connected
    @functools.wraps(command)
    def show(
        connection: Connection,
        run: str,
        workspace: str | None,
        workflow: str | None,
        page: Path | None,
        *,
        content: bool,
        everything: bool,
    ) -> None:
        if content and page is None:
            raise click.UsageError("--content goes with --html", click.get_current_context())
        with connection.client() as client:
            if workflow is not None:
                workflow = find_workflow(connection, client, workflow, workspace=workspace)
            run = find_run(connection, client, run, workflow, workspace, as_log=True).id
            trace = client.traces.get(run, workspace_id=connection.known_workspace(workspace))
        if page is not None:
            _write(trace, page, content=content)
        if connection.as_json or not on_terminal():
            write_json(trace.data)
            return
        _show(trace, None if everything else _MOST_ROWS)

    return show


def _write(trace: Trace, path: Path, *, content: bool) -> None:
    try:
        trace.to_html(path, content=content)
    except OSError as error:
        message = f"The page cannot be written to {path}: {error.strerror or error}."
        raise CommandError(message, ExitCode.FAILED) from error
    say(f"wrote {path}")


def _show(trace: Trace, limit: int | None) -> None:
    found = trace.data
    data = {**_mapping(found.get("executionMetadata")), **_mapping(found.get("executionData")), **found}
    name, workflow_id = trace.workflow_name, trace.workflow_id
    cost = data.get("cost")
    show_fields(
        [
            ("log", data.get("id")),
            ("run", trace.run_id),
            ("workflow", f"{name} ({workflow_id})" if name and workflow_id else name or workflow_id),
            ("status", trace.status or ("running or paused" if data.get("endedAt", "") is None else None)),
            ("level", data.get("level")),
            ("trigger", _trigger(data.get("trigger"))),
            ("by", data.get("executedByEmail")),
            ("started", moment_and_time(data.get("startedAt"))),
            ("ended", moment_and_time(data.get("endedAt"))),
            ("took", duration(data.get("totalDurationMs"))),
            ("credits", amount(cost.get("total")) if isinstance(cost, Mapping) and "runId" in data else None),
            ("cost", dollars(cost.get("total")) if isinstance(cost, Mapping) and "runId" not in data else None),
            ("error", trace.error),
            ("input", data.get("workflowInput")),
            ("output", None if trace.status == "failed" else data.get("finalOutput")),
        ]
    )
    if len(trace):
        click.echo()
        show_picture(trace, limit)


def _trigger(value: Any) -> Any:
    return value.get("type", value) if isinstance(value, Mapping) else value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
