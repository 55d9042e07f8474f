"""Turn samples of SpeedPix's own SDK on the wire into vcrpy cassettes.

Run from the top of the repository::

    python -m tests.services.speedpix.convert_samples SAMPLES

``SAMPLES`` holds one JSON file a scenario: ``{scenario, call, exchanges[{request, response}], outcome, note?, use}``.
Each with exchanges becomes ``cassettes/speedpix/NAME.yaml``, a cassette with one key more, ``sample``: what was called,
what became of it, and whether the recorded requests are to be equalled (``golden``) or show a defect. The same input
gives the same bytes. The signature vectors become ``signature_vectors.json`` beside this file.

The recorder's address becomes ``https://speedpix.test``; a request in whose body it stood loses its recorded digest and
signature, which no longer hold. What is left out is listed, with the reason, in ``SKIPPED.md``.
"""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CASSETTES = HERE.parents[2] / "cassettes" / "speedpix"
VECTORS = HERE / "signature_vectors.json"
RECORDER = "http://127.0.0.1:18102"
HOST = "https://speedpix.test"

KEPT_HEADERS = frozenset(
    {
        "accept",
        "content-md5",
        "content-type",
        "date",
        "user-agent",
        "x-ca-key",
        "x-ca-nonce",
        "x-ca-signature",
        "x-ca-signature-headers",
        "x-ca-signature-method",
        "x-ca-timestamp",
        "x-sp-resource-config-id",
    }
)
_OF_THE_BODY = ("content-md5", "x-ca-signature")

JSON = dict[str, Any]


def cassette(sample: JSON) -> JSON:
    """Return a sample as a cassette."""
    interactions, cut = [], []
    for exchange in sample["exchanges"]:
        request, response = exchange["request"], exchange["response"]
        body = _body(request["body"])
        altered = isinstance(body, str) and RECORDER in body
        dropped = _OF_THE_BODY if altered else ()
        cut.append(
            {name: request["body"][name] for name in ("length", "sha256")} if "text_head" in request["body"] else None
        )
        interactions.append(
            {
                "request": {
                    "method": request["method"],
                    "uri": HOST + request["path"],
                    "headers": {
                        name: [value]
                        for name, value in request["headers"]
                        if name.lower() in KEPT_HEADERS and name.lower() not in dropped
                    },
                    "body": _moved(body),
                },
                "response": {
                    "status": {"code": response["status"], "message": ""},
                    "headers": {name: [_moved(value)] for name, value in response["headers"]},
                    "body": {"string": _moved(_body(response["body"])) or ""},
                },
            }
        )
    told = {name: sample[name] for name in ("scenario", "call", "use", "note", "recorded_from") if name in sample}
    if any(cut):
        told["cut_bodies"] = cut
    return {"sample": {**told, "outcome": _moved(sample["outcome"])}, "interactions": interactions, "version": 1}


def _body(body: JSON) -> str | bytes | None:
    if "base64" in body:
        data = base64.b64decode(body["base64"])
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data
    if "text_head" in body:
        return None
    return body.get("text")


def _moved(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(RECORDER, HOST).replace("127.0.0.1:18102", "speedpix.test")
    if isinstance(value, list):
        return [_moved(item) for item in value]
    if isinstance(value, dict):
        return {name: _moved(item) for name, item in value.items()}
    return value


def convert(source: Path, target: Path = CASSETTES, vectors: Path = VECTORS) -> tuple[int, list[str]]:
    """Write the cassettes of a directory of samples, and remove those that have none (any more).

    Returns:
        The number of cassettes, and the rows of ``SKIPPED.md``.
    """
    target.mkdir(parents=True, exist_ok=True)
    written, skipped = set(), []
    for file in sorted(source.rglob("*.json")):
        if file.name == "INDEX.json":
            continue
        name = "-".join(file.relative_to(source).with_suffix("").parts)
        sample = json.loads(file.read_text(encoding="utf-8"))
        if "vectors" in sample:
            vectors.write_text(json.dumps(sample["vectors"], ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            skipped.append(f"| {name} | the vectors are in tests/services/speedpix/{VECTORS.name} |")
        elif not sample.get("exchanges"):
            skipped.append(f"| {name} | nothing was sent: `{sample['call']}` |")
        else:
            path = target / f"{name}.yaml"
            text = yaml.safe_dump(cassette(sample), allow_unicode=True, sort_keys=False, width=1_000_000_000)
            path.write_text(text, encoding="utf-8", newline="\n")
            written.add(path)
    for stale in set(target.glob("*.yaml")) - written:
        stale.unlink()
    title = "Samples without a cassette (written by `tests/services/speedpix/convert_samples.py`)."
    report = "\n".join([title, "", "| sample | why |", "|---|---|", *skipped, ""])
    (target / "SKIPPED.md").write_text(report, encoding="utf-8", newline="\n")
    return len(written), skipped


def main(arguments: list[str] | None = None) -> None:
    """Convert the directory named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.services.speedpix.convert_samples", description=__doc__)
    parser.add_argument("samples", type=Path)
    options = parser.parse_args(arguments)
    count, skipped = convert(options.samples)
    print(f"{count} cassettes, {len(skipped)} without")


if __name__ == "__main__":
    main()
