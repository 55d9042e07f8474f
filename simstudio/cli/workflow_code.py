"""``simstudio workflows pull``, ``diff``, ``push`` and ``promote``: the workflows of a workspace as code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simstudio.cli.connection import Connection, connected
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.options import workspace_option
from simstudio.cli.output import say, write_json
from simstudio.cli.progress import Waiting
from simstudio.cli.tables import show_lines
from simstudio.cli.workflow_plans import plan_json, plan_lines, pull_lines
from simstudio.cli.workflow_push import PushOptions, carry_out, push_options
from simstudio.cli.workflow_selection import (
    candidates,
    choose_sources,
    choose_workflows,
    mapping_option,
    only_option,
    read_mapping,
)

if TYPE_CHECKING:
    from simstudio.cli.workflow_selection import Select
    from simstudio.client import SimStudioClient
    from simstudio.workflow_files.folder import WorkflowFolder
    from simstudio.workflow_files.plan import Change, Plan, Present, Workspace

_folder_argument = click.argument(
    "folder", metavar="[FOLDER]", default=".", type=click.Path(file_okay=False, path_type=Path)
)


@click.command
@_folder_argument
@workspace_option
@only_option
@click.option("--force", is_flag=True, help="Overwrite files that were changed here.")
@connected
def pull(connection: Connection, folder: Path, workspace: str | None, only: Sequence[str], *, force: bool) -> None:
    """Write the workflows of a workspace into FOLDER, a file for each.

    The same workflows give the same files: without times, in a fixed order, each line of code on a line.
    Secrets are never in them: ${secret:1} stands in the place of a text whose name or form is that of a secret, or that
    Sim's export leaves out; references such as {{NAME}} stay. Files that were changed here since the last pull are
    kept; if the workflow was changed on the server as well, nothing is written without --force.
    """
    from simstudio.workflow_files.folder import WorkflowFolder

    with connection.client() as client:
        files = WorkflowFolder(folder)
        there = _read(client, _workspace(connection, workspace, files), choose_workflows(only))
        plan = files.plan_pull(there, partial=bool(only))
        if plan.conflicts and not force:
            raise CommandError(
                f"Nothing was written: {'; '.join(f'{path} {reason}' for path, reason in plan.conflicts.items())}. "
                "Give --force to overwrite, or move these files away.",
                ExitCode.FAILED,
                "Conflict",
            )
        _on_disk(lambda: files.apply_pull(plan, there, partial=bool(only)))
    if connection.as_json:
        result = {"written": sorted(plan.write), "removed": plan.remove, "kept": plan.kept, "unchanged": plan.unchanged}
        write_json({"workspace": there.id, **result})
    else:
        total = f"{len(plan.write)} written, {plan.unchanged + len(plan.kept)} as they were."
        show_lines([*pull_lines(plan), (total, "")])


@click.command
@_folder_argument
@workspace_option
@only_option
@mapping_option
@click.option("--check", is_flag=True, help="Exit with 1 if there are differences.")
@connected
def diff(
    connection: Connection,
    folder: Path,
    workspace: str | None,
    only: Sequence[str],
    mapping: Path | None,
    *,
    check: bool,
) -> None:
    """Show what a push of FOLDER would change in a workspace, block by block."""
    with connection.client() as client:
        plan, _ = _plan_of_folder(connection, client, folder, workspace, only, mapping, prune=False)
    if connection.as_json:
        write_json(plan_json(plan, {}, applied=False, deployed=[]))
    else:
        show_lines(plan_lines(plan, {}))
    if check and plan.differs:
        raise CommandError(f"{folder} and the workspace {plan.workspace.id} differ.", ExitCode.FAILED, "Differences")


@click.command
@_folder_argument
@workspace_option
@push_options
@connected
def push(
    connection: Connection,
    folder: Path,
    workspace: str | None,
    only: Sequence[str],
    mapping: Path | None,
    **options: Any,
) -> None:
    """Update a workspace to match FOLDER, after showing the changes.

    A workflow is updated in place: it is found by its id if it was pulled from this workspace or pushed to it before,
    else by the mapping, by folder and name, or by a name that is unique. Only what is not found is created. Secrets
    stay as they are on the server. In another workspace than that of the pull, credentials, tables and the like stay as
    they are there, unless the mapping names others.
    """
    given = PushOptions(**options)
    with connection.client() as client:
        plan, files = _plan_of_folder(connection, client, folder, workspace, only, mapping, prune=given.prune)

        unwritten: dict[str, None] = {}

        def note(change: Change, now: Present | None) -> None:
            if change.source is not None and now is not None:
                files.note(plan.workspace.id, change.source, now)
            elif change.present is not None:
                files.forget(plan.workspace.id, change.present.id)
            try:
                files.save()  # after each, so that a failure or Ctrl-C loses nothing
            except OSError as error:
                unwritten[f"{files.manifest_file} cannot be written: {error.strerror or error}"] = None

        try:
            carry_out(connection, client, plan, given, note)
        finally:
            for reason in unwritten:
                say(f"note: {reason}. The next push will take these changes for somebody else's.")


@click.command
@click.option("--from", "origin", metavar="ID", required=True, help="The workspace to take workflows from.")
@click.option("--to", "target", metavar="ID", required=True, help="The workspace to update.")
@push_options
@connected
def promote(
    connection: Connection, origin: str, target: str, only: Sequence[str], mapping: Path | None, **options: Any
) -> None:
    """Update a workspace to match another one, after showing the changes.

    The same as pull from one and push to the other, without files. Workflows are found by the mapping, by folder and
    name, or by a name that is unique, and updated in place. Secrets are not copied.
    """
    from simstudio.workflow_files.plan import Source, make_plan

    given = PushOptions(**options)
    if origin == target:
        raise click.UsageError("--from and --to are the same workspace", click.get_current_context())
    with connection.client() as client:
        there = _read(client, origin, choose_workflows(only))
        sources, mapped = [Source.of(each) for each in there.workflows], read_mapping(mapping)
        plan = make_plan(
            sources,
            _read(client, target, candidates(sources, mapped) if only else list),
            same=False,
            folders=() if only else there.folders,
            mapped=mapped,
            prune=given.prune,
            partial=bool(only),
        )
        carry_out(connection, client, plan, given, lambda *_: None)


def _plan_of_folder(
    connection: Connection,
    client: SimStudioClient,
    folder: Path,
    workspace: str | None,
    only: Sequence[str],
    mapping: Path | None,
    *,
    prune: bool,
) -> tuple[Plan, WorkflowFolder]:
    from simstudio.workflow_files.folder import WorkflowFolder
    from simstudio.workflow_files.plan import make_plan

    files = WorkflowFolder(folder)
    target, mapped = _workspace(connection, workspace, files), read_mapping(mapping)
    sources = choose_sources(only, files.sources(target))
    there = _read(client, target, candidates(sources, mapped) if only else list)
    plan = make_plan(
        sources,
        there,
        same=files.manifest.workspace in (None, target),
        folders=() if only else files.manifest.folders,
        mapped=mapped,
        known=files.digests_of(target),
        prune=prune,
        partial=bool(only),
    )
    return plan, files


def _read(client: SimStudioClient, workspace_id: str, select: Select) -> Workspace:
    """Read a workspace.

    Raises:
        CommandError: The server has no v2 API.
    """
    from simstudio.errors import APIVersionError
    from simstudio.workflow_files.remote import read_workspace

    try:
        with Waiting(f"{workspace_id}: reading workflows"):
            return read_workspace(client, workspace_id, select)
    except APIVersionError as error:
        raise CommandError(
            "Workflows as files need v2 of the API, which this server does not have or has switched off (V2_API). "
            "workflows export and import can use v1.",
            ExitCode.FAILED,
            "UnsupportedVersion",
        ) from error


def _workspace(connection: Connection, given: str | None, files: WorkflowFolder) -> str:
    """The workspace of a command, else that of the folder's last pull."""
    return connection.known_workspace(given) or files.manifest.workspace or connection.workspace(given)


def _on_disk(action: Callable[[], None]) -> None:
    try:
        action()
    except OSError as error:
        raise CommandError(
            f"{error.filename or 'The current directory'} cannot be written: {error.strerror or error}.",
            ExitCode.FAILED,
        ) from error
