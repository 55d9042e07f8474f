"""Turn recorded exchanges with real Sim servers into vcrpy cassettes.

Run from the top of the repository::

    python -m tests.convert_recordings RECORDINGS [SET=]RECORDINGS ...

A source directory holds one JSON file for each exchange, ``NNN-name.json`` or ``part-NNN-name.json``: ``{name,
request{method, url, headers, body}, response{status, headers, body}, note?}``, with headers as lists of ``[name,
value]``, and bodies as text, or as base64 beside ``"body_encoding": "base64"``. It becomes
``cassettes/SET/NNN-name.yaml``. If no SET is given, a directory ``recordings`` is ``sim-v0.6.43`` and ``recordings-vX``
is ``sim-vX``. The same input gives the same bytes. Recordings that cannot be replayed are listed with the reason in
``cassettes/SET/SKIPPED.md``. If ``cassettes/SET/SELECTED.txt`` exists, the set has only the recordings that it names,
one a line without ``.json``.

Bodies stay as recorded, except for keys and for long texts, which are kept by their length (`tests.long_texts`). The
host of the request becomes ``http://sim.test``, because the client chooses it; hosts in bodies and in ``location`` come
from the server and stay.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import yaml
from attrs import frozen

from simstudio.testing.scrubbing import (
    CONNECTION_HEADERS,
    COOKIE_HEADERS,
    SECRET_HEADERS,
    Scrubber,
    is_noise,
    redact_credentials,
)
from tests.long_texts import restore, shorten

CASSETTES = Path(__file__).parent.parent / "cassettes"
HOST = "http://sim.test"
LARGEST_BODY = 1_000_000

# `http.HTTPStatus` words some of them differently from one Python to the next; these are Node's.
REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    301: "Moved Permanently",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    418: "I'm a Teapot",
    422: "Unprocessable Entity",
    423: "Locked",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}

_RECORDING = re.compile(r"(?:[a-z]+-)?[0-9].*\.json")
_CUT_NOTE = re.compile(r"\b(request|response)\.body cut from (\d+) bytes")
_CUT_REQUEST = re.compile(r"\.\.\.\[cut, ([0-9]+) characters in all\]$")
_CUT_REMARK = re.compile(
    r"\.\.\.\s?[\[(]([^\[\]()]*\bcut\b[^\[\]()]*)[\])]$|\.\.\.\[(cut in the middle, [0-9]+ characters [^\]]*)\]\.\.\."
)

JSON: TypeAlias = dict[str, Any]


class CannotBeReplayed(Exception):
    """Why a recording makes no cassette."""


@frozen
class Skipped:
    """One line of a set's ``SKIPPED.md``."""

    recording: str
    reason: str


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks; in pure Python, as libyaml's dumper folds differently."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML itself falls back to quotes where a block cannot hold the text (carriage returns, control characters).
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def _restore(recording: JSON) -> None:
    """Undo the recorder's cuts of long texts. Of a request only the length is kept: the answer is the evidence."""
    request, response = recording["request"], recording["response"]
    if cut := _CUT_REQUEST.search(request.get("body") or ""):
        request["body"] = f"⟦{cut[1]} characters⟧"
    if response.get("body") and "body_encoding" not in response:
        response["body"] = restore(response["body"])


def _check(recording: JSON) -> None:
    if "direction" in recording:
        raise CannotBeReplayed("a webhook delivery: Sim is the client in it")
    for cut in _CUT_NOTE.finditer(recording.get("note") or ""):
        raise CannotBeReplayed(f"the {cut[1]} body was cut from {cut[2]} bytes by the recorder")
    for side in ("request", "response"):
        message = recording[side]
        if message.get("body_truncated"):
            raise CannotBeReplayed(f"the {side} body was cut from {message['body_length']} bytes by the recorder")
        body = message.get("body")
        if body is None or "body_encoding" in message:
            continue
        if cut := _CUT_REMARK.search(body):
            raise CannotBeReplayed(f"the {side} body was cut by the recorder: “{cut[1] or cut[2]}”")
        if "\N{REPLACEMENT CHARACTER}" in body:
            raise CannotBeReplayed(f"the {side} body was binary, and the recorder kept it as text")
        if len(body) > LARGEST_BODY:
            raise CannotBeReplayed(f"the {side} body is {len(body)} characters long")


def _body(message: JSON, scrubber: Scrubber) -> str | bytes | None:
    body = message.get("body")
    if message.get("body_encoding") == "base64":
        data = scrubber.data(base64.b64decode(body))
        try:
            return shorten(data.decode())
        except UnicodeDecodeError:
            return data
    return None if body is None else shorten(scrubber.text(body))


def _headers(pairs: list[list[str]], scrubber: Scrubber) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.lower() in SECRET_HEADERS:
            headers.setdefault(name, []).append(redact_credentials(value))
        elif name.lower() not in COOKIE_HEADERS:
            headers.setdefault(name, []).append(scrubber.text(value))
    return headers


def _length(body: str | bytes | None) -> int:
    return len(body.encode() if isinstance(body, str) else body or b"")


def cassette(recording: JSON) -> JSON:
    """Return ``recording`` in vcrpy's format, version 1.

    Raises:
        CannotBeReplayed: a replay would not be what the server and its client really said.
    """
    _restore(recording)
    _check(recording)
    scrubber = Scrubber(environment=False)
    request, response = recording["request"], recording["response"]
    url = urlsplit(request["url"])
    host = urlsplit(HOST)
    response_body = _body(response, scrubber) or ""
    length = str(_length(response_body))
    return {
        "interactions": [
            {
                "request": {
                    "method": request["method"],
                    "uri": scrubber.text(urlunsplit((host.scheme, host.netloc, url.path, url.query, ""))),
                    "headers": _headers(
                        [pair for pair in request["headers"] if pair[0].lower() not in CONNECTION_HEADERS], scrubber
                    ),
                    "body": _body(request, scrubber),
                },
                "response": {
                    "status": {"code": response["status"], "message": REASONS.get(response["status"], "")},
                    "headers": _headers(
                        [
                            pair
                            for pair in response["headers"]
                            # A length that no longer holds would make a client wait for the rest.
                            if not is_noise(pair[0]) and (pair[0].lower() != "content-length" or pair[1] == length)
                        ],
                        scrubber,
                    ),
                    "body": {"string": response_body},
                },
            }
        ],
        "version": 1,
    }


def convert(source: Path, target: Path) -> tuple[int, list[Skipped]]:
    """Write a cassette into ``target`` for each recording in ``source``, and remove those that have none (any more).

    Returns:
        The number of cassettes, and what was skipped.
    """
    skipped: list[Skipped] = []
    written: set[Path] = set()
    target.mkdir(parents=True, exist_ok=True)
    selection = target / "SELECTED.txt"
    selected = selection.read_text(encoding="utf-8").split() if selection.exists() else None
    for file in sorted(source.glob("*.json")):
        if not _RECORDING.fullmatch(file.name) or (selected is not None and file.stem not in selected):
            continue
        recording = json.loads(file.read_text(encoding="utf-8"))
        try:
            data = cassette(recording)
        except CannotBeReplayed as error:
            skipped.append(Skipped(file.stem, str(error)))
            continue
        text = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000_000)
        note = " ".join((recording.get("note") or "").split())
        path = target / f"{file.stem}.yaml"
        path.write_text(f"# {note}\n{text}" if note else text, encoding="utf-8", newline="\n")
        written.add(path)
    for stale in set(target.glob("*.yaml")) - written:
        stale.unlink()
    (target / "SKIPPED.md").write_text(_report(skipped), encoding="utf-8", newline="\n")
    return len(written), skipped


def _report(skipped: list[Skipped]) -> str:
    rows = "".join(f"| {line.recording} | {line.reason.replace('|', chr(92) + '|')} |\n" for line in skipped)
    title = "Recordings without a cassette (written by `tests/convert_recordings.py`)."
    return f"{title}\n\n| recording | why |\n|---|---|\n{rows}"


def set_name(directory: str) -> str:
    """Return the name of the set that a directory of recordings makes by default."""
    _, _, version = directory.partition("-")
    return f"sim-{version or 'v0.6.43'}"


def main(arguments: list[str] | None = None) -> None:
    """Convert every source directory named on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.convert_recordings", description="Make cassettes of recordings."
    )
    parser.add_argument("sources", nargs="+", metavar="[SET=]SOURCE_DIR")
    parser.add_argument("--output", type=Path, default=CASSETTES, help="where the sets go (default: %(default)s)")
    options = parser.parse_args(arguments)
    for source in options.sources:
        given, _, path = source.rpartition("=")
        directory = Path(path)
        if not directory.is_dir():
            parser.error(f"{directory} is no directory")
        name = given or set_name(directory.name)
        count, skipped = convert(directory, options.output / name)
        print(f"{name}: {count} cassettes, {len(skipped)} skipped")


if __name__ == "__main__":
    main()
