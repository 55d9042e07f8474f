"""``simstudio workflows export`` and ``import``: workflows as files that are kept under version control."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.deployment import deploy_workflow, wait_options
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.inputs import read_json
from simstudio.cli.options import workflow_argument, workspace_option
from simstudio.cli.output import on_terminal, say, write, write_json
from simstudio.cli.references import find_workflow
from simstudio.cli.tables import show_fields
from simstudio.core.disk import output_file


@click.command("export")
@workflow_argument
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; default: standard output.",
)
@connected
def export(connection: Connection, workflow: str, output: Path | None) -> None:
    """Write WORKFLOW, as it is in the editor, as JSON.

    The same workflow gives the same file: keys are sorted, and the time of the export is left out. Secrets are never
    in it.
    """
    with connection.client() as client:
        workflow = find_workflow(connection, client, workflow)
        text = as_file(connection.surface(client).workflows.export(workflow).to_dict())
    if output is None:
        write(text)
        return
    try:
        with output_file(output) as file:
            file.write(text.encode())
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror or error}.", ExitCode.FAILED) from error
    if connection.as_json:
        write_json({"id": workflow, "output": str(output)})


def as_file(exported: Mapping[str, Any]) -> str:
    """An export as text that differs only where the workflow does."""
    kept = {name: value for name, value in exported.items() if name != "exportedAt"}
    state = kept.get("state")
    metadata = state.get("metadata") if isinstance(state, Mapping) else None
    if isinstance(state, Mapping) and isinstance(metadata, Mapping):
        named = {name: value for name, value in metadata.items() if name != "exportedAt"}
        kept["state"] = {**state, "metadata": named}
    text = json.dumps(kept, ensure_ascii=False, indent=2, sort_keys=True)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        text = json.dumps(kept, indent=2, sort_keys=True)
    return text + "\n"


@click.command("import")
@click.argument("source", metavar="FILE|-")
@workspace_option
@click.option("--name", metavar="TEXT", help="Name of the new workflow; default: the name in FILE.")
@click.option("--description", metavar="TEXT", help="Description of the new workflow; default: that in FILE.")
@click.option("--folder", metavar="PATH", help="Folder of the new workflow, such as /team; in v1 the id of a folder.")
@click.option("--deploy", is_flag=True, help="Deploy the new workflow.")
@click.option("--id-only", is_flag=True, help="Print only the id of the new workflow, for scripts.")
@wait_options
@connected
def import_(
    connection: Connection,
    source: str,
    workspace: str | None,
    name: str | None,
    description: str | None,
    folder: str | None,
    *,
    deploy: bool,
    id_only: bool,
    wait: bool,
    timeout: float,
) -> None:
    """Make a new workflow of an exported one.

    FILE is what workflows export wrote; - is standard input. It is a new workflow each time: an earlier one of the
    same name stays.
    """
    if wait and not deploy:
        raise click.UsageError("--wait goes with --deploy", click.get_current_context())
    content = read_json(source, "FILE")
    if not isinstance(content, dict):
        raise click.BadParameter(f"{source} holds no exported workflow", click.get_current_context(), param_hint="FILE")
    with connection.client() as client:
        surface = connection.surface(client)
        folder_option = "folder_path" if client.api_version == "v2" else "folder_id"
        wanted = {"name": name, "description": description, folder_option: folder}
        given = {option: text for option, text in wanted.items() if text is not None}
        made: dict[str, Any] = surface.workflows.import_(
            workspace_id=connection.workspace(workspace), workflow=content, **given
        ).to_dict()
        if deploy:
            workflow = _id(source, made)
            try:
                made["deployment"] = deploy_workflow(client, workflow, {}, wait=wait, timeout=timeout)
            except BaseException:
                say(f"note: {source} was imported as {workflow}, but not deployed")
                raise
    if id_only and not connection.as_json:
        write(f"{_id(source, made)}\n")
    else:
        _show(connection, made)


def _id(source: str, made: Mapping[str, Any]) -> str:
    found = made.get("id")
    if not isinstance(found, str):
        raise CommandError(f"{source} was imported, but the server does not say as what.", ExitCode.FAILED)
    return found


def _show(connection: Connection, made: Mapping[str, Any]) -> None:
    if connection.as_json or not on_terminal():
        write_json({"id": made.get("id"), **made})
        return
    deployment = made.get("deployment")
    warnings = made.get("warnings")
    show_fields(
        [
            ("workflow", made.get("id")),
            ("name", made.get("name")),
            ("workspace", made.get("workspaceId")),
            ("folder", made.get("folderPath", made.get("folderId"))),
            ("deployed", deployment.get("isDeployed") if isinstance(deployment, Mapping) else None),
            ("warnings", "\n".join(map(str, warnings)) if isinstance(warnings, list) and warnings else None),
        ]
    )
