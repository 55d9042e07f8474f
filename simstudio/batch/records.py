"""Entries of a ledger, and the JSON texts in which it stores results and errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import attrs

import simstudio.batch.errors as batch_errors
import simstudio.core.errors as core_errors
import simstudio.transport.errors as transport_errors
from simstudio.batch.errors import LedgerError
from simstudio.batch.execution import Receipt
from simstudio.batch.items import BatchItem, Prepared
from simstudio.batch.snapshot import plain
from simstudio.core.model import Model, is_empty, model, restore_model
from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.batch.execution import Mode, Models

M = TypeVar("M", bound=Model)

EntryState: TypeAlias = Literal["sending", "submitted", "done", "failed", "unknown"]
STATES: tuple[EntryState, ...] = ("sending", "submitted", "done", "failed", "unknown")

_TOLD = ("task_id", "run_id", "host", "port", "sent", "lasting", "partial", "retry_after", "retryable")
"""What errors say of themselves beside what they are made of; each has some of it."""
_KEPT = ("result", "job")
"""Attributes of errors that are models."""


@model
class StoredResult(Model):
    """A result, or a job, as JSON data: what a ledger gives that was opened without the service's own classes.

    Attributes:
        output: What the execution produced.
    """

    output: Any = None


@attrs.frozen
class Intent:
    """What is about to be sent.

    Attributes:
        run_id: The claim it is sent under, by which the service can be asked for it; None where there is none.
    """

    prepared: Prepared
    run_id: str | None = None


@attrs.frozen
class Entry:
    """What the ledger knows of one item.

    Attributes:
        index: Its place among the inputs.
        key: Name of the item, unique in the ledger.
        fingerprint: SHA-256 of its input; empty where the input was refused, and nothing was ever sent.
        state: ``sending``: it may have been sent, and nothing was heard since. ``submitted``: the server has queued it
            under ``task_id``. ``done``, ``failed``, ``unknown``: as of a :class:`~simstudio.batch.items.BatchItem`.
        run_id: The claim it was sent under, or the run that it was in the end.
        task_id: Of an asynchronous execution, once it is queued.
        execution_id: The execution, where the server named it.
        input: As JSON data; of ``Ledger.find`` as it is sent; of what was refused, what it looked like.
        result: Of what is done; also of a failure that has one. Its class is the one that the ledger was opened with,
            else :class:`StoredResult`.
        error: Why there is no result: the class that it was where that is one of ours, else the nearest; without its
            response and earlier attempts.
        error_type: The name of its class as it was.
        attempts: How often it was sent in the run that finished it.
        elapsed: Seconds, from its first request to its end.
        started_at: When it was last about to be sent, in seconds since 1970.
        ended_at: When its end was written, in seconds since 1970.
        mode: How it was sent: ``sync``, ``async`` or ``stream``.
        api_version: To which API: ``v1`` or ``v2``; who asks for its task or run must ask that one.
    """

    index: int
    key: str
    fingerprint: str
    state: EntryState
    run_id: str | None
    task_id: str | None
    execution_id: str | None
    input: Any
    result: Any
    error: SimStudioError | None
    error_type: str | None
    attempts: int
    elapsed: float
    started_at: float
    ended_at: float | None
    mode: Mode
    api_version: str

    @property
    def output(self) -> Any:
        """The result's output; None where there is no result."""
        return self.result.output if self.result is not None else None

    @property
    def receipt(self) -> Receipt | None:
        """What the service is asked by, once it has queued the item."""
        return None if self.task_id is None else Receipt(self.task_id, self.execution_id, self.api_version)

    @property
    def status(self) -> int | None:
        """The HTTP status of the error, where it had one."""
        return self.error.status if self.error is not None else None

    def to_item(self) -> BatchItem[Any]:
        """What became of it, as an item that is ``replayed``; of what has not ended, one that is ``unknown``."""
        return BatchItem(
            index=self.index,
            input=self.input,
            result=self.result,
            error=self.error,
            attempts=self.attempts,
            elapsed=self.elapsed,
            state=self.state if self.state in ("done", "failed") else "unknown",
            key=self.key,
            run_id=self.run_id,
            replayed=True,
        )


@attrs.frozen
class Session:
    """One time that a coordinator had the ledger.

    Attributes:
        pid: Its process, which may have ended.
        mode: How it sent: ``sync``, ``async`` or ``stream``.
        api_version: To which API: ``v1`` or ``v2``.
        opened_at: When it began, in seconds since 1970.
    """

    pid: int
    mode: Mode
    api_version: str
    opened_at: float


@attrs.frozen
class Counts:
    """How many items the ledger knows in each state. Those that no run has come to are in none.

    Attributes:
        sending: About to be sent, or sent and not heard of since.
        submitted: Queued on the server.
        done: With a result.
        failed: With an error.
        unknown: May have run.
    """

    sending: int = 0
    submitted: int = 0
    done: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.sending + self.submitted + self.done + self.failed + self.unknown


def dump(data: Any, what: str) -> str:
    """Data as JSON that any file can hold: UTF-8, halves of surrogate pairs escaped.

    Raises:
        LedgerError: It is no JSON data.
    """
    try:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=plain)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                text = json.dumps(data, separators=(",", ":"), default=plain)
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, SimStudioError):
            raise
        raise LedgerError(f"{what} cannot be kept as JSON: {error}.") from error
    return text


def pack_result(result: Any, index: int) -> str | None:
    """A result, which is a :class:`~simstudio.core.model.Model` or None, as the ledger keeps it."""
    if result is None:
        return None
    packed, output = _pack(result), result.output
    if "output" not in attrs.fields_dict(type(result)) and output is not None:  # a property of another value
        packed["output"] = next((wire for wire, value in result._mapping().items() if value == output), None)
    return dump(packed, f"The result of input {index}")


def unpack_result(text: str | None, models: Models) -> Any:
    """What :func:`pack_result` made."""
    return None if text is None else _unpack(models.get("result", StoredResult), json.loads(text))


def pack_error(error: SimStudioError | None, index: int) -> str | None:
    """An error as the ledger keeps it: what it says, not the answer it came from."""
    if error is None:
        return None
    kind = type(error)
    packed: dict[str, Any] = {
        "type": kind.__name__,
        "known": next(base.__name__ for base in kind.__mro__ if _SHARED.get(base.__name__) is base),
        "message": str(error),
        "code": error.code,
        "status": error.status,
        "server_code": error.server_code,
        "details": error.details,
    }
    for name in _TOLD:
        value = getattr(error, name, None)
        if value is not None and value is not getattr(kind, name, None):
            packed[name] = value
    for name in _KEPT:
        value = getattr(error, name, None)
        if isinstance(value, Model):
            packed[name] = _pack(value)
    return dump({name: value for name, value in packed.items() if value is not None}, f"The error of input {index}")


def unpack_error(text: str | None, models: Models) -> tuple[SimStudioError | None, str | None]:
    """What :func:`pack_error` made, and the name that its class had."""
    if text is None:
        return None, None
    packed: dict[str, Any] = json.loads(text)
    kind: type[SimStudioError] = _SHARED.get(packed.pop("known", ""), SimStudioError)
    named = packed.pop("type", kind.__name__)
    message, code, status = packed.pop("message", ""), packed.pop("code", None), packed.pop("status", None)
    error = kind(
        message, code, status, details=packed.pop("details", None), server_code=packed.pop("server_code", None)
    )
    for name, value in packed.items():
        if hasattr(error, name):
            setattr(error, name, _unpack(models.get(name, StoredResult), value) if name in _KEPT else value)
    return error, named


_SHARED: dict[str, type[SimStudioError]] = {
    name: found
    for room in (transport_errors, core_errors, batch_errors)
    for name, found in vars(room).items()
    if isinstance(found, type) and issubclass(found, SimStudioError)
}
"""The errors that a ledger can give back, by name; others come back as the nearest of these."""


def _pack(made: Model) -> dict[str, Any]:
    """A model's fields, and what of the answer they do not hold; what they hold is not written twice."""
    fields = {field.name: getattr(made, field.name, None) for field in attrs.fields(type(made))}
    packed: dict[str, Any] = {"fields": {name: value for name, value in fields.items() if not is_empty(value)}}
    same, rest = {}, {}
    for wire, value in made._mapping().items():
        attribute = made._attribute_of.get(wire)
        if value is not None and attribute is not None and fields[attribute] is value:
            same[wire] = attribute
        else:
            rest[wire] = value
    return {**packed, "same": same, "rest": rest}


def _unpack(kind: type[M], packed: dict[str, Any]) -> M:
    fields = packed["fields"]
    wire = {**{wire: fields[name] for wire, name in packed["same"].items()}, **packed["rest"]}
    if kind is StoredResult and packed.get("output") is not None:
        fields = {**fields, "output": wire.get(packed["output"])}
    return restore_model(kind, wire, {name: fields.get(name) for name in attrs.fields_dict(kind)})
