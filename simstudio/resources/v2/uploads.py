"""``client.v2.uploads``: the bytes of upload sessions, where Sim itself stores them."""

from __future__ import annotations

from typing import Annotated

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.parameters import between, header, query, secret
from simstudio.core.resource import APIResource
from simstudio.resources.parameters import UploadToken
from simstudio.transport.flow import Flow

ContentType = Annotated[str, header("Content-Type")]
"""Exactly the media type in the headers that the session names."""


class Uploads(APIResource[M]):
    """The bytes of upload sessions, request by request. The API key is not sent.

    Sessions name the address of the bytes, which is here only if the server stores files itself.
    ``client.v2.files.upload`` sends them to any address.
    """

    @endpoint("PUT", "/api/v2/uploads/{uploadId}", "uploadBytes")
    def put(
        self, send: Sender, upload_id: str, *, upload_token: UploadToken, content_type: ContentType, content: bytes
    ) -> Flow[None]:
        """Send all bytes of a session whose ``transfer.method`` is ``put``. Complete the session afterwards.

        Raises:
            InvalidRequestError: The media type or the number of bytes differs from the session's.
            PermissionDeniedError: The token does not belong to the session.
            ServerError: The bytes have arrived before; complete the session to make sure.
        """
        return _send_bytes(send)

    @endpoint("PUT", "/api/v2/uploads/{uploadId}/parts/{partNumber}", "uploadPartBytes", resend="read")
    def put_part(
        self,
        send: Sender,
        upload_id: str,
        part_number: Annotated[int, between(1, 640)],
        *,
        token: Annotated[str, query, secret],
        content_type: ContentType,
        content: bytes,
    ) -> Flow[None]:
        """Send one part of a session whose ``transfer.method`` is ``multipart``. It may be repeated.

        Args:
            token: The session's ``upload_token``.

        Raises:
            InvalidRequestError: The number of bytes differs from the size of the part.
            PermissionDeniedError: The token does not belong to the session, or the part's address has expired.
        """
        return _send_bytes(send)


def _send_bytes(send: Sender) -> Flow[None]:
    content = (send.body or {})["content"]
    send.body = None
    request = send.request(content=content)
    request.anonymous = True
    yield from send.dispatch(request)
