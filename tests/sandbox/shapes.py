"""What of an answer must be the same: status, header names, JSON shape, and the words that are part of the protocol."""

from __future__ import annotations

import json
import re

NOISE = {"date", "connection", "transfer-encoding", "content-length", "server", "keep-alive", "vary", "refresh"}
"""Headers of the connection, and those the recordings leave out."""

PROTOCOL_WORDS = {"event", "status", "code", "reason", "source", "triggerType", "authType", "plan"}
"""Keys whose text is compared, not only its type."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} [\d:]+ GMT\S* \(.*?\)")
_JOB = re.compile(r"run_\w+")
_PATH = re.compile(r"/api/workflows/[^/]+/")


def answer(status: int, headers: list[tuple[str, str]], body: bytes) -> dict[str, object]:
    """The comparable form of one answer."""
    kind = next((value.partition(";")[0] for name, value in headers if name.lower() == "content-type"), None)
    names = sorted({name.lower() for name, _ in headers} - NOISE)
    return {"status": status, "headers": names, "content type": kind, "body": _body(kind, body)}


def _body(kind: str | None, body: bytes) -> object:
    text = body.decode()
    if kind == "text/event-stream":
        return _stream(text)
    if kind == "application/json":
        data = json.loads(text)
        envelope = isinstance(data, dict) and "success" in data
        return _shape(data, "", texts=not envelope)
    if kind == "text/html":
        return "a page"
    return _PATH.sub("/api/workflows/<id>/", text)


def _stream(text: str) -> list[object]:
    """The sequence of frames; how many chunks a block's text comes in is the model's business, not the server's."""
    frames: list[object] = []
    blocks: list[str] = []
    for part in text.split("\n\n")[:-1]:
        assert part.startswith("data: "), part
        data = part.removeprefix("data: ")
        payload = json.loads(data) if data != "[DONE]" else "bare [DONE]"
        if isinstance(payload, dict) and "chunk" in payload:
            if payload["blockId"] not in blocks:
                blocks.append(payload["blockId"])
            leading = payload["chunk"].startswith("\n\n")
            payload = {**payload, "blockId": f"block {blocks.index(payload['blockId'])}", "chunk": leading}
        frame = payload if isinstance(payload, str) else _shape(payload, "", texts=False, verbatim=("blockId",))
        if not frames or frames[-1] != frame or "chunk" not in frame:
            frames.append(frame)
    return frames


_PER_ITEM = {"isDeployed", "deployedAt", "lastRunAt", "metadata", "deploymentVersionId"}


def _items(page: list[object]) -> object:
    """The items of a page: how many there are, and whether each has run, is not the server's doing."""
    shapes = [_shape(item, "", texts=False) for item in page]
    for shape in shapes:
        assert isinstance(shape, dict)
        shape.update(dict.fromkeys(shape.keys() & _PER_ITEM, "any"))
    assert all(shape == shapes[0] for shape in shapes)
    return shapes[:1]


def _shape(value: object, key: str, *, texts: bool, verbatim: tuple[str, ...] = ()) -> object:
    if isinstance(value, dict):
        named: dict[str, object] = {}
        for number, (name, item) in enumerate(value.items()):
            label = f"<id {number}>" if _UUID.fullmatch(name) else name
            named[label] = _shape(item, name, texts=texts, verbatim=verbatim)
        return named
    if isinstance(value, list) and key == "data":
        return _items(value)
    if isinstance(value, list):
        return [_shape(item, key, texts=texts, verbatim=verbatim) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if key in PROTOCOL_WORDS or key in verbatim:
            return _JOB.sub("<job>", value)
        return _TIME.sub("<time>", value) if texts and key in ("error", "message") else "text"
    return {int: "number", float: "number"}.get(type(value), "null")
