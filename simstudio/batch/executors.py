"""Executions elsewhere: over any ``concurrent.futures.Executor``, on threads, in processes, on a cluster.

    coordinator                                              worker (many)
    pace, ledger, order ──> ExecutorSender ──Task──> executor ──> run(task): claim, then the same flow as at home
                                   <──────── the outcome ────────

A worker keeps one client, made of the recipe that comes with each task. The recipe holds **the API key**: whoever can
read what the executor sends can read it, so a cluster belongs into a network of its own, or under TLS.

What is queued on the server (``mode="async"``) is submitted by a worker and waited for by the coordinator, so that its
receipt is in the ledger as soon as the worker has it.

Some executors run the tasks of dead workers again, unasked. So that nothing is executed twice unknowingly, a worker
claims a task before it sends (:mod:`simstudio.batch.claims`), or executions carry a claim that the service honours.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import pickle
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic

import attrs

from simstudio.batch.claims import CLAIMS_UNREACHABLE, check_claims, open_claims
from simstudio.batch.execution import R, Receipt
from simstudio.batch.workers import WORKER_LOST, Outcome, Task, clients, run, told
from simstudio.core.files import File, as_file
from simstudio.transport.errors import APIConnectionError, ConfigurationError, InvalidInputError, SimStudioError

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from concurrent.futures import Future

    from simstudio.batch.execution import Execution, Hear, Limits, MakeExecution, Price
    from simstudio.batch.sender import FlowSender, Queued
    from simstudio.core.context import Context

_MOST_LOST = 10  # tasks lost one after another: there is no executor any more
_NO_TASK_BEGAN = "Error during deserialization"  # as Dask's scheduler says it


@attrs.frozen
class Elsewhere:
    """An executor on which a batch can run.

    Attributes:
        executor: The caller's.
        context: Of the client.
        store: The address of a store of claims, where tasks may be run twice.
    """

    executor: Executor
    context: Context
    store: str | None

    @classmethod
    def checked(
        cls, executor: object, context: Context, execution: Execution, *, claims: str | None, rerun: bool
    ) -> Elsewhere:
        """An executor, when a batch can run on it.

        Args:
            executor: As given.
            context: Of the client, which must pickle.
            execution: What is sent.
            claims: The address of the store, as given.
            rerun: Whether items that may have run are to be run again: then nothing need be claimed.

        Raises:
            InvalidInputError: It is none, or may run tasks twice and nothing keeps it from that.
            ConfigurationError: The client cannot be sent to workers, or the store cannot be reached.
        """
        if not isinstance(executor, Executor):
            hint = " Of a Dask client it is client.get_executor()." if hasattr(executor, "get_executor") else ""
            kind = type(executor).__name__
            raise InvalidInputError(f"executor must be a concurrent.futures.Executor, not a {kind}.{hint}")
        store = None if claims is None else check_claims(claims)
        if execution.claims:
            store = None  # the service's own claim is better: a task that is run again learns what became of the first
        elif store is not None:
            _ensure_reachable(store)  # from here, too: else item after item would find out
        elif not rerun and not runs_once(executor):
            advice = f", {execution.claims_advice}" if execution.claims_advice else ""
            raise InvalidInputError(
                f"{type(executor).__name__} may run the tasks of dead workers again, and {execution.api_version} "
                "cannot tell an execution that is sent twice. Give the workers a store of claims "
                f'(claims="redis://host:port/0"){advice}, or accept that with on_unknown="rerun".'
            )
        recipe_of(context, executor)
        return cls(executor, context, store)

    @property
    def slots(self) -> int | None:
        """How many tasks are worth having there at a time, where it tells how many workers it has."""
        workers = getattr(self.executor, "_max_workers", None)
        return 2 * workers if isinstance(workers, int) and workers > 0 else None

    def sender(self, local: FlowSender[R], make: MakeExecution[R], on_hint: Hear) -> ExecutorSender[R]:
        """What sends items there."""
        return ExecutorSender(self.executor, local, self.context, make, on_hint, self.store)


def _ensure_reachable(store: str) -> None:
    claims = open_claims(store)
    try:
        claims.ensure_reachable()
    except APIConnectionError as error:
        raise ConfigurationError(str(error)) from error
    finally:
        claims.close()


def runs_once(executor: Executor) -> bool:
    """Whether an executor surely runs no task a second time: the standard library's do not."""
    return isinstance(executor, (ThreadPoolExecutor, ProcessPoolExecutor))


def recipe_of(context: Context, executor: Executor) -> bytes:
    """What makes a client like this one in a worker.

    Raises:
        ConfigurationError: It cannot be pickled.
    """
    recipe = context.reduce()
    try:
        return _dumps(executor)(recipe)
    except Exception as error:
        raise ConfigurationError(f"The client cannot be sent to workers: {error}.") from error


def _dumps(executor: Executor) -> Callable[[Any], bytes]:
    """Of cloudpickle where workers are not of this program: they have not got the functions of its script."""
    if runs_once(executor):
        return pickle.dumps
    try:
        dumps: Callable[[Any], bytes] = importlib.import_module("cloudpickle").dumps
    except ImportError:
        return pickle.dumps
    return dumps


def portable(value: Any) -> Any:
    """An input that means the same on another machine: files are read, the rest is JSON data already.

    Raises:
        InvalidInputError: A file cannot be read.
    """
    if isinstance(value, Mapping):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [portable(item) for item in value]
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, (str, int, float)):  # an enum's member, say
        return json.loads(json.dumps(value))
    file = as_file(value)
    return value if file is None else File(file.read(), name=file.name, mime=file.mime)


class ExecutorSender(Generic[R]):
    """Sends items through an executor; a :class:`~simstudio.batch.sender.Sender`.

    The executor is the caller's: it is never shut down here.

    Args:
        executor: Runs the tasks.
        local: For what the coordinator does itself: limits, waiting for what is queued, settling what a worker left.
        context: Of the client.
        make: Makes what is sent, there.
        on_hint: Told what the answers that workers get say of the rate limit.
        store: The address of a store of claims, where tasks may be run twice.
    """

    def __init__(
        self,
        executor: Executor,
        local: FlowSender[R],
        context: Context,
        make: MakeExecution[R],
        on_hint: Hear,
        store: str | None = None,
    ) -> None:
        self.execution = local.execution
        self._executor = executor
        self._local = local
        self._context = context
        self._make = make
        self._on_hint = on_hint
        self._store = store
        self._batch = uuid.uuid4().hex
        self._numbers = itertools.count(1)
        self._recipes: set[bytes] = set()  # of clients that work in this process
        self._lost = 0

    async def execute(self, value: Any, claim: str | None, queued: Queued) -> R:
        """Execute one input in a worker.

        Raises:
            APIConnectionError: The worker was lost, or the task was run a second time (``code``): it may have run.
            ConfigurationError: The executor takes no more tasks, or cannot do with them: nothing was sent.
            SimStudioError: What the execution raised.
        """
        task = self._task(value, claim)
        outcome = await self._outcome(self._submitted(task))
        if outcome.hint is not None:
            self._on_hint(outcome.hint)
        if outcome.error is not None:
            error = self._understood(outcome.error)
            lost = isinstance(error, APIConnectionError) and error.sent and error.code == WORKER_LOST
            if lost and claim is not None and self.execution.claims:
                return await self._local.execute(value, claim, queued)  # the service knows whether it ran
            raise error
        begun: Any = outcome.value
        if isinstance(begun, Receipt):
            queued(begun)
            return await self._local.settle(begun)
        result: R = begun
        return result

    def _understood(self, error: SimStudioError) -> SimStudioError:
        """An error as it is meant where its task may have been run before: that run may have sent what this did not."""
        if isinstance(error, APIConnectionError) and not runs_once(self._executor):
            if error.code == CLAIMS_UNREACHABLE:
                self._lost += 1
                error.sent = True
            elif self.execution.claims:
                error.sent = True
        return error

    def settle(self, receipt: Receipt) -> Awaitable[R]:
        """The result of what was queued."""
        return self._local.settle(receipt)

    def prepare(self) -> Awaitable[None]:
        """Ask the service what has to be known before the first item is sent."""
        return self._local.prepare()

    def limits(self) -> Awaitable[Limits | None]:
        """The service's rate limit, None when it does not say."""
        return self._local.limits()

    def reach(self) -> Awaitable[object]:
        """Ask the service something that runs nothing, to see whether it answers."""
        return self._local.reach()

    def price(self, run_id: str) -> Awaitable[Price | None]:
        """What an execution cost, None when the service does not say."""
        return self._local.price(run_id)

    async def aclose(self) -> None:
        """Let go of connections. What a worker is at goes on."""
        for recipe in self._recipes:
            clients.release(recipe)
        await self._local.aclose()

    def _task(self, value: Any, claim: str | None) -> Task:
        recipe = recipe_of(self._context, self._executor)  # anew: the key may have been set since
        if isinstance(self._executor, ThreadPoolExecutor):
            self._recipes.add(recipe)
        try:
            content = pickle.dumps(portable(value))
        except SimStudioError:
            raise
        except Exception as error:
            raise InvalidInputError(f"The input cannot be sent to a worker: {error}.") from error
        name = f"{self._batch}:{next(self._numbers)}"
        return Task(name, self._make, claim, recipe, content, self._store)

    def _submitted(self, task: Task) -> Future[bytes]:
        if self._lost >= _MOST_LOST:
            raise ConfigurationError(
                f"The executor lost the last {self._lost} tasks it was given, so it gets no more. Look at its workers."
            )
        try:
            return self._executor.submit(run, task)
        except Exception as error:  # BrokenExecutor, RuntimeError after its shutdown …
            message = f"The executor takes no more tasks: {told(error)} This input was not sent."
            if self._lost:
                message += f" What its workers were at may have run: {self._lost} in a row are unknown."
            raise ConfigurationError(message) from error

    async def _outcome(self, future: Future[bytes]) -> Outcome:
        waiting = asyncio.wrap_future(future)
        try:
            await asyncio.wait([waiting])  # tells a task that was cancelled there from us being cancelled here
        except asyncio.CancelledError:
            future.cancel()
            waiting.cancel()
            raise
        if waiting.cancelled():
            # The standard library cancels only what has not begun; others, whatever they like.
            return self._missing("its task was cancelled", None, sent=not runs_once(self._executor))
        error = waiting.exception()
        if error is None:
            outcome = _unpacked(waiting.result())
            if outcome.error is None or outcome.error.code != CLAIMS_UNREACHABLE:
                self._lost = 0
            return outcome
        if _never_began(error):
            message = f"The executor's workers cannot run the tasks. Is this package installed there? {told(error)}"
            raise ConfigurationError(message) from error
        return self._missing("its worker was lost", error, sent=True)

    def _missing(self, why: str, error: BaseException | None, *, sent: bool) -> Outcome:
        self._lost += 1
        what = "It may have run" if sent else "It has not run"
        missing = APIConnectionError(
            f"{what}: {why}.{'' if error is None else ' ' + told(error)}", WORKER_LOST, sent=sent
        )
        missing.__cause__ = error
        return Outcome(error=missing)


def _unpacked(packed: bytes) -> Outcome:
    try:
        outcome: Outcome = pickle.loads(packed)  # noqa: S301 - made by run()
    except Exception as error:  # noqa: BLE001 - other versions of things there and here
        return Outcome(error=APIConnectionError(f"It was executed; the answer cannot be read: {told(error)}"))
    return outcome


def _never_began(error: BaseException) -> bool:
    """Whether an error says that a worker could not even read a task: :func:`run` raises none of these."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        if isinstance(at, ImportError) or _NO_TASK_BEGAN in str(at):
            return True
        at = at.__cause__ or at.__context__
    return isinstance(error, AttributeError) and "simstudio" in str(error)
