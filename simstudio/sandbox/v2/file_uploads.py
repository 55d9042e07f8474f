"""Upload sessions of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.file_uploads import FileUploads
from simstudio.sandbox.checks import Number
from simstudio.sandbox.definitions.folders import ROOT
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2.answers import data
from simstudio.sandbox.v2.file_views import files_of, note, present_file, serves
from simstudio.sandbox.v2.uploads import PART_NUMBERS, find_upload, part_urls, present_upload, session_fields

if TYPE_CHECKING:
    from simstudio.sandbox.data.files import File
    from simstudio.sandbox.data.uploads import Upload

_MOST = 5 * 1024**3


def _session(upload: Upload) -> dict[str, Any]:
    return {**session_fields(upload), "file": None}


@serves(FileUploads.create, own={"size": Number(least=(0, None), most=(_MOST, None), whole=True)})
def create(call: Call) -> Reply:
    """Open an upload session; large files are sent in parts."""
    body = call.body
    workspace_id = body["workspaceId"]
    folder = files_of(call, workspace_id).folders.require(body.get("folderPath", ROOT))
    upload = call.core.data.uploads.open(
        "file", workspace_id, body["name"], body["contentType"], body["size"], folder=folder
    )
    return present_upload(call, upload, _session(upload))


@serves(FileUploads.get)
def get(call: Call) -> Reply:
    """The state of an upload session, without the file."""
    return data(_session(find_upload(call, "file")))


@serves(FileUploads.create_part_urls, own={"partNumbers": PART_NUMBERS})
def create_part_urls(call: Call) -> Reply:
    """The addresses of parts."""
    return part_urls(call, find_upload(call, "file"))


@serves(FileUploads.complete)
def complete(call: Call) -> Reply:
    """Make the file of the bytes; a repeated request returns the same file."""
    upload = find_upload(call, "file")

    def make(content: bytes) -> File:
        store = files_of(call, upload.workspace_id)
        folder = store.folders.require(upload.facts["folder"])
        file = store.add(upload.name, upload.content_type, content, folder)
        note(call, "file.uploaded", file)
        return file

    file = upload.complete(make)
    return data({**_session(upload), "file": present_file(call, file)})


@serves(FileUploads.abort)
def abort(call: Call) -> Reply:
    """Abort an upload session."""
    upload = find_upload(call, "file")
    upload.abort()
    return data(_session(upload))
