"""Versions of files, as Sim's documents describe them; no server was observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from simstudio.resources.v2.file_versions import FileVersions
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.ids import OWNER
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.file_changes import check_revision
from simstudio.sandbox.v2.file_texts import MAX_BYTES, file_text
from simstudio.sandbox.v2.file_views import download, find_file, present_file, serves
from simstudio.sandbox.v2.paging import page

if TYPE_CHECKING:
    from simstudio.sandbox.data.files import File, Files, Version


@serves(FileVersions.list, {"sortBy": "version", "sortOrder": "desc", "limit": 50})
def list_versions(call: Call) -> Reply:
    """A page of the versions of a file."""
    _, file = find_file(call)
    descending = call.query["sortOrder"] == "desc"
    versions, after = page(call, file.versions, lambda each: (each.number,), descending=descending)
    return listing((_present(call, file, each) for each in versions), after)


@serves(FileVersions.get)
def get(call: Call) -> Reply:
    """One version without its content."""
    _, file, version = _find_version(call)
    return data(_present(call, file, version))


@serves(FileVersions.download)
def download_version(call: Call) -> Response:
    """The content of a version."""
    _, file, version = _find_version(call)
    return download(call, file.name, version.kind, version.content)


@serves(FileVersions.read_text, bounds=MAX_BYTES)
def read_text(call: Call) -> Reply:
    """The text of a version."""
    _, file, version = _find_version(call)
    return data({**file_text(call, file, version), "version": version.number})


@serves(FileVersions.revert)
def revert(call: Call) -> Reply:
    """Make the content of a version current again, as a new version; nothing changes if it is current."""
    store, file, version = _find_version(call)
    check_revision(call, file)
    if call.body.get("expectedCurrentVersion", file.current.number) != file.current.number:
        raise Refusal(409, "Another version of the file is current")
    reverted = version.content != file.content
    if reverted:
        file = store.replace(file, version.content, "revert", version.number)
    current = file.current
    answer = {"reverted": reverted, "file": present_file(call, file), "version": _present(call, file, current)}
    return data({**answer, "revision": current.revision})


@serves(FileVersions.delete)
def delete(call: Call) -> Reply:
    """Delete a version for good."""
    store, file, version = _find_version(call)
    store.forget_version(file, version)
    return data({"fileId": file.id, "version": version.number, "deleted": True})


def _find_version(call: Call) -> tuple[Files, File, Version]:
    store, file = find_file(call)
    for version in file.versions:
        if version.number == call.path["version"]:
            return store, file, version
    raise Refusal(404, "File version not found")


def _present(call: Call, file: File, version: Version) -> dict[str, Any]:
    following = next((each for each in file.versions if each.number > version.number), None)
    return {
        "fileId": file.id,
        "version": version.number,
        "isCurrent": following is None,
        "size": len(version.content),
        "contentType": version.kind,
        "source": version.source,
        "authors": [{"id": call.core.account().user_id, "email": OWNER}],
        "restoredFromVersion": version.restored_from,
        "createdAt": iso(version.created),
        "updatedAt": iso(version.created),
        "supersededAt": None if following is None else iso(following.created),
    }
