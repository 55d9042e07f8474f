"""Request matchers for vcrpy, which decide whether a sent request equals a recorded one.

A matcher raises `AssertionError` with the difference between two requests. vcrpy quotes the message in its own error,
with the name of the matcher.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_MODE_HEADERS = ("x-execution-mode", "x-stream-response", "range")
_NOT_JSON = object()
_SHOWN = 300


class VCRRequest(Protocol):
    """The attributes of `vcr.request.Request` that matchers read."""

    @property
    def method(self) -> str: ...  # noqa: D102 - as in vcrpy
    @property
    def uri(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> object: ...  # noqa: D102
    @property
    def headers(self) -> Mapping[str, object]: ...  # noqa: D102


Matcher: TypeAlias = "Callable[[VCRRequest, VCRRequest], None]"


class _Registry(Protocol):
    def register_matcher(self, name: str, matcher: Matcher) -> None: ...


def path(sent: VCRRequest, recorded: VCRRequest) -> None:
    """Require the same path; an empty one equals ``/``."""
    left, right = (urlsplit(request.uri).path or "/" for request in (sent, recorded))
    if left != right:
        raise AssertionError(f"sent {left}, recorded {right}")


def query(sent: VCRRequest, recorded: VCRRequest) -> None:
    """Require the same query parameters in any order, empty ones included. JSON in them is compared as data."""
    left, right = _query(sent.uri), _query(recorded.uri)
    if left != right:
        raise AssertionError(f"sent {_parameters(left)}, recorded {_parameters(right)}")


def body(sent: VCRRequest, recorded: VCRRequest) -> None:
    """Require the same body. JSON is compared as data, multipart without its boundary; no body equals an empty one."""
    left, right = _content(sent), _content(recorded)
    if left == right:
        return
    left_json, right_json = _canonical(left), _canonical(right)
    if left_json is not _NOT_JSON and right_json is not _NOT_JSON:
        if left_json == right_json:
            return
        raise AssertionError(f"sent {_abbreviate(left_json)}, recorded {_abbreviate(right_json)}")
    raise AssertionError(f"sent {_abbreviate(left)}, recorded {_abbreviate(right)}")


def mode(sent: VCRRequest, recorded: VCRRequest) -> None:
    """Require the same headers that choose a kind of response: one at once, a job, a stream, or a range of bytes."""
    for name in _MODE_HEADERS:
        left, right = _header(sent, name), _header(recorded, name)
        if left != right:
            raise AssertionError(f"sent {name}: {left or 'none'}, recorded {name}: {right or 'none'}")


MATCHERS: dict[str, Matcher] = {
    "simstudio.path": path,
    "simstudio.query": query,
    "simstudio.body": body,
    "simstudio.mode": mode,
}
"""The matchers that `register_matchers` registers, by name."""

MATCH_ON = ("method", "simstudio.path", "simstudio.query", "simstudio.body", "simstudio.mode")
"""The matchers of `vcr_config`. The host is not compared, so that a cassette can be replayed for any base URL."""


def register_matchers(vcr: _Registry) -> None:
    """Register `MATCHERS` with a `vcr.VCR` that was not made by `make_vcr`.

    Example:
        >>> import vcr
        >>> from simstudio.testing import vcr_config
        >>> recorder = vcr.VCR(**vcr_config())
        >>> register_matchers(recorder)
    """
    for name, matcher in MATCHERS.items():
        vcr.register_matcher(name, matcher)


def _query(uri: str) -> list[tuple[str, object]]:
    # vcrpy's own matcher drops empty parameters, but to Sim `status=` means any status and no `status` is an error.
    pairs = parse_qsl(urlsplit(uri).query, keep_blank_values=True)
    return sorted((name, _canonical_text(value)) for name, value in pairs)


def _canonical_text(value: str) -> str:
    if not value.startswith(("{", "[")):
        return value
    canonical = _canonical(value.encode())
    return canonical if isinstance(canonical, str) else value


def _parameters(pairs: list[tuple[str, object]]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs) or "no query"


def _content(request: VCRRequest) -> bytes:
    data = request.body
    if data is None:
        return b""
    if isinstance(data, str):
        data = data.encode()
    elif not isinstance(data, bytes):
        data = _read_all(data)
    boundary = _boundary(request, data)
    return data.replace(boundary, b"boundary") if boundary else data


def _read_all(source: Any) -> bytes:
    # With other libraries than httpx a body can be a file or an iterator; vcrpy returns a new one at each access.
    return bytes(source.read()) if hasattr(source, "read") else b"".join(source)


def _boundary(request: VCRRequest, data: bytes) -> bytes | None:
    if not data.startswith(b"--"):
        return None
    found = _BOUNDARY.search(_header(request, "content-type"))
    return (found[1] or found[2]).encode() if found else None


def _header(request: VCRRequest, wanted: str) -> str:
    value = next((value for name, value in request.headers.items() if name.lower() == wanted), "")
    if isinstance(value, list | tuple):  # cassettes hold lists
        value = value[0] if value else ""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _canonical(data: bytes) -> object:
    """Return JSON in a canonical form, or `_NOT_JSON`."""
    try:
        return json.dumps(_unify_numbers(json.loads(data)), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _unify_numbers(value: object) -> object:
    # In JSON 1.0 is 1, but true is not 1 as it is in Python, so canonical forms are texts.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _unify_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unify_numbers(item) for item in value]
    return value


def _abbreviate(content: object) -> str:
    if isinstance(content, bytes):
        try:
            content = content.decode()
        except UnicodeDecodeError:
            return f"{len(content)} bytes of binary data"
    text = str(content) or "no body"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
