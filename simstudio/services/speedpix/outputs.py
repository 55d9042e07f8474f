"""What a workflow gives: plain data in which every address is a :class:`FileOutput`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simstudio.core.disk import NewFile
from simstudio.core.downloads import write_body
from simstudio.services.speedpix.errors import FileSaveError
from simstudio.services.speedpix.transfers import Transfers, unclaimed
from simstudio.services.speedpix.urls import Zone, is_file_url, without_query, zone_of_url
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.flow import Blocking, Flow

KEPT = 1024 * 1024
"""Bytes: what `read` brought is kept for a following `save` when it is no larger."""


class FileOutput:
    """A file that a workflow made, at its address. Nothing is fetched before it is asked for.

    Fetching needs no key and sends none. ``read``, ``save`` and iteration block; ``async_read``, ``async_save`` and
    ``async for`` are awaited; both work on the output of either client.

    An address in the output of a workflow is fetched from this machine or its network only if the service is there as
    well. ``FileOutput(url)`` made by hand is fetched from wherever you say.

    Attributes:
        url: Where it is; ``str(output)`` too. It is often signed in advance, so its query shows in no repr.

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
        """An output whose address a service named, which lies in a zone itself."""
        output = cls(url, transfers)
        output._zone = zone
        return output

    def read(self) -> bytes:
        """The content, as a whole in memory; `save` and iteration hold only a piece of it at a time.

        Raises:
            SpeedPixStatusError: It is not there (any more).
            UnsafeURLError: There is nothing to fetch at its address.
            SpeedPixConnectionError: It did not come whole.
        """
        files = self._files
        return files.run(files.guarded(self._read()))

    async def async_read(self) -> bytes:
        """The content; see :meth:`read`."""
        files = self._files
        return await files.arun(files.guarded(self._read()))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the content to a file, which appears when all of it has come, and is else as it was before.

        Args:
            path: The file; it is replaced when it is there.

        Returns:
            The file.

        Raises:
            FileSaveError: It cannot be written.
            SpeedPixStatusError: The content is not there (any more).
            UnsafeURLError: There is nothing to fetch at its address.
            SpeedPixConnectionError: It did not come whole.
        """
        files = self._files
        return files.run(files.guarded(self._save(path)))

    async def async_save(self, path: str | os.PathLike[str]) -> Path:
        """Write the content to a file; see :meth:`save`."""
        files = self._files
        return await files.arun(files.guarded(self._save(path)))

    def __iter__(self) -> Iterator[bytes]:
        """The content, piece by piece as it comes."""
        files = self._files
        response = files.run(files.guarded(files.open(self.url, self._zone)))
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
        """The content, piece by piece as it comes."""
        files = self._files
        response = await files.arun(files.guarded(files.open(self.url, self._zone)))
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
        return self._transfers or unclaimed()

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
    """A file at the path that a caller gave, which it replaces when it is complete. A link to a file stays one.

    Its methods raise FileSaveError when it cannot be written.
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
    """An output as plain JSON data: the address of each file in its place."""
    if isinstance(value, FileOutput):
        return value.url
    if isinstance(value, Mapping):
        return {name: plain_output(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_output(item) for item in value]
    return value


def wrap_output(value: Any, transfers: Transfers | None = None) -> Any:
    """Plain data with a :class:`FileOutput` in place of each text that is an http(s) address, as a whole."""
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
