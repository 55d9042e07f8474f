"""Skills: instructions that agents load when they need them."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class SkillSummary(Model):
    """A skill in a list.

    Attributes:
        id: Begins with ``builtin-`` if Sim provides the skill.
        name: Lowercase words joined by hyphens.
        description: Text for agents: when to use the skill.
        read_only: Whether Sim provides the skill, so that it cannot be changed.
        created_at: ISO 8601; 1970 of a skill that Sim provides.
        updated_at: ISO 8601.
    """

    id: str
    name: str
    description: str
    read_only: bool
    created_at: str
    updated_at: str


@model
class Skill(SkillSummary):
    """A skill.

    Attributes:
        content: The instructions.
    """

    content: str = attrs.field(kw_only=True)


@model
class SkillEditor(Model):
    """A person who may edit a skill.

    Attributes:
        is_workspace_admin: Whether the person may edit it as an admin of the workspace.
        name: None if the person has none.
        image: URL of the picture.
    """

    email: str
    is_workspace_admin: bool
    name: str | None = None
    image: str | None = None


@model
class RevokedSkillEditor(Model):
    """A person who may no longer edit a skill.

    Attributes:
        revoked: True.
    """

    email: str
    revoked: bool
