"""Files below ``/api/v1/files``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response

from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.routes.v1_requests import WORKSPACE, check_member, form, query, route, success
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.files import File


def routes(core: Core) -> list[Route]:
    """The routes of files."""
    return [
        route(core, "GET", "/files", list_files),
        route(core, "POST", "/files", upload_file),
        route(core, "GET", "/files/{file}", download_file),
        route(core, "DELETE", "/files/{file}", delete_file),
    ]


async def list_files(core: Core, request: Request) -> ASGIApp:
    """All files, without paging."""
    check_member(core, request, query(request, WORKSPACE)["workspaceId"])
    files, owner = core.data.files.all(), core.account().user_id
    return success(files=[file.shown(owner) for file in files], totalCount=len(files))


async def upload_file(core: Core, request: Request) -> ASGIApp:
    """A new file; a name that is taken gets a number."""
    workspace_id, upload = await form(core, request)
    check_member(core, request, workspace_id)
    file = core.data.files.add(upload.name, upload.mime, upload.content)
    _record(core, "file.uploaded", f'Uploaded file "{file.name}" via API', file)
    return success(file=file.shown(core.account().user_id), message="File uploaded successfully")


async def download_file(core: Core, request: Request) -> ASGIApp:
    """The bytes of a file; what is known of it is in the headers."""
    file = _file_asked_for(core, request)
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


async def delete_file(core: Core, request: Request) -> ASGIApp:
    """A file is archived."""
    file = core.data.files.archive(_file_asked_for(core, request).id)
    _record(core, "file.deleted", f'Archived file "{file.name}" via API', file)
    return success(message="File archived successfully")


def _file_asked_for(core: Core, request: Request) -> File:
    check_member(core, request, query(request, WORKSPACE)["workspaceId"])
    return core.data.files.get(request.path_params["file"])


def _record(core: Core, action: str, description: str, file: File) -> None:
    resource = Resource("file", file.id, file.name)
    core.data.audit.record(action, resource, description, fileSize=len(file.content), fileType=file.kind)
