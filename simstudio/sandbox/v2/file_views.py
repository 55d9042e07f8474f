"""The common parts of operations on files: checks, look-up and presentation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import Response

from simstudio.sandbox.checks import Check, ListOf, Ruled, Text
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.families import PRIVATE, V2
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.ids import OWNER
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from simstudio.sandbox.data.files import File, Files, Share
    from simstudio.sandbox.operation import Call, Handler, Operation

_UNSAFE = re.compile(r"[^ !#-\[\]-~]")
_OWN: dict[str, Check] = {
    "fileId": Text(pattern=(r"[A-Za-z0-9_-]+", "Invalid file id")),
    "fileIds": ListOf(item=Text(), least=(1, None), most=(1000, None)),
    "name": Ruled(
        Text(least=(1, "Name is required"), most=(255, "Name is too long"), missing="Name is required"),
        lambda name: name not in (".", "..") and not set(name) & {"/", "\\"},
        "Name cannot contain path separators or dot segments",
    ),
}


def serves(
    method: Any, defaults: dict[str, object] | None = None, *, own: dict[str, Check] | None = None, **options: Any
) -> Callable[[Handler], Operation]:
    """Turn a function into the operation that a method of the client sends, with the checks of files."""
    return V2().serves(method, defaults, own=_OWN | (own or {}), **options)


def files_of(call: Call, workspace_id: str) -> Files:
    """The files of a workspace.

    Raises:
        Refusal: 404, there is no such workspace; 403, the caller is no member of it.
    """
    return call.core.data.files_of(call.workspace(workspace_id, is_hidden=False))


def find_file(call: Call, *, archived: bool = False) -> tuple[Files, File]:
    """The file that the path names, and the store that it is in. A user who is no member of the workspace gets 404.

    Args:
        archived: Whether to include archived files.

    Raises:
        Refusal: 404.
    """
    workspace_id = (call.query if "workspaceId" in call.query else call.body)["workspaceId"]
    if call.key == "outsider" or workspace_id not in call.core.definitions.workspaces:
        raise Refusal(404, "File not found")
    store = call.core.data.files_of(workspace_id)
    return store, store.get(call.path["fileId"], archived=archived)


def present_file(call: Call, file: File) -> dict[str, Any]:
    """A file as lists show it."""
    workspace_id = file.current.key.split("/")[1]
    return {
        "id": file.id,
        "webUrl": f"{call.core.base_url(call.request)}/workspace/{workspace_id}/files/{file.id}",
        "name": file.name,
        "size": len(file.content),
        "type": file.kind,
        "key": file.current.key,
        "folderPath": file.folder,
        "uploadedByEmail": OWNER,
        "uploadedAt": iso(file.uploaded),
        "updatedAt": iso(file.updated),
        "deletedAt": iso_or_none(file.deleted),
    }


def share(call: Call, file: File, shared: Share | None) -> dict[str, Any] | None:
    """The public link to a file; None if it was never shared."""
    if shared is None:
        return None
    return {
        "id": shared.id,
        "token": shared.token,
        "url": f"{call.core.base_url(call.request)}/f/{shared.token}",
        "isActive": shared.is_active,
        "resourceType": "file",
        "resourceId": file.id,
        "authType": shared.auth_type,
        "hasPassword": shared.has_password,
        "allowedEmails": list(shared.emails),
    }


def download(call: Call, name: str, kind: str, content: bytes) -> Response:
    """A response with the bytes of a file and its name. Ranges are ignored, and HEAD has no size."""
    if call.request.method == "HEAD":
        return Response(headers=dict((*PRIVATE, *call.headers)))
    plain = _UNSAFE.sub("_", re.sub(r"[\U00010000-\U0010ffff]", "__", name))  # two code units of UTF-16 each
    disposition = f'attachment; filename="{plain}"'
    if plain != name:
        disposition += f"; filename*=UTF-8''{quote(name, safe='!*')}"
    headers = {"content-type": kind, "content-disposition": disposition, **dict((*PRIVATE, *call.headers))}
    return Response(content, headers=headers)


def note(call: Call, action: str, file: File) -> None:
    """Record an action on a file, such as ``file.uploaded``, in the audit log."""
    resource = Resource("file", file.id, file.name)
    description = f'{action.partition(".")[2].capitalize()} file "{file.name}" via API'
    facts = {"fileSize": len(file.content), "fileType": file.kind}
    call.core.data.audit.record(action, resource, description, **facts)
