"""Lists, creation and downloads of files."""

from __future__ import annotations

import base64
import binascii
import io
import math
import mimetypes
import zipfile
from typing import TYPE_CHECKING

from starlette.responses import Response

from simstudio.resources.v2.files import Files
from simstudio.sandbox.checks import ListOf, Number, Parsed, Text, as_number
from simstudio.sandbox.data.files import UNKNOWN_TYPE
from simstudio.sandbox.definitions.folders import ROOT, normalise_path, parent, title
from simstudio.sandbox.families import invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.signatures import Clamped
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.file_views import download, files_of, find_file, note, present_file, serves, share
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from simstudio.sandbox.data.files import File

_MOST_ZIPPED = 100


def _truncate(text: str) -> float:
    number = as_number(text)
    return math.trunc(number) if math.isfinite(number) else number


_LIMIT = Clamped(Parsed(_truncate, Number(least=(1, None), most=(1000, None), invalid="limit must be a number")))


@serves(
    Files.list,
    {"scope": "active", "sortBy": "uploadedAt", "sortOrder": "asc", "limit": 100},
    spelled=("recursive",),
    own={"limit": _LIMIT},
)
def list_files(call: Call) -> Reply:
    """A page of a workspace's files, in all folders or in one."""
    query = call.query
    found = files_of(call, query["workspaceId"]).all(archived=query["scope"] == "archived")
    if "folderPath" in query:
        folder, below = normalise_path(query["folderPath"]), query.get("recursive", "search" in query)
        found = [each for each in found if each.folder == folder or (below and _is_below(each.folder, folder))]
    if "search" in query:
        found = [each for each in found if matches(query["search"], each.name)]
    files, after = page(call, found, _position(query["sortBy"]), descending=query["sortOrder"] == "desc")
    return listing((present_file(call, each) for each in files), after)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.removesuffix(ROOT)}/")


def _position(by: str) -> Callable[[File], Position]:
    def position(file: File) -> Position:
        values: dict[str, str | float] = {
            "name": file.name.casefold(),
            "size": len(file.content),
            "uploadedAt": file.uploaded,
            "updatedAt": file.updated,
        }
        return values[by], file.id

    return position


@serves(Files.create, {"content": "", "encoding": "utf-8"})
def create(call: Call) -> Reply:
    """Make a file of a text or of base64; refuse a name that is taken."""
    body = call.body
    store = files_of(call, body["workspaceId"])
    content, name = decode(body), body["name"]
    try:
        folder = store.folders.require(body.get("folderPath", ROOT))
    except Refusal:
        raise Refusal(404, "Target folder not found") from None
    if store.is_taken(name, folder):
        raise Refusal(409, "File already exists")
    kind = body.get("contentType") or mimetypes.guess_type(name)[0] or UNKNOWN_TYPE
    file = store.add(name, kind, content, folder, source="api")
    note(call, "file.uploaded", file)
    return data(present_file(call, file), 201)


def decode(body: Mapping[str, str]) -> bytes:
    """The bytes of ``content`` in its ``encoding``.

    Raises:
        Refusal: 400, the content is no base64.
    """
    if body["encoding"] == "utf-8":
        return body["content"].encode()
    try:
        return base64.b64decode(body["content"], validate=True)
    except binascii.Error:
        raise invalid_value("content", "content must be valid base64") from None


@serves(Files.get, {"scope": "active"})
def get(call: Call) -> Reply:
    """One file without its content; an archived one if the query includes it."""
    _, file = find_file(call, archived=call.query["scope"] == "archived")
    current = file.current
    more = {
        "share": share(call, file, file.share),
        "revision": current.revision,
        "currentVersion": current.number,
    }
    return data({**present_file(call, file), **more})


@serves(Files.download)
def download_file(call: Call) -> Response:
    """The content of a file."""
    _, file = find_file(call)
    note(call, "file.downloaded", file)
    return download(call, file.name, file.kind, file.content)


def _members(text: str) -> list[str]:
    return [member.strip() for member in text.split(",") if member.strip()]


def _selection(name: str) -> Parsed:
    message = f"{name} cannot contain more than {_MOST_ZIPPED} entries; a bulk download is limited to 100 files."
    return Parsed(_members, ListOf(item=Text(), most=(_MOST_ZIPPED, message)))


@serves(Files.bulk_download, own={"fileIds": _selection("fileIds"), "folderPaths": _selection("folderPaths")})
def bulk_download(call: Call) -> Response:
    """Files and folders as one archive. Unknown files are left out as long as one is known."""
    query = call.query
    store = files_of(call, query["workspaceId"])
    places: dict[str, tuple[File, str]] = {}
    for path in query.get("folderPaths", ()):
        try:
            folder = store.folders.require(path)
        except Refusal:
            raise Refusal(400, f"Folder not found: {path}") from None
        places |= {file.id: (file, _inside(file, parent(folder))) for file in store.inside(folder)}
    asked = set(query.get("fileIds", ()))
    places = {file.id: (file, file.name) for file in store.all() if file.id in asked} | places
    if not places:
        raise Refusal(400, "No files selected for download")
    if len(places) > _MOST_ZIPPED:
        raise Refusal(400, f"A bulk download is limited to {_MOST_ZIPPED} files")
    return download(call, "workspace-files.zip", "application/zip", _zip(places.values()))


def _inside(file: File, above: str) -> str:
    """The path of a file in an archive that begins with a folder."""
    names = file.folder[len(above.removesuffix(ROOT)) :].strip("/").split("/")
    return "/".join([*map(title, filter(None, names)), file.name])


def _zip(places: Iterable[tuple[File, str]]) -> bytes:
    """An archive without compression. Names that are taken get a number."""
    taken: set[str] = set()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file, path in places:
            number, free = 0, path
            while free in taken:
                number += 1
                free = f"{path} ({number})"
            taken.add(free)
            archive.writestr(zipfile.ZipInfo(free), file.content)
    return content.getvalue()
