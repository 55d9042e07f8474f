"""The function that workers of an executor run: it claims a task and sends it, with clients that it keeps."""

from __future__ import annotations

import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

import attrs

from simstudio.batch.claims import CLAIMS_UNREACHABLE, Claims, open_claims
from simstudio.batch.execution import Hear, MakeExecution, Receipt, Result
from simstudio.core.context import Context
from simstudio.core.modes import Sync
from simstudio.transport.errors import APIConnectionError, ConfigurationError, SimStudioError
from simstudio.transport.flow import Flow
from simstudio.transport.fork import renew_after_fork
from simstudio.transport.rate_limit import RateLimitInfo

WORKER_LOST = "WORKER_LOST"
"""Error code of an item whose worker died or whose task was cancelled, so that it may have run."""
CLAIMED_ELSEWHERE = "CLAIMED_ELSEWHERE"
"""Error code of an item whose task the executor ran a second time: the first run may have sent it."""

_KEPT = 4


class Closable(Protocol):
    """An object with connections."""

    def close(self) -> None:
        """Close the connections."""
        ...


C = TypeVar("C", bound=Closable)
T = TypeVar("T")


@attrs.frozen
class Task:
    """One execution, pickled for a worker.

    Attributes:
        name: Unique name of this sending, which is claimed in the store.
        make: Makes the :class:`~simstudio.batch.execution.Execution`.
        claim: Id under which the service runs it at most once; None without one.
        recipe: Pickle that makes the client. A secret: it holds the API key.
        value: The pickled input.
        store: Address of the store of claims. A secret: it may hold a password.
    """

    name: str
    make: MakeExecution
    claim: str | None
    recipe: bytes = attrs.field(repr=False)
    value: bytes = attrs.field(repr=False)
    store: str | None = attrs.field(default=None, repr=False)

    def __dask_tokenize__(self) -> tuple[str, str]:
        """A token for Dask that no two tasks share: of equal tasks Dask would run only one."""
        return "simstudio", self.name


@attrs.frozen
class Outcome:
    """The outcome of a task.

    Attributes:
        value: The result, or the receipt of a queued execution.
        error: Cause for which there is neither.
        hint: Rate limit in the headers of the last response.
    """

    value: Result | Receipt | None = None
    error: SimStudioError | None = None
    hint: RateLimitInfo | None = None

    def pack(self) -> bytes:
        """The outcome as bytes, which every executor can transport."""
        try:
            packed = pickle.dumps(self)
            pickle.loads(packed)  # noqa: S301 - our own
        except Exception as error:  # noqa: BLE001 - any error of a middleware's class
            lost = APIConnectionError(
                f"It was executed, and what came of it cannot be handed back ({type(error).__name__}: {error}): "
                f"{self.error if self.error is not None else type(self.value).__name__}",
                WORKER_LOST,
            )
            return pickle.dumps(Outcome(error=lost))
        return packed


def run(task: Task) -> bytes:
    """Claim a task and send it. The one function that executors run.

    Returns:
        The packed :class:`Outcome`. Errors of the execution are in it and not raised.
    """
    _leave_interrupts_to_the_coordinator()
    hints: list[RateLimitInfo] = []
    try:
        outcome = Outcome(_execute(task, hints.append))
    except SimStudioError as error:
        outcome = Outcome(error=error)
    except Exception as error:  # noqa: BLE001 - of a user's middleware, perhaps
        outcome = Outcome(error=SimStudioError(f"{type(error).__name__}: {error}"))
    return attrs.evolve(outcome, hint=hints[-1] if hints else None).pack()


def _execute(task: Task, hear: Hear) -> Result | Receipt:
    if task.store is not None:  # first: other errors do not tell whether this task was run before
        _claim(task.name, task.store)
    value = pickle.loads(task.value)  # noqa: S301 - pickled by the coordinator, as the whole task was
    with clients.using(task.recipe, lambda: _client(task.recipe)) as client:
        return client.run(task.make(client.context, hear).begin(value, task.claim))


def _claim(name: str, store: str) -> None:
    try:
        with stores.using(store, lambda: open_claims(store)) as claims:
            mine = claims.claim(name)
    except ConfigurationError as error:
        raise APIConnectionError(f"A worker cannot claim: {error}", CLAIMS_UNREACHABLE, sent=False) from error
    if not mine:
        raise APIConnectionError(
            "It may have run: the executor ran its task a second time, and the first run had claimed it.",
            CLAIMED_ELSEWHERE,
        )


def _client(recipe: bytes) -> Client:
    try:
        make, arguments = pickle.loads(recipe)  # noqa: S301 - pickled by the coordinator
        return Client(make(*arguments)._context)
    except Exception as error:
        message = f"A worker cannot make the client: {describe(error)} Its middleware must be importable there."
        raise ConfigurationError(message) from error


def _leave_interrupts_to_the_coordinator() -> None:
    """Ignore SIGINT, which Ctrl-C sends to all processes of a terminal, so that the worker's execution can end.

    Only in child processes of a pool that have Python's default handler.
    """
    import multiprocessing

    if multiprocessing.parent_process() is None or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@attrs.frozen(eq=False)
class Client:
    """A client in a worker. Its calls block, also if it is an async client.

    Attributes:
        context: The context of the client.
    """

    context: Context

    def run(self, flow: Flow[T]) -> T:
        """Run a flow and return its result."""
        return Sync.run(self.context.session, flow)

    def close(self) -> None:
        """Close the connections."""
        self.context.session.close()


@attrs.define(eq=False)
class _Held(Generic[C]):
    thing: C
    users: int = 0
    retired: bool = False


class Keep(Generic[C]):
    """Objects that a process keeps for its tasks because they are expensive to make. Threads share them.

    Args:
        most: Number of unused objects that are kept; older ones are closed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Any, _Held[C]] = {}
        self._lock = threading.Lock()
        self._ends_with_process = False
        renew_after_fork(self)

    @contextmanager
    def using(self, key: Any, make: Callable[[], C]) -> Iterator[C]:
        """A block that uses the object of a key, which is made if it is missing and stays open meanwhile."""
        with self._lock:
            self._end_with_process()
            held = self._held.pop(key, None) or _Held(make())
            self._held[key] = held  # at the end: the last used is closed last
            held.users += 1
            idle = [name for name, other in self._held.items() if not other.users]
            gone = [self._held.pop(name) for name in idle[: max(0, len(self._held) - self._most)]]
        for old in gone:
            old.thing.close()
        try:
            yield held.thing
        finally:
            with self._lock:
                held.users -= 1
                over = held.retired and not held.users
            if over:
                held.thing.close()

    def release(self, key: Any) -> None:
        """Close an object; if it is in use, its last user closes it."""
        with self._lock:
            held = self._held.pop(key, None)
            if held is None:
                return
            held.retired = True
            over = not held.users
        if over:
            held.thing.close()

    def close(self) -> None:
        """Close all objects; the last user of one closes it."""
        for key in list(self._held):
            self.release(key)

    def after_fork(self) -> None:
        """Drop the parent's objects in a forked child, which must not close them."""
        self._lock = threading.Lock()
        self._held = {}
        self._ends_with_process = False

    def _end_with_process(self) -> None:
        if not self._ends_with_process:
            from multiprocessing.util import Finalize  # atexit's functions are not called in a pool's processes

            self._ends_with_process = True
            Finalize(None, self.close, exitpriority=10)


clients: Keep[Client] = Keep(_KEPT)
stores: Keep[Claims] = Keep(_KEPT)


def describe(error: BaseException) -> str:
    """The type and text of an error as a sentence."""
    said = str(error).strip()
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."
