"""``DocumentHandle``: a document that is being processed."""

from __future__ import annotations

from simstudio.core.modes import M
from simstudio.models.v2.knowledge_documents import DocumentDetails
from simstudio.resources.v2.handles import StateHandle


class DocumentHandle(StateHandle[M, DocumentDetails]):
    """A document that is being processed; it is done when searches find it, or when it failed.

    ``wait()`` and ``result()`` raise a :class:`~simstudio.JobFailedError` for a document that failed.
    """

    _into = DocumentDetails
    _status_name = "processing_status"
    _noun = "document"
    _advice = " A self-hosted Sim without its background worker leaves documents pending for ever."

    def _is_done(self, state: DocumentDetails) -> bool:
        return state.processing_status in ("completed", "failed")

    def _reason_of(self, state: DocumentDetails) -> str | None:
        return (state.processing_error or "no reason given") if state.processing_status == "failed" else None
