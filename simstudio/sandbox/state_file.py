"""The state file of a sandbox: read when it opens, and written a moment after each request."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Protocol

from simstudio.sandbox.snapshot import Blobs, Captured, Reader, Writer
from simstudio.sandbox.state_lock import StateLock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.sandbox.seeding import Seed
    from simstudio.sandbox.sqlite import SQLiteStore

_PAUSE = 0.3
"""Seconds after a request until the data is written; more if writing takes long."""
_SHARE = 20
"""Smallest ratio of the pause to the time that writing takes."""


class Savable(Protocol):
    """The state of a sandbox."""

    def save(self, writer: Writer) -> dict[str, Any]:
        """The state as a JSON object."""
        ...

    def load(self, document: Mapping[str, Any], contents: Mapping[str, bytes]) -> None:
        """Restore the state, and end the runs that were in progress.

        Args:
            document: Return value of :meth:`save`.
            contents: The large contents that the writer met, by digest.
        """
        ...


class PlainState:
    """The state of a sandbox as plain data: texts, numbers, bytes, lists and dicts.

    Args:
        save: returns the data as it is now.
        load: makes the data what it was, and ends what ran then.
    """

    def __init__(self, save: Callable[[], dict[str, Any]], load: Callable[[Mapping[str, Any]], None]) -> None:
        self._save = save
        self._load = load

    def save(self, writer: Writer) -> dict[str, Any]:
        """The data as JSON."""
        return {"data": writer.write(self._save())}

    def load(self, document: Mapping[str, Any], contents: Mapping[str, bytes]) -> None:
        """Restore the data."""
        self._load(Reader(contents, _keep).read(document["data"]))


class StateFile:
    """Keeps the data of a sandbox in the file of its store.

    Args:
        state: the data.
        store: the file.
        seed: makes ids and times; None where they are random and real.
    """

    def __init__(self, state: Savable, store: SQLiteStore, seed: Seed | None) -> None:
        self._state = state
        self._store = store
        self._seed = seed
        self._lock = StateLock(store.path, store.service)
        self._blobs = Blobs()
        self._loaded = self._is_open = False
        self._saved = ""
        self._pause = _PAUSE
        self._timer: asyncio.TimerHandle | None = None

    @property
    def path(self) -> str:
        """Path of the file."""
        return self._store.path

    def open(self) -> None:
        """Open the file and restore its state. A second call does nothing.

        Raises:
            ValueError: The file holds something else, or another running sandbox uses it.
        """
        self._store.open()
        try:
            self._lock.take()
            if not self._loaded:
                self._restore()
                self._loaded = True
        except BaseException:
            self._store.close()
            self._lock.release()
            raise
        self._is_open = True

    def _restore(self) -> None:
        found = self._store.data()
        if found is None:
            return
        try:
            document = json.loads(found.document)
            self._state.load(document, found.contents)
            if self._seed is not None:
                self._seed.changes = document.get("changes", 0)  # those of the first releases have none
        except Exception as error:
            raise ValueError(f"its content is not the data of a sandbox ({error!r})") from error
        self._saved = found.document

    def capture(self) -> Captured:
        """The data as it is now."""
        writer = Writer(self._blobs)
        document = {**self._state.save(writer), "changes": 0 if self._seed is None else self._seed.changes}
        self._blobs.keep(writer.contents.values())
        return Captured(json.dumps(document), writer.contents)

    def save(self) -> None:
        """Write the data if it has changed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        began = time.perf_counter()
        captured = self.capture()
        if captured.document != self._saved:
            self._store.save_data(captured)
            self._saved = captured.document
        self._pause = max(_PAUSE, _SHARE * (time.perf_counter() - began))

    def close(self) -> None:
        """Write the data if it has changed, and close the file."""
        self._is_open = False
        self.save()
        self._store.close()
        self._lock.release()

    def save_soon(self) -> None:
        """Write the data within a moment, on the running event loop: once for many requests. Not once it is closed."""
        if self._is_open and self._timer is None:
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


def _keep(made: object) -> None:
    """Leave an object as it was read."""
    del made
