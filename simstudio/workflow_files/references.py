"""Ids of things of a workspace that a workflow uses: credentials, tables, knowledge bases, other workflows.

In another workspace they are other ids. A mapping gives those; a workflow that is among those to be pushed maps itself.
"""

from __future__ import annotations

from collections.abc import Callable

from simstudio.workflow_files.document import Document
from simstudio.workflow_files.places import Place, rewrite, texts

_TYPES = frozenset(
    (
        "oauth-input", "knowledge-base-selector", "document-selector", "table-selector", "workflow-selector",
        "mcp-server-selector", "mcp-tool-selector", "file-upload", "folder-selector", "skill-input",
    )
)  # fmt: skip
"""Settings whose value is the id of something in the workspace."""
_KEYS = frozenset(
    ("credential", "credentialId", "customToolId", "serverId", "knowledgeBaseId", "documentId", "tableId", "workflowId")
)


def is_reference(place: Place) -> bool:
    """Whether the text at a place is an id of something in the workspace, or several with commas between them."""
    return place.kind in _TYPES or place.name in _KEYS


def bind(
    document: Document, present: Document | None, translate: Callable[[str], str | None]
) -> tuple[Document, list[str]]:
    """Replace the ids of another workspace.

    Args:
        document: With the ids of the workflow's blocks.
        present: What the workflow is now; an id that nothing translates stays as it is there.
        translate: The id in the workspace; None if it is not known.

    Returns:
        The document, and the places that are left empty.
    """
    known = {} if present is None else texts(present)
    unbound: list[str] = []

    def bound(text: str, place: Place) -> str | None:
        if not is_reference(place) or not text or "{{" in text or text.startswith("<"):
            return text
        ids = [translate(each.strip()) for each in text.split(",")]
        translated = [each for each in ids if each is not None]
        if len(translated) == len(ids):
            return ",".join(translated)
        if place.path in known:
            return known[place.path]
        unbound.append(f"{place.title} ({text})")
        return None

    return rewrite(document, bound), unbound
