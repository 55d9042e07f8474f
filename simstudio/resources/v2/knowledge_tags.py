"""``client.v2.knowledge.tags``: the tags that documents of a knowledge base may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.knowledge_params import SavedTag, TagSlot, TagType
from simstudio.models.v2.knowledge_tags import DeletedTag, DeletedTags, NextTagSlot, SavedTags, TagDefinition, TagUsage
from simstudio.resources.parameters import WorkspaceId
from simstudio.transport.flow import Flow


class KnowledgeTags(APIResource[M]):
    """The tags of a knowledge base. A personal key is needed for everything but :meth:`list`.

    A tag has a display name, for filters and in the tags of documents, and a slot, under which ``documents.update``
    sets its value. There are slots for 7 texts, 5 numbers, 2 dates and 3 booleans.
    """

    @paged("GET", "/api/v2/knowledge/{knowledgeBaseId}/tags", "listKnowledgeTags")
    def list(self, send: Sender, knowledge_base_id: str, *, workspace_id: WorkspaceId) -> Pages[TagDefinition]:
        """List the tags, all in one page."""
        return send.pages(TagDefinition)

    @endpoint("POST", "/api/v2/knowledge/{knowledgeBaseId}/tags", "createKnowledgeTag")
    def create(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: WorkspaceId,
        display_name: str,
        field_type: TagType | Unset = UNSET,
        tag_slot: TagSlot | Unset = UNSET,
    ) -> Flow[TagDefinition]:
        """Create a tag.

        Args:
            display_name: 1 to 100 characters, unique in the knowledge base.
            field_type: Default ``text``.
            tag_slot: Default: the next free slot of the type.

        Raises:
            ConflictError: The name or the slot is taken.
            InvalidRequestError: All slots of the type are taken, or the slot does not fit the type.
        """
        return send.one(TagDefinition)

    @endpoint("PUT", "/api/v2/knowledge/{knowledgeBaseId}/tags", "bulkSaveKnowledgeTagDefinitions")
    def bulk_save(
        self,
        send: Sender,
        knowledge_base_id: str,
        *,
        workspace_id: WorkspaceId,
        definitions: Sequence[SavedTag | Mapping[str, Any]],
    ) -> Flow[SavedTags]:
        """Create or change 1 to 17 tags. Those that are not named stay.

        A tag is changed if ``originalDisplayName`` names it. A tag whose slot is taken gets the next free one. The
        server does not check whether slot and type fit.

        Returns:
            What was saved; ``errors`` has a text for each definition that was not.
        """
        return send.one(SavedTags)

    @endpoint("PATCH", "/api/v2/knowledge/{knowledgeBaseId}/tags/{tagId}", "updateKnowledgeTag")
    def update(
        self,
        send: Sender,
        knowledge_base_id: str,
        tag_id: str,
        *,
        workspace_id: WorkspaceId,
        display_name: str | Unset = UNSET,
        field_type: TagType | Unset = UNSET,
    ) -> Flow[TagDefinition]:
        """Rename a tag. Its slot and the values in it stay.

        Args:
            field_type: Only a type that fits the slot.

        Raises:
            ConflictError: Another tag has this name.
        """
        return send.one(TagDefinition)

    @endpoint("DELETE", "/api/v2/knowledge/{knowledgeBaseId}/tags/{tagId}", "deleteKnowledgeTag")
    def delete(
        self, send: Sender, knowledge_base_id: str, tag_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[DeletedTag]:
        """Delete a tag and its values in all documents. They cannot be restored."""
        return send.one(DeletedTag)

    @endpoint("DELETE", "/api/v2/knowledge/{knowledgeBaseId}/tags", "deleteKnowledgeTagDefinitions")
    def bulk_delete(
        self, send: Sender, knowledge_base_id: str, *, workspace_id: WorkspaceId, unused: bool | None = None
    ) -> Flow[DeletedTags]:
        """Delete the tags of which no document has a value.

        Args:
            unused: False deletes all tags, with their values in all documents; default True.
        """
        return send.one(DeletedTags)

    @endpoint("GET", "/api/v2/knowledge/{knowledgeBaseId}/tags/next-slot", "getNextKnowledgeTagSlot")
    def next_slot(
        self, send: Sender, knowledge_base_id: str, *, workspace_id: WorkspaceId, field_type: TagType
    ) -> Flow[NextTagSlot]:
        """Retrieve the slot that :meth:`create` would take for a type. It is not reserved."""
        return send.one(NextTagSlot)

    @paged("GET", "/api/v2/knowledge/{knowledgeBaseId}/tags/usage", "listKnowledgeTagUsage")
    def usage(self, send: Sender, knowledge_base_id: str, *, workspace_id: WorkspaceId) -> Pages[TagUsage]:
        """List the tags with the numbers of documents and chunks that have a value, all in one page."""
        return send.pages(TagUsage)
