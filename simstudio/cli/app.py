"""The command tree, and the behaviour that all commands share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from copy import copy
from typing import Any, NoReturn

import click

from simstudio._version import __version__
from simstudio.cli.api import api
from simstudio.cli.batch import batch
from simstudio.cli.call import call
from simstudio.cli.codegen import codegen
from simstudio.cli.completion import completion
from simstudio.cli.doctor import doctor
from simstudio.cli.ending import end, interrupted_by_sigterm
from simstudio.cli.failures import Interrupted, ReaderGone
from simstudio.cli.files import files
from simstudio.cli.global_options import global_options
from simstudio.cli.invocation import Invocation
from simstudio.cli.knowledge import knowledge
from simstudio.cli.login import login, logout
from simstudio.cli.logs import logs
from simstudio.cli.operations import operations
from simstudio.cli.output import flush, warnings_said
from simstudio.cli.profiles import profiles
from simstudio.cli.run import run
from simstudio.cli.runs import runs
from simstudio.cli.sandbox import sandbox
from simstudio.cli.service_group import SERVICE_GROUPS
from simstudio.cli.status import status
from simstudio.cli.table_files import tables
from simstudio.cli.usage import usage
from simstudio.cli.webhooks import webhooks
from simstudio.cli.workflows import workflows

_EPILOG = """\b
Examples:
  simstudio run hello --input name=Ada --sandbox   a Sim on this machine
  simstudio login                                  store a key of sim.ai
  simstudio run WORKFLOW --input name=Ada          with that key
  simstudio run WORKFLOW --stream --select agent1.content
  simstudio run WORKFLOW --async --json | jq .output
  simstudio batch run WORKFLOW in.jsonl --out out.jsonl --ledger runs.sqlite
  simstudio workflows export WORKFLOW --output greet.json
  simstudio sandbox app.py --port 8000             with your workflows

\b
Environment (wins over what login stored):
  SIM_API_KEY         the API key; no option takes it, as others on this
                      machine can read command lines
  SIM_PROFILE         the profile of login, for commands without --profile
  SIM_BASE_URL        the address of Sim; without it, https://sim.ai
  SIM_API_VERSION     the version of the API: v1 (the default) or v2
  SIM_WORKSPACE_ID    the workspace, for commands that need one
  SIM_BATCH_SHARED    where batches share their rate, if that has a password
  SIM_WEBHOOK_SECRET  the secret that Sim signs webhooks with

\b
Ids:
  The first characters of an id are enough (4 at least) if no other id of the
  workspace begins so; last is the newest run. Jobs of v1 need the whole id.

\b
Exit codes:
  0    done
  1    the run, an import, a document or an item of the batch failed, or
       the server refused it
  2    the command cannot be understood, or its input cannot be sent
  3    no connection, or the API key is missing or wrong
  4    no answer, or the run was not done, in time
  130  interrupted (Ctrl-C); 143: by SIGTERM; 129: a batch by SIGHUP

With --json, standard output holds JSON and nothing else, an object a line; what fails ends with
{"error": {"type", "message", "code", "status", "requestId", "taskId", "details"?}}.
"""


class Application(click.Group):
    """The root of the tree. A failure of any command ends as one line and an exit code, not as a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002, FBT001, FBT002 - click's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002
        **extra: Any,
    ) -> NoReturn:
        """Run a command line and end the process with its exit code."""
        words = sys.argv[1:] if args is None else list(args)
        invocation = Invocation(as_json=_asks_for_json(words), words=tuple(words))
        try:
            with warnings_said(), interrupted_by_sigterm(invocation):
                code = super().main(
                    args,
                    prog_name,
                    complete_var,
                    standalone_mode=False,
                    windows_expand_args=windows_expand_args,
                    **{"obj": invocation, **extra},
                )
            code = code if isinstance(code, int) else 0
            flush()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - those it does not know are raised again
            code = end(error, invocation)
        sys.exit(code)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Ctrl-C and a closed output raise exceptions that click does not handle itself."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None
        except BrokenPipeError as error:
            raise ReaderGone from error


def _under_another_name(group: click.Group) -> click.Group:
    """A group that is listed as another name of a group."""
    alias = copy(group)
    alias.short_help = f"Alias of {group.name}."
    return alias


def _asks_for_json(words: Sequence[str]) -> bool:
    """Whether ``--json`` is among the options. Parsing them may fail, so this is decided before."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options


@click.group(
    "simstudio",
    cls=Application,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, "--version", prog_name="simstudio", message="%(prog)s %(version)s")
@global_options
@click.pass_context
def application(ctx: click.Context) -> None:
    """Run Sim workflows: on sim.ai, on a server of your own, or on a sandbox on this machine."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for _command in (
    *(run, batch, status, workflows, runs, logs, files, tables, knowledge),
    *(usage, webhooks, operations, call, api, codegen, sandbox),
    *(login, logout, profiles, doctor, completion),
    *SERVICE_GROUPS,
):
    application.add_command(_command)
application.add_command(_under_another_name(runs), "job")
