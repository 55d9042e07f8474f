"""Skills of a workspace, and built-in ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.skills import Skills
from simstudio.sandbox.checks import Text
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.skills import BUILTIN, Skill
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.seeding import new_token
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKS = {
    "name": Text(
        least=(1, None),
        most=(64, None),
        pattern=("[a-z0-9]+(-[a-z0-9]+)*", "Name must be kebab-case (e.g. my-skill)"),
    ),
    "description": Text(least=(1, None), most=(1024, None)),
    "content": Text(least=(1, None), most=(50_000, "Content is too large")),
}


@V2().serves(Skills.list, {"sortBy": "createdAt", "sortOrder": "desc", "limit": 50})
def list_skills(call: Call) -> Reply:
    """A page of the skills of a workspace and the built-in ones."""
    query = call.query
    workspace_id = call.workspace(query["workspaceId"], is_hidden=False)
    found = [each for each in _skills_of(call, workspace_id) if matches(query.get("search", ""), each.name)]

    def key(skill: Skill) -> Position:
        values: dict[str, str | float] = {
            "name": skill.name,
            "createdAt": skill.created,
            "updatedAt": skill.updated,
        }
        return values[query["sortBy"]], skill.name

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc", by_offset=True)
    return listing(map(_summarise, shown), after)


@V2().serves(Skills.create, own=CHECKS)
def create(call: Call) -> Reply:
    """Create a skill."""
    body, now = call.body, call.core.clock()
    workspace_id = call.workspace(body["workspaceId"], is_hidden=False)
    _check_name(call, workspace_id, body["name"])
    skill = Skill(new_token(16)[:21], workspace_id, body["name"], body["description"], body["content"], now, now)
    call.core.data.skills[skill.id] = skill
    _note(call, "created", skill)
    return data(_present(skill), 201)


@V2().serves(Skills.get)
def get(call: Call) -> Reply:
    """One skill with its instructions."""
    return data(_present(find_skill(call, call.query["workspaceId"])))


@V2().serves(Skills.update, own=CHECKS)
def update(call: Call) -> Reply:
    """Change a skill."""
    body = call.body
    if not CHECKS.keys() & body.keys():
        raise invalid_value("name", "At least one of name, description, or content is required")
    skill = _find_editable(call, body["workspaceId"])
    if body.get("name", skill.name) != skill.name:
        _check_name(call, body["workspaceId"], body["name"])
    for name in CHECKS.keys() & body.keys():
        setattr(skill, name, body[name])
    skill.updated = call.core.clock()
    _note(call, "updated", skill)
    return data(_present(skill))


@V2().serves(Skills.delete)
def delete(call: Call) -> Reply:
    """Delete a skill."""
    skill = _find_editable(call, call.query["workspaceId"])
    del call.core.data.skills[skill.id]
    _note(call, "deleted", skill)
    return data({"id": skill.id, "deleted": True})


def find_skill(call: Call, workspace_id: str) -> Skill:
    """The skill that the path names.

    Raises:
        Refusal: 404; 403 for a workspace of others.
    """
    workspace_id = call.workspace(workspace_id, is_hidden=False)
    for skill in _skills_of(call, workspace_id):
        if skill.id == call.path["skillId"]:
            return skill
    raise Refusal(404, "Skill not found")


def _find_editable(call: Call, workspace_id: str) -> Skill:
    skill = find_skill(call, workspace_id)
    if skill.is_builtin:
        raise Refusal(400, "Built-in skills are read-only and cannot be modified")
    return skill


def _skills_of(call: Call, workspace_id: str) -> Iterator[Skill]:
    yield from BUILTIN.values()
    yield from (each for each in call.core.data.skills.values() if each.workspace_id == workspace_id)


def _check_name(call: Call, workspace_id: str, name: str) -> None:
    if any(each.name == name for each in _skills_of(call, workspace_id)):
        raise Refusal(409, f'The skill name "{name}" is unavailable in this workspace')


def _summarise(skill: Skill) -> dict[str, Any]:
    return {
        "id": skill.id,
        "name": skill.name,
        "description": skill.description,
        "readOnly": skill.is_builtin,
        "createdAt": iso(skill.created),
        "updatedAt": iso(skill.updated),
    }


def _present(skill: Skill) -> dict[str, Any]:
    return {**_summarise(skill), "content": skill.content}


def _note(call: Call, verb: str, skill: Skill) -> None:
    resource = Resource("skill", skill.id, skill.name)
    description = f'{verb.capitalize()} skill "{skill.name}"'
    call.core.data.audit.record(f"skill.{verb}", resource, description, workspaceId=skill.workspace_id)
