"""What ``simstudio batch resume`` does not take from its ledger.

A ledger may come from anybody. Its workflow, inputs and options are used. The server that gets the API key, the server
of a shared rate, and a file that holds anything but results of this batch must be named by the call itself: on the
command line or in the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

from simstudio.cli.batch_results import problem_of
from simstudio.cli.batch_settings import Settings
from simstudio.cli.connection import Connection
from simstudio.cli.failures import CommandError
from simstudio.resources.settings import DEFAULT_BASE_URL


def ensure_named(ledger: str, known: Settings, connection: Connection, *, out: bool, shared: bool, moved: bool) -> None:
    """Make sure that the call names what only its ledger names; nothing was sent or written before.

    Args:
        ledger: The path of the ledger.
        known: What the ledger says.
        connection: Where the call goes.
        out: Whether the call names a file for results.
        shared: Whether the call names where a rate is shared.
        moved: Whether the call says that the server has another address now.

    Raises:
        CommandError: It does not. The message ends with the whole command to paste.
    """
    missing: list[tuple[str, list[str]]] = []
    if not moved and not _names_server(connection):
        missing += _server(ledger, known.server)
    if not shared:
        missing += _shared(ledger, known.shared)
    if not out:
        missing += _out(ledger, known.out)
    if missing:
        again = connection.invocation.again(*chain.from_iterable(options for _, options in missing))
        raise CommandError(f"{' '.join(text for text, _ in missing)} To go on: {again}")


def _names_server(connection: Connection) -> bool:
    given = connection.base_url is not None or bool(os.environ.get("SIM_BASE_URL", "").strip())
    return given or connection.sandboxed


def _server(ledger: str, server: str | None) -> Iterator[tuple[str, list[str]]]:
    if server is None or server == DEFAULT_BASE_URL:
        return
    option, _, value = server.partition(" ")
    if option in ("--sandbox", "--sandbox-app"):
        yield f"The batch of {ledger} ran on the sandbox.", [option, value] if value else [option]
    else:
        text = f"The ledger {ledger} names the server {server}, and this command names none: no file says where the "
        yield f"{text}API key goes.", ["--base-url", server]


def _shared(ledger: str, shared: str | None) -> Iterator[tuple[str, list[str]]]:
    scheme, found, _ = (shared or "").partition("://")
    if shared and found and scheme != "sqlite":
        yield (
            f"The rate of the batch is shared at {shared}, which only the ledger {ledger} names.",
            ["--shared", shared],
        )


def _out(ledger: str, out: str | None) -> Iterator[tuple[str, list[str]]]:
    problem = problem_of(Path(out), ledger) if out is not None else None
    if problem is not None:
        yield f"The ledger {ledger} names {out} for the results, and {problem}.", ["--out", _free(ledger)]


def _free(ledger: str) -> str:
    """A path for results beside a ledger, where there is no file yet."""
    suffixes = chain([".results.jsonl"], (f".results-{number}.jsonl" for number in count(2)))
    return next(str(path) for path in map(Path(ledger).with_suffix, suffixes) if not os.path.lexists(path))
