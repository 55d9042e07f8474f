"""The function that workers of an executor run: it claims a task and sends it, with clients that it keeps."""

from __future__ import annotations

import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import attrs

from simstudio.batch.claims import CLAIMS_UNREACHABLE, Claims, open_claims
from simstudio.batch.execution import Receipt
from simstudio.core.modes import Sync
from simstudio.transport.errors import APIConnectionError, ConfigurationError, SimStudioError
from simstudio.transport.fork import renew_after_fork

if TYPE_CHECKING:
    from simstudio.batch.execution import Hear, MakeExecution, Result
    from simstudio.core.context import Context
    from simstudio.transport.flow import Flow
    from simstudio.transport.rate_limit import RateLimitInfo

WORKER_LOST = "WORKER_LOST"
"""The code of the error of an item whose worker died, or whose task was cancelled: it may have run."""
CLAIMED_ELSEWHERE = "CLAIMED_ELSEWHERE"
"""The code of the error of an item whose task was run again by the executor: its first run may have sent it."""

_KEPT = 4


class Closable(Protocol):
    """What holds connections."""

    def close(self) -> None:
        """Let go of them."""
        ...


C = TypeVar("C", bound=Closable)
T = TypeVar("T")


@attrs.frozen
class Task:
    """One execution, as it travels to a worker.

    Attributes:
        name: Of this one sending: what is claimed.
        make: Makes what is sent.
        claim: The id under which the service runs it at most once; None where it has none.
        recipe: Makes the client. A secret: it holds the key.
        value: The input, pickled.
        store: Where its name is claimed. A secret: it may hold a password.
    """

    name: str
    make: MakeExecution
    claim: str | None
    recipe: bytes = attrs.field(repr=False)
    value: bytes = attrs.field(repr=False)
    store: str | None = attrs.field(default=None, repr=False)

    def __dask_tokenize__(self) -> tuple[str, str]:
        """Two tasks are never the same to Dask, which would run only one of them."""
        return "simstudio", self.name


@attrs.frozen
class Outcome:
    """What became of a task.

    Attributes:
        value: The result, or the receipt of what was queued.
        error: Why there is none.
        hint: What the server said of its rate limit last.
    """

    value: Result | Receipt | None = None
    error: SimStudioError | None = None
    hint: RateLimitInfo | None = None

    def packed(self) -> bytes:
        """The outcome as bytes, so that no executor can fail to carry it."""
        try:
            packed = pickle.dumps(self)
            pickle.loads(packed)  # noqa: S301 - our own
        except Exception as error:  # noqa: BLE001 - a class of a middleware's own
            lost = APIConnectionError(
                f"It was executed, and what came of it cannot be handed back ({type(error).__name__}: {error}): "
                f"{self.error if self.error is not None else type(self.value).__name__}",
                WORKER_LOST,
            )
            return pickle.dumps(Outcome(error=lost))
        return packed


def run(task: Task) -> bytes:
    """Do a task: claim it, and send it. The one function that executors run.

    Returns:
        An :class:`Outcome`, packed. Nothing is raised, whatever the execution comes to.
    """
    _leave_interrupts_to_the_coordinator()
    hints: list[RateLimitInfo] = []
    try:
        outcome = Outcome(_done(task, hints.append))
    except SimStudioError as error:
        outcome = Outcome(error=error)
    except Exception as error:  # noqa: BLE001 - of a user's middleware, perhaps
        outcome = Outcome(error=SimStudioError(f"{type(error).__name__}: {error}"))
    return attrs.evolve(outcome, hint=hints[-1] if hints else None).packed()


def _done(task: Task, hear: Hear) -> Result | Receipt:
    if task.store is not None:  # before all else: whatever else fails tells nothing of an earlier run of this task
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
        message = f"A worker cannot make the client: {told(error)} Its middleware must be importable there."
        raise ConfigurationError(message) from error


def _leave_interrupts_to_the_coordinator() -> None:
    """Ctrl-C reaches all processes of a terminal; what a worker is at should end, as what runs at home does.

    Only in the child processes of a pool, and only where nobody chose anything else.
    """
    import multiprocessing

    if multiprocessing.parent_process() is None or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@attrs.frozen(eq=False)
class Client:
    """A client of a worker, whose calls block whatever its class is.

    Attributes:
        context: The client's.
    """

    context: Context

    def run(self, flow: Flow[T]) -> T:
        """What a flow returns."""
        return Sync.run(self.context.session, flow)

    def close(self) -> None:
        """Close its connections."""
        self.context.session.close()


@attrs.define(eq=False)
class _Held(Generic[C]):
    thing: C
    users: int = 0
    retired: bool = False


class Keep(Generic[C]):
    """What a process keeps for its tasks: dear to make, shared by its threads, closed once others took its place.

    Args:
        most: How many things that nobody uses are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Any, _Held[C]] = {}
        self._lock = threading.Lock()
        self._ends_with_process = False
        renew_after_fork(self)

    @contextmanager
    def using(self, key: Any, make: Callable[[], C]) -> Iterator[C]:
        """The thing of that key, made where there is none; nobody closes it meanwhile."""
        with self._lock:
            self._end_with_process()
            held = self._held.pop(key, None) or _Held(make())
            self._held[key] = held  # the last used is the last to go
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
        """Close a thing; where it is in use, by its last user."""
        with self._lock:
            held = self._held.pop(key, None)
            if held is None:
                return
            held.retired = True
            over = not held.users
        if over:
            held.thing.close()

    def close(self) -> None:
        """Close everything; a thing in use by its last user."""
        for key in list(self._held):
            self.release(key)

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's, whose things it must not close."""
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


def told(error: BaseException) -> str:
    """An error as a sentence."""
    said = str(error).strip()
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."
