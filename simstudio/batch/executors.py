"""Executors: executions on threads, in processes or on a cluster, by any ``concurrent.futures.Executor``.

    coordinator                                              worker (many)
    pace, ledger, order ──> ExecutorSender ──Task──> executor ──> run(task): claim, then the same flow as locally
                                   <──────── the outcome ────────

A worker keeps one client, made of the recipe in each task. The recipe holds **the API key**: anyone who can read what
the executor sends can read the key, so a cluster belongs into a network of its own, or under TLS.

An execution that is queued on the server (``mode="async"``) is submitted by a worker and waited for by the coordinator,
so that its receipt is in the ledger as soon as possible.

Some executors run the tasks of dead workers again. So that nothing is executed twice unnoticed, a worker claims a task
before it sends it (:mod:`simstudio.batch.claims`), or executions carry a claim that the service honours.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import pickle
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Generic

import attrs

from simstudio.batch.claims import CLAIMS_UNREACHABLE, check_claims, open_claims
from simstudio.batch.execution import Execution, Hear, Limits, MakeExecution, Price, R, Receipt
from simstudio.batch.sender import FlowSender, Queued
from simstudio.batch.snapshot import TOO_LARGE
from simstudio.batch.workers import WORKER_LOST, Outcome, Task, clients, describe, run
from simstudio.core.context import Context
from simstudio.core.files import File, as_file
from simstudio.transport.errors import APIConnectionError, ConfigurationError, InvalidInputError, SimStudioError

_MOST_LOST = 10  # consecutive lost tasks after which the executor gets no more
_NO_TASK_BEGAN = "Error during deserialization"  # the text of Dask's scheduler


@attrs.frozen
class Elsewhere:
    """An executor on which a batch can run.

    Attributes:
        executor: The caller's executor.
        context: Context of the client.
        store: Address of a store of claims; None if tasks need no claim.
    """

    executor: Executor
    context: Context
    store: str | None

    @classmethod
    def of(
        cls, executor: object, context: Context, execution: Execution, *, claims: str | None, rerun: bool
    ) -> Elsewhere:
        """Check an executor.

        Args:
            executor: The value that the caller gave.
            context: Context of the client, which must pickle.
            execution: Executes the items.
            claims: The address of a store that the caller gave.
            rerun: Whether items that may have run are run again, so that tasks need no claim.

        Raises:
            InvalidInputError: The value is no executor, or the executor may run tasks twice and there are no claims.
            ConfigurationError: The client cannot be sent to workers, or the store cannot be reached.
        """
        if not isinstance(executor, Executor):
            hint = " Of a Dask client it is client.get_executor()." if hasattr(executor, "get_executor") else ""
            kind = type(executor).__name__
            raise InvalidInputError(f"executor must be a concurrent.futures.Executor, not a {kind}.{hint}")
        store = None if claims is None else check_claims(claims)
        if execution.claims:
            store = None  # the service's own claim is better: a repeated task gets the outcome of the first
        elif store is not None:
            _ensure_reachable(store)  # else each item would fail on its own
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
        """Number of tasks that keep its workers busy; None if it does not say how many workers it has."""
        workers = getattr(self.executor, "_max_workers", None)
        return 2 * workers if isinstance(workers, int) and workers > 0 else None

    def sender(self, local: FlowSender[R], make: MakeExecution[R], on_hint: Hear) -> ExecutorSender[R]:
        """The sender of items to its workers."""
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
    """Whether an executor never runs a task twice, which holds for those of the standard library."""
    return isinstance(executor, (ThreadPoolExecutor, ProcessPoolExecutor))


def recipe_of(context: Context, executor: Executor) -> bytes:
    """The pickle that makes a client like this one in a worker.

    Raises:
        ConfigurationError: The client cannot be pickled.
    """
    recipe = context.reduce()
    try:
        return _dumps(executor)(recipe)
    except Exception as error:
        raise ConfigurationError(f"The client cannot be sent to workers: {error}.") from error


def _dumps(executor: Executor) -> Callable[[Any], bytes]:
    """The pickler: cloudpickle for workers of other programs, which lack the functions of this script."""
    if runs_once(executor):
        return pickle.dumps
    try:
        dumps: Callable[[Any], bytes] = importlib.import_module("cloudpickle").dumps
    except ImportError:
        return pickle.dumps
    return dumps


def portable(value: Any) -> Any:
    """An input without references to this machine: its files are read, up to the size of a request.

    Raises:
        InvalidInputError: A file cannot be read.
    """
    if isinstance(value, Mapping):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [portable(item) for item in value]
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, (str, int, float)):  # such as a member of an enum
        return json.loads(json.dumps(value))
    file = as_file(value)
    if file is None:
        return value
    try:
        return File(file.read(), name=file.name, mime=file.mime)
    except InvalidInputError as error:
        if error.code != TOO_LARGE:
            raise
        return file  # for an upload, which a worker of this machine can make


class ExecutorSender(Generic[R]):
    """Sends items through an executor; a :class:`~simstudio.batch.sender.Sender`.

    The executor belongs to the caller and is not shut down.

    Args:
        executor: Runs the tasks.
        local: Sender for requests of the coordinator: limits, waits for queued executions, executions of lost workers.
        context: Context of the client.
        make: Makes the execution in the workers.
        on_hint: Called with the rate limit in the headers of responses to workers.
        store: Address of a store of claims; None if tasks need no claim.
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
            ConfigurationError: The executor takes no more tasks, or cannot run them; nothing was sent.
            SimStudioError: The execution raised it.
        """
        task = self._task(value, claim)
        outcome = await self._outcome(self._submit(task))
        if outcome.hint is not None:
            self._on_hint(outcome.hint)
        if outcome.error is not None:
            error = self._mark_sent(outcome.error)
            lost = isinstance(error, APIConnectionError) and error.sent and error.code == WORKER_LOST
            if lost and claim is not None and self.execution.claims:
                return await self._local.execute(value, claim, queued)  # the same claim: nothing runs twice
            raise error
        begun: Any = outcome.value
        if isinstance(begun, Receipt):
            queued(begun)
            return await self._local.settle(begun)
        result: R = begun
        return result

    def _mark_sent(self, error: SimStudioError) -> SimStudioError:
        """Mark an error as sent if its task may have been run before, as that run may have sent the request."""
        if isinstance(error, APIConnectionError) and not runs_once(self._executor):
            if error.code == CLAIMS_UNREACHABLE:
                self._lost += 1
                error.sent = True
            elif self.execution.claims:
                error.sent = True
        return error

    def settle(self, receipt: Receipt) -> Awaitable[R]:
        """Wait for the result of a queued execution."""
        return self._local.settle(receipt)

    def prepare(self) -> Awaitable[None]:
        """Make the requests that are needed before the first item is sent."""
        return self._local.prepare()

    def limits(self) -> Awaitable[Limits | None]:
        """The service's rate limit; None if the service does not say."""
        return self._local.limits()

    def reach(self) -> Awaitable[object]:
        """Make a request that runs nothing, to learn whether the service responds."""
        return self._local.reach()

    def price(self, run_id: str) -> Awaitable[Price | None]:
        """Price of an execution; None if the service does not say."""
        return self._local.price(run_id)

    async def aclose(self) -> None:
        """Close the connections. Tasks of workers go on."""
        for recipe in self._recipes:
            clients.release(recipe)
        await self._local.aclose()

    def _task(self, value: Any, claim: str | None) -> Task:
        recipe = recipe_of(self._context, self._executor)  # for each task, because the key may change
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

    def _submit(self, task: Task) -> Future[bytes]:
        if self._lost >= _MOST_LOST:
            raise ConfigurationError(
                f"The executor lost the last {self._lost} tasks it was given, so it gets no more. Look at its workers."
            )
        try:
            return self._executor.submit(run, task)
        except Exception as error:  # BrokenExecutor, RuntimeError after its shutdown …
            message = f"The executor takes no more tasks: {describe(error)} This input was not sent."
            if self._lost:
                message += f" What its workers were at may have run: {self._lost} in a row are unknown."
            raise ConfigurationError(message) from error

    async def _outcome(self, future: Future[bytes]) -> Outcome:
        waiting = asyncio.wrap_future(future)
        try:
            await asyncio.wait([waiting])  # distinguishes a cancelled task from a cancelled batch
        except asyncio.CancelledError:
            future.cancel()
            waiting.cancel()
            raise
        if waiting.cancelled():
            # The standard library cancels only tasks that have not begun; other executors may cancel any task.
            return self._lose("its task was cancelled", None, sent=not runs_once(self._executor))
        error = waiting.exception()
        if error is None:
            outcome = _unpack(waiting.result())
            if outcome.error is None or outcome.error.code != CLAIMS_UNREACHABLE:
                self._lost = 0
            return outcome
        if _never_began(error):
            message = f"The executor's workers cannot run the tasks. Is this package installed there? {describe(error)}"
            raise ConfigurationError(message) from error
        return self._lose("its worker was lost", error, sent=True)

    def _lose(self, why: str, error: BaseException | None, *, sent: bool) -> Outcome:
        self._lost += 1
        what = "It may have run" if sent else "It has not run"
        missing = APIConnectionError(
            f"{what}: {why}.{'' if error is None else ' ' + describe(error)}", WORKER_LOST, sent=sent
        )
        missing.__cause__ = error
        return Outcome(error=missing)


def _unpack(packed: bytes) -> Outcome:
    try:
        outcome: Outcome = pickle.loads(packed)  # noqa: S301 - made by run()
    except Exception as error:  # noqa: BLE001 - such as other versions of packages there
        return Outcome(error=APIConnectionError(f"It was executed; the answer cannot be read: {describe(error)}"))
    return outcome


def _never_began(error: BaseException) -> bool:
    """Whether a worker failed to read a task. :func:`run` itself raises no such error."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        if isinstance(at, ImportError) or _NO_TASK_BEGAN in str(at):
            return True
        at = at.__cause__ or at.__context__
    return isinstance(error, AttributeError) and "simstudio" in str(error)
