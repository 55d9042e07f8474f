"""What real Sim servers answered, read from the committed cassettes.

``recordings("sim-v0.6.43")`` and ``recordings("sim-v0.4.22")`` are lists in the order of
recording, made once a process.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from attrs import frozen

from tests.long_texts import expand

CASSETTES = Path(__file__).parent.parent / "cassettes"
SETS = ("sim-v0.6.43", "sim-v0.4.22")
SELECTION = "sim-v0.8.9"
"""A set that holds a selection of its recordings: for each operation answers and errors of every shape."""
CLAIMS = "sim-v0.8.9-claims"

_NAME = re.compile(r"(?:[a-z]+-)?([0-9]+)-(.*)")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@frozen
class Recording:
    """One exchange with a real server."""

    number: int
    name: str
    method: str
    path: str
    """As sent, percent-encoded."""
    query: dict[str, list[str]]
    request_headers: dict[str, str]
    """As sent; the value of the key is `REDACTED`."""
    request_body: bytes | None
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    file: Path

    def __str__(self) -> str:
        return self.file.stem

    @property
    def is_stream(self) -> bool:
        """Whether the answer is a stream of events, or of lines."""
        kinds = ("text/event-stream", "application/x-ndjson")
        return any(name.lower() == "content-type" and value.startswith(kinds) for name, value in self.headers)


def _read(file: Path) -> Recording:
    (interaction,) = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)["interactions"]
    request, response = interaction["request"], interaction["response"]
    url = urlsplit(request["uri"])
    parts = _NAME.fullmatch(file.stem)
    assert parts is not None, file
    return Recording(
        number=int(parts[1]),
        name=parts[2],
        method=request["method"],
        path=url.path,
        query=parse_qs(url.query, keep_blank_values=True),
        request_headers={name: ", ".join(values) for name, values in request["headers"].items()},
        request_body=_bytes(request["body"]),
        status=response["status"]["code"],
        headers=[(name, value) for name, values in response["headers"].items() for value in values],
        body=_bytes(response["body"]["string"]) or b"",
        file=file,
    )


def _bytes(body: str | bytes | None) -> bytes | None:
    return expand(body).encode() if isinstance(body, str) else body


@cache
def _load(set_name: str) -> tuple[Recording, ...]:
    files = sorted((CASSETTES / set_name).glob("*.yaml"))
    if not files:
        raise LookupError(f"there are no cassettes in {CASSETTES / set_name}")
    return tuple(sorted((_read(file) for file in files), key=lambda recording: recording.number))


def recordings(set_name: str) -> list[Recording]:
    """Return every exchange of a set, in number order."""
    return list(_load(set_name))


def recording(set_name: str, number: int | str) -> Recording:
    """Return the exchange with that number; in `SELECTION`, which has several parts, with a part and a number.

    Raises:
        LookupError: the set has none (it may be in the set's ``SKIPPED.md``).

    Example:
        >>> recording("sim-v0.8.9", "live-033").status
        200
    """
    for found in _load(set_name):
        if number in (found.number, found.file.stem.removesuffix(f"-{found.name}")):
            return found
    raise LookupError(f"{set_name} has no recording {number}")
