"""Encode a user's input as the JSON body of an execution."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from simstudio.core.files import File

_MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""Largest body of a request that Sim takes, in bytes."""

CONTROL_KEYS = frozenset({
    "stream", "selectedOutputs", "triggerType", "useDraftState", "includeFileBase64", "base64MaxBytes",
    "workflowStateOverride", "triggerBlockId", "stopAfterBlockId", "runFromBlock", "workflowId", "executionId",
})  # fmt: skip
"""Keys that Sim removes from the top level of a body before the rest becomes the input.

Since v0.7.32 ``executionId`` sets the id of the execution, under which the server runs it at most once."""


class FileInputWarning(UserWarning):
    """Warning that the workflow will receive a file as raw data instead of as a file.

    Sim turns file objects into files only in the fields declared as ``file[]`` on the Start block, at the top level of
    the input, and only in blocking and streaming runs.
    """


class Payload:
    """An encoded body.

    Args:
        content: JSON in UTF-8.
        files: Number of files in the input.
        nested: Number of files below the top level, where Sim does not process them.
    """

    __slots__ = ("content", "files", "nested")

    def __init__(self, content: bytes, files: int = 0, nested: int = 0) -> None:
        self.content = content
        self.files = files
        self.nested = nested

    def warn(self, *, background: bool) -> None:
        """Warn about files that the workflow will receive as raw data."""
        if self.files and background:
            why = "Sim does not process files in background runs: the workflow gets {type, data, name, mime}"
        elif self.nested:
            why = "Sim processes top-level fields only: the workflow gets deeper files as {type, data, name, mime}"
        else:
            return
        from simstudio.core.notices import notify

        notify(f"{why} (the text of `data` holds the bytes).", FileInputWarning)


def encode_nested(data: Any, control: Mapping[str, Any]) -> Payload:
    """The body of a v2 execution: the input under ``input``, beside Sim's control keys.

    Raises:
        InvalidInputError: The input cannot be encoded as JSON or exceeds 10 MiB.
    """
    inner = _as_mapping(data)
    body = {"input": inner, **control} if data is not None else dict(control)
    encoder = _Encoder()
    content = encoder.encode(body, data)
    if len(content) > _MAX_BODY_BYTES:
        raise _too_large(len(content))
    return Payload(content, encoder.files)


def _too_large(size: int) -> InvalidInputError:
    return InvalidInputError(
        f"The input has {size:,} bytes; Sim takes {_MAX_BODY_BYTES:,} a request (about 7.5 MB of files, as base64 adds "
        "a third) and would run the workflow with empty input. "
        'Send {"type": "url", "data": "https://…", "name": …}.',
        "PAYLOAD_TOO_LARGE",
    )


def selectors(selected_outputs: Sequence[str], most: int | None = None) -> list[str]:
    """Selected outputs as a list.

    Raises:
        InvalidInputError: The value is not a list of strings or has more than ``most`` items.
    """
    wrong = isinstance(selected_outputs, (str, Mapping)) or not isinstance(selected_outputs, Iterable)
    chosen = [] if wrong else list(selected_outputs)
    if wrong or not all(isinstance(item, str) for item in chosen):
        raise InvalidInputError(
            'selected_outputs must be a list of "blockName.path" texts, such as ["agent1.content"], '
            f"not {selected_outputs!r}."
        )
    if most is not None and len(chosen) > most:
        raise InvalidInputError(f"selected_outputs must have at most {most} items, not {len(chosen)}.")
    return chosen


def encode_input(data: Any, control: Mapping[str, Any] | None = None) -> Payload:
    """The body of an unversioned execution: a mapping as it is, another value as ``{"input": value}``, None as ``{}``.

    Args:
        control: Sim's control keys to add.

    Raises:
        InvalidInputError: A key of the input is a control key, or the input cannot be encoded as JSON or exceeds 10
            MiB.
    """
    body = _as_mapping(data)
    if not body and not control:
        return Payload(b"{}")
    collisions = CONTROL_KEYS.intersection(body)
    if collisions:
        names = ", ".join(sorted(collisions))
        raise InvalidInputError(
            f"The input key {names} is one that Sim takes for itself and hides from the workflow. "
            f'Nest it: {{"input": {{"{min(collisions)}": …}}}}.'
        )
    encoder = _Encoder()
    content = encoder.encode({**body, **control} if control else body, data)
    if len(content) > _MAX_BODY_BYTES:
        raise _too_large(len(content))
    nested = encoder.files - sum(map(_count_files, body.values())) if encoder.files else 0
    return Payload(content, encoder.files, nested)


def _as_mapping(data: Any) -> dict[str, Any]:
    if data is None:
        return {}
    if type(data) is dict:
        return data
    return dict(data) if isinstance(data, Mapping) else {"input": data}


def _count_files(value: Any) -> int:
    values = value if isinstance(value, (list, tuple)) else (value,)
    return sum(1 for item in values if not isinstance(item, (str, Mapping)) and _as_file(item) is not None)


def _as_file(value: Any) -> File | None:
    """An input value as a file; None if it is none. Most inputs hold no files, and do not import them."""
    from simstudio.core.files import as_file

    return as_file(value)


_FORM: Final[dict[str, Any]] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
_encode_plain = json.JSONEncoder(**_FORM).encode


class _Encoder:
    """JSON encoder that also takes files and mappings. Of most inputs, which hold neither, C encodes the whole."""

    def __init__(self) -> None:
        self.files = 0

    def encode(self, body: dict[str, Any], data: Any) -> bytes:
        try:
            _check_keys(body)
            return self._encode(body).encode()
        except RecursionError as error:
            raise InvalidInputError("The input nests too deeply, or contains itself.") from error
        except (TypeError, ValueError) as error:  # also InvalidInputError and UnicodeEncodeError
            message = _describe_problem(data) or f"The input cannot be sent as JSON: {error}."
            raise InvalidInputError(message, getattr(error, "code", None)) from error

    def _encode(self, body: dict[str, Any]) -> str:
        try:
            return _encode_plain(body)
        except TypeError:  # something else than JSON data
            return json.dumps(body, **_FORM, default=self._default)

    def _default(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            plain = dict(value)
            _check_keys(plain)
            return plain
        file = _as_file(value)
        if file is None:
            raise TypeError(f"{type(value).__name__} is no JSON data")
        self.files += 1
        return file.to_dict()


def _check_keys(value: Any) -> None:
    """Raise if a key is not a string: ``json`` would silently convert it."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{key!r} is no text")
            if isinstance(item, (dict, list, tuple)):
                _check_keys(item)
    else:
        for item in value:
            if isinstance(item, (dict, list, tuple)):
                _check_keys(item)


def _describe_problem(data: Any) -> str | None:
    """Message naming the path of the first value that is not JSON data. Called only after encoding failed."""
    from simstudio.core.unsendable import find_unsendable

    try:
        return find_unsendable(data, "input", _is_file)
    except RecursionError:
        return "The input nests too deeply, or contains itself."


def _is_file(value: Any) -> bool:
    file = _as_file(value)
    if file is not None:
        file.read()
    return file is not None
