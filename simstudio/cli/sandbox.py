"""``simstudio sandbox``: a local Sim that stays."""

from __future__ import annotations

import shlex
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote

import click

from simstudio.cli.background import serve_in_background
from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.output import say, write, write_json

if TYPE_CHECKING:
    from simstudio.sandbox import Sandbox, SandboxServer

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
    help="The port to listen on; 0 takes any free one.  [default: 8000; 0 with --background]",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="The address, or name, to listen on. One that others reach gets a key of its own, and a warning.",
)
@click.option(
    "--state",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep jobs in this SQLite file over restarts.",
)
@click.option(
    "--generation", type=click.Choice(_GENERATIONS), help="Whose answers it gives, by release of Sim.  [default: v0.8]"
)
@click.option(
    "--background", is_flag=True, help='Leave it running and end; for a shell: eval "$(simstudio sandbox --background)"'
)
@json_option
@pass_invocation
def sandbox(
    invocation: Invocation,
    app: Path | None,
    port: int | None,
    host: str,
    state: Path | None,
    generation: str | None,
    *,
    background: bool,
    as_json: bool,
) -> None:
    """Serve a local Sim until Ctrl-C, with the workflows of APP.PY, and hello, count, slow and fail.

    It behaves like the real one, needs no account and reaches no network.
    """
    invocation.as_json = as_json
    if background:
        options = {"--port": port or 0, "--host": host, "--state": state, "--generation": generation}
        given = [f"{name}={value}" for name, value in options.items() if value is not None]
        _announce_background(serve_in_background([*given, *([str(app)] if app else [])]), as_json=as_json)
        return
    served = _sandbox(app, state, generation)
    with terminated_like_interrupted():
        server = served.serve(host, 8000 if port is None else port)
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                server.start()
            with closing(server):
                for warning in warned:
                    say(f"warning: {warning.message}")
                _announce(server, as_json=as_json)
                _wait()
        except KeyboardInterrupt:
            if not as_json:
                say("stopped")


def _sandbox(app: Path | None, state: Path | None, generation: str | None) -> Sandbox:
    """The sandbox to serve."""
    if app is None:
        from simstudio.sandbox import Sandbox

        kind = cast('Literal["v0.8", "v0.6", "v0.4", "documents"]', generation or "v0.8")
        return Sandbox(state=state, generation=kind)
    if state is not None or generation is not None:
        raise click.UsageError(
            f"--state and --generation are for the default sandbox. In {app}, write Sandbox(state=…, generation=…)",
            click.get_current_context(),
        )
    from simstudio.cli.apps import load_sandbox

    return load_sandbox(app)


def _announce(server: SandboxServer, *, as_json: bool) -> None:
    served = server.sandbox
    if as_json:
        write_json({
            "baseUrl": server.base_url,
            "apiKey": served.api_key,
            "workspaceId": served.workspace_id,
            "workflows": list(served.workflows),
        })  # fmt: skip
        return
    url, key = server.base_url, served.api_key
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in server.environ.items())
    width = max(map(len, served.workflows))
    lines = (f"    {name:<{width}}  {found.description}" for name, found in served.workflows.items())
    workflows = "".join(f"{line.rstrip()}\n" for line in lines)
    example, fields = _example(served)
    address = f"{url}/api/workflows/{quote(example, safe='')}/execute"
    fed = f" --input {fields[0]}={fields[1]}" if fields else ""
    body = f'{{"{fields[0]}": "{fields[1]}"}}' if fields else "{}"
    write(
        f"A local Sim is at {url} (Ctrl-C stops it)\n\n"
        f"  API key: {key}\n"
        f"  Workflows:\n{workflows}\n"
        "Try it from another terminal:\n\n"
        f"  export {exports}\n"
        f"  simstudio run {shlex.quote(example)}{fed}\n"
        f"  curl {shlex.quote(address)} -H {shlex.quote(f'X-API-Key: {key}')}"
        f" -H 'Content-Type: application/json' -d '{body}'\n\n"
    )


def _announce_background(announced: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what a shell has to set; on standard error, where it is and how to end it."""
    if as_json:
        write_json(dict(announced))
        return
    variables = {"SIM_BASE_URL": "baseUrl", "SIM_API_KEY": "apiKey", "SIM_WORKSPACE_ID": "workspaceId"}
    exports = " ".join(f"{name}={shlex.quote(announced[key])}" for name, key in variables.items())
    write(f"export {exports} SIM_SANDBOX_PID={announced['pid']}\n")
    say(f"a local Sim is at {announced['baseUrl']}; it ends with: kill $SIM_SANDBOX_PID")


def _example(served: Sandbox) -> tuple[str, tuple[str, str] | None]:
    """The workflow to try: the user's first, else ``hello``."""
    from simstudio.sandbox.builtin import BUILTIN

    defaults = {function for function, _ in BUILTIN}
    for name, found in served.workflows.items():
        if found.function not in defaults and found.deployed:
            return name, None
    return "hello", ("name", "Ada")


def _wait() -> None:
    """Wait for ever, in pieces: a signal that another thread was given, or that Windows knows, interrupts no wait."""
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
