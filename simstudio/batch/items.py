"""Results of a batch (:class:`BatchItem`), and inputs with the keys that identify them (:class:`Prepared`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Literal

import attrs

from simstudio.batch.execution import R
from simstudio.batch.rows import BadRow, Letter, RowMap
from simstudio.batch.snapshot import copied, plain, problem, said, shown
from simstudio.transport.errors import InvalidInputError, SimStudioError

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.batch.money import Money

ItemState: TypeAlias = Literal["done", "failed", "unknown"]


@attrs.frozen
class BatchItem(Generic[R]):
    """One input of a batch and what became of it. Of a workflow, ``R`` is :class:`~simstudio.WorkflowExecutionResult`.

    Attributes:
        index: Its place among the inputs, from 0.
        input: As it was sent: a copy of what was given, made when it was read, so that its owner may reuse a dict.
            What was refused, and never sent, is here as it was given.
        result: Of an execution that succeeded.
        error: Why there is none; of a workflow that failed an :class:`~simstudio.ExecutionError`.
        attempts: How often it was sent in the run that finished it: this one, or, where it is ``replayed``, an earlier.
        elapsed: Seconds from its first request to its end; of an earlier run, that run's.
        state: ``done``, ``failed``, or ``unknown``: it may have run, or may run still. An execution whose client went
            away is finished by some servers and cancelled by others; one that was cancelled is ``failed``, and its
            error says that it was cut short.
        key: Its identity in the ledger, besides the fingerprint of its input.
        run_id: The execution, where it is known.
        replayed: Whether it comes from the ledger, not from a request of this run.
        cost: What it cost, of a batch with a ``budget``; None if the service does not say.
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
        """Whether it succeeded."""
        return self.state == "done"

    @property
    def output(self) -> Any:
        """The result's output; None where it did not succeed."""
        return self.result.output if self.result is not None else None

    @property
    def _refused(self) -> bool:
        """Whether it was refused for what it is, so that it may be no JSON data."""
        return self.state == "failed" and not self.attempts and isinstance(self.error, InvalidInputError)

    def unwrap(self) -> R:
        """The result.

        Raises:
            SimStudioError: Why there is none.
        """
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise SimStudioError(f"Item {self.index} has no result: {self.state}.")
        return self.result

    def to_dict(self) -> dict[str, Any]:
        """The item as JSON data: ``index``, ``key``, ``state``, ``input``, ``output``, ``error`` and so on.

        An input that was refused because it is no JSON data is told by its ``type`` and the beginning of its ``repr``.
        """
        error = self.error
        said = {"type": type(error).__name__, "message": str(error), "code": error.code} if error is not None else None
        return {
            "index": self.index,
            "key": self.key,
            "state": self.state,
            "input": shown(self.input) if self._refused else self.input,
            "output": self.output,
            "error": said,
            "attempts": self.attempts,
            "elapsed": round(self.elapsed, 6),
            "run_id": self.run_id,
        }


@attrs.frozen
class Prepared:
    """An input with its identity.

    Attributes:
        index: Its place, from 0.
        input: A copy, as it was when it was read: what is sent, and what the ledger keeps. Mappings are dicts in it,
            files that were open are read; one named by its path stays a path, and is read when it is sent.
        key: What the caller's ``key`` function says, else the index as text.
        fingerprint: SHA-256 of its JSON: a changed input is another.
        holds_files: Whether files are part of it, which may have changed until they are sent.
    """

    index: int
    input: Any
    key: str
    fingerprint: str
    holds_files: bool = False


def prepare(index: int, value: Any, key: Callable[[Any], object] | None = None, rows: RowMap | None = None) -> Prepared:
    """An input with its identity, as it is now: what becomes of the caller's object afterwards changes nothing.

    Args:
        key: The caller's function of the value.
        rows: Makes an input of the value; None if it is one.

    Raises:
        InvalidInputError: It is no JSON data, reading it failed, or ``key`` or ``rows`` did; the message names the
            index, and the place in the input.
    """
    named = _key_of(index, value, key)
    if rows is not None:
        try:
            value = rows(value)
        except InvalidInputError as error:
            raise InvalidInputError(f"Input {index} cannot be made: {said(error)}.") from error
    try:
        copy, holds_files = copied(value)
        return Prepared(index, copy, named, fingerprint(copy), holds_files)
    except Exception as error:
        raise InvalidInputError(f"Input {index} cannot be sent as JSON: {problem(error, value)}") from error


def refused(index: int, value: Any, error: InvalidInputError, key: Callable[[Any], object] | None = None) -> BatchItem:
    """What became of an input that :func:`prepare` refused; it has a key all the same."""
    try:
        named = _key_of(index, value, key)
    except InvalidInputError:
        named = f"input {index}, which has no key"  # its index alone may be the key of another
    return BatchItem(index, value, error=error, state="failed", key=named)


@attrs.frozen
class Examined:
    """An input that was looked at when it was read.

    Attributes:
        found: What is to be sent, or what became of it where it was refused.
    """

    found: Prepared | BatchItem


class Examiner:
    """Looks at each input once it is read: by the thread that reads it, before it asks for the next.

    Args:
        key: The caller's function; it is given the row, where inputs are made of rows.
        rows: Makes inputs of rows; None if they are inputs.
        strict: Whether a row that cannot be read ends the batch.
    """

    def __init__(
        self, key: Callable[[Any], object] | None = None, rows: RowMap | None = None, *, strict: bool = False
    ) -> None:
        self._key = key
        self._rows = rows
        self._strict = strict
        self._count = 0

    def __call__(self, value: Any) -> Examined:
        """Look at the next.

        Raises:
            InvalidInputError: It is a row that cannot be read, and that ends the batch.
        """
        index, self._count = self._count, self._count + 1
        if type(value) is BadRow:
            if self._strict:
                raise value.error
            return Examined(refused(index, value.text, value.error, None if self._key is None else _no_key))
        try:
            if type(value) is Letter:
                key = value.key
                return Examined(prepare(index, value.input, lambda _: key))
            return Examined(prepare(index, value, self._key, self._rows))
        except InvalidInputError as error:
            return Examined(refused(index, value, error, self._key))


def _no_key(_: Any) -> str:
    raise InvalidInputError("it cannot be read")


def _key_of(index: int, value: Any, key: Callable[[Any], object] | None) -> str:
    if key is None:
        return str(index)
    try:
        text = str(key(value))
        text.encode()  # no file holds half a surrogate pair
    except Exception as error:
        raise InvalidInputError(f"key= failed for input {index}: {said(error)}.") from error
    return text


def fingerprint(data: Any) -> str:
    """SHA-256 of the JSON of an input: a changed one is another."""
    return hashlib.sha256(_ENCODER.encode(data).encode("utf-8", "surrogatepass")).hexdigest()


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, default=plain)
