"""``simstudio batch``: one workflow over many inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
import click
from click.core import ParameterSource

from simstudio.cli.batch_options import given_options, map_options
from simstudio.cli.batch_resumption import ensure_named
from simstudio.cli.batch_run import BatchRun
from simstudio.cli.batch_settings import Note, Settings, settings_of
from simstudio.cli.batch_shared import secrets_of
from simstudio.cli.connection import Connection, connected
from simstudio.cli.failures import CommandError
from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.options import timeout_option, workflow_argument
from simstudio.cli.output import on_terminal, say, write_json
from simstudio.cli.references import find_workflow, is_short
from simstudio.cli.services import SERVICES, arguments_option, check_arguments, service_option, title_of
from simstudio.cli.tables import show_fields

if TYPE_CHECKING:
    from simstudio.batch.formats import Format
    from simstudio.batch.records import Counts

C = TypeVar("C", bound=Callable[..., Any])

_ENDS = """After Ctrl-C, SIGTERM or SIGHUP (the terminal is closed, unless under nohup) nothing more is
sent, and what runs is waited for up to 30 s; a second one ends at once. "simstudio batch resume LEDGER" goes on.

\b
Exit codes:
  0    every item is done
  1    items failed, or are unknown, or the ledger has more than the input;
       or the server refused, the ledger does not fit, results are not written
  2    the command cannot be understood, or an input cannot be read
  3    no connection, or the API key is missing or wrong
  4    the server did not answer in time
  129, 130, 143  ended by SIGHUP, Ctrl-C (SIGINT), SIGTERM
"""

_EPILOG = """\b
Examples:
  simstudio batch run WORKFLOW in.jsonl --out out.jsonl --ledger runs.sqlite
  simstudio batch run hello inputs.jsonl --sandbox
  producer | simstudio batch run WORKFLOW - --unordered | consumer
  simstudio batch resume runs.sqlite       after Ctrl-C, a crash, a reboot
  simstudio batch resume runs.sqlite --retry-failed --on-unknown rerun

INPUTS holds one JSON value a line; or it is a file .json (an array), .csv, .tsv, .parquet or .arrow, whose rows are the
inputs; also with .gz or .zst. Values of CSV are texts.

\b
Each result is one line:
  {"index", "key", "state", "input", "output", "error", "attempts", "elapsed",
   "run_id"}

The state is done, failed, or unknown: it may have run. For an item that an earlier run finished, all fields, attempts
and elapsed included, are those of that run.

"""

_LEDGER = click.Path(exists=True, dir_okay=False)


class _Inputs(click.Path):
    """The path of a file that is there, or an address."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if isinstance(value, str) and "://" in value else super().convert(value, param, ctx)


_INPUTS = _Inputs(exists=True, dir_okay=False, allow_dash=True)


def _run_options(command: C) -> C:
    """Decorator: the options that ``run`` and ``resume`` share."""
    for option in reversed(
        (
            click.option(
                "--out",
                "-o",
                metavar="FILE",
                type=click.Path(dir_okay=False),
                help="Write results to this file: .jsonl or .csv (also .gz), or .parquet; without it they are printed "
                "as JSON lines.",
            ),
            map_options,
            timeout_option("Seconds for an item; else 30, and 3600 with --mode async."),
            click.option(
                "--server-moved",
                "moved",
                is_flag=True,
                help="The server that the items of the ledger ran on has another address now.",
            ),
            service_option,
            arguments_option,
        )
    ):
        command = option(command)
    return command


@click.group(
    epilog=f"{_EPILOG}{_ENDS}",
    invoke_without_command=True,
    short_help="Run a workflow over many inputs, and resume it.",
)
@click.pass_context
def batch(ctx: click.Context) -> None:
    """Run a workflow over many inputs, as fast as the server allows; resume it after an interruption."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@batch.command(epilog=f"{_EPILOG}{_ENDS}", short_help="Run a workflow over a file of inputs.")
@workflow_argument
@click.argument("inputs", metavar="INPUTS|-", type=_INPUTS)
@click.option(
    "--ledger",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Remember each item in this file (SQLite), so that the batch can be resumed after an interruption.",
)
@click.option(
    "--mode",
    type=click.Choice(["sync", "async", "stream"]),
    default="sync",
    show_default=True,
    help="A request each; queued and waited for, for long runs; or a stream each. Services other than Sim queue.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Fail, without sending it, each input with a misspelt, missing or mistyped field; takes one more request.",
)
@_run_options
@connected
def run(
    connection: Connection,
    workflow: str,
    inputs: str,
    *,
    ledger: str | None,
    mode: str,
    check: bool,
    out: str | None,
    timeout: float | None,
    moved: bool,
    service: str | None,
    arguments: dict[str, Any],
    **flags: Any,
) -> None:
    """Run the workflow with the id WORKFLOW once for each line of INPUTS (- for standard input).

    One failing item stops no other. With --ledger, the same command again, or simstudio batch resume, sends only what
    is not finished.
    """
    named = _on_command_line()
    _use(connection, service, named)
    check_arguments(service, arguments)
    for option in ("mode", "check"):
        if service is not None and option in named:
            raise click.UsageError(f"--{option} is of Sim only", click.get_current_context())
    if service is None and is_short(workflow):
        with connection.client() as client:
            workflow = find_workflow(connection, client, workflow, acts=True)
    settings = Settings(
        workflow,
        inputs,
        out=None if out == "-" else out,
        mode=mode if service is None else "async",
        timeout=timeout,
        check=check,
        options=given_options(flags),
        service=service,
        arguments=arguments,
    )
    BatchRun(connection, settings, ledger, moved).execute()


@batch.command(epilog=_ENDS, short_help="Go on with a batch.")
@click.argument("ledger", metavar="LEDGER", type=_LEDGER)
@click.argument("inputs", metavar="[INPUTS|-]", required=False, type=_INPUTS)
@_run_options
@connected
def resume(
    connection: Connection,
    ledger: str,
    inputs: str | None,
    *,
    out: str | None,
    timeout: float | None,
    moved: bool,
    service: str | None,
    arguments: dict[str, Any],
    **flags: Any,
) -> None:
    """Go on with the batch of LEDGER, as it was begun: what is not finished is sent, and nothing else.

    The ledger stores the workflow, the source of the inputs, the results file and the options; options given here win.
    The server is that of this command (--base-url, or the environment: SIM_BASE_URL, or the variable of another
    service). Inputs that came from standard input, or from Python, are to be given again, as is the password of
    --shared.
    """
    options = given_options(flags)
    shared = options.get("shared")
    known = settings_of(ledger, inputs, options.get("key"), service)
    if known.secret and shared is None:
        raise CommandError(
            f"The rate of this batch is shared at {known.shared}, and the ledger keeps no password of it: "
            "give the address again, with --shared or in SIM_BATCH_SHARED."
        )
    named = _on_command_line()
    _use(connection, known.service, named)
    check_arguments(known.service, arguments)
    connection.invocation.secrets = secrets_of(shared)
    ensure_named(
        ledger,
        known,
        connection,
        inputs=inputs is not None,
        out="out" in named,
        shared=shared is not None,
        moved=moved,
    )
    given: dict[str, Any] = {"timeout": timeout, "out": None if out == "-" else out}
    settings = attrs.evolve(
        known,
        options={**known.options, **options},
        arguments={**known.arguments, **arguments},
        secret=False,
        **{name: value for name, value in given.items() if value is not None or name in named},
    )
    if connection.service is None and "api_version" not in named:
        connection.api_version = settings.api_version
    BatchRun(connection, settings, ledger, moved).execute()


@batch.command(short_help="Show how far a batch is.")
@click.argument("ledger", metavar="LEDGER", type=_LEDGER)
@json_option
@pass_invocation
def status(invocation: Invocation, ledger: str, *, as_json: bool) -> None:
    """Show how far the batch of LEDGER is; it may be running."""
    from simstudio.batch.ledger import LedgerView

    invocation.as_json = as_json
    with LedgerView(ledger) as view:
        counts, settings, session = view.counts(), Note.of(view).latest, view.last_session()
        workflow = view.workflow_id
    inputs = settings.inputs if settings is not None else None
    given = _total(inputs)
    told = {
        "service": title_of(settings.service) if settings is not None else None,
        "workflow": workflow,
        "mode": session.mode if session is not None else None,
        "apiVersion": (session.api_version or None) if session is not None else None,
        "inputs": inputs,
        "out": settings.out if settings is not None else None,
        "total": None if given is None else max(given, counts.total),
        **attrs.asdict(counts),
    }
    if as_json or not on_terminal():
        write_json(told)
        return
    show_fields([(_NAMES.get(name, name), _number(value)) for name, value in told.items()])
    if given is not None and given < counts.total:
        say(f"note: the ledger has {counts.total:,} items, and {inputs} has {given:,} now")
    if _open(counts, given):
        say(f"note: to go on: simstudio batch resume {ledger}")


@batch.command(short_help="Write the items of a ledger to a file.")
@click.argument("ledger", metavar="LEDGER", type=_LEDGER)
@click.argument("target", metavar="TARGET", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    help="Format of the file; else that of the suffix of TARGET.",
)
@json_option
@pass_invocation
def export(invocation: Invocation, ledger: str, target: str, form: str | None, *, as_json: bool) -> None:
    """Write all items of LEDGER to the file TARGET (.jsonl or .csv, also .gz; .parquet), a row an item.

    Its batch may be running. - is standard output; it needs --format.
    """
    from simstudio.cli.batch_export import write_export

    if target == "-" and (as_json or form is None):
        why = "--json would be there, too" if as_json else "it needs --format"
        raise click.UsageError(f"TARGET is standard output (-): {why}", click.get_current_context())
    invocation.as_json = as_json
    count = write_export(ledger, target, cast("Format | None", form))
    if as_json:
        write_json({"items": count, "target": target})
    else:
        place = "standard output" if target == "-" else target
        say(f"{count} item{'' if count == 1 else 's'} written to {place}")


_NAMES = {
    "apiVersion": "API",
    "sending": "sent, outcome unknown",
    "submitted": "queued",
    "unknown": "may have run",
}


def _use(connection: Connection, service: str | None, named: set[str]) -> None:
    """Have a command use a service; None is Sim.

    Raises:
        click.UsageError: The version of Sim's API is given, and the service is another.
    """
    connection.service = None if service is None else SERVICES[service]
    if service is not None and "api_version" in named:
        raise click.UsageError("--api-version is of Sim only", click.get_current_context())


def _on_command_line() -> set[str]:
    """The options that were given as such, not by the environment or a default."""
    context = click.get_current_context()
    return {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def _total(inputs: str | None) -> int | None:
    if inputs is None or not Path(inputs).is_file():
        return None
    from simstudio.batch.inputs import count_inputs

    return count_inputs(inputs)


def _number(value: Any) -> Any:
    return f"{value:,}" if isinstance(value, int) else value


def _open(counts: Counts, total: int | None) -> bool:
    """Whether there is something left to do."""
    return bool(counts.sending or counts.submitted or (total is not None and counts.total < total))
