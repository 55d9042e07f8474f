"""Turn recorded calls of VectorVein's own package into vcrpy cassettes.

Run from the top of the repository::

    python -m tests.services.vectorvein.convert_samples SAMPLES

The directory holds one JSON file a call (``{scenario, call, use, exchanges[{request, response}], outcome, …}``), those
of the package's newest version at its top and those of 0.2.1 in ``seed-0.2.1``. Each becomes
``cassettes/vectorvein/newest/NN_name.yaml`` or ``…/seed/NN_name.yaml``: a cassette, with what else is known of the call
under ``sample``. The same input gives the same bytes. Hosts become ``http://vectorvein.test``, keys ``REDACTED``.
"""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path
from typing import Any

import yaml

from tests.convert_recordings import REASONS, _Dumper

CASSETTES = Path(__file__).parents[3] / "cassettes" / "vectorvein"
HOST = "http://vectorvein.test"
GENERATIONS = {"newest": ".", "seed": "seed-0.2.1"}
KEPT_HEADERS = {"content-type", "vectorvein-api-version", "vectorvein-api-key-type"}
TOLD = ("scenario", "call", "use", "note", "outcome", "sleeps_seconds", "vectors", "http_timeout", "default_base_url")


def cassette(sample: dict[str, Any]) -> dict[str, Any]:
    """One call in vcrpy's format, version 1."""
    told = {name: sample[name] for name in TOLD if sample.get(name) is not None}
    return {
        "sample": json.loads(_anonymous(json.dumps(told, ensure_ascii=False))),
        "interactions": [_interaction(exchange) for exchange in sample.get("exchanges", [])],
        "version": 1,
    }


def _interaction(exchange: dict[str, Any]) -> dict[str, Any]:
    request, response = exchange["request"], exchange["response"]
    headers = {"VECTORVEIN-API-KEY": ["REDACTED"]}
    headers.update({name: [value] for name, value in request["headers"] if name.lower() in KEPT_HEADERS})
    return {
        "request": {
            "method": request["method"],
            "uri": HOST + request["path"],
            "headers": headers,
            "body": _anonymous(_text(request["body"])) or None,
        },
        "response": {
            "status": {"code": response["status"], "message": REASONS.get(response["status"], "")},
            "headers": {name.lower(): [value] for name, value in response["headers"]},
            "body": {"string": _anonymous(_text(response["body"]))},
        },
    }


def _text(body: dict[str, Any]) -> str:
    if "base64" in body:
        return base64.b64decode(body["base64"]).decode()
    return body.get("text", "")


def _anonymous(text: str) -> str:
    """A text without what is the recorder's: its address, and the directory of its files."""
    return text.replace("http://127.0.0.1:18103", HOST).replace("/files/a.txt", "/local/path/a.txt")


def convert(source: Path, target: Path) -> int:
    """Write the cassettes of a directory of samples, remove stale ones, and give their number."""
    written: set[Path] = set()
    for generation, directory in GENERATIONS.items():
        (target / generation).mkdir(parents=True, exist_ok=True)
        for file in sorted((source / directory).glob("[0-9]*.json")):
            path = target / generation / f"{file.stem}.yaml"
            data = cassette(json.loads(file.read_text(encoding="utf-8")))
            text = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000_000)
            path.write_text(text, encoding="utf-8", newline="\n")
            written.add(path)
    for stale in set(target.rglob("*.yaml")) - written:
        stale.unlink()
    return len(written)


def main(arguments: list[str] | None = None) -> None:
    """Convert the directory named on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.services.vectorvein.convert_samples", description="Make cassettes of recorded calls."
    )
    parser.add_argument("source", type=Path, metavar="SAMPLES")
    parser.add_argument("--output", type=Path, default=CASSETTES, help="where they go (default: %(default)s)")
    options = parser.parse_args(arguments)
    print(f"{convert(options.source, options.output)} cassettes")


if __name__ == "__main__":
    main()
