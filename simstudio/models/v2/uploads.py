"""Upload sessions: where the bytes of a file go. Files, knowledge documents and table imports have the same."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class UploadTransfer(Model):
    """The transfer of the bytes of an upload session: in one request, or in parts. The server decides.

    The URL and headers are secrets, because they permit the upload without an API key; ``repr`` leaves them out.

    Attributes:
        method: ``put`` (``url``, ``headers`` and ``expires_at`` are set) or ``multipart`` (``part_size`` and
            ``part_count`` are set).
        url: URL for the PUT request, which may be on another host than Sim.
        headers: Exactly the headers of the PUT request.
        expires_at: End of the URL's validity, ISO 8601.
        part_size: Bytes of each part but the last.
    """

    method: str
    url: str | None = attrs.field(default=None, repr=False)
    headers: dict[str, str] | None = attrs.field(default=None, repr=False)
    expires_at: str | None = None
    part_size: int | None = None
    part_count: int | None = None


@model
class UploadPart(Model):
    """The address of one part of an upload. ``repr`` leaves out the URL and headers, which are secrets.

    Attributes:
        part_number: From 1.
        url: URL for the PUT request.
        headers: Exactly the headers of the PUT request.
        expires_at: End of the URL's validity, ISO 8601.
    """

    part_number: int
    url: str = attrs.field(repr=False)
    headers: dict[str, str] = attrs.field(repr=False)
    expires_at: str


@model
class UploadPartUrls(Model):
    """The addresses of parts of an upload, in the order of the request."""

    parts: list[UploadPart]
