"""Turn the recorded samples of Oomol Connect's own package into cassettes.

Run from the top of the repository::

    python -m tests.services.oomol.convert_samples SAMPLES

SAMPLES holds one JSON file a scenario, in directories by release. Each becomes a vcrpy cassette
``cassettes/oomol/NAME.yaml``, with what is not an exchange (the call, its outcome, the pauses, the callbacks) under the
further key ``sample``. The same input gives the same bytes.

Two things are changed: hosts become ``http://oomol.test`` and, for applets, ``http://applets.test``; and a form gets
the content type that it should have had, where the package said JSON (``golden-body``).
"""

from __future__ import annotations

import argparse
import base64
import json
import re
from pathlib import Path
from typing import Any

import yaml

from simstudio.testing.scrubbing import CONNECTION_HEADERS
from tests.convert_recordings import REASONS, _Dumper

CASSETTES = Path(__file__).parents[3] / "cassettes" / "oomol"
HOST, APPLETS_HOST = "http://oomol.test", "http://applets.test"
TOKEN = "tok-123"  # the recorder's
_KEPT = ("scenario", "call", "use", "note", "outcome", "sleeps_seconds", "callback_events")
_RECORDER = re.compile(r"127\.0\.0\.1:\d+")
_BOUNDARY = re.compile(r"--([0-9a-f]{32})\r\n")


def converted(sample: dict[str, Any]) -> dict[str, Any]:
    """A sample as a cassette."""
    return {
        "sample": {key: sample[key] for key in _KEPT if sample.get(key) is not None},
        "interactions": [
            {"request": _request(exchange["request"]), "response": _response(exchange["response"])}
            for exchange in sample["exchanges"]
        ],
        "version": 1,
    }


def _request(request: dict[str, Any]) -> dict[str, Any]:
    body = _body(request)
    host = APPLETS_HOST if request["path"].startswith("/rpc/") else HOST
    headers: dict[str, list[str]] = {}
    for name, value in request["headers"]:
        if name.lower() not in CONNECTION_HEADERS and name.lower() != "host":
            headers.setdefault(name, []).append(value.replace(TOKEN, "REDACTED"))
    boundary = _BOUNDARY.match(body) if isinstance(body, str) else None
    if boundary:
        headers["Content-Type"] = [f"multipart/form-data; boundary={boundary[1]}"]
    return {"method": request["method"], "uri": host + request["path"], "headers": headers, "body": body}


def _response(response: dict[str, Any]) -> dict[str, Any]:
    headers: dict[str, list[str]] = {}
    for name, value in response["headers"]:
        headers.setdefault(name, []).append(value)
    status = response["status"]
    return {
        "status": {"code": status, "message": REASONS.get(status, "Found" if status == 302 else "")},
        "headers": headers,
        "body": {"string": _body(response) or ""},
    }


def _body(message: dict[str, Any]) -> str | bytes | None:
    body = message["body"]
    if "base64" in body:
        return base64.b64decode(body["base64"])
    assert "text_head" not in body, "a body was cut"
    text: str | None = body.get("text")
    return text and _RECORDER.sub("oomol.test", text)


def convert(source: Path, target: Path) -> int:
    """Write a cassette for each sample, remove those that have none any more, and count them."""
    target.mkdir(parents=True, exist_ok=True)
    written: set[Path] = set()
    for file in sorted(source.rglob("*.json")):
        sample = json.loads(file.read_text(encoding="utf-8"))
        if "exchanges" not in sample:  # an index
            continue
        path = target / f"{'-'.join(file.relative_to(source).with_suffix('').parts)}.yaml"
        text = yaml.dump(converted(sample), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000_000)
        path.write_text(text, encoding="utf-8", newline="\n")
        written.add(path)
    for stale in set(target.glob("*.yaml")) - written:
        stale.unlink()
    return len(written)


def main(arguments: list[str] | None = None) -> None:
    """Convert the samples in the directory named on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.services.oomol.convert_samples", description="Make cassettes of samples."
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("--output", type=Path, default=CASSETTES, help="where they go (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not options.source.is_dir():
        parser.error(f"{options.source} is no directory")
    print(f"{convert(options.source, options.output)} cassettes")


if __name__ == "__main__":
    main()
