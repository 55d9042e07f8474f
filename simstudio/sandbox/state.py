"""The state of a sandbox besides its runs: captured for a state file and restored, or removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from simstudio.sandbox.data.connectors import Connector
from simstudio.sandbox.data.files import Files
from simstudio.sandbox.data.uploads import Upload
from simstudio.sandbox.definitions import graph
from simstudio.sandbox.snapshot import Reader, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.stores import Data
    from simstudio.sandbox.workflow import Workflow


class State:
    """The tables, files, knowledge bases, secrets, definitions … of one sandbox.

    Args:
        core: the parts of the sandbox.
        functions: the registered functions by name, live.
        make_data: makes empty stores.
    """

    def __init__(self, core: Core, functions: Mapping[str, Workflow], make_data: Callable[[], Data]) -> None:
        self._core = core
        self._functions = functions
        self._make_data = make_data

    def save(self, writer: Writer) -> dict[str, Any]:
        """The state as a JSON object."""
        return {
            "data": writer.write(self._core.data),
            "definitions": writer.write(self._core.definitions),
            "lastRuns": writer.write(self._core.engine.last_runs),
            "functions": {name: fingerprint(function) for name, function in self._functions.items()},
        }

    def load(self, document: Mapping[str, Any], contents: Mapping[str, bytes]) -> None:
        """Restore the state, and cancel runs of tables that were in progress when their server ended.

        Functions that have changed since, and new ones, keep their own definitions.
        """
        reader = Reader(contents, self._complete)
        definitions = self._core.definitions
        reader.read_into(self._core.data, document["data"])
        reader.read_into(definitions, document["definitions"])
        self._core.engine.last_runs = reader.read(document["lastRuns"])
        self._core.data.tables.cancel_runs()
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
