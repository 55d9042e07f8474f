"""``client.v2.skills``: instructions that agents load when they need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.skills import Skill, SkillSummary
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.skill_editors import SkillEditors


class Skills(APIResource[M]):
    """Skills of a workspace, and those that Sim provides (``builtin-…``), which cannot be changed.

    Changes need a personal key.
    """

    @namespace
    def editors(self) -> SkillEditors[M]:
        """People who may edit a skill."""
        from simstudio.resources.v2.skill_editors import SkillEditors

        return SkillEditors(self._context, f"{self._name}.editors")

    @paged("GET", "/api/v2/skills", "listSkills")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[SkillSummary]:
        """List the skills of a workspace, with those that Sim provides.

        Args:
            search: Part of the name.
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(SkillSummary)

    @endpoint("POST", "/api/v2/skills", "createSkill")
    def create(
        self, send: Sender, workspace_id: WorkspaceId, *, name: str, description: str, content: str
    ) -> Flow[Skill]:
        """Create a skill.

        Args:
            name: Up to 64 characters: lowercase words and digits, joined by hyphens.
            description: Text for agents: when to use the skill; up to 1,024 characters.
            content: The instructions, up to 50,000 characters.

        Raises:
            ConflictError: The workspace or Sim has a skill of this name.
            PermissionDeniedError: The key is a workspace key, or the caller may only read.

        Example:
            >>> text = {"description": "How refunds are handled", "content": "Ask for the order number first. …"}
            >>> client.v2.skills.create("workspace-id", name="refunds", **text).id  # doctest: +SKIP
        """
        return send.one(Skill)

    @endpoint("GET", "/api/v2/skills/{skillId}", "getSkill")
    def get(self, send: Sender, skill_id: str, *, workspace_id: WorkspaceId) -> Flow[Skill]:
        """Retrieve a skill with its instructions.

        Raises:
            NotFoundError: The workspace has no skill with this id.
        """
        return send.one(Skill)

    @endpoint("PATCH", "/api/v2/skills/{skillId}", "updateSkill")
    def update(
        self,
        send: Sender,
        skill_id: str,
        *,
        workspace_id: WorkspaceId,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        content: str | Unset = UNSET,
    ) -> Flow[Skill]:
        """Change a skill. The limits are those of :meth:`create`; parameters that are left out stay unchanged.

        Raises:
            ConflictError: The workspace or Sim has a skill of the new name.
            InvalidRequestError: Sim provides the skill, or nothing is changed.
            NotFoundError: The workspace has no skill with this id.
        """
        return send.one(Skill)

    @endpoint("DELETE", "/api/v2/skills/{skillId}", "deleteSkill")
    def delete(self, send: Sender, skill_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Delete a skill.

        Raises:
            NotFoundError: The workspace has no skill with this id.
        """
        return send.one(Deleted)
