"""The ways to add a document: an upload session with its completion, and a reference to a file of the workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from simstudio.core.errors import JobFailedError
from simstudio.core.files import File
from simstudio.core.multipart import file_part
from simstudio.core.options import UNSET, Unset
from simstudio.core.sections import SectionedFile
from simstudio.resources.v2.knowledge_tags import KnowledgeTags
from simstudio.resources.v2.knowledge_uploads import KnowledgeUploads
from simstudio.resources.v2.transfers import Transfer, UploadProgress, check_concurrency
from simstudio.transport.errors import APITimeoutError, InvalidInputError
from simstudio.transport.flow import Blocking, Flow

if TYPE_CHECKING:
    from simstudio.models.v2.knowledge_documents import AddedFiles, DocumentUpload, NewDocumentUpload
    from simstudio.models.v2.uploads import UploadPartUrls
    from simstudio.resources.bodies import FileContent

MAX_DOCUMENT_BYTES: Final = 100 * 1024 * 1024
"""Largest document, in bytes (100 MiB)."""

_OFFICE = "application/vnd.openxmlformats-officedocument"
_UNKNOWN = "application/octet-stream"
DOCUMENT_TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "htm": "text/html",
    "html": "text/html",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "md": "text/markdown",
    "pdf": "application/pdf",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "txt": "text/plain",
    "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}
"""Media types by ending. Sim refuses a type that does not fit the ending, and Python does not know them all."""

TEXT_SLOTS: Final = frozenset(f"tag{number}" for number in range(1, 8))
"""Slots of the tags that an upload can set."""

COMPLETION_TIMEOUT: Final = 600.0
"""Seconds that the completion of an upload may take: a server without a queue processes the document before it
answers."""


def upload_document(
    uploads: KnowledgeUploads[Any],
    knowledge_base_id: str,
    source: FileContent | tuple[str, str],
    *,
    workspace_id: str,
    tags: Mapping[str, str],
    processing_options: Mapping[str, Any] | None,
    concurrency: int,
    timeout: float | Unset | None,
    on_progress: Callable[[UploadProgress], Any] | None,
) -> Flow[str]:
    """Upload a document, and return its id; the arguments are those of ``documents.add``."""
    check_concurrency(concurrency)
    part = file_part("source", source, default_filename="")
    if not part.filename:
        raise InvalidInputError(
            "A document needs a name, whose ending says how Sim processes it: write (name, content), such as "
            '("notes.md", text).'
        )
    content: Any = part.content  # file_part has refused a str
    file = File(content, name=part.filename, mime=part.mime)
    sections = yield Blocking(SectionedFile, file.content)
    if not 1 <= sections.size <= MAX_DOCUMENT_BYTES:
        raise InvalidInputError(
            f"A document must have from 1 to {MAX_DOCUMENT_BYTES:,} bytes; {file.name!r} has {sections.size:,}."
        )
    if not TEXT_SLOTS.issuperset(tags):
        tags = yield from _by_slot(uploads, knowledge_base_id, workspace_id, tags)
    new: NewDocumentUpload = yield from KnowledgeUploads.create.flow(
        uploads,
        knowledge_base_id,
        workspace_id=workspace_id,
        name=file.name,
        content_type=_media_type(file.name, part.mime) or file.mime,
        size=sections.size,
        processing_options=UNSET if processing_options is None else processing_options,
        **tags,
    )
    steps = DocumentSteps(uploads, knowledge_base_id, workspace_id, new)
    transfer = Transfer(
        uploads, new, sections, steps, concurrency=concurrency, timeout=timeout, on_progress=on_progress
    )
    done = yield from transfer.run(abort=True)
    return done.id if done.document is None else done.document.id


def _by_slot(
    uploads: KnowledgeUploads[Any], knowledge_base_id: str, workspace_id: str, tags: Mapping[str, str]
) -> Flow[dict[str, str]]:
    """Ask for the tags of the knowledge base, and return the values by slot.

    Raises:
        InvalidInputError: There is no such tag, or it is none for text.
    """
    pages = KnowledgeTags.list.flow(uploads, knowledge_base_id, workspace_id=workspace_id)
    slots = {tag.display_name: tag.tag_slot for tag in (yield from pages.fetch(None)).items}
    found = {name: name if name in TEXT_SLOTS else slots.get(name) for name in tags}
    for name, slot in found.items():
        if slot is None:
            known = ", ".join(map(repr, slots)) or "none"
            raise InvalidInputError(f"The knowledge base has no tag {name!r}; its tags are: {known}.")
        if slot not in TEXT_SLOTS:
            raise InvalidInputError(f"The tag {name!r} is not for text; set it with documents.update({slot}=…).")
    return {slot: tags[name] for name, slot in found.items() if slot is not None}


def _media_type(name: str, given: str | None) -> str | None:
    """The caller's media type, or the one of the name's ending; None if unknown."""
    if given and given != _UNKNOWN:
        return given
    return DOCUMENT_TYPES.get(name.rpartition(".")[2].lower())


@attrs.frozen
class DocumentSteps:
    """The calls of a document's upload session that need the API key."""

    uploads: KnowledgeUploads[Any]
    knowledge_base_id: str
    workspace_id: str
    upload: NewDocumentUpload

    def part_urls(self, numbers: Sequence[int]) -> Flow[UploadPartUrls]:
        """Request the addresses of parts."""
        return self._call(KnowledgeUploads.create_part_urls, part_numbers=numbers)

    def complete(self) -> Flow[DocumentUpload]:
        """Complete the session. While the server processes the document, it answers a second request at once."""
        done: DocumentUpload
        try:
            done = yield from self._call(KnowledgeUploads.complete, timeout=COMPLETION_TIMEOUT)
        except APITimeoutError:
            done = yield from self._call(KnowledgeUploads.complete)
        return done

    def abort(self) -> Flow[Any]:
        """Give the session up."""
        return self._call(KnowledgeUploads.abort)

    def _call(self, operation: Any, **more: Any) -> Flow[Any]:
        flow: Flow[Any] = operation.flow(
            self.uploads,
            self.knowledge_base_id,
            self.upload.session.id,
            workspace_id=self.workspace_id,
            upload_token=self.upload.upload_token,
            **more,
        )
        return flow


def find_added_document(outcome: AddedFiles, reference: str) -> str:
    """Return the id of the document that a file of the workspace became.

    Raises:
        JobFailedError: The server did not add the file.
    """
    if not outcome.added:
        raise JobFailedError(
            f"Sim did not add the file {reference!r}: the workspace has no such file, or Sim cannot process its type. "
            "For a file of this computer write pathlib.Path(…), for a text (name, text).",
            None,
        )
    return outcome.added[0].document_id
