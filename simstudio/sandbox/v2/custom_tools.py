"""Custom tools of a workspace. Their code is kept, and never runs."""

from __future__ import annotations

from typing import Any

from simstudio.resources.v2.custom_tools import CustomTools
from simstudio.sandbox.checks import ListOf, OneOf, Optional, Record, Shape, Text
from simstudio.sandbox.data.custom_tools import CustomTool
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.seeding import new_token
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.workflows import matches

_PARAMETERS = Shape({"type": Text(), "properties": Record(), "required": Optional(ListOf(item=Text()))}, "keep")
_FUNCTION = Shape({"name": Text(least=(1, None)), "description": Optional(Text()), "parameters": _PARAMETERS}, "keep")
_CHECKS = {
    "title": Text(least=(1, None), most=(200, None)),
    "schema": Shape({"type": OneOf(("function",)), "function": _FUNCTION}, "keep"),
    "code": Text(most=(100_000, None), missing="code is required"),
}


@V2().serves(CustomTools.list, {"sortBy": "createdAt", "sortOrder": "desc", "limit": 50})
def list_tools(call: Call) -> Reply:
    """A page of the custom tools of a workspace."""
    query = call.query
    found = [each for each in _tools_of(call, query["workspaceId"]) if matches(query.get("search", ""), each.title)]

    def key(tool: CustomTool) -> Position:
        values: dict[str, str | float] = {
            "title": tool.title,
            "createdAt": tool.created,
            "updatedAt": tool.updated,
        }
        return values[query["sortBy"]], tool.id

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc")
    return listing(map(_present, shown), after)


@V2().serves(CustomTools.create, own=_CHECKS)
def create(call: Call) -> Reply:
    """Create a custom tool."""
    body, now = call.body, call.core.clock()
    _check_title(call, body["workspaceId"], body["title"])
    tool = CustomTool(new_token(16)[:21], body["workspaceId"], body["title"], body["schema"], body["code"], now, now)
    call.core.data.custom_tools[tool.id] = tool
    return data(_present(tool), 201)


@V2().serves(CustomTools.get)
def get(call: Call) -> Reply:
    """One custom tool."""
    return data(_present(_find(call, call.query["workspaceId"])))


@V2().serves(CustomTools.update, own=_CHECKS)
def update(call: Call) -> Reply:
    """Change a custom tool; its schema is replaced as a whole."""
    body = call.body
    if not _CHECKS.keys() & body.keys():
        raise invalid_value("title", "At least one of title, schema, or code is required")
    tool = _find(call, body["workspaceId"])
    if body.get("title", tool.title) != tool.title:
        _check_title(call, tool.workspace_id, body["title"])
    for name in _CHECKS.keys() & body.keys():
        setattr(tool, name, body[name])
    tool.updated = call.core.clock()
    return data(_present(tool))


@V2().serves(CustomTools.delete)
def delete(call: Call) -> Reply:
    """Delete a custom tool."""
    tool = _find(call, call.query["workspaceId"])
    del call.core.data.custom_tools[tool.id]
    return data({"id": tool.id, "deleted": True})


def _tools_of(call: Call, workspace_id: str) -> list[CustomTool]:
    workspace_id = call.workspace(workspace_id, is_hidden=False)
    return [each for each in call.core.data.custom_tools.values() if each.workspace_id == workspace_id]


def _find(call: Call, workspace_id: str) -> CustomTool:
    for tool in _tools_of(call, workspace_id):
        if tool.id == call.path["customToolId"]:
            return tool
    raise Refusal(404, "Custom tool not found")


def _check_title(call: Call, workspace_id: str, title: str) -> None:
    if any(each.title == title for each in _tools_of(call, workspace_id)):
        raise Refusal(409, f'A custom tool titled "{title}" already exists in this workspace')


def _present(tool: CustomTool) -> dict[str, Any]:
    return {
        "id": tool.id,
        "title": tool.title,
        "schema": dict(tool.schema),
        "code": tool.code,
        "createdAt": iso(tool.created),
        "updatedAt": iso(tool.updated),
    }
