"""Changes of files: names, folders, contents, archives and shares."""

from __future__ import annotations

import io
import mimetypes
import zipfile
from typing import TYPE_CHECKING

from simstudio.resources.v2.files import Files
from simstudio.sandbox.data.files import UNKNOWN_TYPE
from simstudio.sandbox.definitions.folders import ROOT, child
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2.answers import data
from simstudio.sandbox.v2.file_views import files_of, find_file, note, present_file, serves, share
from simstudio.sandbox.v2.files import decode

if TYPE_CHECKING:
    from simstudio.sandbox.data.files import File

_JUNK = {"__MACOSX", ".DS_Store", "Thumbs.db"}


@serves(Files.rename)
def rename(call: Call) -> Reply:
    """Rename a file; its media type stays."""
    store, file = find_file(call)
    return data(present_file(call, store.rename(file, call.body["name"])))


@serves(Files.move)
def move(call: Call) -> Reply:
    """Put files into a folder, by default the root."""
    store = files_of(call, call.body["workspaceId"])
    try:
        folder = store.folders.require(call.body.get("targetFolderPath", ROOT))
    except Refusal:
        raise Refusal(404, "Target folder not found") from None
    return data({"movedItems": {"files": store.move(store.get_many(call.body["fileIds"]), folder)}})


@serves(Files.replace_content, {"encoding": "utf-8"})
def replace_content(call: Call) -> Reply:
    """Replace the content of a file."""
    store, file = find_file(call)
    content = decode(call.body)
    check_revision(call, file)
    file = store.replace(file, content)
    note(call, "file.updated", file)
    return data({**present_file(call, file), "revision": file.current.revision})


def check_revision(call: Call, file: File) -> None:
    """Raise if the file does not have the revision that the caller expects.

    Raises:
        Refusal: 409.
    """
    if call.body.get("expectedRevision", file.current.revision) != file.current.revision:
        raise Refusal(409, "The file has changed since it was read")


@serves(Files.unzip)
def unzip(call: Call) -> Reply:
    """Unpack an archive into a new folder beside it."""
    store, archive = find_file(call)
    if not archive.name.lower().endswith(".zip"):
        raise Refusal(400, "Only .zip files can be unzipped")
    try:
        with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
            found = [(each.filename, opened.read(each)) for each in opened.infolist() if not each.is_dir()]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
        raise Refusal(500, "Internal server error") from None
    root = store.folders.free_path(archive.folder, archive.name[:-4])
    now, extracted = call.core.clock(), 0
    for path, content in found:
        names = path.replace("\\", "/").split("/")
        if _JUNK.intersection(names) or not all(name not in ("", ".", "..") for name in names):
            continue
        folder = root
        for name in names[:-1]:
            folder = child(folder, name)
        store.add(
            names[-1], mimetypes.guess_type(path)[0] or UNKNOWN_TYPE, content, store.folders.make_all(folder, now)
        )
        extracted += 1
    store.folders.make_all(root, now)
    counts = {"extractedFileCount": extracted, "skippedFileCount": len(found) - extracted}
    return data({"folderPath": root, **counts})


@serves(Files.delete)
def delete(call: Call) -> Reply:
    """Archive a file."""
    store, file = find_file(call)
    store.archive(file.id)
    note(call, "file.deleted", file)
    return data({"id": file.id, "deleted": True})


@serves(Files.bulk_delete)
def bulk_delete(call: Call) -> Reply:
    """Archive files, all or none of them."""
    store = files_of(call, call.body["workspaceId"])
    files = store.get_many(call.body["fileIds"])
    for file in files:
        store.archive(file.id)
        note(call, "file.deleted", file)
    return data({"deletedItems": {"files": len(files)}})


@serves(Files.restore)
def restore(call: Call) -> Reply:
    """Restore an archived file into the root; a file in use does not change."""
    store, file = find_file(call, archived=True)
    restored = store.restore(file)
    note(call, "file.restored", restored)
    return data(present_file(call, restored))


@serves(Files.get_share)
def get_share(call: Call) -> Reply:
    """The public link to a file, or null."""
    _, file = find_file(call)
    return data(share(call, file, file.share))


@serves(Files.update_share)
def update_share(call: Call) -> Reply:
    """Share a file or stop sharing it; its address stays."""
    store, file = find_file(call)
    body = call.body
    shared = store.update_share(
        file,
        is_active=body["isActive"],
        auth_type=body.get("authType"),
        password=body.get("password"),
        emails=body.get("allowedEmails", ()),
    )
    return data(share(call, file, shared))
