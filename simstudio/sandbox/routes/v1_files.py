"""Files below ``/api/v1/files``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response

from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_requests import WORKSPACE, check_member, form, success
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.files import File

_V1 = V1()


@_V1.operation("GET", "/api/v1/files", query=WORKSPACE)
def list_files(call: Call) -> Reply:
    """All files, without paging."""
    core = call.core
    check_member(call, call.query["workspaceId"])
    files, owner = core.data.files.all(), core.account().user_id
    return success(files=[file.to_v1(owner) for file in files], totalCount=len(files))


@_V1.operation("POST", "/api/v1/files")
async def upload_file(call: Call) -> Reply:
    """Add a file; a name that is taken gets a number."""
    core = call.core
    workspace_id, upload = await form(call)
    check_member(call, workspace_id)
    file = core.data.files.add(upload.name, upload.mime, upload.content)
    _record(core, "file.uploaded", f'Uploaded file "{file.name}" via API', file)
    return success(file=file.to_v1(core.account().user_id), message="File uploaded successfully")


@_V1.operation("GET", "/api/v1/files/{file}", query=WORKSPACE)
def download_file(call: Call) -> Response:
    """The bytes of a file; headers hold its metadata."""
    file = _file_asked_for(call)
    name = quote(file.name, safe="!*'()")
    plain = re.sub(r"[^\w.-]", "_", file.name, flags=re.ASCII)
    headers = {
        "content-type": file.kind,
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{name}",
        "x-file-id": file.id,
        "x-file-name": name,
        "x-uploaded-at": iso(file.uploaded),
    }
    return Response(file.content, headers=headers)


@_V1.operation("DELETE", "/api/v1/files/{file}", query=WORKSPACE)
def delete_file(call: Call) -> Reply:
    """Archive a file."""
    core = call.core
    file = core.data.files.archive(_file_asked_for(call).id)
    _record(core, "file.deleted", f'Archived file "{file.name}" via API', file)
    return success(message="File archived successfully")


def _file_asked_for(call: Call) -> File:
    check_member(call, call.query["workspaceId"])
    return call.core.data.files.get(call.path["file"])


def _record(core: Core, action: str, description: str, file: File) -> None:
    resource = Resource("file", file.id, file.name)
    core.data.audit.record(action, resource, description, fileSize=len(file.content), fileType=file.kind)
