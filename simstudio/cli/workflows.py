"""``simstudio workflows``: workflows of a workspace, their deployment, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.deployment import deploy_workflow, roll_back_workflow, show_deployment, wait_options
from simstudio.cli.exchange import export, import_
from simstudio.cli.lists import Column, limit_option, page_size, show_list, view_options
from simstudio.cli.options import workflow_argument, workspace_option
from simstudio.cli.output import on_terminal, tell, write_json
from simstudio.cli.readable import moment_and_time, number
from simstudio.cli.references import find_workflow
from simstudio.cli.tables import show_fields, show_table
from simstudio.cli.workflow_code import diff, promote, pull, push

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPILOG = """\b
Examples:
  simstudio workflows list --workspace ID
  simstudio workflows describe ID
  simstudio workflows export ID --output greet.json
  simstudio workflows import greet.json --workspace ID --deploy --wait
  simstudio workflows rollback ID
  simstudio workflows pull flows --workspace ID
  simstudio workflows push flows --yes --deploy

\b
What each version of the API can do:
  v1    all but versions; --folder is a folder's id
  v2    all; --folder is a path
pull, diff, push and promote always use v2.
"""

_WORKFLOWS = (
    Column("id", "id", "id"),
    Column("name", "name"),
    Column("deployed", "isDeployed"),
    Column("last run", "lastRunAt", "time"),
    Column("runs", "runCount", "number", wide=True),
    Column("deployed at", "deployedAt", "time", wide=True),
)
_VERSIONS = (
    Column("version", "version"),
    Column("active", "isActive"),
    Column("name", "name"),
    Column("created", "createdAt", "time"),
    Column("by", "deployedBy"),
    Column("status", "latestOperationStatus"),
)


@click.group(
    epilog=_EPILOG,
    invoke_without_command=True,
    short_help="List, show, deploy and move workflows, and keep them as files.",
)
@click.pass_context
def workflows(ctx: click.Context) -> None:
    """List, show, deploy and move workflows, and keep them as files.

    WORKFLOW is the id of a workflow, or its first characters.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for _command in (export, import_, pull, diff, push, promote):
    workflows.add_command(_command)


@workflows.command("list")
@workspace_option
@click.option("--deployed", "only_deployed", is_flag=True, help="Only deployed workflows.")
@limit_option(None)
@connected
@view_options
def list_(connection: Connection, workspace: str | None, *, only_deployed: bool, limit: int | None) -> None:
    """List the workflows of a workspace."""
    with connection.client() as client:
        surface = connection.surface(client)
        more: dict[str, Any] = {"deployed_only": True} if only_deployed else {}
        found = surface.workflows.list(connection.workspace(workspace), limit=page_size(limit), **more)
        show_list(found, _WORKFLOWS, limit)


@workflows.command
@workflow_argument
@connected
def get(connection: Connection, workflow: str) -> None:
    """Show WORKFLOW: its name, workspace, folder, deployment and input."""
    with connection.client() as client:
        workflow = find_workflow(connection, client, workflow)
        found: Mapping[str, Any] = connection.surface(client).workflows.get(workflow).to_dict()
    if connection.as_json or not on_terminal():
        write_json(found)
        return
    inputs = found.get("inputs") or []
    show_fields(
        [
            ("workflow", found.get("id")),
            ("name", found.get("name")),
            ("description", found.get("description")),
            ("workspace", found.get("workspaceId")),
            ("folder", found.get("folderPath", found.get("folderId"))),
            ("deployed", found.get("isDeployed")),
            ("deployed at", moment_and_time(found.get("deployedAt"))),
            ("runs", number(found.get("runCount"))),
            ("last run", moment_and_time(found.get("lastRunAt"))),
            ("input", ", ".join(_field(each) for each in inputs) if isinstance(inputs, list) and inputs else None),
            ("page", found.get("webUrl")),
        ]
    )


@workflows.command("describe")
@workflow_argument
@connected
def describe_(connection: Connection, workflow: str) -> None:
    """Show what WORKFLOW takes: the fields of its input, and how to run it."""
    with connection.client() as client:
        found = client.workflows.describe(find_workflow(connection, client, workflow))
    if connection.as_json or not on_terminal():
        write_json({**found.to_dict(), "call": found.call})
        return
    show_fields(
        [
            ("workflow", found.id),
            ("name", found.name),
            ("description", found.description),
            ("deployed", found.is_deployed),
            ("version", found.version),
            ("in Python", found.call),
        ]
    )
    fields = found.fields.values()
    told = any(each.required is not None for each in fields)  # a real Sim sends neither
    columns = ("field", "type", "description", *(("required", "default") if told else ()))
    if not fields:
        tell("It declares no fields and takes any input.")
        return
    click.echo()
    rows = [(each.name, each.type, each.description, each.required, each.default) for each in fields]
    show_table(columns, [row[: len(columns)] for row in rows])


def _field(given: Any) -> str:
    return f"{given.get('name')} ({given.get('type')})" if isinstance(given, dict) else str(given)


@workflows.command
@workflow_argument
@click.option("--name", metavar="TEXT", help="Name of the version.")
@click.option("--description", metavar="TEXT", help="Description of the version.")
@wait_options
@connected
def deploy(
    connection: Connection,
    workflow: str,
    name: str | None,
    description: str | None,
    *,
    wait: bool,
    timeout: float,
) -> None:
    """Deploy WORKFLOW as it is now in the editor.

    Sim deploys in the background: with --wait, the command ends when that is done, and the exit code is 1 if it failed.
    Each deployment makes a new version, so the request is never sent a second time.
    """
    with connection.client() as client:
        workflow = find_workflow(connection, client, workflow, acts=True)
        labels = {"name": name, "description": description}
        result = deploy_workflow(client, workflow, labels, wait=wait, timeout=timeout)
    show_deployment(connection, workflow, result)


@workflows.command
@workflow_argument
@connected
def undeploy(connection: Connection, workflow: str) -> None:
    """Undeploy WORKFLOW: nobody can run it until it is deployed again."""
    with connection.client() as client:
        workflow = find_workflow(connection, client, workflow, acts=True)
        result = connection.surface(client).workflows.undeploy(workflow).to_dict()
    show_deployment(connection, workflow, result)


@workflows.command
@workflow_argument
@click.option(
    "--version",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    help="Version to activate; default: the version before the active one.",
)
@wait_options
@connected
def rollback(connection: Connection, workflow: str, version: int | None, *, wait: bool, timeout: float) -> None:
    """Activate an earlier version of WORKFLOW."""
    with connection.client() as client:
        workflow = find_workflow(connection, client, workflow, acts=True)
        result = roll_back_workflow(client, workflow, version, wait=wait, timeout=timeout)
    show_deployment(connection, workflow, result)


@workflows.command
@workflow_argument
@limit_option(None)
@connected
@view_options
def versions(connection: Connection, workflow: str, *, limit: int | None) -> None:
    """List the deployed versions of WORKFLOW (v2)."""
    with connection.client() as client:
        connection.require_v2(client, "The versions of a workflow are", "workflows rollback works without them.")
        workflow = find_workflow(connection, client, workflow)
        found = client.v2.workflows.versions.list(workflow, limit=page_size(limit))
        show_list(found, _VERSIONS, limit)
