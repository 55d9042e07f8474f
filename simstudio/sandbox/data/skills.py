"""Skills: instructions that agents load when they need them."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.define
class Skill:
    """A skill. Times are epoch seconds.

    Attributes:
        workspace_id: Workspace that has the skill; None for a built-in one, which is in all workspaces.
        editors: Addresses of members who may edit it, beside the admins of the workspace.
    """

    id: str
    workspace_id: str | None
    name: str
    description: str
    content: str
    created: float = 0.0
    updated: float = 0.0
    editors: set[str] = attrs.field(factory=set)

    @property
    def is_builtin(self) -> bool:
        """Whether Sim provides the skill, so that it cannot be changed."""
        return self.workspace_id is None


BUILTIN: Final = {
    skill.id: skill
    for skill in (
        Skill(f"builtin-{name}", None, name, description, f"# {description}\n")
        for name, description in (
            ("connect-integration", "Connecting a service with one of its credentials"),
            ("create-table", "Choosing the columns of a table, and creating it"),
            ("deploy-workflow", "Deploying a workflow, so that it can be called"),
            ("research", "Finding sources, and summarising them"),
        )
    )
}
"""Skills by id with the names of Sim's own; their texts are shorter."""
