"""Values that ``simstudio batch resume`` does not take from its ledger.

A ledger may come from anybody. Its workflow and options are used. The server that gets the API key and the server of a
shared rate must be named by the call itself, on the command line or in the environment. Of the files that the ledger
names, those are used that it proves to be its own: inputs whose fingerprints it has, and results of this batch and
nothing else. Any other file must lie beside the ledger or below the working directory, where it is not hidden.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from simstudio.batch.formats import FileFormat
from simstudio.cli.access import find_profile
from simstudio.cli.batch_files import path_of_shared
from simstudio.cli.batch_results import holds_results, problem_of
from simstudio.cli.batch_settings import Settings
from simstudio.cli.connection import Connection
from simstudio.cli.failures import CommandError
from simstudio.cli.services import variable_of
from simstudio.errors import InvalidInputError
from simstudio.resources.settings import DEFAULT_BASE_URL

_MOST_INPUTS = 1000
"""Number of inputs that are compared with those of the ledger."""


def ensure_named(
    ledger: str, known: Settings, connection: Connection, *, inputs: bool, out: bool, shared: bool, moved: bool
) -> None:
    """Make sure that the call names what only its ledger names; nothing was sent or written before.

    Args:
        ledger: The path of the ledger.
        known: Settings from the ledger.
        connection: Server of the command.
        inputs: Whether the call names the inputs.
        out: Whether the call names a file for results.
        shared: Whether the call names where a rate is shared.
        moved: Whether the call says that the server has another address now.

    Raises:
        CommandError: An address or file is named by the ledger only. The message ends with the whole command to paste.
    """
    missing: list[tuple[str, list[str]]] = []
    if not inputs:
        missing += _inputs(ledger, known)
    if not moved and not _names_server(connection):
        missing += _server(ledger, known.server, connection)
    if not shared:
        missing += _with_shared(ledger, known.shared)
    if not out:
        missing += _out(ledger, known.out)
    if missing:
        again = connection.invocation.again(*chain.from_iterable(options for _, options in missing))
        raise CommandError(f"{' '.join(text for text, _ in missing)} To go on: {again}")


def _inputs(ledger: str, known: Settings) -> Iterator[tuple[str, list[str]]]:
    path = Path(known.inputs)
    if "://" in known.inputs:
        yield f"Only the ledger {ledger} names the address of the inputs.", [known.inputs]
    elif known.inputs != "-" and path.exists() and not _is_near(path, ledger) and not _knows_input_of(ledger, known):
        yield (
            f"The ledger {ledger} names {path} for the inputs, and has no input that is in that file.",
            [known.inputs],
        )


def _knows_input_of(ledger: str, known: Settings) -> bool:
    """Whether a ledger has the fingerprint of an input, which shows that its maker knew the file."""
    from simstudio.batch.input_files import InputFile
    from simstudio.batch.inputs import read_file
    from simstudio.batch.items import BatchItem
    from simstudio.batch.ledger import LedgerView
    from simstudio.batch.options import Options

    given: Any = known.options
    if not Path(known.inputs).is_file():
        return False
    try:
        with LedgerView(ledger) as view:
            rows = read_file(InputFile(known.inputs))
            examiner = Options(given).examiner()
            for examined in map(examiner, islice(rows, _MOST_INPUTS)):
                item = examined.found
                if not isinstance(item, BatchItem) and view.fingerprint_of(item.key) == item.fingerprint:
                    return True
    except InvalidInputError:  # no inputs
        pass
    return False


def _names_server(connection: Connection) -> bool:
    service = connection.service
    variable = "SIM_BASE_URL" if service is None else service.address[0]
    given = connection.base_url is not None or bool(variable_of(variable))
    return given or connection.sandboxed or (service is None and find_profile(connection.invocation) is not None)


def _server(ledger: str, server: str | None, connection: Connection) -> Iterator[tuple[str, list[str]]]:
    default = DEFAULT_BASE_URL if connection.service is None else connection.service.default_base_url
    if server is None or server == default:
        return
    option, _, value = server.partition(" ")
    if option == "--sandbox-app":
        yield (
            f"The batch of {ledger} ran on the sandbox of {value}, Python that runs when it is named.",
            [option, value],
        )
    elif option == "--sandbox":
        yield f"The batch of {ledger} ran on the sandbox.", [option]
    else:
        text = f"The ledger {ledger} names the server {server}, and this command names none: no file says where the "
        yield f"{text}API key goes.", ["--base-url", server]


def _with_shared(ledger: str, shared: str | None) -> Iterator[tuple[str, list[str]]]:
    path = path_of_shared(shared)
    if shared and (path is None or not _is_near(Path(path), ledger)):
        yield (
            f"The rate of the batch is shared at {shared}, which only the ledger {ledger} names.",
            ["--shared", shared],
        )


def _out(ledger: str, out: str | None) -> Iterator[tuple[str, list[str]]]:
    if out is None:
        return
    path = Path(out)
    problem = problem_of(path, ledger)
    if problem is None and not holds_results(path) and not (_is_near(path, ledger) and FileFormat.of(path)):
        problem = (
            "that would be a new file elsewhere than beside the ledger, or one that is hidden or of another suffix"
        )
    if problem is not None:
        yield f"The ledger {ledger} names {out} for the results, and {problem}.", ["--out", _free(ledger)]


def _free(ledger: str) -> str:
    """A path for results beside a ledger, where there is no file yet."""
    suffixes = chain([".results.jsonl"], (f".results-{number}.jsonl" for number in count(2)))
    return next(str(path) for path in map(Path(ledger).with_suffix, suffixes) if not os.path.lexists(path))


def _is_near(path: Path, ledger: str) -> bool:
    """Whether a file lies below the folder of a ledger or the working directory, where it is not hidden."""
    real = Path(os.path.realpath(path))
    for folder in (Path(os.path.realpath(ledger)).parent, Path(os.path.realpath("."))):
        if folder != folder.parent and real.is_relative_to(folder):
            return not any(part.startswith(".") for part in real.relative_to(folder).parts)
    return False
