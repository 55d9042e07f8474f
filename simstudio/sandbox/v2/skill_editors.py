"""Members of a workspace who may edit a skill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.skill_editors import SkillEditors
from simstudio.sandbox.checks import Text
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.ids import OWNER
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.skills import find_skill

if TYPE_CHECKING:
    from simstudio.sandbox.data.skills import Skill

_EMAIL = Text(
    pattern=(
        r"(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}",
        "A valid editor email is required",
    )
)


@V2().serves(SkillEditors.list, {"sortBy": "email", "sortOrder": "asc", "limit": 50})
def list_editors(call: Call) -> Reply:
    """A page of the editors of a skill, the admins of the workspace included."""
    query = call.query
    skill = _find_skill(call, query["workspaceId"])
    found = [_present(email) for email in (OWNER, *skill.editors)]

    def key(editor: dict[str, Any]) -> Position:
        return editor[query["sortBy"]], editor["email"]

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc", by_offset=True)
    return listing(shown, after)


@V2().serves(SkillEditors.grant, own={"email": _EMAIL})
def grant(call: Call) -> Reply:
    """Let a member of the workspace edit a skill."""
    skill, email = _find_skill(call, call.body["workspaceId"]), call.body["email"].lower()
    _check_is_no_admin(email)
    if email not in call.core.settings.members:
        raise Refusal(400, "User is not a member of this workspace")
    is_new = email not in skill.editors
    skill.editors.add(email)
    return data(_present(email), 201 if is_new else 200)


@V2().serves(SkillEditors.revoke)
def revoke(call: Call) -> Reply:
    """Take the permission to edit a skill from a member."""
    skill, email = _find_skill(call, call.query["workspaceId"]), call.query["email"].lower()
    _check_is_no_admin(email)
    if email not in skill.editors:
        raise Refusal(404, "Editor not found")
    skill.editors.remove(email)
    return data({"email": email, "revoked": True})


def _find_skill(call: Call, workspace_id: str) -> Skill:
    skill = find_skill(call, workspace_id)
    if skill.is_builtin:
        raise Refusal(404, "Skill not found")
    return skill


def _check_is_no_admin(email: str) -> None:
    if email == OWNER:
        raise Refusal(400, "Workspace admins can always edit skills")


def _present(email: str) -> dict[str, Any]:
    return {"email": email, "name": email.partition("@")[0], "image": None, "isWorkspaceAdmin": email == OWNER}
