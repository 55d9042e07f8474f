"""Requests with the bytes of upload sessions, and the common parts of operations on sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from simstudio.sandbox.checks import MISSING, Issue, ListOf, Number, Parsed, Shape, Text, as_number
from simstudio.sandbox.families import V2, invalid
from simstudio.sandbox.http import Headers, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.data.uploads import Purpose, Upload

PART_NUMBERS = ListOf(item=Number(least=(1, None), whole=True), least=(1, None), most=(100, None))
_HOUR = 3600.0
_OF_PARTS = "application/octet-stream"


class _Bytes(V2):
    """Operations that need no API key and have no rate limit: the token of the session permits them."""

    def admit(self, call: Call) -> Headers:
        """Admit everybody."""
        del call
        return ()


@_Bytes().operation("PUT", "/api/v2/uploads/{uploadId}", "uploadBytes", query=Shape({}, "refuse"))
async def put(call: Call) -> Response:
    """Receive all bytes of a file, once."""
    upload = call.core.data.uploads.for_bytes(call.path["uploadId"], _token(call), in_parts=False)
    upload.receive(await call.request.body(), call.request.headers.get("content-type", ""))
    return Response(status_code=204)


@_Bytes().operation(
    "PUT",
    "/api/v2/uploads/{uploadId}/parts/{partNumber}",
    "uploadPartBytes",
    path=Shape(
        {"uploadId": Text(), "partNumber": Parsed(as_number, Number(least=(1, None), most=(640, None), whole=True))}
    ),
    query=Shape({"token": Text()}, "refuse"),
)
async def put_part(call: Call) -> Response:
    """Receive one part of a file; it may be sent again."""
    upload = call.core.data.uploads.for_bytes(call.path["uploadId"], call.query["token"], in_parts=True)
    upload.receive_part(call.path["partNumber"], await call.request.body())
    return Response(status_code=204)


def find_upload(call: Call, purpose: Purpose, parameter: str = "uploadId") -> Upload:
    """The session that the path, the query and the header ``upload-token`` name.

    Args:
        parameter: Name of the session's id in the path.

    Raises:
        Refusal: 400 or 404.
    """
    token = _token(call)
    upload_id = "" if call.key == "outsider" else call.path[parameter]
    return call.core.data.uploads.get(purpose, upload_id, token, call.query["workspaceId"])


def present_upload(call: Call, upload: Upload, session: Mapping[str, Any]) -> Reply:
    """The response of a new session: its fields, its token, and the form of the transfer."""
    transfer: dict[str, Any]
    if upload.in_parts:
        transfer = {"method": "multipart", "partSize": upload.part_size, "partCount": upload.part_count}
    else:
        headers = {"Content-Type": upload.content_type, "upload-token": upload.token}
        transfer = {"method": "put", "url": _url(call, upload), "headers": headers, "expiresAt": iso(upload.expires)}
    return data({"session": session, "uploadToken": upload.token, "transfer": transfer}, 201)


def part_urls(call: Call, upload: Upload) -> Reply:
    """The addresses of parts, in the order of the request; they hold the token of the session.

    Raises:
        Refusal: 400 or 409.
    """
    numbers: list[int] = call.body["partNumbers"]
    upload.check_parts(numbers)
    expires = iso(call.core.clock() + _HOUR)
    parts = [
        {
            "partNumber": number,
            "url": f"{_url(call, upload)}/parts/{number}?token={upload.token}",
            "headers": {"Content-Type": _OF_PARTS},
            "expiresAt": expires,
        }
        for number in numbers
    ]
    return data({"parts": parts})


def session_fields(upload: Upload) -> dict[str, Any]:
    """The fields of a session that files and documents have."""
    return {
        "id": upload.id,
        "status": upload.status,
        "name": upload.name,
        "contentType": upload.content_type,
        "size": upload.size,
        "expiresAt": iso(upload.expires),
        "error": upload.error,
    }


def _url(call: Call, upload: Upload) -> str:
    return f"{call.core.base_url(call.request)}/api/v2/uploads/{upload.id}"


def _token(call: Call) -> str:
    token = call.request.headers.get("upload-token")
    if token is None:
        raise invalid(Issue("type", ("upload-token",), None, {"expected": "string", "value": MISSING}))
    return token
