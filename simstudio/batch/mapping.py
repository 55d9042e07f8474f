"""From the arguments of ``client.workflows.map`` to a batch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence, Sized
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Generic, Literal

import attrs

from simstudio.batch.execution import R
from simstudio.batch.inputs import Inputs
from simstudio.batch.items import BatchItem
from simstudio.batch.ledger.lock import check_path
from simstudio.core.options import UNSET, Unset, check_timeout
from simstudio.resources.payload import selectors
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidInputError, SimStudioError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from simstudio.batch.batch import AsyncBatch, Batch
    from simstudio.batch.delivery import Outbox
    from simstudio.batch.engine import Engine
    from simstudio.batch.executors import Elsewhere
    from simstudio.batch.options import OnFailed, OnUnknown
    from simstudio.batch.progress import Progress
    from simstudio.batch.records import Mode
    from simstudio.core.context import Context
    from simstudio.core.resource import APIResource
    from simstudio.transport.rate_limit import RateLimitInfo

MOST = 200
"""How many items run at a time at most, where the concurrency is found out."""
MOST_EVER = 10_000


@attrs.frozen
class Plan(Generic[R]):
    """A batch that was asked for; see ``Workflows.map`` for the fields."""

    workflow_id: str
    inputs: Inputs
    concurrency: int | Literal["auto"] | None = None
    ordered: bool = True
    mode: Mode = "sync"
    on_result: Callable[[BatchItem[R]], Any] | None = None
    ledger: str | os.PathLike[str] | None = None
    executor: Executor | None = None
    progress: bool | Callable[[Progress], None] = False
    stop_on_error: bool = False
    on_unknown: OnUnknown = "report"
    on_failed: OnFailed = "keep"
    key: Callable[[Any], object] | None = None
    timeout: float | Unset | None = UNSET
    selected_outputs: Sequence[str] | None = None
    shared: str | None = None
    claims: str | None = None

    def checked(self) -> Plan[R]:
        """The plan, when it can be followed; its concurrency is a number or None.

        Raises:
            InvalidInputError: It cannot; the message names the argument.
        """
        segment(self.workflow_id, "workflow_id")
        number = None if self.concurrency == "auto" else self.concurrency
        if number is not None and (type(number) is not int or not 1 <= number <= MOST_EVER):
            raise InvalidInputError(
                f"concurrency must be 'auto' or a whole number from 1 to {MOST_EVER:,}, not {number!r}."
            )
        for name, value, allowed in (
            ("mode", self.mode, ("sync", "async", "stream")),
            ("on_unknown", self.on_unknown, ("report", "rerun")),
            ("on_failed", self.on_failed, ("keep", "rerun")),
        ):
            if value not in allowed:
                raise InvalidInputError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}.")
        for name, flag in (("ordered", self.ordered), ("stop_on_error", self.stop_on_error)):
            if not isinstance(flag, bool):
                raise InvalidInputError(f"{name} must be True or False, not {flag!r}.")
        if not isinstance(self.progress, bool) and not callable(self.progress):
            raise InvalidInputError(f"progress must be True, False or a function, not {self.progress!r}.")
        for name, function in (("on_result", self.on_result), ("key", self.key)):
            if function is not None and not callable(function):
                raise InvalidInputError(f"{name} must be a function, not {function!r}.")
        if not isinstance(self.timeout, Unset):
            check_timeout(self.timeout)
        if self.ledger is not None:
            check_path(self.ledger)
        if self.selected_outputs is not None:
            selectors(self.selected_outputs)
        return attrs.evolve(self, concurrency=number)

    def begin(self, resource: APIResource[Any], version: str) -> Batch[R] | AsyncBatch[R]:
        """The batch on a client's resource. Nothing is sent before its first item is asked for."""
        opened = ExitStack()
        try:
            return self._begun(resource, version, opened)
        except BaseException:
            opened.close()
            raise

    def _begun(self, resource: APIResource[Any], version: str, opened: ExitStack) -> Batch[R] | AsyncBatch[R]:
        from simstudio.batch.batch import AsyncBatch, Batch
        from simstudio.batch.engine import Engine
        from simstudio.batch.ledger import Ledger
        from simstudio.batch.ledger.lock import canonical
        from simstudio.batch.options import Options
        from simstudio.batch.pace import Pace
        from simstudio.batch.progress import to_stderr
        from simstudio.batch.running import wait_for_those_left
        from simstudio.batch.sender import FlowSender, SendOptions
        from simstudio.batch.sources import Relay, source_of
        from simstudio.models.execution import WorkflowExecutionResult
        from simstudio.models.jobs import Job

        if self.selected_outputs is not None and self.mode != "stream" and (version, self.mode) != ("v2", "sync"):
            raise InvalidInputError('selected_outputs needs mode="stream", or api_version="v2" with mode="sync".')
        asynchronous = resource._context.mode.asynchronous
        source = source_of(self.inputs, relayed=not asynchronous, key=self.key)
        concurrency = self.concurrency if isinstance(self.concurrency, int) else None
        most = concurrency or MOST
        elsewhere = self._elsewhere(resource._context, version)
        if elsewhere is not None and concurrency is None and self.mode != "async":
            most = min(most, elsewhere.slots or most)
        cost = 2 if self.mode == "async" and version == "v1" else 1  # NOTES 3: the request and the run
        pace = Pace(concurrency=concurrency, most=most, cost=cost)
        if self.shared is not None:
            from simstudio.batch.shared_pace import SharedPace

            pace = SharedPace(pace, shared_address(self.shared), name=account_of(resource._context))
            opened.callback(pace.close)
        endpoint = resource._context.session.endpoint
        path = None if self.ledger is None else canonical(self.ledger)
        if path is not None and not asynchronous:
            wait_for_those_left(path)
        ledger = (
            None
            if self.ledger is None
            else Ledger.open(
                self.ledger,
                workflow_id=self.workflow_id,
                mode=self.mode,
                api_version=version,
                base_url=lambda: endpoint.base_url,
                models={"result": WorkflowExecutionResult, "job": Job},
            )
        )
        if ledger is not None:
            opened.callback(ledger.close)
        sending = SendOptions(self.workflow_id, self.mode, self.timeout, self.selected_outputs)
        show = self.progress
        on_progress = show if callable(show) else to_stderr() if show else None

        def hear(hint: RateLimitInfo) -> None:
            with suppress(SimStudioError):  # a shared pace's store is lost: the next wait says so, this is an answer
                pace.hint(hint.limit, hint.remaining, hint.reset)

        def make(outbox: Outbox) -> Engine:
            here = FlowSender(resource._context, version, sending, most, hear)
            return Engine(
                sender=here if elsewhere is None else elsewhere.sender(here, sending, hear),
                source=source,
                outbox=outbox,
                pace=pace,
                options=Options(
                    ordered=self.ordered,
                    stop_on_error=self.stop_on_error,
                    on_unknown=self.on_unknown,
                    on_failed=self.on_failed,
                    key=self.key,
                    window=max(1000, 4 * most),
                    max_retries=resource._context.options.max_retries,
                ),
                ledger=ledger,
                total=_count(self.inputs),
                on_result=self.on_result,
                on_progress=on_progress,
            )

        remembers = ledger is not None or self.on_result is not None
        if asynchronous:
            return AsyncBatch(make, opened.close, resource._context.session, remembers=remembers)
        relay = source if isinstance(source, Relay) else None
        return Batch(make, opened.close, relay, remembers=remembers, ledger=path)

    def _elsewhere(self, context: Context, version: str) -> Elsewhere | None:
        """Where items are executed, when not here."""
        if self.executor is None:
            if self.claims is not None:
                raise InvalidInputError("claims= is for the workers of an executor=; there is none.")
            return None
        from simstudio.batch.executors import Elsewhere

        return Elsewhere.checked(self.executor, context, version, claims=self.claims, rerun=self.on_unknown == "rerun")


def _count(inputs: Inputs) -> int | None:
    """How many inputs there are, where they know that."""
    if not isinstance(inputs, Sized) or isinstance(inputs, str):
        return None
    try:
        return len(inputs)
    except Exception:  # noqa: BLE001 - of a class of the caller's; it is only for the progress
        return None


def shared_address(shared: object) -> str:
    """Where a rate is shared: an address, or a file's path as one.

    Raises:
        InvalidInputError: It is neither.
    """
    if not isinstance(shared, (str, os.PathLike)) or not os.fspath(shared):
        raise InvalidInputError(f"shared must be redis://host:port/db, or the path of a file, not {shared!r}.")
    text = os.fsdecode(shared)
    return text if "://" in text else f"sqlite:///{text}"


def account_of(context: Context) -> str:
    """Whose rate it is: the same wherever the same key is used on the same server; the key cannot be told from it."""
    key = context.session.credentials.key
    told = f"{context.session.endpoint.base_url}\n{key if isinstance(key, str) else ''}"
    return hashlib.sha256(told.encode()).hexdigest()[:20]
