"""Copies of inputs as JSON data, so that later changes of the caller's objects have no effect."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import reprlib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from simstudio.core.files import File, as_file
from simstudio.core.unsendable import TOO_DEEP, describe_type, find_unsendable
from simstudio.transport.errors import InvalidInputError

TOO_LARGE = "PAYLOAD_TOO_LARGE"
"""Code of the error of a file that no request could hold."""

_SHOWN = 500
_PIECE = 1024 * 1024
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200
_SCALARS = frozenset({str, int, bool, type(None)})
_LONG = 2_000  # bits, fewer than a number of 640 digits has, which is the lowest limit that Python can be given


def describe_refused(value: Any) -> Any:
    """A refused input as JSON data for people: unchanged if it is JSON data, else its type and ``repr``."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except Exception:  # noqa: BLE001 - any error of the caller's objects
        return {"type": type(value).__name__, "repr": _repr(value)}


def _repr(value: Any) -> str:
    """The beginning of the ``repr``; the type if there is none: reprlib fails on integers of thousands of digits."""
    try:
        return _SHORT.repr(value)[:_SHOWN]
    except Exception:  # noqa: BLE001 - any error of the caller's class
        return f"<{type(value).__name__}>"


def json_default(value: Any) -> Any:
    """Mappings and files as JSON data; the ``default`` of ``json.dumps``.

    Raises:
        TypeError: The value is neither a mapping nor a file.
        InvalidInputError: A file cannot be read.
    """
    if isinstance(value, Mapping):
        return dict(value)
    file = as_file(value)
    if file is not None:
        return _describe_file(file)
    raise TypeError(f"{type(value).__name__} is no JSON data")


def _describe_file(file: File) -> dict[str, Any]:
    """A file as JSON data; with its digest for its content if it is too large for a request, but not for an upload."""
    try:
        return dict(file.to_dict())
    except InvalidInputError as error:
        if error.code != TOO_LARGE:
            raise
    return {"type": "file", "name": file.name, "mime": file.mime, "sha256": _digest_of(file)}


def name_files(value: Any) -> Any:
    """An input as JSON data, with the name and type of a file in its place."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        return {name: name_files(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [name_files(each) for each in value]
    file = as_file(value)
    return value if file is None else {"name": file.name, "mime": file.mime}


def restore_files(value: Any) -> Any:
    """JSON data with files in the place of what :func:`json_default` made of them.

    Raises:
        InvalidInputError: The content of a file was too large to be kept.
    """
    if isinstance(value, list):
        return [restore_files(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "file" and value.keys() == {"type", "name", "mime", "sha256"}:
        raise InvalidInputError(f"the content of {value['name']} is not in it: give that input itself")
    if value.get("type") == "file" and value.keys() == {"type", "name", "mime", "data"}:
        kind, mark, data = str(value["data"]).partition(";base64,")
        if mark and kind == f"data:{value['mime']}":
            with suppress(ValueError):  # no base64, so that it was no file
                return File(base64.b64decode(data, validate=True), name=value["name"], mime=value["mime"])
    return {name: restore_files(each) for name, each in value.items()}


def _digest_of(file: File) -> str:
    path = file.content
    if not isinstance(path, os.PathLike):
        return hashlib.sha256(path).hexdigest()
    try:
        found = os.stat(path)  # noqa: PTH116 - any os.PathLike
        return _digest_path(os.fspath(path), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    except OSError as error:
        raise InvalidInputError(f"The file {file.name!r} cannot be read: {error}.") from error


@lru_cache(maxsize=1024)
def _digest_path(path: str, *_: int) -> str:
    """The digest of a file, read once for each state of the file."""
    digest = hashlib.sha256()
    with open(path, "rb") as opened:  # noqa: PTH123 - any os.PathLike
        while piece := opened.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


class _Unsendable(Exception):  # noqa: N818 - internal: collects the place on its way up
    """Part of an input that cannot be sent, with its place in the input."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.steps: list[str] = []

    @property
    def place(self) -> str:
        return "".join(reversed(self.steps)).removeprefix(".")[:_SHOWN]


def copy_input(value: Any) -> tuple[Any, list[int]]:
    """Copy an input. Returns the copy and the sizes of the files in it, in bytes.

    Raises:
        Exception: The input cannot be sent; :func:`describe_problem` returns the cause.
    """
    files: list[int] = []
    return _copy_mapping(value, files) if type(value) is dict else _copy(value, files), files


def _copy(value: Any, files: list[int]) -> Any:
    kind = type(value)
    if kind is int and value.bit_length() > _LONG:
        str(value)  # raises, as encoding would, if it has too many digits
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


def _copy_mapping(value: Mapping[Any, Any], files: list[int]) -> dict[str, Any]:
    made = {}
    try:
        items = list(value.items())
    except RecursionError:
        raise
    except Exception as error:
        raise _Unsendable(f"is of type {type(value).__name__} and cannot be read: {describe_error(error)}") from error
    for key, item in items:
        if not isinstance(key, str):
            raise _Unsendable(f"has the key {key!r} of type {type(key).__name__}: JSON keys are text, use str keys")
        try:
            made[key] = item if type(item) is str else _copy(item, files)
        except _Unsendable as error:
            error.steps.append(f".{key}" if key.isidentifier() else f"[{key!r}]")
            raise
    return made


def _copy_file(value: Any, files: list[int]) -> Any:
    try:
        file = as_file(value)
        if file is not None and isinstance(file.content, os.PathLike):  # here the place in the input is known
            files.append(os.stat(file.content).st_size)  # noqa: PTH116 - any os.PathLike
        elif file is not None:
            if not isinstance(file.content, bytes):
                value = file = File(file.read(), name=file.name, mime=file.mime)  # the caller may close it
            files.append(len(file.content))
    except RecursionError:
        raise
    except Exception as error:
        why = f"cannot be sent: {describe_error(error)}"
        if getattr(error, "code", None) == TOO_LARGE:
            why = "is an open file that is too large to be copied: give its path, pathlib.Path(…), instead"
        raise _Unsendable(why) from error
    if file is None:
        raise _Unsendable(describe_type(value))
    return value


def describe_problem(error: Exception, value: Any) -> str:
    """Fault for which an input cannot be sent, as the end of a sentence."""
    if isinstance(error, _Unsendable):
        return f"{error.place or 'it'} {error.why}."
    if isinstance(error, RecursionError):
        return f"{TOO_DEEP}."
    found = find_unsendable(value, "", lambda _: True) if isinstance(error, ValueError) else None
    return found or f"{describe_error(error)}."


def describe_error(error: Exception) -> str:
    """The text of an error, without a full stop; with its type if it is no error of this package."""
    text = str(error).strip()
    words = text if isinstance(error, InvalidInputError) else f"{type(error).__name__}: {text}" if text else ""
    return (words or type(error).__name__).rstrip(".")
