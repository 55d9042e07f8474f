"""The state of a sandbox besides its runs: captured for a state file and restored, or removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from simstudio.sandbox.data.connectors import Connector
from simstudio.sandbox.data.files import Files
from simstudio.sandbox.data.uploads import Upload
from simstudio.sandbox.definitions import graph
from simstudio.sandbox.snapshot import Blobs, Captured, Reader, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.stores import Data
    from simstudio.sandbox.seeding import Seed
    from simstudio.sandbox.workflow import Workflow


class State:
    """The tables, files, knowledge bases, secrets, definitions … of one sandbox.

    Args:
        core: the parts of the sandbox.
        functions: the registered functions by name, live.
        make_data: makes empty stores.
        seed: makes ids and times; None where they are random and real.
    """

    def __init__(
        self, core: Core, functions: Mapping[str, Workflow], make_data: Callable[[], Data], seed: Seed | None
    ) -> None:
        self._core = core
        self._seed = seed
        self._functions = functions
        self._make_data = make_data
        self._blobs = Blobs()

    def capture(self) -> Captured:
        """The data as it is now."""
        writer = Writer(self._blobs)
        document = {
            "data": writer.write(self._core.data),
            "definitions": writer.write(self._core.definitions),
            "lastRuns": writer.write(self._core.engine.last_runs),
            "functions": {name: fingerprint(function) for name, function in self._functions.items()},
            "changes": 0 if self._seed is None else self._seed.changes,
        }
        self._blobs.keep(writer.contents.values())
        return Captured(json.dumps(document), writer.contents)

    def restore(self, captured: Captured) -> None:
        """Make the data what it was. Functions that have changed since, and new ones, keep their own definitions.

        Raises:
            ValueError: It is not the data of a sandbox.
        """
        document: dict[str, Any] = json.loads(captured.document)
        reader = Reader(captured.contents, self._complete)
        definitions = self._core.definitions
        reader.read_into(self._core.data, document["data"])
        reader.read_into(definitions, document["definitions"])
        self._core.engine.last_runs = reader.read(document["lastRuns"])
        if self._seed is not None:
            self._seed.changes = document.get("changes", 0)  # states of the first releases have none
        known = document["functions"]
        for name in set(known) - set(self._functions):
            definitions.forget(name)
        for name, function in tuple(self._functions.items()):
            if known.get(name) != fingerprint(function):
                definitions.register(function)

    def clear(self, register: Callable[[Workflow], object]) -> None:
        """Remove everything but the functions, and the sources of connectors.

        Args:
            register: gives a function its definition.
        """
        data, made = self._core.data, self._make_data()
        made.connectors.use_sources(data.connectors.sources)
        vars(data).update(vars(made))
        self._core.engine.last_runs = {}
        self._core.definitions.clear()
        for function in tuple(self._functions.values()):
            register(function)

    def end_runs(self) -> None:
        """Cancel runs of tables that were under way when their server ended."""
        self._core.data.tables.cancel_runs()

    def _complete(self, made: Any) -> None:
        """Give a restored object its clock or its function."""
        if isinstance(made, Files):
            made._clock = self._core.clock
        elif isinstance(made, Upload):
            made.clock = self._core.clock
        elif isinstance(made, Connector):
            made.source = self._core.data.connectors.sources.get(made.type, _no_source)


def fingerprint(function: Workflow) -> str:
    """Text that changes with the fields, the flags and the description of a registered function."""
    flags = [function.deployed, function.public, function.needs_redeployment, function.description]
    return json.dumps([graph.of_function(function), flags])


def _no_source(config: object) -> NoReturn:
    del config
    raise LookupError("no connector of this type is registered in this sandbox")
