"""The text of ``simstudio sandbox`` once it listens: addresses, keys, and calls that work as they are pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from simstudio.cli.output import say, write, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox import Sandbox, SandboxServer
    from simstudio.sandbox.serving import Served


def announce(servers: Sequence[Served[Any]], *, as_json: bool) -> None:
    """Print how the servers are used."""
    if as_json:
        write_json(describe(servers))
        return
    for number, server in enumerate(servers):
        if server.sandbox.service == "sim":
            _announce_sim(cast("SandboxServer", server))
        else:
            _announce_service(server, " (Ctrl-C stops it)" if number == 0 else "")


def describe(servers: Sequence[Served[Any]]) -> dict[str, Any]:
    """The servers as JSON data: the fields of Sim, and all by service."""
    found: dict[str, Any] = {}
    for server in servers:
        if server.sandbox.service == "sim":
            sim = cast("Sandbox", server.sandbox)
            found = {
                "baseUrl": server.base_url,
                "apiKey": sim.api_key,
                "workspaceId": sim.workspace_id,
                "workflows": list(sim.workflows),
            }
    services = {each.sandbox.service: {"baseUrl": each.base_url, "environ": each.environ} for each in servers}
    return {**found, "services": services}


_PROXIES = {"recording": "a recording proxy", "replay": "a replay"}


def announce_background(announced: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what a shell has to set; on standard error, where the servers are and how to end them."""
    if as_json:
        write_json(dict(announced))
        return
    services: dict[str, Any] = announced["services"]
    exports = " ".join(
        f"{name}={shlex.quote(value)}" for each in services.values() for name, value in each["environ"].items()
    )
    write(f"export {exports} SIM_SANDBOX_PID={announced['pid']}\n")
    places = ", ".join(
        f"{_PROXIES.get(name) or f'a local {_title(name)}'} is at {each['baseUrl']}" for name, each in services.items()
    )
    say(f"{places}; {'they end' if len(services) > 1 else 'it ends'} with: kill $SIM_SANDBOX_PID")


def _announce_sim(server: SandboxServer) -> None:
    served = server.sandbox
    url, key = server.base_url, served.api_key
    width = max(map(len, served.workflows))
    lines = (f"    {name:<{width}}  {found.description}" for name, found in served.workflows.items())
    workflows = "".join(f"{line.rstrip()}\n" for line in lines)
    example, given = _example(served)
    address = f"{url}/api/workflows/{quote(example, safe='')}/execute"
    inputs = "".join(f" --input {shlex.quote(f'{name}={_format(value)}')}" for name, value in given.items())
    write(
        f"A local Sim is at {url} (Ctrl-C stops it)\n\n"
        f"  API key: {key}\n"
        f"  Workspace: {served.workspace_id}\n"
        f"  Workflows:\n{workflows}\n"
        "Try it from another terminal:\n\n"
        f"{_exports(server)}"
        f"  simstudio run {shlex.quote(example)}{inputs}\n"
        f"  curl {shlex.quote(address)} \\\n"
        f"    -H {shlex.quote(f'X-API-Key: {key}')} -H 'Content-Type: application/json' \\\n"
        f"    -d {shlex.quote(json.dumps(given))}\n\n"
    )


def _announce_service(server: Served[Any], ending: str) -> None:
    from simstudio.cli.service_commands import RUNS
    from simstudio.cli.services import SERVICES

    name = server.sandbox.service
    functions = "".join(f"    {each}\n" for each in server.sandbox.functions)
    write(
        f"A local {_title(name)} is at {server.base_url}{ending}\n\n"
        f"  {SERVICES[name].things.capitalize()}:\n"
        f"{functions}\n"
        f"{_exports(server)}"
        f"  simstudio {name} run {RUNS[name].example}\n\n"
    )


def announce_recording(server: Served[Any], url: str, directory: str, *, as_json: bool) -> None:
    """Print how a recording proxy is used."""
    if as_json:
        environ = {"SIM_BASE_URL": server.base_url}
        write_json(
            {"baseUrl": server.base_url, "recording": url, "directory": directory, **_describe_service(server, environ)}
        )
        return
    write(
        f"Requests to {server.base_url} go to {url}\n"
        f"and are recorded in {directory}, without secrets (Ctrl-C stops it)\n\n"
        "Use it from another terminal, with your own API key:\n\n"
        f"  export SIM_BASE_URL={server.base_url}\n\n"
        f"{_other_addresses()}\n\n"
        f"Later, without the server: simstudio sandbox --replay {shlex.quote(directory)}\n\n"
    )


def announce_replay(server: Served[Any], count: int, directory: str, *, as_json: bool) -> None:
    """Print how a replay is used."""
    if as_json:
        environ = {"SIM_BASE_URL": server.base_url, "SIM_API_KEY": server.key}
        told = {"baseUrl": server.base_url, "apiKey": server.key, "replaying": count, "directory": directory}
        write_json({**told, **_describe_service(server, environ)})
        return
    write(
        f"{server.base_url} replays {count} exchange{'' if count == 1 else 's'} of {directory} (Ctrl-C stops it)\n\n"
        "Use it from another terminal; any API key is accepted:\n\n"
        f"  export SIM_BASE_URL={server.base_url}\n"
        f"  export SIM_API_KEY={server.key}\n\n"
        f"{_other_addresses()}\n\n"
    )


def _other_addresses() -> str:
    """The sentence that names the variables of the other services."""
    from simstudio.cli.services import SERVICES

    *names, last = (service.address[0] for service in SERVICES.values())
    return f"If it is not Sim, set {', '.join(names)} or {last} to this address."


def _describe_service(server: Served[Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The part of the JSON data that all servers have."""
    return {"services": {server.sandbox.service: {"baseUrl": server.base_url, "environ": dict(environ)}}}


def _exports(server: Served[Any]) -> str:
    return "".join(f"  export {name}={shlex.quote(value)}\n" for name, value in server.environ.items())


def _title(service: str) -> str:
    from simstudio.cli.services import title_of

    return title_of(None if service == "sim" else service)


def _format(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _example(served: Sandbox) -> tuple[str, dict[str, object]]:
    """The workflow to try, and an input for it: the user's first, else ``hello``."""
    from simstudio.cli.sandbox_examples import example_input
    from simstudio.sandbox.builtin import BUILTIN

    defaults = {function for function, _ in BUILTIN}
    for name, found in served.workflows.items():
        if found.function not in defaults and found.deployed:
            return name, example_input(found)
    return "hello", {"name": "Ada"}
