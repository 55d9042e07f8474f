"""Secrets."""

from __future__ import annotations

import attrs


@attrs.define
class Secret:
    """A secret. Times are epoch seconds.

    Attributes:
        workspace_id: Workspace that it belongs to; None for one of the user, which is in all workspaces.
        value: None unless the value may be read: nothing in the sandbox uses it.
    """

    workspace_id: str | None
    name: str
    created: float
    updated: float
    description: str | None = None
    value: str | None = attrs.field(default=None, repr=False)

    @property
    def scope(self) -> str:
        """``workspace`` or ``personal``."""
        return "personal" if self.workspace_id is None else "workspace"
