"""The state of a sandbox besides its runs: captured for a state file and restored, or removed."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, NoReturn

from simstudio.sandbox.data.connectors import Connector
from simstudio.sandbox.data.files import Files
from simstudio.sandbox.data.uploads import Upload
from simstudio.sandbox.definitions import graph
from simstudio.sandbox.snapshot import Blobs, Captured, Reader, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.stores import Data
    from simstudio.sandbox.seeding import Seed
    from simstudio.sandbox.sqlite import SQLiteStore
    from simstudio.sandbox.workflow import Workflow

_PAUSE = 0.3
"""Seconds after a request until the data is written; more if writing takes long."""
_SHARE = 20
"""Smallest ratio of the pause to the time that writing takes."""


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

    def cancel_runs(self) -> None:
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


class StateFile:
    """Keeps the data of a sandbox in the file of its store.

    Args:
        state: the data.
        store: the file.
    """

    def __init__(self, state: State, store: SQLiteStore) -> None:
        self._state = state
        self._store = store
        self._opened = False
        self._saved = ""
        self._pause = _PAUSE
        self._timer: asyncio.TimerHandle | None = None

    @property
    def path(self) -> str:
        """Path of the file."""
        return self._store.path

    def open(self) -> None:
        """Open the file, and restore what it holds; the second time, nothing.

        Raises:
            ValueError: It holds something else.
        """
        self._store.open()
        if not self._opened:
            try:
                self._restore()
            except BaseException:
                self._store.close()
                raise
            self._opened = True

    def _restore(self) -> None:
        found = self._store.data()
        if found is None:
            return
        try:
            self._state.restore(found)
        except Exception as error:
            raise ValueError(f"its content is not the data of a sandbox ({error!r})") from error
        self._state.cancel_runs()
        self._saved = found.document

    def save(self) -> None:
        """Write the data if it has changed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        began = time.perf_counter()
        captured = self._state.capture()
        if captured.document != self._saved:
            self._store.save_data(captured)
            self._saved = captured.document
        self._pause = max(_PAUSE, _SHARE * (time.perf_counter() - began))

    def close(self) -> None:
        """Write the data if it has changed, and close the file."""
        self.save()
        self._store.close()

    def save_soon(self) -> None:
        """Write the data within a moment, on the running event loop: once for many requests."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self.save)


class StateKeeper:
    """ASGI middleware that opens the state before the first request, and has it written after each."""

    def __init__(self, app: ASGIApp, file: StateFile) -> None:
        self._app = app
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or the time from the start of the application to its end."""
        self._file.open()
        try:
            await self._app(scope, receive, send)
        finally:
            if scope["type"] == "lifespan":
                self._file.close()
            else:
                self._file.save_soon()


def fingerprint(function: Workflow) -> str:
    """Text that changes with the fields, the flags and the description of a registered function."""
    flags = [function.deployed, function.public, function.needs_redeployment, function.description]
    return json.dumps([graph.of_function(function), flags])


def _no_source(config: object) -> NoReturn:
    del config
    raise LookupError("no connector of this type is registered in this sandbox")
