"""``client.files``: temporary files for inputs of workflows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from simstudio.core.context import Context
from simstudio.core.conversion import structure
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.polling import Poller
from simstudio.services.speedpix.attachments import Attachment, attach
from simstudio.services.speedpix.envelope import Envelope, invalid, refuse
from simstudio.services.speedpix.errors import SpeedPixResponseError
from simstudio.services.speedpix.inputs import InputPlan
from simstudio.services.speedpix.models import File, data_of
from simstudio.services.speedpix.resource import Policy, SpeedPixResource
from simstudio.services.speedpix.transfers import Transfers
from simstudio.services.speedpix.twins import asynchronous
from simstudio.services.speedpix.urls import check_url
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.flow import Blocking, Flow

if TYPE_CHECKING:
    from simstudio.core import files
    from simstudio.transport.message import Response

STRATEGIES = ("url", "base64")


class Files(SpeedPixResource[M]):
    """Upload files.

    Attributes:
        poller: Repeats what the limiter refuses.
    """

    def __init__(self, context: Context, name: str, policy: Policy, transfers: Transfers) -> None:
        super().__init__(context, name)
        self._policy = policy
        self._transfers = transfers
        self.poller = Poller()

    @operation
    def create(
        self,
        file: str | os.PathLike[str] | bytes | BinaryIO | files.UploadedFile | files.File,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> Flow[File]:
        """Upload a file to the service's temporary storage. The whole file is never in memory.

        Args:
            file: A path (a ``str`` is one here), a file opened in binary mode (sent from its start, its position
                restored; what cannot seek is copied to a temporary file first), a file that a web framework received
                (Starlette's ``UploadFile``, Werkzeug's ``FileStorage`` …), a :class:`simstudio.File`, or, with
                ``filename``, bytes.
            filename: File name; by default the name of the file, else ``file``.
            content_type: Media type; by default the type that the web framework received, else guessed from the name.

        Returns:
            The file; ``access_url`` is its value in the input of a workflow.

        Raises:
            InvalidInputError: The file cannot be read or sent.
            SpeedPixAPIError: The service gave no URL for the file, or the storage refused it.
            UnsafeURLError: The service gave an unencrypted URL.

        Example:
            >>> client.files.create("./input.jpg").access_url  # doctest: +SKIP
        """
        value: object = Path(os.path.expanduser(file)) if isinstance(file, str) else file  # noqa: PTH111 - never raises
        found = attach(value, name=filename, content_type=content_type)
        if found is None:
            raise InvalidInputError(
                f"file must be a path, a file opened in binary mode or a files.File, not {type(file).__name__}."
            )
        try:
            return (yield from self._upload(found))
        finally:
            found.close()

    async_create = asynchronous(create)

    def _upload(self, attachment: Attachment, patience: float | None = 0.0) -> Flow[File]:
        """Upload a file.

        Args:
            patience: Seconds for which the place to upload to is asked for again while the limiter refuses; None for a
                day.
        """
        upload = yield Blocking(attachment.upload)
        asked = {"contentType": attachment.content_type, "originalFilename": attachment.name}

        def ask() -> Flow[tuple[Response, Envelope]]:
            response = yield from self._invoke("/scc/sp_create_temp_file_upload_sign", asked, resend="read")
            envelope = self._envelope(response)
            if envelope.refused:
                refuse(envelope, response, f"The file {attachment.name!r} was not uploaded")
            return response, envelope

        response, envelope = yield from self.poller.begin(ask, patience if self._context.options.max_retries else 0.0)
        data = data_of(envelope.data, response, of="a place to upload to")
        known = {"name": attachment.name, "contentType": attachment.content_type, "size": upload.size}
        came = {**data, **known}
        expiry = came.get("expireTime", came.get("expire_time"))
        text = {"expire_time": str(expiry)} if type(expiry) in (int, float) else {}  # text is what was documented
        file = structure(came, File, response=response, overrides=text)
        if not file.upload_url:
            raise invalid(response, "it names no uploadUrl")
        insecure, zone = self._policy.allow_insecure_urls, self._transfers.zone
        url = check_url(file.upload_url, "upload URL", insecure=insecure, zone=zone)
        if file.access_url:
            check_url(file.access_url, "access URL", insecure=insecure, zone=zone)
        yield from self._transfers.put(url, upload, attachment.content_type)
        return file

    def _prepare(
        self,
        input: Mapping[str, Any],
        *,
        strategy: str | None,
        upload_paths: bool | None,
        upload_root: str | os.PathLike[str] | None,
        patience: float | None,
    ) -> Flow[Any]:
        """Send the files of an input, and return the input as JSON data; ``patience`` is that of :meth:`_upload`."""
        if strategy is not None and strategy not in STRATEGIES:
            raise InvalidInputError(f'file_encoding_strategy must be "url" or "base64", not {strategy!r}.')
        plan = InputPlan(input, self._policy.rule(upload_paths=upload_paths, upload_root=upload_root))
        if plan.undecided:
            yield Blocking(plan.look_up)
        sent: dict[int, str] = {}
        try:
            for attachment in plan.attachments:
                if strategy == "base64":
                    sent[id(attachment)] = yield Blocking(attachment.data_url)
                else:
                    sent[id(attachment)] = yield from self._address_of(attachment, patience)
        finally:
            for attachment in plan.attachments:
                attachment.close()
        return plan.fill(sent)

    def _address_of(self, attachment: Attachment, patience: float | None) -> Flow[str]:
        file = yield from self._upload(attachment, patience)
        if not file.access_url:
            raise SpeedPixResponseError(
                f"The file {attachment.name!r} was uploaded, but the service gave no access_url, so the workflow could "
                "not fetch it. Nothing was run."
            )
        return file.access_url
