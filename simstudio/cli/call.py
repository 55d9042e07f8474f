"""``simstudio call``: every operation of v1 and v2 as a command, made from the catalogue when it is called."""

from __future__ import annotations

import difflib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from simstudio.cli.bodies import output_option, show_content, show_saved
from simstudio.cli.connection import Connection, connected
from simstudio.cli.lists import to_json
from simstudio.cli.operation_options import json_option, parameters_of, spell, summary_of
from simstudio.cli.output import on_terminal, write_json, write_value
from simstudio.core.downloads import Download
from simstudio.core.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.catalog import Operation

_EPILOG = """\b
Examples:
  simstudio call v2.workflows.list --workspace-id ID
  simstudio call v2.workflows.get --help
  simstudio call v2.workflows.versions.list WORKFLOW_ID | jq .version
  simstudio call v2.workflows.create --workspace-id ID --arguments @body.json

simstudio operations WORD finds an operation.
"""

_ARGUMENTS = "More parameters by their Python names, as a JSON object: for null, long texts and secrets."


class Operations(click.Group):
    """A group whose commands are the operations of the catalogue, by their names in Python."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names of operations that begin so, and the options of ``call`` itself; no command is made for it."""
        names = [CompletionItem(name) for name in _operations(incomplete)] if not incomplete.startswith("-") else []
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one operation. Only its own namespace is imported."""
        found = _operations(cmd_name).get(cmd_name)
        if found is not None:
            return _command(found)
        near = difflib.get_close_matches(cmd_name, _operations(), n=3)
        advice = (
            f"did you mean {', '.join(near[:-1])}{' or ' if near[:-1] else ''}{near[-1]}?"
            if near
            else "simstudio operations lists them"
        )
        raise click.UsageError(f"There is no operation {cmd_name!r}: {advice}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Leave the list out of the help: ``simstudio operations`` shows it."""


@click.group(
    "call",
    cls=Operations,
    invoke_without_command=True,
    epilog=_EPILOG,
    subcommand_metavar="OPERATION …",
    short_help="Call any operation of v1 and v2.",
)
@click.pass_context
def call(ctx: click.Context) -> None:
    """Call any operation of v1 and v2 by its name in Python, with typed options.

    It prints the result as JSON: of a list each item on a line, over all pages.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _operations(prefix: str = "") -> Mapping[str, Operation]:
    from simstudio.catalog import operations

    return {each.attribute: each for each in operations(prefix)}


def _command(operation: Operation) -> click.Command:
    from simstudio import ANONYMOUS, SimStudioClient

    method = operation.of(SimStudioClient(ANONYMOUS))
    required = [name for name, each in inspect.signature(method).parameters.items() if each.default is each.empty]

    @output_option
    @connected
    def run(connection: Connection, *, arguments: Any, output: Path | None, **options: Any) -> None:
        given = {name: value for name, value in options.items() if value is not None and value != ()}
        if arguments is not None and not (isinstance(arguments, dict) and set(arguments) <= set(options)):
            names = ", ".join(options)
            raise click.UsageError(
                f"--arguments takes a JSON object with these keys: {names}", click.get_current_context()
            )
        given.update(arguments or {})
        missing = [spell(name) for name in required if name not in given and name != "workspace_id"]
        if missing:
            raise click.UsageError(f"Missing {', '.join(missing)}", click.get_current_context())
        with connection.client() as client:
            if "workspace_id" in required and "workspace_id" not in given:
                given["workspace_id"] = connection.workspace(None)
            _show(connection, operation.of(client)(**given), output)

    command = click.command(operation.attribute, help=f"{summary_of(method)}\n\n\b\n{operation.verb} {operation.path}")(
        run
    )
    command.params[:0] = [*parameters_of(operation, method), json_option("--arguments", _ARGUMENTS)]
    return command


def _show(connection: Connection, result: Any, output: Path | None) -> None:
    if isinstance(result, Download) and result.path is not None:
        show_saved(connection, result.path, result.path.stat().st_size, result.content_type)
    elif isinstance(result, Download):
        show_content(connection, result.content, result.content_type, output)
    elif hasattr(result, "pages"):
        for item in result:
            write_json(to_json(item))
    elif result is not None:
        data = result.to_dict() if isinstance(result, Model) else [to_json(each) for each in result]
        if connection.as_json or not on_terminal():
            write_json(data)
        else:
            write_value(data)
