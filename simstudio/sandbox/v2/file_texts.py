"""Reading, searching and editing the texts of files. Only plain texts are read, not PDF and office documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from simstudio.core.parameters import between
from simstudio.resources.v2.files import Files
from simstudio.sandbox.definitions.folders import ROOT, is_within
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2.answers import data
from simstudio.sandbox.v2.file_changes import check_revision
from simstudio.sandbox.v2.file_views import files_of, find_file, note, present_file, serves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.data.files import File, Version

MAX_BYTES = {"maxBytes": between(1, 26_214_400), "offset": between(1, None), "limit": between(1, None)}
_TEXTS = {"json", "jsonl", "xml", "yaml", "x-yaml", "toml", "sql", "javascript", "x-sh"}


def _is_text(file: File) -> bool:
    group, _, kind = file.kind.partition(";")[0].strip().lower().partition("/")
    return group == "text" or (group == "application" and (kind in _TEXTS or kind.endswith(("+json", "+xml"))))


@serves(Files.read_text, bounds=MAX_BYTES)
def read_text(call: Call) -> Reply:
    """The text of a file."""
    _, file = find_file(call)
    return data(file_text(call, file, file.current))


def file_text(call: Call, file: File, version: Version) -> dict[str, Any]:
    """The text of a version of a file, or the requested lines of it.

    Raises:
        Refusal: 400, the content is no text; 413, it is larger than ``maxBytes``.
    """
    query, content = call.query, version.content
    if not _is_text(file):
        download = f"download the raw bytes with GET /api/v2/files/{file.id}"
        raise Refusal(400, f'Text extraction is not supported for "{file.name}"; {download}')
    most = query.get("maxBytes", int(MAX_BYTES["maxBytes"].high or 0))
    if len(content) > most:
        raise Refusal(413, f"The file is {len(content)} Bytes, above the {most} Bytes limit")
    text = content.decode("utf-8", "replace")
    degraded = "�" in text
    answer: dict[str, Any] = {
        "fileId": file.id,
        "name": file.name,
        "path": f"{file.folder.removesuffix(ROOT)}/{quote(file.name, safe='')}",
        "type": file.kind,
        "text": text,
        "truncated": False,
        "degraded": degraded,
        "degradedReason": "The file is not UTF-8" if degraded else None,
        "charCount": len(text.encode("utf-16-le")) // 2,
        "byteCount": len(content),
    }
    if not {"offset", "limit"} & set(query):
        return answer
    lines, first = text.splitlines(keepends=True), query.get("offset", 1)
    wanted = lines[first - 1 :][: query.get("limit", len(lines))]
    counts = {"offset": first, "lineCount": len(wanted), "totalLines": len(lines), "totalLinesExact": True}
    return {**answer, "text": "".join(wanted), "truncated": len(wanted) < len(lines), "lineRange": counts}


@serves(Files.search, {"mode": "regex", "maxResults": 50}, spelled=("includeSubfolders",))
def search(call: Call) -> Reply:
    """The lines of texts in which an expression or a text is found."""
    query = call.query
    files = files_of(call, query["workspaceId"]).all()
    if "folderPaths" in query:
        below = query.get("includeSubfolders", True)
        folders = query["folderPaths"]
        files = [
            each
            for each in files
            if any(each.folder == folder or (below and is_within(each.folder, folder)) for folder in folders)
        ]
    try:
        wanted = re.compile(query["query"] if query["mode"] == "regex" else re.escape(query["query"]), re.IGNORECASE)
    except re.error as error:
        raise Refusal(400, f"query is no regular expression: {error}") from None
    texts = [each for each in files if _is_text(each)]
    found = [
        {"fileId": file.id, "lineNumber": number, "text": line}
        for file in texts
        for number, line in enumerate(file.content.decode("utf-8", "replace").splitlines(), 1)
        if wanted.search(line)
    ]
    shown_results = found[: query["maxResults"]]
    status = {
        "readyFiles": len(texts),
        "pendingFiles": 0,
        "failedFiles": 0,
        "skippedFiles": len(files) - len(texts),
        "partialFiles": 0,
    }
    answer = {"results": shown_results, "count": len(shown_results), "truncated": len(shown_results) < len(found)}
    return data({**answer, "complete": True, "indexStatus": status})


@serves(Files.edit_content)
def edit_content(call: Call) -> Reply:
    """Change a part of a text."""
    store, file = find_file(call)
    check_revision(call, file)
    try:
        text = file.content.decode()
    except UnicodeDecodeError:
        raise Refusal(400, "Only UTF-8 text files can be edited") from None
    text = _edit(text, call.body["edit"])
    file = store.replace(file, text.encode())
    note(call, "file.updated", file)
    answer = {"file": present_file(call, file), "lineCount": len(text.splitlines()), "revision": file.current.revision}
    return data(answer)


def _edit(text: str, edit: Mapping[str, Any]) -> str:
    """A text after an edit.

    Raises:
        Refusal: 400, a place that the edit names is missing or ambiguous.
    """
    mode: str = edit["mode"]
    content: str = edit.get("content", "")
    if mode == "search_replace":
        count = text.count(edit["search"]) if edit["search"] else 0
        if count == 0 or (count > 1 and not edit.get("replaceAll")):
            raise Refusal(400, f"The text to replace was found {count} times")
        return text.replace(edit["search"], content)
    lines = text.splitlines(keepends=True)
    added = content if not content or content.endswith("\n") else f"{content}\n"
    occurrence = int(edit.get("occurrence", 1))
    if mode == "insert_after":
        first = last = _line(lines, edit["anchor"], occurrence) + 1
    elif mode == "replace_between":
        first = _line(lines, edit["beforeAnchor"], occurrence) + 1
        last = _line(lines, edit["afterAnchor"], 1, first)
    else:
        first = _line(lines, edit["startAnchor"], occurrence)
        last = _line(lines, edit["endAnchor"], 1, first + 1)
    return "".join([*lines[:first], added, *lines[last:]])


def _line(lines: list[str], anchor: str, occurrence: int, start: int = 0) -> int:
    """Index of the line that equals an anchor; ``occurrence`` counts such lines from 1."""
    found = [index for index, line in enumerate(lines) if index >= start and line.strip() == anchor.strip()]
    if not 1 <= occurrence <= len(found):
        raise Refusal(400, f"The anchor line {anchor!r} was not found")
    return found[occurrence - 1]
