"""``client.v2.skills.editors``: the people who may edit a skill."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.skills import RevokedSkillEditor, SkillEditor
from simstudio.resources.parameters import PageLimit, WorkspaceId
from simstudio.transport.flow import Flow


class SkillEditors(APIResource[M]):
    """The people who may edit a skill. Changes need the personal key of an editor or a workspace admin."""

    @paged("GET", "/api/v2/skills/{skillId}/editors", "listSkillEditors")
    def list(
        self,
        send: Sender,
        skill_id: str,
        *,
        workspace_id: WorkspaceId,
        sort_by: Literal["email", "name"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[SkillEditor]:
        """List the people who may edit a skill, with the admins of the workspace.

        Args:
            sort_by: Default ``email``.
            sort_order: Default ``asc``.

        Raises:
            NotFoundError: The workspace has no such skill, or Sim provides it.
        """
        return send.pages(SkillEditor)

    @endpoint("POST", "/api/v2/skills/{skillId}/editors", "grantSkillEditor")
    def grant(self, send: Sender, skill_id: str, *, workspace_id: WorkspaceId, email: str) -> Flow[SkillEditor]:
        """Allow a member of the workspace to edit a skill.

        Args:
            email: Address of the member; the server ignores its case.

        Raises:
            InvalidRequestError: The person is no member, or is an admin, who may edit every skill.
        """
        return send.one(SkillEditor)

    @endpoint("DELETE", "/api/v2/skills/{skillId}/editors", "revokeSkillEditor")
    def revoke(self, send: Sender, skill_id: str, *, workspace_id: WorkspaceId, email: str) -> Flow[RevokedSkillEditor]:
        """Take the permission to edit a skill from a person.

        Raises:
            InvalidRequestError: The person is an admin of the workspace.
            NotFoundError: The person has no such permission.
        """
        return send.one(RevokedSkillEditor)
