"""What goes into a batch and what comes out: inputs, their identity, and :class:`BatchItem`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union

import attrs

from simstudio.errors import InvalidInputError, SimStudioError
from simstudio.files import as_file

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.models.execution import WorkflowExecutionResult

ItemState: TypeAlias = Literal["done", "failed", "unknown"]
Inputs = Union["Iterable[Any]", "AsyncIterable[Any]", "str", "os.PathLike[str]"]
"""Inputs one by one, or the path of a file of JSON lines."""


@attrs.frozen
class BatchItem:
    """One input of a batch and what became of it.

    Attributes:
        index: Its place among the inputs, from 0.
        input: As it was given.
        result: Of an execution that succeeded.
        error: Why there is none; of a workflow that failed an :class:`~simstudio.ExecutionError`.
        attempts: How often it was sent in the run that finished it: this one, or, where it is ``replayed``, an earlier.
        elapsed: Seconds from its first request to its end; of an earlier run, that run's.
        state: ``done``, ``failed``, or ``unknown``: it may have run, and nobody knows.
        key: Its identity in the ledger, besides the fingerprint of its input.
        run_id: The execution, where it is known.
        replayed: Whether it comes from the ledger, not from a request of this run.
    """

    index: int
    input: Any
    result: WorkflowExecutionResult | None = None
    error: SimStudioError | None = None
    attempts: int = 0
    elapsed: float = 0.0
    state: ItemState = "done"
    key: str = ""
    run_id: str | None = None
    replayed: bool = False

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.state == "done"

    @property
    def output(self) -> Any:
        """The workflow's output; None where it did not succeed."""
        return self.result.output if self.result is not None else None

    def unwrap(self) -> WorkflowExecutionResult:
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
        """The item as JSON data: ``index``, ``key``, ``state``, ``input``, ``output``, ``error`` and so on."""
        error = self.error
        said = {"type": type(error).__name__, "message": str(error), "code": error.code} if error is not None else None
        return {
            "index": self.index,
            "key": self.key,
            "state": self.state,
            "input": self.input,
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
        input: As it was given.
        key: What the caller's ``key`` function says, else the index as text.
        fingerprint: SHA-256 of its JSON: a changed input is another.
    """

    index: int
    input: Any
    key: str
    fingerprint: str


def prepare(index: int, value: Any, key: Callable[[Any], object] | None = None) -> Prepared:
    """An input with its identity.

    Raises:
        InvalidInputError: It is no JSON data, or ``key`` failed; the message names the index.
    """
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, default=plain)
        fingerprint = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"Input {index} cannot be sent as JSON: {error}.") from error
    if key is None:
        return Prepared(index, value, str(index), fingerprint)
    try:
        named = str(key(value))
    except Exception as error:
        raise InvalidInputError(f"key= failed for input {index}: {type(error).__name__}: {error}.") from error
    return Prepared(index, value, named, fingerprint)


def plain(value: Any) -> Any:
    """What JSON has no word for, as data that it has: mappings and files; the ``default`` of ``json.dumps``.

    Raises:
        TypeError: It is nothing of that.
        InvalidInputError: A file cannot be read.
    """
    if isinstance(value, Mapping):
        return dict(value)
    file = as_file(value)
    if file is not None:
        return file.to_dict()
    raise TypeError(f"{type(value).__name__} is no JSON data")


def read(inputs: Inputs) -> Iterator[Any] | AsyncIterator[Any]:
    """Inputs one by one, read as they are asked for.

    Raises:
        InvalidInputError: They are neither iterable nor the path of a file; a line of a file is no JSON (its number is
            named).
    """
    if isinstance(inputs, (str, os.PathLike)):
        return _lines(Path(inputs))
    if isinstance(inputs, AsyncIterable):
        return inputs.__aiter__()
    if isinstance(inputs, Iterable) and not isinstance(inputs, (bytes, Mapping)):
        return iter(inputs)
    raise InvalidInputError(
        f"inputs must be an iterable of inputs, or the path of a file of JSON lines, not {type(inputs).__name__}."
    )


def _lines(path: Path) -> Iterator[Any]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInputError(f"The inputs cannot be read: {error}.") from error
    with file:
        number = 0
        try:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"{path}, line {number}: not UTF-8 ({error.reason}).") from error
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(f"{path}, line {number}: not JSON ({error}).") from error
        except OSError as error:
            raise InvalidInputError(f"{path}, after line {number}: {error}.") from error
