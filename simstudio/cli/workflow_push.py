"""Carrying out a plan for workflows: showing it, asking, applying it, deploying, and saying what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from simstudio.cli.connection import Connection
from simstudio.cli.deployment import deploy_workflow, wait_options
from simstudio.cli.failures import CommandError, ExitCode
from simstudio.cli.output import say, tell, write, write_json
from simstudio.cli.progress import Waiting
from simstudio.cli.prompts import can_ask, confirm
from simstudio.cli.tables import show_lines
from simstudio.cli.workflow_plans import plan_json, plan_lines
from simstudio.cli.workflow_selection import mapping_option, only_option

if TYPE_CHECKING:
    from simstudio.cli.invocation import Invocation
    from simstudio.client import SimStudioClient
    from simstudio.workflow_files.plan import Change, Plan, Present

C = TypeVar("C", bound=Callable[..., Any])

_MOST = 10
"""Steps that are named when a push fails or is interrupted."""


def push_options(command: C) -> C:
    """Decorator: the options of commands that change a workspace."""
    for option in reversed(
        (
            only_option,
            mapping_option,
            click.option("--yes", "-y", is_flag=True, help="Do not ask; needed where nobody can answer, as in CI."),
            click.option("--dry-run", is_flag=True, help="Print the plan, and change nothing."),
            click.option(
                "--prune",
                is_flag=True,
                help="Delete workflows and empty folders that only the workspace to update has.",
            ),
            click.option(
                "--force", is_flag=True, help="Overwrite changes made in the workspace to update since the pull."
            ),
            click.option(
                "--deploy", is_flag=True, help="Deploy each workflow whose active version is not its present state."
            ),
            click.option("--name", metavar="TEXT", help="With --deploy: name of the new versions."),
            click.option(
                "--id-only", is_flag=True, help="Print only the ids of the workflows; the plan goes to standard error."
            ),
            wait_options,
        )
    ):
        command = option(command)
    return command


@attrs.frozen
class PushOptions:
    """Values of :func:`push_options`, without those that select workflows."""

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


def carry_out(
    connection: Connection,
    client: SimStudioClient,
    plan: Plan,
    options: PushOptions,
    note: Callable[[Change, Present | None], None],
) -> None:
    """Show a plan, ask, carry it out and deploy.

    Raises:
        InvalidInputError: A workflow is to get the name of one that keeps it.
        CommandError: The plan has a conflict, or nobody said yes.
    """
    from simstudio.workflow_files.moves import order_moves

    ids = {each.source.key: each.present.id for each in plan.changes if each.source and each.present}
    connection.invocation.interruption = "Nothing was changed."
    undeployed = _find_undeployed(client, plan) if options.deploy else {}
    lines = plan_lines(plan, undeployed)
    if options.id_only and not connection.as_json:
        tell("\n".join(text for text, _ in lines))
    elif not connection.as_json:
        show_lines(lines)
    order_moves(plan)  # says why a name cannot be given, before anybody is asked
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
            add(f"{change.action} {change.name}")
            if change.source is not None and now is not None:
                ids[change.source.key] = now.id
            note(change, now)
            waiting.update(f"{plan.workspace.id}: {change.action} {change.name}")

        apply_plan(client, plan, note_change, lambda text: say(f"note: {text}"))
    return ids


def _deploy(client: SimStudioClient, workflow: str, name: str, options: PushOptions) -> None:
    result = deploy_workflow(client, workflow, {"name": options.name}, wait=options.wait, timeout=options.timeout)
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


def _confirm(options: PushOptions) -> None:
    if options.yes:
        return
    if not can_ask():
        raise CommandError("Nothing was changed: nobody can be asked here. Give --yes to do it, or --dry-run.")
    if not confirm("Do it?"):
        raise CommandError("Nothing was changed.", ExitCode.FAILED, "Declined")


def _find_undeployed(client: SimStudioClient, plan: Plan) -> dict[str, str]:
    """Names of unchanged workflows that are not live as they are, by id."""
    found = {}
    for change in plan.changes:
        if change.action == "unchanged" and change.present is not None:
            state = client.v2.workflows.deployment.get(change.present.id)
            if not state.is_deployed or state.needs_redeployment:
                found[change.present.id] = change.name
    return found
