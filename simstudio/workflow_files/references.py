"""Ids of workspace resources that a workflow references: credentials, tables, knowledge bases, other workflows.

Another workspace has other ids. A mapping translates them; a workflow that is pushed along needs no mapping.
"""

from __future__ import annotations

from collections.abc import Callable

from simstudio.workflow_files.document import Document
from simstudio.workflow_files.places import Json, Place, rewrite, texts

_TYPES = frozenset(
    (
        "oauth-input", "knowledge-base-selector", "document-selector", "table-selector", "workflow-selector",
        "mcp-server-selector", "mcp-tool-selector", "file-upload", "folder-selector", "skill-input",
    )
)  # fmt: skip
"""Types of settings whose value is the id of a workspace resource."""
_KEYS = frozenset(
    ("credential", "credentialId", "customToolId", "serverId", "knowledgeBaseId", "documentId", "tableId", "workflowId")
)


def is_reference(place: Place) -> bool:
    """Whether the text at a place is the id of a workspace resource, or several ids separated by commas."""
    return place.kind in _TYPES or place.name in _KEYS


def bind(
    document: Document, present: Document | None, translate: Callable[[str], str | None]
) -> tuple[Document, list[str]]:
    """Replace the ids of another workspace.

    Args:
        document: With the ids of the workflow's blocks.
        present: The workflow as the server has it; an id without translation keeps the value that it has there.
        translate: Returns the id in the workspace, or None if it is not known.

    Returns:
        The document, and the places that are left empty.
    """
    known = {} if present is None else texts(present)
    unbound: list[str] = []

    def bind_text(text: Json, place: Place) -> Json:
        if not isinstance(text, str) or not is_reference(place) or not text or "{{" in text or text.startswith("<"):
            return text
        ids = [translate(each.strip()) for each in text.split(",")]
        translated = [each for each in ids if each is not None]
        if len(translated) == len(ids):
            return ",".join(translated)
        if place.path in known:
            return known[place.path]
        unbound.append(f"{place.title} ({text})")
        return None

    return rewrite(document, bind_text), unbound
