"""What goes into a batch and what comes out: inputs, their identity, and :class:`BatchItem`."""

from __future__ import annotations

import codecs
import hashlib
import io
import json
import math
import os
import reprlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union

import attrs

from simstudio.errors import InvalidInputError, SimStudioError
from simstudio.files import File, as_file

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
        input: As it was sent: a copy of what was given, made when it was read, so that its owner may reuse a dict.
            What was refused, and never sent, is here as it was given.
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

    @property
    def _refused(self) -> bool:
        """Whether it was refused for what it is, so that it may be no JSON data."""
        return self.state == "failed" and not self.attempts and isinstance(self.error, InvalidInputError)

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


def prepare(index: int, value: Any, key: Callable[[Any], object] | None = None) -> Prepared:
    """An input with its identity, as it is now: what becomes of the caller's object afterwards changes nothing.

    Raises:
        InvalidInputError: It is no JSON data, reading it failed, or ``key`` did; the message names the index, and the
            place in the input.
    """
    named = _key_of(index, value, key)
    try:
        copy, holds_files = _copied(value)
        return Prepared(index, copy, named, fingerprint(copy), holds_files)
    except Exception as error:
        raise InvalidInputError(f"Input {index} cannot be sent as JSON: {_problem(error)}") from error


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
        key: The caller's function.
    """

    def __init__(self, key: Callable[[Any], object] | None = None) -> None:
        self._key = key
        self._count = 0

    def __call__(self, value: Any) -> Examined:
        """Look at the next."""
        index, self._count = self._count, self._count + 1
        try:
            return Examined(prepare(index, value, self._key))
        except InvalidInputError as error:
            return Examined(refused(index, value, error, self._key))


def _key_of(index: int, value: Any, key: Callable[[Any], object] | None) -> str:
    if key is None:
        return str(index)
    try:
        return str(key(value))
    except Exception as error:
        raise InvalidInputError(f"key= failed for input {index}: {_said(error)}.") from error


def fingerprint(data: Any) -> str:
    """SHA-256 of the JSON of an input: a changed one is another."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, allow_nan=False, default=plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def shown(value: Any) -> Any:
    """An input that was refused, as JSON data by which a human can tell it: itself, where it is JSON data."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except Exception:  # noqa: BLE001 - it was refused for whatever that is
        return {"type": type(value).__name__, "repr": _SHORT.repr(value)[:_SHOWN]}


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


_SHOWN = 500
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200
_SCALARS = frozenset({str, int, bool, type(None)})


class _Unsendable(Exception):  # noqa: N818 - tells the place on its way up, and is none of the caller's
    """Part of an input that cannot be sent, and where that is."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.steps: list[str] = []

    @property
    def place(self) -> str:
        return "".join(reversed(self.steps)).removeprefix(".")[:_SHOWN]


def _copied(value: Any) -> tuple[Any, bool]:
    files: list[File] = []
    return _copy(value, files), bool(files)


def _copy(value: Any, files: list[File]) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _Unsendable(f"is {value!r}, which JSON cannot say: send None or a text instead")
        return value
    if kind is dict or isinstance(value, Mapping):
        return _copy_mapping(value, files)
    if isinstance(value, (list, tuple)):
        copies = []
        for index, item in enumerate(value):
            try:
                copies.append(_copy(item, files))
            except _Unsendable as error:
                error.steps.append(f"[{index}]")
                raise
        return copies if isinstance(value, list) else tuple(copies)
    return value if isinstance(value, (str, int)) else _copy_file(value, files)


def _copy_mapping(value: Mapping[Any, Any], files: list[File]) -> dict[str, Any]:
    made = {}
    try:
        items = list(value.items())
    except RecursionError:
        raise
    except Exception as error:
        raise _Unsendable(f"is of type {type(value).__name__} and cannot be read: {_said(error)}") from error
    for key, item in items:
        if not isinstance(key, str):
            raise _Unsendable(f"has the key {key!r} of type {type(key).__name__}: JSON keys are text, use str keys")
        try:
            made[key] = _copy(item, files)
        except _Unsendable as error:
            error.steps.append(f".{key}" if key.isidentifier() else f"[{key!r}]")
            raise
    return made


def _copy_file(value: Any, files: list[File]) -> Any:
    try:
        file = as_file(value)
        if file is not None and isinstance(file.content, os.PathLike):
            os.stat(file.content)  # noqa: PTH116 - any os.PathLike; here the place in the input is known
        elif file is not None and not isinstance(file.content, bytes):
            value = file = File(file.read(), name=file.name, mime=file.mime)  # it may be closed before it is sent
    except RecursionError:
        raise
    except Exception as error:
        raise _Unsendable(f"cannot be sent: {_said(error)}") from error
    if file is None:
        raise _Unsendable(f"is of type {type(value).__name__}, which is no JSON data: {_remedy(value)}")
    files.append(file)
    return value


def _remedy(value: Any) -> str:
    if callable(getattr(value, "isoformat", None)):
        return "send its .isoformat()"
    if isinstance(value, (set, frozenset, Iterator)) or type(value).__module__ == "collections":
        return "send a list() of it"
    for method in ("model_dump", "to_dict", "tolist", "item"):
        if callable(getattr(value, method, None)):
            return f"send what its .{method}() gives"
    if hasattr(value, "__dataclass_fields__"):
        return "send its dataclasses.asdict()"
    return "send it as a text, a number, a list or a dict"


def _problem(error: Exception) -> str:
    """What is the matter with an input, as the end of a sentence."""
    if isinstance(error, _Unsendable):
        return f"{error.place or 'it'} {error.why}."
    if isinstance(error, RecursionError):
        return "it nests too deeply, or contains itself."
    return f"{_said(error)}."


def _said(error: Exception) -> str:
    """An error in words, without a full stop."""
    text = str(error).strip()
    said = text if isinstance(error, InvalidInputError) else f"{type(error).__name__}: {text}" if text else ""
    return (said or type(error).__name__).rstrip(".")


def read(inputs: Inputs) -> Iterator[Any] | AsyncIterator[Any]:
    """Inputs one by one, read as they are asked for.

    Raises:
        InvalidInputError: They are neither iterable nor the path of a file, or a file that is open, whose lines nobody
            has parsed; a line of a file is no JSON (its number is named).
    """
    if isinstance(inputs, (str, os.PathLike)):
        return _lines(Path(inputs))
    if isinstance(inputs, io.IOBase) or (hasattr(inputs, "read") and hasattr(inputs, "readline")):
        raise InvalidInputError(
            "inputs is an open file, whose lines would be sent as texts. Give its path, and each line is read as JSON; "
            "or parse the lines: (json.loads(line) for line in file)."
        )
    if isinstance(inputs, AsyncIterable):
        return inputs.__aiter__()
    if isinstance(inputs, Iterable) and not isinstance(inputs, (bytes, Mapping)):
        return iter(inputs)
    raise InvalidInputError(
        f"inputs must be an iterable of inputs, or the path of a file of JSON lines, not {type(inputs).__name__}."
    )


MOST_IN_A_LINE = 64 * 1024 * 1024
"""Bytes. Sim takes a sixth of that in a request."""

_UTF16 = "is UTF-16: save it as UTF-8 first, as with iconv -f UTF-16 -t UTF-8"
_FORMATS = (
    (
        b"\x1f\x8b",
        "is compressed with gzip: unpack it first, or pass (json.loads(line) for line in gzip.open(path))",
    ),
    (b"PK\x03\x04", "is a ZIP archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd: unpack it first"),
    (codecs.BOM_UTF16_LE, _UTF16),
    (codecs.BOM_UTF16_BE, _UTF16),
)


def _lines(path: Path) -> Iterator[Any]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInputError(f"The inputs cannot be read: {error}.") from error
    with file:
        number = 0
        try:
            while line := file.readline(MOST_IN_A_LINE + 1):
                number += 1
                if not line.isspace():
                    yield parsed(line, number, str(path))
        except OSError as error:
            raise InvalidInputError(f"{path}, after line {number}: {error}.") from error


def parsed(line: bytes, number: int, source: str) -> Any:
    """The input in a line of a file.

    Args:
        line: With or without its end.
        number: From 1.
        source: What the file is called.

    Raises:
        InvalidInputError: It is no JSON in UTF-8, or longer than :data:`MOST_IN_A_LINE`.
    """
    where = f"{source}, line {number}"
    if number == 1:
        for mark, what in _FORMATS:
            if line.startswith(mark):
                raise InvalidInputError(f"{source} {what}. Inputs are lines of JSON in UTF-8.")
    if len(line) > MOST_IN_A_LINE:
        most = f"{MOST_IN_A_LINE // 1024**2} MB"
        raise InvalidInputError(f"{where}: longer than {most}. Inputs are lines of JSON, one value a line.")
    try:
        return json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        advice = f"{error.reason}, byte {error.start + 1}"
        raise InvalidInputError(f"{where}: not UTF-8 ({advice}). Save the file as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"{where}: not JSON ({error.msg}, column {error.colno}).") from error
    except (ValueError, RecursionError) as error:
        why = "it nests too deeply" if isinstance(error, RecursionError) else error
        raise InvalidInputError(f"{where}: not JSON ({why}).") from error
