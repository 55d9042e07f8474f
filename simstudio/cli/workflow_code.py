"""``simstudio workflows pull``, ``diff``, ``push`` and ``promote``: the workflows of a workspace as code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from simstudio.cli.completion import complete_workflows
from simstudio.cli.connection import Connection, connected
from simstudio.cli.deployment import deployed, wait_options
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.options import workspace_option
from simstudio.cli.output import say, tell, write, write_json
from simstudio.cli.progress import Waiting
from simstudio.cli.prompts import can_ask, confirm
from simstudio.cli.references import is_short
from simstudio.cli.tables import show_lines
from simstudio.cli.workflow_plans import plan_json, plan_lines, pull_lines

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.cli.invocation import Invocation
    from simstudio.client import SimStudioClient
    from simstudio.models.v2.workflows import Workflow
    from simstudio.workflow_files.folder import WorkflowFolder
    from simstudio.workflow_files.plan import Change, Mapped, Plan, Present, Source, Workspace

    Select: TypeAlias = Callable[[Sequence[Workflow]], Sequence[Workflow]]

_MOST = 10
"""Steps that are named when a push fails or is interrupted."""

C = TypeVar("C", bound=Callable[..., Any])
T = TypeVar("T")

_folder_argument = click.argument(
    "folder", metavar="[FOLDER]", default=".", type=click.Path(file_okay=False, path_type=Path)
)
_only_option = click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_workflows,
    help="Only this workflow: its name, file or id, or the first characters of the id. Again for more.",
)
_mapping_option = click.option(
    "--mapping",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='JSON of what is called otherwise there: {"workflows": {"name": "name or id"}, "references": {"id": "id"}}.',
)


def _push_options(command: C) -> C:
    """Decorator: the options of what changes a workspace."""
    for option in reversed(
        (
            _only_option,
            _mapping_option,
            click.option("--yes", "-y", is_flag=True, help="Do not ask; needed where nobody can answer, as in CI."),
            click.option("--dry-run", is_flag=True, help="Print the plan, and change nothing."),
            click.option("--prune", is_flag=True, help="Delete workflows and empty folders that are only there."),
            click.option("--force", is_flag=True, help="Overwrite what somebody has changed there since the pull."),
            click.option("--deploy", is_flag=True, help="Deploy what is not in service as it is now."),
            click.option("--name", metavar="TEXT", help="With --deploy: what the versions are called."),
            click.option("--id-only", is_flag=True, help="Print the ids of the workflows alone; the plan as messages."),
            wait_options,
        )
    ):
        command = option(command)
    return command


@attrs.frozen
class _Options:
    """Values of :func:`_push_options`, without those that select workflows."""

    yes: bool
    dry_run: bool
    prune: bool
    force: bool
    deploy: bool
    name: str | None
    id_only: bool
    wait: bool
    timeout: float

    def __attrs_post_init__(self) -> None:
        for option, given in (("--wait", self.wait), ("--name", self.name is not None)):
            if given and not self.deploy:
                raise click.UsageError(f"{option} goes with --deploy", click.get_current_context())


@click.command
@_folder_argument
@workspace_option
@_only_option
@click.option("--force", is_flag=True, help="Overwrite files that were changed here.")
@connected
def pull(connection: Connection, folder: Path, workspace: str | None, only: Sequence[str], *, force: bool) -> None:
    """Write the workflows of a workspace into FOLDER, a file for each.

    The same workflows give the same files: no times, one order, one line a line of code. Secrets are never in them:
    ${secret:1} stands in the place of a text whose name or form is that of a secret, or that Sim's export leaves out;
    references such as {{NAME}} stay. Files that were changed here since the last pull are kept; if the workflow was
    changed on the server as well, nothing is written without --force.
    """
    from simstudio.workflow_files.folder import WorkflowFolder

    with connection.client() as client:
        files = WorkflowFolder(folder)
        there = _read(client, _workspace(connection, workspace, files), _chosen_workflows(only))
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
@_only_option
@_mapping_option
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
@_push_options
@connected
def push(
    connection: Connection,
    folder: Path,
    workspace: str | None,
    only: Sequence[str],
    mapping: Path | None,
    **options: Any,
) -> None:
    """Make a workspace have the workflows of FOLDER, after showing what changes.

    A workflow is updated in place: it is found by its id if it was pulled from this workspace or pushed to it before,
    else by the mapping, by folder and name, or by a name that is unique. Only what is not found is created. Secrets
    stay as they are on the server. In another workspace than that of the pull, credentials, tables and the like stay as
    they are there, unless the mapping names others.
    """
    given = _Options(**options)
    with connection.client() as client:
        plan, files = _plan_of_folder(connection, client, folder, workspace, only, mapping, prune=given.prune)

        def note(change: Change, now: Present | None) -> None:
            if change.source is not None and now is not None:
                files.note(plan.workspace.id, change.source, now)
            elif change.present is not None:
                files.forget(plan.workspace.id, change.present.id)
            _on_disk(files.save)  # after each, so that a failure or Ctrl-C loses nothing

        _carry_out(connection, client, plan, given, note)


@click.command
@click.option("--from", "origin", metavar="ID", required=True, help="The workspace to take workflows from.")
@click.option("--to", "target", metavar="ID", required=True, help="The workspace to update.")
@_push_options
@connected
def promote(
    connection: Connection, origin: str, target: str, only: Sequence[str], mapping: Path | None, **options: Any
) -> None:
    """Make a workspace have the workflows of another one, after showing what changes.

    As workflows pull from one and push to the other, without files. Workflows are found by the mapping, by folder and
    name, or by a name that is unique, and updated in place. Secrets are not taken along.
    """
    from simstudio.workflow_files.plan import Source, make_plan

    given = _Options(**options)
    if origin == target:
        raise click.UsageError("--from and --to are the same workspace", click.get_current_context())
    with connection.client() as client:
        there = _read(client, origin, _chosen_workflows(only))
        sources, mapped = [Source.of(each) for each in there.workflows], _read_mapping(mapping)
        plan = make_plan(
            sources,
            _read(client, target, _candidates(sources, mapped) if only else list),
            same=False,
            folders=() if only else there.folders,
            mapped=mapped,
            prune=given.prune,
            partial=bool(only),
        )
        _carry_out(connection, client, plan, given, lambda *_: None)


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
    target, mapped = _workspace(connection, workspace, files), _read_mapping(mapping)
    sources = _chosen_sources(only, files.sources(target))
    there = _read(client, target, _candidates(sources, mapped) if only else list)
    plan = make_plan(
        sources,
        there,
        same=files.manifest.workspace in (None, target),
        folders=() if only else files.manifest.folders,
        mapped=mapped,
        known=files.known(target),
        prune=prune,
        partial=bool(only),
    )
    return plan, files


def _carry_out(
    connection: Connection,
    client: SimStudioClient,
    plan: Plan,
    options: _Options,
    note: Callable[[Change, Present | None], None],
) -> None:
    """Show a plan, ask, carry it out and deploy.

    Raises:
        CommandError: The plan has a conflict, or nobody said yes.
    """
    ids = {each.source.key: each.present.id for each in plan.changes if each.source and each.present}
    connection.invocation.interruption = "Nothing was changed."
    undeployed = _not_in_service(client, plan) if options.deploy else {}
    lines = plan_lines(plan, undeployed)
    if options.id_only and not connection.as_json:
        tell("\n".join(text for text, _ in lines))
    elif not connection.as_json:
        show_lines(lines)
    idle = plan.is_empty and not undeployed
    if plan.conflicts and not options.force:
        raise CommandError(
            f"Nothing was changed: {'; '.join(f'{each.name} was {each.conflict}' for each in plan.conflicts)}. "
            "Pull, or give --force to overwrite.",
            ExitCode.FAILED,
            "Conflict",
        )
    if not options.dry_run and not idle:
        _confirm(options)
    deployments: list[str] = []
    if not options.dry_run:
        with _account(connection.invocation) as add:
            ids.update(_apply(client, plan, note, add))
            if options.deploy:
                for change in plan.changes:
                    if change.source is not None and change.action != "unchanged":
                        undeployed[ids[change.source.key]] = change.name
                for workflow, name in undeployed.items():
                    _deploy(client, workflow, name, options)
                    deployments.append(workflow)
                    add(f"deploy {name}")
    if connection.as_json:
        write_json(plan_json(plan, ids, applied=not options.dry_run, deployed=deployments))
    elif options.id_only:
        write("".join(f"{each}\n" for each in ids.values()))
    elif deployments:
        write(f"{len(deployments)} deployed.\n")


def _apply(
    client: SimStudioClient, plan: Plan, note: Callable[[Change, Present | None], None], add: Callable[[str], None]
) -> dict[str, str]:
    """Carry out a plan, and return the ids of the workflows by the keys of their sources."""
    from simstudio.workflow_files.remote import apply_plan

    ids: dict[str, str] = {}
    with Waiting(f"{plan.workspace.id}: pushing") as waiting:

        def note_change(change: Change, now: Present | None) -> None:
            note(change, now)
            if change.source is not None and now is not None:
                ids[change.source.key] = now.id
            add(f"{change.action} {change.name}")
            waiting.update(f"{plan.workspace.id}: {change.action} {change.name}")

        apply_plan(client, plan, note_change, lambda text: say(f"note: {text}"))
    return ids


def _deploy(client: SimStudioClient, workflow: str, name: str, options: _Options) -> None:
    result = deployed(client, workflow, {"name": options.name}, wait=options.wait, timeout=options.timeout)
    for warning in result.get("warnings") or ():
        say(f"note: {name}: {warning}")


@contextmanager
def _account(invocation: Invocation) -> Iterator[Callable[[str], None]]:
    """Say what was done if a push fails or is interrupted.

    Yields:
        Notes a step; several of the same text are one.
    """
    done: dict[str, None] = {}

    def describe() -> str:
        shown = ", ".join([*done][:_MOST])
        more = f" and {len(done) - _MOST} more" if len(done) > _MOST else ""
        return f"Done so far: {shown}{more}. The same command does the rest." if done else "Nothing was changed."

    def add(step: str) -> None:
        done[step] = None
        invocation.interruption = describe()

    try:
        yield add
    except Exception:
        say(f"note: {describe()}")
        raise


def _confirm(options: _Options) -> None:
    if options.yes:
        return
    if not can_ask():
        raise CommandError("Nothing was changed: nobody can be asked here. Give --yes to do it, or --dry-run.")
    if not confirm("Do it?"):
        raise CommandError("Nothing was changed.", ExitCode.FAILED, "Declined")


def _not_in_service(client: SimStudioClient, plan: Plan) -> dict[str, str]:
    """Names of unchanged workflows that are not live as they are, by id."""
    found = {}
    for change in plan.changes:
        if change.action == "unchanged" and change.present is not None:
            state = client.v2.workflows.deployment.get(change.present.id)
            if not state.is_deployed or state.needs_redeployment:
                found[change.present.id] = change.name
    return found


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
            "workflows export and import speak v1.",
            ExitCode.FAILED,
            "UnsupportedVersion",
        ) from error


def _workspace(connection: Connection, given: str | None, files: WorkflowFolder) -> str:
    """The workspace of a command, else that of the folder's last pull."""
    return connection.known_workspace(given) or files.manifest.workspace or connection.workspace(given)


def _read_mapping(path: Path | None) -> Mapped:
    from simstudio.workflow_files.document import read_json
    from simstudio.workflow_files.plan import Mapped

    if path is None:
        return Mapped()
    try:
        return Mapped.parse(read_json(path.read_text(encoding="utf-8"), str(path)), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error


def _candidates(sources: Sequence[Source], mapped: Mapped) -> Select:
    """The workflows of the target that the sources may be."""
    names = {source.document["name"] for source in sources} | {source.id for source in sources}
    names.update(mapped.workflows.values())
    return lambda listed: [each for each in listed if each.id in names or each.name in names]


def _chosen_workflows(only: Sequence[str]) -> Select:
    return lambda listed: _chosen(only, listed, lambda each: (each.id, each.name))


def _chosen_sources(only: Sequence[str], sources: list[Source]) -> list[Source]:
    return _chosen(only, sources, lambda each: (each.id or each.origin, each.document["name"], each.file))


def _chosen(only: Sequence[str], items: Sequence[T], labels: Callable[[T], tuple[str | None, ...]]) -> list[T]:
    """The items that ``--only`` names by a label, or by the beginning of the first label, which is an id; default: all.

    Raises:
        CommandError: No item has this name, or several ids begin so.
    """
    chosen: list[T] = []
    for name in only:
        found = [each for each in items if name in labels(each)]
        if not found and is_short(name):
            found = [each for each in items if (labels(each)[0] or "").startswith(name)]
            if len(found) > 1:
                raise CommandError(
                    f"--only {name} is the beginning of {len(found)} ids. Give more of it:",
                    kind="AmbiguousId",
                    choices=[(str(id_), str(label)) for id_, label, *_ in map(labels, found)],
                )
        if not found:
            raise CommandError(f"--only {name}: there is no such workflow.")
        chosen += found
    return [each for each in items if each in chosen] if only else list(items)


def _on_disk(action: Callable[[], None]) -> None:
    try:
        action()
    except OSError as error:
        raise CommandError(
            f"{error.filename} cannot be written: {error.strerror or error}.", ExitCode.FAILED
        ) from error
