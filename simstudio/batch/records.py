"""Entries of a ledger, and the JSON texts in which it stores results and errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import attrs

import simstudio.batch.errors as batch_errors
import simstudio.core.errors as core_errors
import simstudio.transport.errors as transport_errors
from simstudio.batch.errors import LedgerError
from simstudio.batch.execution import Mode, Models, Receipt
from simstudio.batch.items import BatchItem, Prepared
from simstudio.batch.snapshot import json_default
from simstudio.core.error_family import own_name, restore
from simstudio.core.model import Model, is_empty, model, restore_model
from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from typing import TypeAlias


M = TypeVar("M", bound=Model)

EntryState: TypeAlias = Literal["sending", "submitted", "done", "failed", "unknown"]
STATES: tuple[EntryState, ...] = ("sending", "submitted", "done", "failed", "unknown")

_TOLD = ("task_id", "run_id", "host", "port", "sent", "lasting", "partial", "retry_after", "retryable")
"""Attributes of errors that are stored if an error has them."""
_KEPT = ("result", "job")
"""Attributes of errors that are stored as models."""


@model
class StoredResult(Model):
    """A result or a job as JSON data, of a ledger that was opened without the service's own classes.

    Attributes:
        output: Output of the execution.
    """

    output: Any = None


@attrs.frozen
class Intent:
    """An input that is about to be sent.

    Attributes:
        run_id: Claim that it is sent under, by which the service can be asked for the run; None without one.
    """

    prepared: Prepared
    run_id: str | None = None


@attrs.frozen
class Entry:
    """The entry of an item in a ledger.

    Attributes:
        index: Place among the inputs, from 0.
        key: Name of the item, unique in the ledger.
        fingerprint: SHA-256 of the input; empty if the input was refused and never sent.
        state: ``sending``: the item may have been sent, and its end is not known. ``submitted``: the server has queued
            it under ``task_id``. ``done``, ``failed``, ``unknown``: as in :class:`~simstudio.batch.items.BatchItem`.
        run_id: Id of the run, or before its end the claim that the item was sent under.
        task_id: Id of the queued task; None before it is queued, and in other modes.
        execution_id: Id of the execution; None if the server did not say.
        input: The input as JSON data; from ``Ledger.find`` the input of this run; of a refused input its description.
        result: Result of a done item, or of a failure that has one. Its class is among those that the ledger was
            opened with, else :class:`StoredResult`.
        error: Cause of the missing result, without response and earlier attempts. Its class is the original one if a
            ledger can restore it, else the nearest base class.
        error_type: Name of the error's original class.
        attempts: Number of times the item was sent in the run that finished it.
        elapsed: Seconds from the first request to the end.
        started_at: Time of the last sending, in seconds since 1970.
        ended_at: Time at which the end was written, in seconds since 1970; None before.
        mode: Way in which the item was sent: ``sync``, ``async`` or ``stream``.
        api_version: API that it was sent to, ``v1`` or ``v2``, which has to be asked for its task or run.
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
        """Output of the result; None without a result."""
        return self.result.output if self.result is not None else None

    @property
    def receipt(self) -> Receipt | None:
        """Receipt of the queued item; None before it is queued."""
        return None if self.task_id is None else Receipt(self.task_id, self.execution_id, self.api_version)

    @property
    def status(self) -> int | None:
        """HTTP status of the error; None without one."""
        return self.error.status if self.error is not None else None

    def to_item(self) -> BatchItem[Any]:
        """The entry as a ``replayed`` item; an entry that has not ended is an ``unknown`` item."""
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
    """One opening of a ledger by a coordinator.

    Attributes:
        pid: Id of its process, which may have ended.
        mode: Way in which it sent items: ``sync``, ``async`` or ``stream``.
        api_version: API that it sent them to: ``v1`` or ``v2``.
        opened_at: Time of the opening, in seconds since 1970.
    """

    pid: int
    mode: Mode
    api_version: str
    opened_at: float


@attrs.frozen
class Counts:
    """Numbers of entries by state. Inputs that no run has reached have no entry.

    Attributes:
        sending: Entries about to be sent, or sent without a known end.
        submitted: Entries queued on the server.
        done: Entries with a result.
        failed: Entries with an error.
        unknown: Entries that may have run.
    """

    sending: int = 0
    submitted: int = 0
    done: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """Number of all entries."""
        return self.sending + self.submitted + self.done + self.failed + self.unknown


def dump(data: Any, what: str) -> str:
    """Data as JSON text that can be encoded as UTF-8: halves of surrogate pairs are escaped.

    Args:
        what: Name of the data in the error.

    Raises:
        LedgerError: The value is no JSON data.
    """
    try:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=json_default)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                text = json.dumps(data, separators=(",", ":"), default=json_default)
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, SimStudioError):
            raise
        raise LedgerError(f"{what} cannot be kept as JSON: {error}.") from error
    return text


def pack_result(result: Any, index: int) -> str | None:
    """A result, which is a :class:`~simstudio.core.model.Model` or None, as text for the ledger."""
    if result is None:
        return None
    packed, output = _pack(result), result.output
    if "output" not in attrs.fields_dict(type(result)) and output is not None:  # a property of another value
        packed["output"] = next((wire for wire, value in result._mapping().items() if value == output), None)
    return dump(packed, f"The result of input {index}")


def unpack_result(text: str | None, models: Models) -> Any:
    """The result that :func:`pack_result` packed."""
    return None if text is None else _unpack(models.get("result", StoredResult), json.loads(text))


def pack_error(error: SimStudioError | None, index: int, models: Models) -> str | None:
    """An error as text for the ledger, without its response; one of the service's own with its attributes."""
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
    if issubclass(kind, models.get("error", ())):
        own = {
            name: value
            for name, value in vars(error).items()
            if name not in packed and name[:1] != "_" and isinstance(value, (str, int, float))
        }
        packed["own"] = {"class": own_name(kind), "attributes": own}
    return dump({name: value for name, value in packed.items() if value is not None}, f"The error of input {index}")


def unpack_error(text: str | None, models: Models) -> tuple[SimStudioError | None, str | None]:
    """The error that :func:`pack_error` packed, and the name of its original class."""
    if text is None:
        return None, None
    packed: dict[str, Any] = json.loads(text)
    kind: type[SimStudioError] = _SHARED.get(packed.pop("known", ""), SimStudioError)
    named = packed.pop("type", kind.__name__)
    message, code, status = packed.pop("message", ""), packed.pop("code", None), packed.pop("status", None)
    error = kind(
        message, code, status, details=packed.pop("details", None), server_code=packed.pop("server_code", None)
    )
    own = packed.pop("own", {"class": named, "attributes": {}})
    if "error" in models:
        error = restore(error, models["error"], own["class"])
        packed = {**own["attributes"], **packed}
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
"""Error classes that every ledger can restore, by name; another error is restored as its nearest base class among them.

A ledger that a service's client has opened restores that service's own classes as well.
"""


def _pack(made: Model) -> dict[str, Any]:
    """The fields of a model, and the data of the response that they do not hold."""
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
