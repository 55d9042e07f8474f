"""``simstudio sandbox``: a local Sim server, until it is stopped."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from simstudio.cli.background import serve_in_background
from simstudio.cli.failures import CommandError
from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.output import say
from simstudio.cli.sandbox_announcement import announce, announce_background, announce_recording, announce_replay
from simstudio.cli.sandbox_log import shown_log
from simstudio.cli.sandbox_services import add_faults, limit, make_sandboxes, service_names

if TYPE_CHECKING:
    from simstudio.sandbox.serving import Served

_GENERATIONS = ("v0.8", "v0.6", "v0.4", "documents")

_EPILOG = """\b
app.py is a Python file that defines a sandbox and its workflows:
  from simstudio.sandbox import Sandbox
  sandbox = Sandbox()
\b
  @sandbox.workflow("greet")
  def greet(input):
      return {"text": f"Hi {input['name']}"}
"""


@click.command(epilog=_EPILOG, short_help="Serve a local Sim until Ctrl-C.")
@click.argument("app", metavar="[APP.PY]", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="The port to listen on, and the following ones for further services; 0 takes any free ones.  "
    "[default: 8000; 0 with --background]",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="The address, or name, to listen on. One that others reach gets a key of its own, and a warning.",
)
@click.option(
    "--service",
    "services",
    metavar="NAMES",
    callback=service_names,
    help="Services to serve: sim, oomol, speedpix, vectorvein, with commas between them, or all.  "
    "[default: those that APP.PY defines, else sim]",
)
@click.option(
    "--state",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep runs, tables, files and all else of each service in this SQLite file over restarts.",
)
@click.option(
    "--generation", type=click.Choice(_GENERATIONS), help="Release of Sim whose responses it gives.  [default: v0.8]"
)
@click.option(
    "--fault",
    "faults",
    metavar="RULE",
    multiple=True,
    help='Have requests fail: "POST /api/workflows/* 503 x3", "GET * delay=2", "* * half". Again for more.',
)
@click.option(
    "--rate-limit",
    metavar="CALLS",
    type=click.IntRange(min=1),
    help="Refuse requests beyond so many a minute, as the service does.",
)
@click.option(
    "--seed",
    metavar="NUMBER",
    type=int,
    help="Give the same ids and times in every run, for the same requests.",
)
@click.option(
    "--log",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append the log to this file, instead of writing it to standard error; --background keeps no other log.",
)
@click.option(
    "--reload",
    is_flag=True,
    help="Load the functions of APP.PY anew when it changes, or a module beside it; everything else stays.",
)
@click.option(
    "--record",
    nargs=2,
    metavar="URL DIR",
    help="Forward requests to the server at URL, and record them in DIR, without secrets.",
)
@click.option(
    "--replay",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Answer with what was recorded in DIR.",
)
@click.option(
    "--background", is_flag=True, help='Leave it running and end; for a shell: eval "$(simstudio sandbox --background)"'
)
@json_option
@pass_invocation
def sandbox(
    invocation: Invocation,
    /,
    app: Path | None,
    port: int | None,
    host: str,
    *,
    background: bool,
    as_json: bool,
    record: tuple[str, str] | None,
    replay: Path | None,
    **options: Any,
) -> None:
    """Serve a local Sim until Ctrl-C, with the workflows of APP.PY, and hello, count, slow and fail.

    It behaves like the real one, needs no account and reaches no network. Requests, and the tracebacks of workflows
    that fail, are shown on standard error. Tests read the requests, add faults and move the time over HTTP, below
    /_sandbox.
    """
    invocation.as_json = as_json
    shaping = {name: value for name, value in options.items() if name != "log"}
    given = [name for name, value in shaping.items() if value is not None and value is not False and value != ()]
    _check_combination(given, app, record, replay)
    if background:
        words = [f"--port={port or 0}", f"--host={host}", *_words(options)]
        words += [f"--replay={replay}"] * (replay is not None) + (["--record", *record] if record else [])
        announce_background(serve_in_background([*words, *([str(app)] if app else [])]), as_json=as_json)
        return
    if options["reload"] and app is None:
        raise click.UsageError("--reload needs APP.PY, whose functions it loads", click.get_current_context())
    # Two edits within a second would find the compiled file of the first.
    sys.dont_write_bytecode = sys.dont_write_bytecode or options["reload"]
    first = 8000 if port is None else port
    if record is not None:
        _serve_recording(record, host, first, as_json=as_json, log_file=options["log"])
    elif replay is not None:
        _serve_replay(replay, host, first, as_json=as_json, log_file=options["log"])
    else:
        sandboxes = make_sandboxes(app, options["services"], {name: options[name] for name in _ARGUMENTS})
        add_faults(sandboxes, options["faults"])
        limit(sandboxes, options["rate_limit"])
        servers = [each.serve(host, first and first + number) for number, each in enumerate(sandboxes)]
        watched = app if options["reload"] else None
        with _log_to(options["log"]) as log:
            _serve(servers, lambda: announce(servers, as_json=as_json), as_json=as_json, watched=watched, log=log)


_ARGUMENTS = ("state", "generation", "seed")
"""Options that are arguments of sandboxes."""


def _check_combination(
    given: Sequence[str], app: Path | None, record: tuple[str, str] | None, replay: Path | None
) -> None:
    """Refuse options that exclude each other.

    Raises:
        click.UsageError: Two of them are given.
    """
    for option, is_given in (("--record", record is not None), ("--replay", replay is not None)):
        others = ["--record"] * (option == "--replay" and record is not None) + ["APP.PY"] * (app is not None)
        others += [f"--{name.rstrip('s').replace('_', '-')}" for name in given]
        if is_given and others:
            raise click.UsageError(f"{option} and {others[0]} exclude each other", click.get_current_context())


def _words(options: Mapping[str, Any]) -> list[str]:
    """The options of a sandbox as words of a command line."""
    names = {"services": "service", "faults": "fault", "rate_limit": "rate-limit"}
    words = []
    for name, value in options.items():
        if name == "services" and value is not None:
            words.append(f"--service={','.join(value)}")
        elif isinstance(value, tuple):
            words += [f"--{names.get(name, name)}={each}" for each in value]
        elif value is True:
            words.append(f"--{name}")
        elif value is not None and value is not False:
            words.append(f"--{names.get(name, name)}={value}")
    return words


def _serve_recording(record: tuple[str, str], host: str, port: int, *, as_json: bool, log_file: Path | None) -> None:
    from simstudio.testing import RecordingProxy

    url, directory = record
    proxy = RecordingProxy(url, directory)
    server = proxy.serve(host, port)
    with _log_to(log_file) as log:
        _serve(
            [server],
            lambda: announce_recording(server, proxy.url, directory, as_json=as_json),
            as_json=as_json,
            log=log,
        )
    if not as_json:
        say(f"recorded {proxy.count} exchange{'' if proxy.count == 1 else 's'} in {directory}")


def _serve_replay(directory: Path, host: str, port: int, *, as_json: bool, log_file: Path | None) -> None:
    from simstudio.testing import Replay

    replay = Replay(directory)
    server = replay.serve(host, port)
    with _log_to(log_file) as log:
        _serve(
            [server],
            lambda: announce_replay(server, len(replay), str(directory), as_json=as_json),
            as_json=as_json,
            log=log,
        )


@contextmanager
def _log_to(path: Path | None) -> Iterator[TextIO | None]:
    """The file of the log, open; None for standard error."""
    if path is None:
        yield None
        return
    try:
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise CommandError(f"The log {path} cannot be written: {error.strerror or error}.") from error
    with file:
        yield file


def _serve(
    servers: Sequence[Served[Any]],
    announce: Callable[[], None],
    *,
    as_json: bool,
    watched: Path | None = None,
    log: TextIO | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        servers: the servers, before they are started.
        announce: prints how they are used.
        as_json: whether standard error gets no log.
        watched: the app whose functions are loaded anew when it changes.
        log: the file of the log; None for standard error.
    """
    with terminated_like_interrupted(), ExitStack() as stack:
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                for server in servers:
                    stack.enter_context(server)
            for warning in warned:
                say(f"warning: {warning.message}")
            if log is not None or not as_json:
                stack.enter_context(shown_log(log, with_service=len(servers) > 1))
            if watched is not None:
                from simstudio.cli.sandbox_reload import reloading

                report = say if log is None else logging.getLogger("simstudio.sandbox").info
                stack.enter_context(reloading(watched, servers, report))
            announce()
            _wait()
        except KeyboardInterrupt:
            stack.close()
            if not as_json:
                say("stopped")


def _wait() -> None:
    """Wait for ever, in short waits: a signal that reaches another thread, or a signal of Windows, interrupts none."""
    never = threading.Event()
    while not never.wait(0.5):
        continue


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """End on SIGTERM as cleanly as on Ctrl-C: service managers and containers send that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
