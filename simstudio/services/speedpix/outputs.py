"""Outputs of workflows: plain data in which every URL is a :class:`FileOutput`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simstudio.core.disk import NewFile
from simstudio.core.downloads import write_body
from simstudio.services.speedpix.errors import FileSaveError
from simstudio.services.speedpix.transfers import Transfers, default_transfers
from simstudio.services.speedpix.urls import Zone, is_file_url, without_query, zone_of_url
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.flow import Blocking, Flow

KEPT = 1024 * 1024
"""Largest content, in bytes, that ``read`` keeps for a following ``save``."""


class FileOutput:
    """A file that a workflow made. Its content is fetched by ``read``, ``save`` or iteration.

    Fetching needs no key and sends none. ``read``, ``save`` and iteration block; ``async_read``, ``async_save`` and
    ``async for`` are awaited. Both work on the output of either client.

    A URL in the output of a workflow is fetched from this machine or its network only if the service is there as well.
    ``FileOutput(url)`` has no such limit.

    Attributes:
        url: URL of the file, the same as ``str(output)``. It is often signed, so no repr shows its query.

    Example:
        >>> output["images"].save("result.png")  # doctest: +SKIP
    """

    __slots__ = ("_content", "_transfers", "_zone", "url")

    def __init__(self, url: str, transfers: Transfers | None = None) -> None:
        if not isinstance(url, str):
            raise InvalidInputError(f"url must be a str, not {type(url).__name__}.")
        self.url = url
        self._transfers = transfers
        self._zone: Zone | None = zone_of_url(url)
        self._content: bytes | None = None

    @classmethod
    def _named_by_service(cls, url: str, zone: Zone | None, transfers: Transfers | None = None) -> FileOutput:
        """Make the output for a URL that a service in a zone named."""
        output = cls(url, transfers)
        output._zone = zone
        return output

    def read(self) -> bytes:
        """Fetch the content into memory; ``save`` and iteration hold one piece at a time.

        Raises:
            SpeedPixStatusError: There is no such file (any more).
            UnsafeURLError: The URL is unencrypted, in another network, or no URL.
            SpeedPixConnectionError: The content did not arrive completely.
        """
        files = self._files
        return files.run(files.run_guarded(self._read()))

    async def async_read(self) -> bytes:
        """Fetch the content into memory; see :meth:`read`."""
        files = self._files
        return await files.arun(files.run_guarded(self._read()))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Fetch the content into a file. The file is made, or replaced, when all of the content has arrived.

        Args:
            path: Path of the file.

        Returns:
            The path.

        Raises:
            FileSaveError: The file cannot be written.
            SpeedPixStatusError: There is no such content (any more).
            UnsafeURLError: The URL is unencrypted, in another network, or no URL.
            SpeedPixConnectionError: The content did not arrive completely.
        """
        files = self._files
        return files.run(files.run_guarded(self._save(path)))

    async def async_save(self, path: str | os.PathLike[str]) -> Path:
        """Fetch the content into a file; see :meth:`save`."""
        files = self._files
        return await files.arun(files.run_guarded(self._save(path)))

    def __iter__(self) -> Iterator[bytes]:
        """The content in pieces, as they arrive."""
        files = self._files
        response = files.run(files.run_guarded(files.open(self.url, self._zone)))
        body = response.body
        if body is None:
            yield response.content
            return
        try:
            with files.guard():
                while (piece := body.piece()) is not None:
                    yield piece
        finally:
            body.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The content in pieces, as they arrive."""
        files = self._files
        response = await files.arun(files.run_guarded(files.open(self.url, self._zone)))
        body = response.body
        if body is None:
            yield response.content
            return
        try:
            with files.guard():
                while (piece := await body.apiece()) is not None:
                    yield piece
        finally:
            await body.aclose()

    @property
    def _files(self) -> Transfers:
        return self._transfers or default_transfers()

    def _read(self) -> Flow[bytes]:
        if self._content is not None:
            return self._content
        content = yield from self._files.fetch(self.url, self._zone)
        self._content = content if len(content) <= KEPT else None
        return content

    def _save(self, path: str | os.PathLike[str]) -> Flow[Path]:
        file = _SavedFile(path)
        try:
            yield Blocking(file.open)
            if self._content is not None:
                yield Blocking(file.write, self._content)
            else:
                response = yield from self._files.open(self.url, self._zone)
                yield from write_body(response, file)
            yield Blocking(file.finish)
        finally:
            file.discard()
        return file.given

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"FileOutput({without_query(self.url)!r})"

    def __eq__(self, other: object) -> bool:
        return self.url == other.url if isinstance(other, FileOutput) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.url)

    def __reduce__(self) -> tuple[Any, ...]:
        return FileOutput._named_by_service, (self.url, self._zone)


class _SavedFile(NewFile):
    """A new file that replaces the one at a path when it is complete. A link stays a link, to the new content.

    Its methods raise FileSaveError if it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self.given = Path(path)
        except TypeError as error:
            raise InvalidInputError(f"path must be a path, not {type(path).__name__}.") from error
        super().__init__(self.given, overwrite=True)

    def open(self) -> None:
        with self._explain():
            self.path = Path(os.path.realpath(self.given))
            super().open()

    def write(self, data: bytes) -> None:
        with self._explain():
            super().write(data)

    def finish(self) -> None:
        with self._explain():
            super().finish()

    @contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise FileSaveError(f"{self.given} cannot be written: {str(error).rstrip('.')}.") from error


def plain_output(value: Any) -> Any:
    """Return an output as plain JSON data, with the URL of each file in its place."""
    if isinstance(value, FileOutput):
        return value.url
    if isinstance(value, Mapping):
        return {name: plain_output(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_output(item) for item in value]
    return value


def wrap_output(value: Any, transfers: Transfers | None = None) -> Any:
    """Return plain data with a :class:`FileOutput` in place of each text that is an http(s) URL as a whole."""
    if isinstance(value, str):
        if not is_file_url(value):
            return value
        return FileOutput._named_by_service(value, None if transfers is None else transfers.zone, transfers)
    if isinstance(value, Mapping):
        return {name: wrap_output(item, transfers) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(wrap_output(item, transfers) for item in value)
    if isinstance(value, list):
        return [wrap_output(item, transfers) for item in value]
    return value
