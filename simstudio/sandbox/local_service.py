"""The common base of all sandboxes: requests received, faults and a clock."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from simstudio.core.functions import with_hints
from simstudio.sandbox.arguments import argument_of
from simstudio.sandbox.clock import Clock
from simstudio.sandbox.fault_rules import parse_fault
from simstudio.sandbox.faults import FaultInjector, Faults, RequestBreaker
from simstudio.sandbox.http import Reply, json_reply
from simstudio.sandbox.limits import Window
from simstudio.sandbox.seeding import Seed, Seeding
from simstudio.sandbox.state_file import PlainState, StateFile, StateKeeper
from simstudio.sandbox.traffic import ReceivedRequest, ReceivedRequests, Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from os import PathLike

    from starlette.middleware import Middleware
    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.sandbox.faults import Fault
    from simstudio.sandbox.sqlite import SQLiteStore


_READS = ("GET", "HEAD", "OPTIONS")


class LocalService(ABC):
    """A local server of one service.

    Args:
        clock: epoch seconds.
        seed: any number, with which ids and times are the same in every run for the same requests that change
            something: the clock begins at 2026-01-01T00:00:00Z, and each of them moves it by 1 ms.
        state: path of an SQLite file that keeps what was made over the API over restarts; None keeps it in memory.

    Attributes:
        service: name of the service, such as ``sim``.
        faults: faults of the coming requests, see :class:`simstudio.sandbox.Faults`.
        clock: clock of everything that depends on the time of day; tests can move it.
    """

    service: ClassVar[str]
    _limited_path: ClassVar[str] = "/"
    """Beginning of the paths that :meth:`limit_calls` is about."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
        state: str | PathLike[str] | None = None,
    ) -> None:
        seed, state = argument_of("seed", seed), argument_of("state", state)
        self._store: SQLiteStore | None = None
        self.faults = Faults()
        self._seed = None if seed is None else Seed(seed, self._is_read)
        self.clock = Clock(clock if self._seed is None or clock is not time.time else self._seed.now)
        self._requests = ReceivedRequests()
        self._window: Window | None = None
        self._state_file: StateFile | None = None
        if state is not None:
            from simstudio.sandbox.sqlite import SQLiteStore

            self._store = SQLiteStore(state, self.service)
            self._state_file = StateFile(PlainState(self._save, self._load), self._store, self._seed)

    def _save(self) -> dict[str, Any]:
        """The objects that were made over the API, as plain data."""
        raise NotImplementedError

    def _load(self, data: Mapping[str, Any]) -> None:
        """Restore the objects that requests made, and end the runs that were in progress."""
        raise NotImplementedError

    def _open_state(self) -> None:
        """Open the state file, if there is one, and load it.

        Raises:
            ValueError: The file holds something else.
        """
        if self._state_file is not None:
            self._state_file.open()

    def _save_soon(self) -> None:
        """Write the state within a moment, if there is a file for it."""
        if self._state_file is not None:
            self._state_file.save_soon()

    def _close_state(self) -> None:
        """Write the state, if there is a file for it, and close that."""
        if self._state_file is not None:
            self._state_file.close()

    @cached_property
    def app(self) -> Any:
        """The ASGI application; each service has its own."""
        raise NotImplementedError

    @abstractmethod
    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Any:
        """A server for this sandbox; it starts in a ``with`` block, or by ``start()``."""

    @property
    @abstractmethod
    def functions(self) -> list[str]:
        """Names of the functions that it runs: of workflows, blocks, flows."""

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests received so far, oldest first, without their keys: the newest 10 000, with 256 MiB of bodies."""
        return list(self._requests)

    def forget_requests(self) -> None:
        """Forget the requests received so far."""
        self._requests.clear()

    async def reset(self) -> None:
        """Remove requests, faults and everything that was made over the API; undo moves of the clock.

        Functions stay, and what runs is stopped. Call it on the event loop of the server; from other threads,
        ``server.reset()`` does.
        """
        self.faults.end_sleep()
        self.faults.clear()
        self.forget_requests()
        self.clock.reset()
        if self._window is not None:
            self.limit_calls(self._window.per_minute)
        if self._seed is not None:
            self._seed.restart()
        await self._forget()

    @abstractmethod
    async def use_functions_of(self, other: Any) -> None:
        """Replace the functions by those of another sandbox of the same service, and keep everything else.

        Call it on the event loop of the server; from other threads, ``server.use_functions_of(other)`` does.
        """

    @abstractmethod
    async def _forget(self) -> None:
        """Stop all runs, and remove the objects that requests made."""

    def _is_read(self, method: str, path: str) -> bool:
        """Whether a request changes nothing, so that the ids and times of a seed are the same without it."""
        del path
        return method in _READS

    @with_hints
    def fault(self, rule: str) -> Fault:
        """Add a fault: a method, a pattern of paths, effects, and for how many requests.

        Effects are a status (``503``), headers of it (``retry-after:1``), ``delay=2`` (seconds), ``drop`` (of the
        connection: ``drop=body``, ``request``, ``response`` or ``head``, see `Faults.add`), ``half`` (the connection
        ends in the middle of the response), ``after=100`` (bytes of the response), ``events=2`` (pieces of a stream)
        and ``reset`` (of TCP, in place of an orderly close). Without ``x3`` the fault stays until `faults` are cleared.

        Raises:
            ValueError: The text is no fault; the message names the part.

        Example:
            >>> fault = sandbox.fault("POST /api/workflows/* 503 retry-after:1 x3")
            >>> fault = sandbox.fault("GET /api/jobs/* delay=0.5 half x1")
        """
        return self.faults.add(**parse_fault(rule))

    def limit_calls(self, per_minute: int) -> None:
        """Refuse requests beyond so many a minute as the service does, with 429.

        Args:
            per_minute: requests in each 60 s, counted from the first; at least 1.
        """
        self._window = Window(per_minute, self.clock())

    def _refuse_call(self, seconds: int) -> Reply:
        """The response to a request beyond the limit, which is over after so many seconds."""
        return json_reply({"message": "Too Many Requests"}, 429, (("retry-after", str(seconds)),))

    async def _check_limit(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        now = self.clock()
        is_limited = scope["type"] == "http" and scope["path"].startswith(self._limited_path)
        if is_limited and self._window is not None and not self._window.take(now):
            seconds = math.ceil(self._window.read(now).reset_at - now)
            app = self._refuse_call(seconds)
        await app(scope, receive, send)

    def _middleware(self) -> list[Middleware]:
        """Middleware that seeds, breaks off, records and limits requests, and has the state written after them."""
        from starlette.middleware import Middleware

        seeding = [] if self._seed is None else [Middleware(Seeding, seed=self._seed)]
        keeping = [] if self._state_file is None else [Middleware(StateKeeper, file=self._state_file)]
        return [
            *seeding,
            Middleware(RequestBreaker, faults=self.faults),
            Middleware(Recorder, kept=self._requests),
            Middleware(FaultInjector, faults=self.faults),
            Middleware(CallLimit, check=self._check_limit),
            *keeping,
        ]


class CallLimit:
    """ASGI middleware that applies a sandbox's limit of calls."""

    def __init__(self, app: ASGIApp, check: Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await self._check(self._app, scope, receive, send)
