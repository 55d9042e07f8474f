"""``client.v2.tables.import_csv``: a CSV file into a table, from the first request to the last row."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import attrs

from simstudio.core.errors import JobFailedError
from simstudio.core.multipart import file_part
from simstudio.core.options import UNSET
from simstudio.core.sections import SectionedFile
from simstudio.models.v2.table_transfers import TableImport, TableImportSession
from simstudio.resources.v2.table_imports import TableImports
from simstudio.resources.v2.transfers import Transfer, UploadProgress, check_concurrency
from simstudio.transport.errors import InvalidInputError, InvalidResponseError, SimStudioError
from simstudio.transport.flow import Blocking, Flow

if TYPE_CHECKING:
    from simstudio.models.v2.uploads import UploadPartUrls, UploadTransfer
    from simstudio.resources.bodies import FileContent

_PIECE: Final = 1024 * 1024


def import_file(
    imports: TableImports[Any],
    file: FileContent,
    *,
    workspace_id: str,
    target: Mapping[str, Any],
    mapping: Mapping[str, str | None] | None,
    create_columns: Sequence[str] | None,
    timezone: str | None,
    concurrency: int,
    timeout: float | None,
    on_progress: Callable[[UploadProgress | TableImport], Any] | None,
    delete_table: Callable[[str], Flow[Any]] | None,
) -> Flow[TableImport]:
    """Import a file; the arguments are those of :meth:`simstudio.resources.v2.tables.Tables.import_csv`.

    Args:
        delete_table: Deletes the new table of an import that failed; None leaves it.
    """
    check_concurrency(concurrency)
    part = file_part("file", file, default_filename="table.csv")
    name, content = part.filename or "table.csv", part.content
    source = yield Blocking(SectionedFile, content)
    yield Blocking(check_utf8, source)
    kind = "text/tab-separated-values" if name.lower().endswith(".tsv") else "text/csv"
    created: TableImportSession = yield from TableImports.create.flow(
        imports,
        workspace_id,
        source={"type": "upload", "name": name, "contentType": kind, "size": source.size},
        target=target,
        mapping=UNSET if mapping is None else mapping,
        create_columns=UNSET if create_columns is None else create_columns,
        timezone=UNSET if timezone is None else timezone,
    )
    upload = ImportUpload.of(created, source.size)
    steps = ImportSteps(imports, workspace_id, upload)
    transfer = Transfer(imports, upload, source, steps, concurrency=concurrency, timeout=UNSET, on_progress=on_progress)
    started = yield from transfer.run(abort=True)
    handle = imports.handle(started.id, workspace_id=workspace_id)
    handle.state = started
    try:
        return (yield from handle._await(timeout, on_progress, None))
    except JobFailedError as error:
        table_id = getattr(error.job, "table_id", None)
        if delete_table is not None and target.get("type") == "new" and table_id is not None:
            with suppress(SimStudioError):
                yield from delete_table(table_id)
        raise


def check_utf8(file: SectionedFile) -> None:
    """Raise if a file is not UTF-8, which the server would read with replacement characters.

    Raises:
        InvalidInputError: The message names the position.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    position = 0
    while True:
        piece = file.read(position, _PIECE)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raise InvalidInputError(
                f"The file is not UTF-8 at byte {position - pending + error.start:,}, and Sim reads all files as "
                "UTF-8. Convert it first: text.encode('utf-8')."
            ) from None
        if not piece:
            return
        position += len(piece)


@attrs.frozen
class ImportedFile:
    """The file of an import.

    Attributes:
        id: Id of the import.
        size: Bytes.
    """

    id: str
    size: int


@attrs.frozen
class ImportUpload:
    """An import as an upload session."""

    session: ImportedFile
    upload_token: str = attrs.field(repr=False)
    transfer: UploadTransfer

    @classmethod
    def of(cls, created: TableImportSession, size: int) -> ImportUpload:
        """Read the response that created an import.

        Raises:
            InvalidResponseError: The import has no upload.
        """
        if created.upload_token is None or created.transfer is None:
            raise InvalidResponseError("The server created an import without an upload.")
        return cls(ImportedFile(created.session.id, size), created.upload_token, created.transfer)


@attrs.frozen
class ImportSteps:
    """The calls of an import that need the API key."""

    imports: TableImports[Any]
    workspace_id: str
    upload: ImportUpload

    def part_urls(self, numbers: Sequence[int]) -> Flow[UploadPartUrls]:
        """Request the addresses of parts."""
        return self._call(TableImports.create_part_urls, part_numbers=numbers)

    def complete(self) -> Flow[TableImport]:
        """Start the import."""
        return self._call(TableImports.complete)

    def abort(self) -> Flow[Any]:
        """Cancel the import."""
        return self._call(TableImports.cancel)

    def _call(self, operation: Any, **more: Any) -> Flow[Any]:
        upload = self.upload
        flow: Flow[Any] = operation.flow(
            self.imports, upload.session.id, workspace_id=self.workspace_id, upload_token=upload.upload_token, **more
        )
        return flow
