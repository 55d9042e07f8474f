"""Plans: the arguments of a ``map`` method, from which a batch is made."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sized
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import attrs

from simstudio.batch.execution import Execution, MakeExecution, R
from simstudio.batch.input_files import InputFile
from simstudio.batch.inputs import Inputs, begins_with_table
from simstudio.batch.ledger import Ledger
from simstudio.batch.ledger.lock import canonical
from simstudio.batch.option import check_no_address
from simstudio.batch.options import BatchOptions, Options, complete
from simstudio.core.context import Context
from simstudio.transport.errors import InvalidInputError, SimStudioError
from simstudio.transport.rate_limit import RateLimitInfo
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.batch.batch import AsyncBatch, Batch
    from simstudio.batch.delivery import Outbox
    from simstudio.batch.engine import Engine
    from simstudio.batch.executors import Elsewhere
    from simstudio.batch.pace import Pace
    from simstudio.batch.results import Results

MOST = 200
"""Most items that run at a time with automatic concurrency."""


@attrs.frozen
class Plan(Generic[R]):
    """A batch that was asked for.

    Attributes:
        make: Makes what is executed for each input.
        inputs: Inputs of the executions.
        options: All options, checked.
        adapt: Replaces values of the service's own types in an input, before it is copied; None if it has none.

    Raises:
        InvalidInputError: An option cannot be used; the message names it.
    """

    make: MakeExecution[R]
    inputs: Inputs
    options: BatchOptions[R] = attrs.field(converter=complete, repr=False)  # an address may hold a password
    adapt: Callable[[Any], Any] | None = None

    def begin(self, context: Context) -> Batch[R] | AsyncBatch[R]:
        """The batch of a client. Nothing is sent before its first item is asked for.

        Raises:
            InvalidInputError: An argument cannot be used.
            ConfigurationError: The client cannot be sent to workers, a store cannot be reached, or pyarrow is missing.
            LedgerError: The ledger cannot be used.
            ResultsError: The results file cannot be written.
        """
        self._check_out()
        self._check_dead_letters()
        opened = ExitStack()
        try:
            return self._begin(context, opened)
        except BaseException:
            opened.close()
            raise

    def _begin(self, context: Context, opened: ExitStack) -> Batch[R] | AsyncBatch[R]:
        from simstudio.batch.batch import AsyncBatch, Batch
        from simstudio.batch.engine import Engine
        from simstudio.batch.progress import to_stderr
        from simstudio.batch.sender import FlowSender
        from simstudio.batch.sources import Relay, source_of

        execution = self.make(context, None)
        asynchronous = context.mode.asynchronous
        given = self.options
        concurrency = given["concurrency"] if isinstance(given["concurrency"], int) else None
        most = concurrency or MOST
        options = Options(given, max_retries=context.options.max_retries, window=max(1000, 4 * most), adapt=self.adapt)
        whole_tables = given["input"] is not None  # a function of a table
        source = source_of(
            self.inputs,
            relayed=not asynchronous,
            examiner=options.examiner(),
            wanted=options.wanted,
            whole_tables=whole_tables,
        )
        if given["budget"] is not None and not execution.has_prices:
            raise InvalidInputError("A budget needs a service that says what an execution cost; this one does not.")
        elsewhere = self._elsewhere(context, execution)
        if elsewhere is not None and concurrency is None and execution.mode != "async":
            most = min(most, elsewhere.slots or most)
        pace = self._pace(context, execution, concurrency, most, opened)
        ledger = self._ledger(context, execution, opened)
        results = self._results(ledger, opened)
        show = given["progress"]
        on_progress = show if callable(show) else to_stderr() if show else None

        def hear(hint: RateLimitInfo) -> None:
            with suppress(SimStudioError):  # the store of a shared pace is lost, which the next wait reports
                pace.hint(hint.limit, hint.remaining, hint.reset)

        def make(outbox: Outbox) -> Engine:
            here = FlowSender(context, self.make, most, hear)
            return Engine(
                sender=here if elsewhere is None else elsewhere.sender(here, self.make, hear),
                source=source,
                outbox=outbox,
                pace=pace,
                options=options,
                ledger=ledger,
                results=results,
                total=_count(self.inputs, whole_tables=whole_tables),
                on_result=given["on_result"],
                on_progress=on_progress,
            )

        remembers = ledger is not None or results is not None or given["on_result"] is not None
        if asynchronous:
            return AsyncBatch(make, opened.close, context.session, remembers=remembers)
        relay = source if isinstance(source, Relay) else None
        path = None if ledger is None else ledger.path
        return Batch(make, opened.close, relay, remembers=remembers, ledger=path)

    def _check_out(self) -> None:
        out, flat = self.options["out"], self.options["flatten"]
        if out is not None:
            from simstudio.batch.results import check_out, lines_path

            check_out(out, flat=flat)
            for path in {os.fsdecode(out), str(lines_path(out))}:
                self._keep_apart("out", path)
        elif flat:
            raise InvalidInputError("flatten= is for the file of out=; there is none.")

    def _check_dead_letters(self) -> None:
        path, out = self.options["dead_letters"], self.options["out"]
        if path is None:
            return
        check_no_address("dead_letters", path)
        if not Path(path).parent.is_dir() or Path(path).is_dir():
            raise InvalidInputError(f"dead_letters is {os.fspath(path)!r}: name a file in a folder that exists.")
        self._keep_apart("dead_letters", path)
        if out is not None:
            from simstudio.batch.results import lines_path

            for other in (out, lines_path(out)):
                _ensure_different("dead_letters", path, "out", other)

    def _keep_apart(self, name: str, path: str | os.PathLike[str]) -> None:
        """Raise if a file that is written is one that the batch reads, or that of a store.

        Raises:
            InvalidInputError: Two arguments name the same file.
        """
        _ensure_different(name, path, "inputs", self.inputs)
        for store in ("ledger", "shared"):
            value = self.options[store]
            if isinstance(value, (str, os.PathLike)):
                for suffix in ("", "-wal", "-shm", "-lock"):
                    _ensure_different(name, path, store, f"{os.fsdecode(value)}{suffix}")

    def _elsewhere(self, context: Context, execution: Execution[R]) -> Elsewhere | None:
        """The executor, checked; None without one."""
        executor, claims = self.options["executor"], self.options["claims"]
        if executor is None:
            if claims is not None:
                raise InvalidInputError("claims= is for the workers of an executor=; there is none.")
            return None
        from simstudio.batch.executors import Elsewhere

        rerun = self.options["on_unknown"] == "rerun"
        return Elsewhere.of(executor, context, execution, claims=claims, rerun=rerun)

    def _pace(
        self, context: Context, execution: Execution[R], concurrency: int | None, most: int, opened: ExitStack
    ) -> Pace:
        from simstudio.batch.call_allowance import CallAllowance
        from simstudio.batch.pace import Pace

        limit = context.session.call_limit
        allowance = None if limit is None else CallAllowance(limit)
        pace = Pace(concurrency=concurrency, most=most, cost=execution.cost, allowance=allowance)
        shared = self.options["shared"]
        if shared is not None:
            from simstudio.batch.shared_pace import SharedPace

            pace = SharedPace(pace, shared_address(shared), name=account_of(context))
            opened.callback(pace.close)
        return pace

    def _ledger(self, context: Context, execution: Execution[R], opened: ExitStack) -> Ledger | None:
        path = self.options["ledger"]
        if path is None:
            return None
        from simstudio.batch.ledger import Ledger
        from simstudio.batch.running import wait_for_those_left

        if not context.mode.asynchronous:
            wait_for_those_left(canonical(path))
        endpoint = context.session.endpoint
        ledger = Ledger.open(
            path,
            workflow_id=execution.workflow_id,
            mode=execution.mode,
            api_version=execution.api_version,
            base_url=lambda: endpoint.base_url,
            models=execution.models,
        )
        opened.callback(ledger.close)
        return ledger

    def _results(self, ledger: Ledger | None, opened: ExitStack) -> Results | None:
        out = self.options["out"]
        if out is None:
            return None
        from simstudio.batch.results import Results

        results = Results(
            out,
            flat=self.options["flatten"],
            ordered=self.options["ordered"],
            ledger=ledger,
            cost=self.options["budget"],
        )
        opened.callback(results.close)
        return results


def _count(inputs: Inputs, *, whole_tables: bool) -> int | None:
    """Number of inputs; None if it is unknown."""
    if not isinstance(inputs, Sized) or isinstance(inputs, str):
        return None
    try:
        if isinstance(inputs, (list, tuple)) and not whole_tables and begins_with_table(inputs):
            return sum(map(len, inputs))
        return len(inputs)
    except Exception:  # noqa: BLE001 - any error of the caller's class; the number is only for the progress
        return None


def _ensure_different(name: str, path: str | os.PathLike[str], other: str, value: object) -> None:
    local = InputFile(os.fsdecode(value)).local_path if isinstance(value, (str, os.PathLike)) else None
    if local is not None and _is_same(path, local):
        raise InvalidInputError(f"{name} and {other} are both {os.fspath(path)!r}: name another file.")


def _is_same(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    with suppress(ValueError):  # a null character, of which reading or opening tells more
        return os.path.realpath(os.fsdecode(one)) == os.path.realpath(os.fsdecode(other))
    return False


def shared_address(shared: object) -> str:
    """The address of a shared rate. The path of a file becomes a ``sqlite:`` address.

    Raises:
        InvalidInputError: The value is neither an address nor a path.
    """
    if not isinstance(shared, (str, os.PathLike)) or not os.fspath(shared):
        raise InvalidInputError(f"shared must be redis://host:port/db, or the path of a file, not {shared!r}.")
    text = os.fsdecode(shared)
    return text if "://" in text else f"sqlite:///{text}"


def account_of(context: Context) -> str:
    """Name of the account whose rate is shared: a hash of server and key, from which the key cannot be derived."""
    session = context.session
    key = Secret(session.credentials.key if isinstance(session.credentials.key, str) else "")
    return hashlib.sha256(f"{session.endpoint.base_url}\n{key.reveal()}".encode()).hexdigest()[:20]
