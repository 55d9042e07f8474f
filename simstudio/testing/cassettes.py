"""Cassettes: recorded exchanges with a Sim server, by vcrpy, configured so that no secret reaches the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudio.core.functions import with_hints
from simstudio.testing.matchers import MATCH_ON, register_matchers
from simstudio.testing.scrubbing import (
    COOKIE_HEADERS,
    KEPT_REQUEST_HEADERS,
    SECRET_HEADERS,
    Scrubber,
    is_noise,
    is_secret_header,
    redact_credentials,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vcr import VCR  # type: ignore[import-untyped]
    from vcr.cassette import Cassette  # type: ignore[import-untyped]
    from vcr.request import Request  # type: ignore[import-untyped]


def default_record_mode() -> str:
    """Return ``"none"`` in continuous integration (``CI`` is set, and not to 0 or false), else ``"once"``."""
    return "once" if os.environ.get("CI", "").lower() in {"", "0", "false", "no"} else "none"


@with_hints
def vcr_config(*, secrets: Iterable[str] = (), keep_headers: Iterable[str] = (), **overrides: Any) -> dict[str, Any]:
    """Return the arguments of `vcr.VCR` for recording exchanges with Sim without secrets.

    In headers, URLs and bodies of requests and responses, keys are replaced by ``REDACTED`` and cookies removed.
    Headers that differ in every run are left out. Requests match by method, path, query, body and the headers that
    choose a kind of response. If the ``with`` block of a cassette raises, nothing is saved. ``record_mode`` is
    ``"none"`` if ``CI`` is set, else ``"once"``.

    pytest-recording's fixture ``vcr_config`` can return this: the pytest plugin of this package registers the matchers.

    Args:
        secrets: Further texts to replace.
        keep_headers: Further request headers to keep.
        **overrides: Arguments of `vcr.VCR`. Filters in ``before_record_request`` and ``before_record_response`` are
            called before secrets are replaced.

    Example:
        >>> import vcr
        >>> recorder = vcr.VCR(**vcr_config(secrets=["hunter2"], record_mode="none"))
    """
    scrubber = Scrubber(tuple(secrets))
    kept = KEPT_REQUEST_HEADERS | {name.lower() for name in keep_headers}

    def of_request(request: Request) -> Request:
        return scrub_request(request, scrubber, kept)

    def of_response(response: dict[str, Any]) -> dict[str, Any]:
        return scrub_response(response, scrubber)

    return {
        "record_mode": default_record_mode(),
        "match_on": MATCH_ON,
        "decode_compressed_response": True,
        "record_on_exception": False,
        **overrides,
        "before_record_request": (*_filters(overrides.get("before_record_request")), of_request),
        "before_record_response": (*_filters(overrides.get("before_record_response")), of_response),
    }


@with_hints
def make_vcr(
    cassette_library_dir: str | os.PathLike[str] = "cassettes",
    *,
    secrets: Iterable[str] = (),
    keep_headers: Iterable[str] = (),
    **overrides: Any,
) -> VCR:
    """Return a `vcr.VCR` with the configuration of `vcr_config`.

    vcrpy allows only one open cassette in a process, and records and replays the body of a stream as a whole (see
    `rechunk`).

    Args:
        cassette_library_dir: Directory of the cassettes; ``.yaml`` is added to a name without it.
        secrets: Further texts to replace.
        keep_headers: Further request headers to keep.
        **overrides: Arguments of `vcr.VCR`.

    Raises:
        ConfigurationError: vcrpy is not installed.

    Example:
        >>> with make_vcr("tests/cassettes").use_cassette("run") as cassette:
        ...     result = client.workflows.execute("wf", {"message": "hi"})
    """
    try:
        import vcr
    except ImportError as error:
        from simstudio.errors import ConfigurationError

        raise ConfigurationError("Cassettes need vcrpy, which is not installed: pip install vcrpy") from error
    overrides.setdefault("path_transformer", vcr.VCR.ensure_suffix(".yaml"))
    recorder = vcr.VCR(
        cassette_library_dir=os.fspath(Path(cassette_library_dir)),
        **vcr_config(secrets=secrets, keep_headers=keep_headers, **overrides),
    )
    register_matchers(recorder)
    return recorder


@with_hints
def assert_all_played(cassette: Cassette) -> None:
    """Check that every exchange of a cassette was replayed exactly once.

    Raises:
        AssertionError: A request was never sent, or sent more than once; the message names it.

    Example:
        >>> with make_vcr().use_cassette("run") as cassette:  # doctest: +SKIP
        ...     client.workflows.execute("wf")
        ...     assert_all_played(cassette)
    """
    counts = [cassette.play_counts[index] for index in range(len(cassette))]
    lines = [
        f"  {request.method} {request.uri}: {'never sent' if not count else f'replayed {count} times'}"
        for request, count in zip(cassette.requests, counts, strict=True)
        if count != 1
    ]
    if lines:
        played = sum(1 for count in counts if count)
        path = cassette._path
        summary = f"{played} of {len(counts)} exchanges of the cassette {path} were replayed"
        raise AssertionError("\n".join([f"{summary}, not each exactly once:", *lines]))


def _filters(given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    return (given,) if callable(given) else tuple(given)


def scrub_request(request: Request, scrubber: Scrubber, kept: frozenset[str] = KEPT_REQUEST_HEADERS) -> Request:
    """Replace the secrets of a request, after learning those of its headers, and leave out headers of its machine."""
    for name, value in request.headers.items():
        if is_secret_header(name) and name.lower() not in kept:
            scrubber.learn(_text(value))
        elif name.lower() == "cookie":
            scrubber.learn_cookies(_text(value))
    headers: dict[str, Any] = {}
    encoded = dict(request.headers)
    for name, value in request.headers.items():
        if name.lower() in SECRET_HEADERS:
            headers[name] = redact_credentials(_text(value))
        elif name.lower() in kept and name.lower() not in COOKIE_HEADERS:
            headers[name] = scrubber.text(_text(value))
    request.headers = headers
    request.uri = scrubber.text(request.uri)
    # A body that is a file or an iterator comes from other libraries than httpx, and reading it here would consume it.
    if isinstance(request.body, bytes | str):
        body = request.body.encode() if isinstance(request.body, str) else request.body
        request.body = scrubber.data(_decode(encoded, body))
    return request


def scrub_response(response: dict[str, Any], scrubber: Scrubber) -> dict[str, Any]:
    """A response of vcrpy without secrets, encodings and headers that differ in every run."""
    for name, values in response["headers"].items():
        if name.lower() == "set-cookie":
            for value in _list(values):
                scrubber.learn_cookies(_text(value).partition(";")[0])
    content = response["body"].get("string") or b""
    data = _decode(response["headers"], content.encode() if isinstance(content, str) else content)
    scrubbed = scrubber.data(data)
    headers = {}
    for name, values in response["headers"].items():
        if is_noise(name) or name.lower() in COOKIE_HEADERS or name.lower() == "content-encoding":
            continue
        if is_secret_header(name):
            headers[name] = [redact_credentials(_text(value)) for value in _list(values)]
        elif name.lower() == "content-length":
            # The length of the scrubbed body; a response to HEAD has a length but no body.
            headers[name] = [str(len(scrubbed))] if content else _list(values)
        else:
            headers[name] = [scrubber.text(_text(value)) for value in _list(values)]
    return {**response, "headers": headers, "body": {**response["body"], "string": scrubbed}}


def _decode(headers: dict[str, Any], content: bytes) -> bytes:
    """Decode encodings that vcrpy does not support (it decodes gzip and deflate), such as br.

    Raises:
        httpx.DecodingError: The content is encoded in a way that cannot be decoded here.
    """
    encodings = [
        _text(value)
        for name, values in headers.items()
        if name.lower() == "content-encoding"
        for value in _list(values)
    ]
    if not encodings or not content:
        return content
    import httpx

    encoding = ", ".join(encodings)
    decoded = httpx.Response(200, headers={"content-encoding": encoding}, content=content).content
    if decoded == content and encoding.lower() != "identity":
        raise httpx.DecodingError(f"a body with the encoding {encoding} cannot be decoded here, nor its secrets found")
    return decoded


def _list(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
