"""Block types and tools. The sandbox has one tool, which runs a registered function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.blocks import Blocks
from simstudio.resources.v2.tools import Tools
from simstudio.sandbox.definitions.blocktypes import BLOCK_TYPES, BlockType
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.runs import Invocation, Run
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import page
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    import threading


TOOL = "function_execute"
_TOOL: dict[str, Any] = {
    "id": TOOL,
    "name": "Function Execute",
    "description": "Runs a Python function registered with the sandbox.",
    "version": "1.0.0",
    "hostedApiKey": "none",
}
_TOOL_SHAPE: dict[str, Any] = {
    "params": {
        "function": {"type": "string", "required": True, "description": "The registered name"},
        "input": {"type": "json", "required": False, "description": "What the function gets", "default": {}},
    },
    "outputs": {"result": {"type": "json", "description": "What the function returned"}},
}


@V2().serves(Blocks.list, {"sortBy": "id", "sortOrder": "asc", "limit": 50})
def list_blocks(call: Call) -> Reply:
    """A page of the block types."""
    query = call.query
    call.workspace(query["workspaceId"])
    found = [
        each
        for each in BLOCK_TYPES.values()
        if query.get("category", each.category) == each.category
        and (query.get("capability") is None or each.is_trigger)
        and query.get("source", "builtin") == "builtin"
        and matches(query.get("search", ""), each.id, each.name, each.description)
    ]

    def key(each: BlockType) -> tuple[str, str]:
        return {"id": each.id, "name": each.name, "category": each.category}[query["sortBy"]], each.id

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc", by_offset=True)
    return listing(map(_block, shown), after)


@V2().serves(Blocks.get)
def get_block(call: Call) -> Reply:
    """One block type, with its fields."""
    call.workspace(call.query["workspaceId"])
    each = BLOCK_TYPES.get(call.path["blockId"])
    if each is None:
        raise Refusal(404, "Block not found")
    fields = [
        {"id": field.id, "type": field.type, "title": field.title, "required": field.required}
        | ({"password": True} if field.password else {})
        for field in each.sub_blocks
    ]
    return data(
        {
            **_block(each),
            "inputSchema": fields,
            "operationInputSchema": {},
            "inputDefinitions": {field.id: {"type": "json", "description": field.title} for field in each.sub_blocks},
            "operations": {},
            "tools": [{**_TOOL, **_TOOL_SHAPE} for name in each.tools if name == TOOL],
            "triggers": [{"id": each.id, "outputs": {}, "configFields": {}}] if each.is_trigger else [],
            "outputs": {name: {"type": kind} for name, kind in each.outputs},
        }
    )


def _block(each: BlockType) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "description": each.description,
        "category": each.category,
        "source": "builtin",
        "triggerAllowed": each.is_trigger,
        "triggerCapable": each.is_trigger,
        "triggerIds": [each.id] if each.is_trigger else [],
        "toolIds": list(each.tools),
        "operationIds": [],
        "preview": False,
        "tags": [],
    }


@V2().serves(Tools.list, {"sortBy": "id", "sortOrder": "asc", "limit": 50})
def list_tools(call: Call) -> Reply:
    """A page of the tools."""
    query = call.query
    call.workspace(query["workspaceId"])
    fits = query.get("hostedApiKey", "none") == "none" and "oauthProvider" not in query
    found = [_TOOL] if fits and matches(query.get("search", ""), TOOL, _TOOL["name"], _TOOL["description"]) else []
    shown, after = page(
        call, found, lambda each: (each[query["sortBy"]],), descending=query["sortOrder"] == "desc", by_offset=True
    )
    return listing(shown, after)


@V2().serves(Tools.get)
def get_tool(call: Call) -> Reply:
    """One tool with its parameters and outputs."""
    call.workspace(call.query["workspaceId"])
    _check_tool(call)
    return data({**_TOOL, **_TOOL_SHAPE})


@V2().serves(Tools.execute)
async def execute_tool(call: Call) -> Reply:
    """Run a registered function outside of workflows, without a log."""
    core, body = call.core, call.body
    call.workspace(body["workspaceId"])
    _check_tool(call)
    given = body.get("input", {})
    function = core.definitions.functions.get(given.get("function"))
    if function is None:
        raise invalid_value("input", "function must be the name of a function registered with the sandbox")
    arguments = given.get("input", {})
    threads: set[threading.Thread] = set()
    invocation = Invocation(arguments, arguments)
    timeout = body.get("timeoutSeconds")
    run = Run(
        function, invocation, str(new_uuid()), clock=core.clock, timeout=timeout, threads=threads, may_pause=False
    )
    outcome = await run.execute()
    succeeded = outcome.ending == "completed"
    message = outcome.error or ("The tool took too long" if outcome.ending == "timeout" else "The tool was cancelled")
    return data(
        {
            "toolId": TOOL,
            "status": "succeeded" if succeeded else "failed",
            "output": {"result": outcome.output} if succeeded else None,
            "error": None if succeeded else {"message": message},
        }
    )


def _check_tool(call: Call) -> None:
    if call.path["toolId"] != TOOL:
        raise Refusal(404, "Tool not found")
