"""Items of a batch (:class:`BatchItem`), and inputs with the keys that identify them (:class:`Prepared`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Literal

import attrs

from simstudio.batch.execution import R
from simstudio.batch.money import Money, to_json
from simstudio.batch.rows import BadRow, Letter, RowMap
from simstudio.batch.snapshot import (
    copy_input,
    describe_error,
    describe_problem,
    describe_refused,
    json_default,
    name_files,
)
from simstudio.transport.errors import InvalidInputError, SimStudioError

if TYPE_CHECKING:
    from typing import TypeAlias

ItemState: TypeAlias = Literal["done", "failed", "unknown"]

_LARGE = 4 * 1024 * 1024
"""Bytes of the files of an input from which its fingerprint takes long, on an event loop."""


@attrs.frozen
class BatchItem(Generic[R]):
    """One input of a batch and its outcome. For a workflow, ``R`` is :class:`~simstudio.WorkflowExecutionResult`.

    Attributes:
        index: Place among the inputs, from 0.
        input: The input as it was sent: a copy, made when it was read, so that the caller may reuse a dict. An input
            that was refused and never sent is the caller's object.
        result: Result of the execution; None unless the item is done.
        error: Cause of the missing result; an :class:`~simstudio.ExecutionError` if the workflow failed.
        attempts: Number of times the item was sent in the run that finished it.
        elapsed: Seconds from the first request to the end, in the run that finished it.
        state: ``done``, ``failed``, or ``unknown``: it may have run, or may still run. When a client disconnects, some
            servers finish its execution and others cancel it; a cancelled one is ``failed``, and its error says that it
            was cut short.
        key: Key in the ledger, which identifies the item together with the fingerprint of its input.
        run_id: Id of the execution; None if it is not known.
        replayed: Whether the item comes from the ledger and not from a request of this run.
        cost: Cost of its executions in this run, of a batch with a ``budget``; None if the service does not say, and
            if nothing was executed: a ledger holds no costs, and a duplicate has none.
        duplicate: Whether it was not sent because an equal input was, whose outcome this is (``dedup=True``).
    """

    index: int
    input: Any
    result: R | None = None
    error: SimStudioError | None = None
    attempts: int = 0
    elapsed: float = 0.0
    state: ItemState = "done"
    key: str = ""
    run_id: str | None = None
    replayed: bool = False
    duplicate: bool = False
    cost: Money | None = None

    @property
    def ok(self) -> bool:
        """Whether the item is done."""
        return self.state == "done"

    @property
    def output(self) -> Any:
        """Output of the result; None unless the item is done."""
        return self.result.output if self.result is not None else None

    @property
    def _refused(self) -> bool:
        """Whether the input was refused before it was sent, so that it may be no JSON data."""
        return self.state == "failed" and not self.attempts and isinstance(self.error, InvalidInputError)

    def _shown_fields(self) -> Iterator[tuple[str, Any]]:
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            if value is not None and value is not False:
                yield field.name, value

    def __repr__(self) -> str:
        """Short: of long values, the beginning."""
        from simstudio.core.display import model_repr

        return model_repr(self)

    def _repr_html_(self) -> str:
        from simstudio.core.display import table_html

        return table_html(type(self).__name__, self._shown_fields())

    def unwrap(self) -> R:
        """The result, or its error raised.

        Raises:
            SimStudioError: The item is not done; it is :attr:`error`.
        """
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise SimStudioError(f"Item {self.index} has no result: {self.state}.")
        return self.result

    def to_dict(self) -> dict[str, Any]:
        """The item as JSON data: ``index``, ``key``, ``state``, ``input``, ``output``, ``error`` and so on.

        An item with a cost has ``cost`` as well, by its unit: ``{"dollars": 0.01}``. An input that was refused because
        it is no JSON data appears as its ``type`` and the beginning of its ``repr``; a file as its ``name`` and
        ``mime``.
        """
        error = self.error
        said = {"type": type(error).__name__, "message": str(error), "code": error.code} if error is not None else None
        told = {
            "index": self.index,
            "key": self.key,
            "state": self.state,
            "input": describe_refused(self.input) if self._refused else name_files(self.input),
            "output": self.output,
            "error": said,
            "attempts": self.attempts,
            "elapsed": round(self.elapsed, 6),
            "run_id": self.run_id,
        }
        return told if self.cost is None else {**told, "cost": to_json(self.cost)}


@attrs.frozen
class Prepared:
    """An input with its identity.

    Attributes:
        index: Place among the inputs, from 0.
        input: A copy made when it was read, which is sent and stored in the ledger. Its mappings are dicts. Open files
            were read; a path stays a path, and the file is read when the input is sent.
        key: Result of the caller's ``key`` function, else the index as text.
        holds_files: Whether it holds files, which may change until they are sent.
        is_large: Whether its files are so large that its fingerprint takes long.
    """

    index: int
    input: Any
    key: str
    _fingerprint: str | None = None
    holds_files: bool = False
    is_large: bool = False

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the JSON text, which differs for a changed input. Only ledgers and ``dedup`` ask for it."""
        return fingerprint(self.input) if self._fingerprint is None else self._fingerprint

    def identify(self) -> Prepared | BatchItem:
        """The input with its fingerprint, or its failed item if a file cannot be read. It may take long."""
        try:
            return attrs.evolve(self, fingerprint=self.fingerprint)
        except Exception as problem:  # noqa: BLE001 - any error of the file system
            error = InvalidInputError(f"Input {self.index} cannot be sent as JSON: {describe_error(problem)}.")
            error.__cause__ = problem
            return BatchItem(self.index, self.input, error=error, state="failed", key=self.key)


def prepare(
    index: int,
    value: Any,
    key: Callable[[Any], object] | None = None,
    rows: RowMap | None = None,
    adapt: Callable[[Any], Any] | None = None,
) -> Prepared:
    """Copy an input and identify it. Later changes of the caller's object have no effect.

    Args:
        key: Function of the value that returns the key; None for the index.
        rows: Makes an input of the value; None if the value is the input.
        adapt: Replaces values of the service's own types in the input.

    Raises:
        InvalidInputError: The input is no JSON data, cannot be read, or ``key`` or ``rows`` failed. The message names
            the index and the place in the input.
    """
    named = str(index) if key is None else _key_of(index, value, key)
    if rows is not None:
        try:
            value = rows(value)
        except InvalidInputError as error:
            raise InvalidInputError(f"Input {index} cannot be made: {describe_error(error)}.") from error
    try:
        if adapt is not None:
            value = adapt(value)
        copy, files = copy_input(value)
        if not files:
            return Prepared(index, copy, named)
        is_large = sum(files) > _LARGE
        return Prepared(
            index, copy, named, None if is_large else fingerprint(copy), holds_files=True, is_large=is_large
        )
    except Exception as error:
        raise InvalidInputError(f"Input {index} cannot be sent as JSON: {describe_problem(error, value)}") from error


def refuse(index: int, value: Any, error: InvalidInputError, key: Callable[[Any], object] | None = None) -> BatchItem:
    """The failed item of an input that :func:`prepare` refused. It has a key as well."""
    try:
        named = str(index) if key is None else _key_of(index, value, key)
    except InvalidInputError:
        named = f"input {index}, which has no key"  # the index alone may be another item's key
    return BatchItem(index, value, error=error, state="failed", key=named)


@attrs.frozen
class Examined:
    """An input that was examined when it was read.

    Attributes:
        found: The prepared input, or the failed item of a refused input.
    """

    found: Prepared | BatchItem


class Examiner:
    """Examines each input on the thread that reads it, before the next is read.

    Args:
        key: The caller's function; called with the row if inputs are made of rows.
        rows: Makes inputs of rows; None if they are inputs.
        adapt: Replaces values of the service's own types in an input.
        strict: Whether a row that cannot be read ends the batch.
        identifies: Whether the fingerprints of inputs are needed.
    """

    def __init__(
        self,
        key: Callable[[Any], object] | None = None,
        rows: RowMap | None = None,
        adapt: Callable[[Any], Any] | None = None,
        *,
        strict: bool = False,
        identifies: bool = False,
    ) -> None:
        self._key = key
        self._rows = rows
        self._adapt = adapt
        self._strict = strict
        self.identifies = identifies
        self._count = 0

    def __call__(self, value: Any) -> Examined:
        """Examine the next input, as :meth:`examine` does, and mark it as examined. It may take long."""
        found = self.examine(value)
        if self.identifies and isinstance(found, Prepared) and found.is_large:
            found = found.identify()
        return Examined(found)

    def examine(self, value: Any) -> Prepared | BatchItem:
        """Prepare the next input, or make the failed item of one that is refused.

        Raises:
            InvalidInputError: A row cannot be read, and ``strict`` is set.
        """
        index, self._count = self._count, self._count + 1
        if type(value) is BadRow:
            return self._examine_bad(index, value)
        try:
            if type(value) is Letter:
                key = value.key
                return prepare(index, value.input, lambda _: key)
            return prepare(index, value, self._key, self._rows, self._adapt)
        except InvalidInputError as error:
            return refuse(index, value, error, self._key)

    def _examine_bad(self, index: int, row: BadRow) -> Prepared | BatchItem:
        """Prepare what ``columns=`` and ``input=`` make of a row of a table, or refuse it."""
        error = row.error
        if self._rows is not None and row.has_values:
            try:
                return prepare(index, row.text, self._key, self._rows, self._adapt)
            except InvalidInputError as problem:
                error = error if self._rows.function is None else problem
        if self._strict:
            raise error
        return refuse(index, row.text, error, None if self._key is None else _no_key)


def _no_key(_: Any) -> str:
    raise InvalidInputError("it cannot be read")


def _key_of(index: int, value: Any, key: Callable[[Any], object]) -> str:
    try:
        text = str(key(value))
        text.encode()  # raises on half of a surrogate pair, which no file can hold
    except Exception as error:
        raise InvalidInputError(f"key= failed for input {index}: {describe_error(error)}.") from error
    return text


def fingerprint(data: Any) -> str:
    """SHA-256 of the JSON text of an input."""
    return hashlib.sha256(_ENCODER.encode(data).encode("utf-8", "surrogatepass")).hexdigest()


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, default=json_default)
