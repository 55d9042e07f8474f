"""The commands of a service beside Sim, made from its :class:`~simstudio.cli.service_runs.Runs`."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from simstudio.cli.connection import Connection, app_option
from simstudio.cli.failures import CommandError
from simstudio.cli.global_options import verbose_option
from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.lists import limit_option, show_list, view_options
from simstudio.cli.oomol import OomolTasks
from simstudio.cli.options import timeout_option
from simstudio.cli.output import on_terminal, say, write_json, write_value
from simstudio.cli.progress import Waiting
from simstudio.cli.service_runs import Listing, Runs, StoppableRuns, Uploads
from simstudio.cli.services import Service
from simstudio.cli.speedpix import SpeedPixPredictions
from simstudio.cli.tables import show_fields
from simstudio.cli.vectorvein import VectorVeinRuns
from simstudio.errors import SimStudioError

if TYPE_CHECKING:
    from simstudio.core.runs import SubmittedRun

Command = Callable[..., None]

RUNS: Mapping[str, Runs] = {"oomol": OomolTasks(), "speedpix": SpeedPixPredictions(), "vectorvein": VectorVeinRuns()}
"""The runs of each service, by its word."""


def describe(service: Service) -> tuple[str, str]:
    """Help and epilog of a service's group."""
    runs = RUNS[service.name]
    lines = [
        f"Run {service.things} of {service.title}.",
        f"simstudio batch run --service {service.name} runs one over many inputs.",
    ]
    default = urlsplit(service.default_base_url or "").hostname
    address = f"the address, if it is not at {default}" if default else "the address of the server"
    texts = {
        name: f"the {argument.replace('_', ' ').replace('api ', 'API ')}; no option takes it"
        for name, argument in service.keys.items()
    }
    texts[service.address[0]] = address
    width = max(map(len, texts))
    name = service.name
    epilog = [
        "\b\nExamples:",
        f"  simstudio {name} run {runs.example} --sandbox",
        f"  id=$(simstudio {name} run {runs.target} --no-wait)",
        f'  simstudio {name} wait "$id"',
        "",
        "\b\nEnvironment:",
        *(f"  {name:<{width}}  {text}" for name, text in texts.items()),
    ]
    return "\n\n".join(lines), "\n".join(epilog)


def commands_of(service: Service) -> Iterator[click.Command]:
    """The commands of a service."""
    runs = RUNS[service.name]
    yield _run(service, runs)
    yield _wait(service, runs)
    yield _get(service, runs)
    if isinstance(runs, StoppableRuns):
        yield _stop(service, runs)
    if isinstance(runs, Uploads):
        yield _upload(service, runs)
    for listing in runs.lists:
        yield _list(service, listing)


def _connected_to(service: Service) -> Callable[[Command], Command]:
    """Decorator: the options that every command of a service has; it gets a :class:`Connection` for them."""

    def decorate(command: Command) -> Command:
        @json_option
        @verbose_option
        @app_option(service.things)
        @click.option(
            "--sandbox",
            "sandboxed",
            is_flag=True,
            help=f"Use a {service.title} on this machine, started for this command: no account, no network.",
        )
        @click.option("--base-url", metavar="URL", help=f"Address of {service.title}; else {service.address[0]}.")
        @pass_invocation
        @functools.wraps(command)
        def wrapper(
            invocation: Invocation,
            /,
            *arguments: Any,
            base_url: str | None,
            sandboxed: bool,
            app: Path | None,
            as_json: bool,
            **options: Any,
        ) -> None:
            sandboxed = sandboxed or app is not None
            if sandboxed and base_url is not None:
                raise click.UsageError("--sandbox and --base-url exclude each other", click.get_current_context())
            invocation.as_json = as_json
            invocation.embedded = sandboxed
            invocation.waiter = (service.name, "wait")
            invocation.noun = RUNS[service.name].noun
            connection = Connection(invocation, base_url, sandboxed=sandboxed, app=app, service=service)
            command(connection, *arguments, **options)

        return wrapper

    return decorate


def _apply(decorators: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        return functools.reduce(lambda made, decorator: decorator(made), reversed(decorators), command)

    return decorate


def _run(service: Service, runs: Runs) -> click.Command:
    @click.command("run", short_help=f"Run a {runs.target.lower()} and print its output.")
    @click.argument("target", metavar=runs.target)
    @_apply((*runs.input_options, *runs.begin_options, *runs.result_options))
    @click.option("--no-wait", is_flag=True, help=f"Do not wait; print the id of the {runs.noun}.")
    @timeout_option("Seconds to wait for the end.", default=3600.0)
    @_connected_to(service)
    def run(
        connection: Connection,
        target: str,
        pairs: Sequence[tuple[str, Any]],
        input_json: str | None,
        files: Sequence[Any],
        *,
        no_wait: bool,
        timeout: float,
        **options: Any,
    ) -> None:
        data = runs.input(pairs, input_json, files)
        with connection.any_client() as client, _naming_finished(connection, service, runs) as finished:
            connection.invocation.begun = True
            with Waiting(f"{target}: submitting") as waiting:
                begun = runs.begin(client, target, data, **options)
                connection.invocation.task_id = begun.id
                connection.invocation.waiter = (service.name, "wait", *runs.wait_options(target, **options))
                result = None if no_wait else _finish(begun, waiting, timeout)
                finished.append(begun.id)
                output = None if no_wait else runs.output(result, **options)
            if no_wait:
                _show_id(connection, runs, begun)
            elif connection.as_json:
                write_json({"success": True, "output": output, **runs.state(begun), "taskId": begun.id})
            else:
                write_value(output)

    run.help = (
        f"Run {runs.target} and print its output: text as it is, anything else as JSON.\n\nAfter Ctrl-C, or after "
        f"--timeout, the {runs.noun} goes on at the server; simstudio {service.name} wait waits for it again."
    )
    return run


@contextmanager
def _naming_finished(connection: Connection, service: Service, runs: Runs) -> Iterator[list[str]]:
    """Name the command that takes an output again, if its files cannot be saved once the run is in the list."""
    finished: list[str] = []
    try:
        yield finished
    except (SimStudioError, CommandError):
        if finished and not connection.as_json:
            again = f"simstudio {service.name} wait {shlex.quote(finished[0])}"
            say(f"note: the {runs.noun} {finished[0]} is done; take its output with: {again}")
        raise


def _wait(service: Service, runs: Runs) -> click.Command:
    @click.command("wait", short_help=f"Wait until a {runs.noun} is done, and show it.")
    @click.argument("run_id", metavar="ID")
    @_apply((*runs.handle_options, *runs.result_options))
    @timeout_option("Seconds to wait.", default=3600.0)
    @_connected_to(service)
    def wait(connection: Connection, run_id: str, *, timeout: float, **options: Any) -> None:
        with connection.any_client() as client, Waiting(f"{run_id}: waiting") as waiting:
            connection.invocation.begun = True
            connection.invocation.task_id = run_id
            run = runs.handle(client, run_id, **options)
            output = runs.output(_finish(run, waiting, timeout), **options)
        _show(connection, runs, run, output)

    wait.help = (
        f"Wait until the {runs.noun} ID is done, and show it.\n\nThe exit code is 1 if it failed, and 4 if it was not "
        "done in time."
    )
    return wait


def _get(service: Service, runs: Runs) -> click.Command:
    @click.command("get", short_help=f"Show the state of a {runs.noun}.")
    @click.argument("run_id", metavar="ID")
    @_apply(runs.handle_options)
    @_connected_to(service)
    def get(connection: Connection, run_id: str, **options: Any) -> None:
        with connection.any_client() as client:
            run = runs.handle(client, run_id, **options)
            run.refresh()
            output = runs.output(run.result()) if runs.succeeded(run) else None
        _show(connection, runs, run, output)

    get.help = f"Show the state of the {runs.noun} ID, and its output if it has one. The exit code is 0 whatever it is."
    return get


def _stop(service: Service, runs: StoppableRuns) -> click.Command:
    @click.command("stop", short_help=f"Stop a {runs.noun}.", help=f"Stop the {runs.noun} ID.")
    @click.argument("run_id", metavar="ID")
    @_connected_to(service)
    def stop(connection: Connection, run_id: str) -> None:
        with connection.any_client() as client:
            told = runs.stop(client, run_id)
        if connection.as_json or not on_terminal():
            write_json(told)
        else:
            show_fields([(runs.noun, run_id), ("stopped", True)])

    return stop


def _upload(service: Service, uploads: Uploads) -> click.Command:
    @click.command(
        "upload", short_help="Upload a file.", help="Upload FILE, and print the value that refers to it in an input."
    )
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @_connected_to(service)
    def upload(connection: Connection, file: Path) -> None:
        with connection.any_client() as client, Waiting(f"{file.name}: uploading"):
            place, told = uploads.upload(client, file)
        if connection.as_json:
            write_json(dict(told))
        else:
            write_value(place)

    return upload


def _list(service: Service, listing: Listing) -> click.Command:
    @click.command(listing.name, short_help=listing.help, help=listing.help)
    @_apply([click.argument("run_id", metavar="ID")] if listing.of_run else [])
    @limit_option(listing.default)
    @_connected_to(service)
    @view_options
    def list_(connection: Connection, *, limit: int | None, **arguments: str) -> None:
        with connection.any_client() as client:
            found = listing.items(client, *arguments.values())
            plain = not isinstance(found, Iterable) or isinstance(found, (str, Mapping))
            show_list([found] if plain else found, listing.columns, limit)  # plain: no list, though one was expected

    return list_


def _finish(run: SubmittedRun[Any, Any, Any], waiting: Waiting, timeout: float) -> Any:
    """Wait for the end of a run; its result."""
    run.wait(timeout=timeout, on_progress=lambda state: waiting.update(f"{run.id}: {_status(state)}"))
    return run.result()


def _status(state: Any) -> str:
    status = getattr(state, "status", None)
    return status if isinstance(status, str) else "running"


def _show_id(connection: Connection, runs: Runs, run: SubmittedRun[Any, Any, Any]) -> None:
    if connection.as_json:
        write_json({"taskId": run.id, "status": run.status})
    else:
        write_value(run.id)
    if connection.sandboxed:
        say(f"warning: the sandbox ends with this command, and the {runs.noun} with it")


def _show(connection: Connection, runs: Runs, run: SubmittedRun[Any, Any, Any], output: Any) -> None:
    state: Mapping[str, Any] = runs.state(run)
    if connection.as_json or not on_terminal():
        write_json({"taskId": run.id, **state, **({} if output is None else {"output": output})})
        return
    show_fields([(runs.noun, run.id), ("status", run.status), ("error", runs.error(run)), ("output", output)])
