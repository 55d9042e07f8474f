"""``client.v2.blocks``: what they send, and what they make of answers."""

from __future__ import annotations

from typing import Any

import pytest

import simstudio as sim
from simstudio.models.v2.blocks import AlsoWhen, Block, BlockSummary, Dependencies, When
from simstudio.models.v2.tools import Tool, ToolOutput, ToolParameter
from tests.driving import Both, answer

SUMMARY: dict[str, Any] = {
    "id": "gmail",
    "name": "Gmail",
    "description": "Mail",
    "category": "tools",
    "source": "builtin",
    "triggerAllowed": True,
    "triggerCapable": True,
    "triggerIds": ["gmail_poller"],
    "toolIds": ["gmail_send"],
    "operationIds": ["send"],
    "preview": False,
    "sunset": {"status": "deprecated", "replacedBy": "gmail_v2"},
    "tags": ["mail"],
}
WHEN = {"field": "operation", "value": ["send", 5, True], "not": True, "and": {"field": "mode", "not": False}}
FIELD: dict[str, Any] = {
    "id": "to",
    "type": "short-input",
    "required": True,
    "requiredWhen": {"field": "operation", "value": "send"},
    "condition": WHEN,
    "options": [{"id": "a", "label": "A", "hasIcon": True, "hosted": False}],
    "min": 0,
    "max": 1.5,
    "dependsOn": ["credential"],
    "defaultValue": {"a": [1]},
}
BLOCK: dict[str, Any] = {
    **SUMMARY,
    "inputSchema": [FIELD, {**FIELD, "id": "cc", "dependsOn": {"any": ["to"]}, "defaultValue": ["x"]}],
    "operationInputSchema": {"send": [FIELD]},
    "inputDefinitions": {"to": {"type": "string", "schema": {"type": "string"}}},
    "operations": {
        "send": {
            "toolId": "gmail_send",
            "inputs": {"to": {"type": "string", "schema": {"minLength": 1}}},
            "outputs": {"id": {"type": "string"}},
            "inputSchema": [FIELD],
        }
    },
    "tools": [
        {
            "id": "gmail_send",
            "name": "Send",
            "description": "",
            "hostedApiKey": "none",
            "params": {"to": {"type": "string"}},
            "outputs": {"id": {"type": "string"}},
        }
    ],
    "triggers": [
        {
            "id": "gmail_poller",
            "outputs": {"mail": {"type": "json"}},
            "configFields": {
                "label": {
                    "type": "select",
                    "required": False,
                    "options": [{"id": "in", "label": "Inbox"}],
                    "condition": {"field": "mode", "value": 1},
                }
            },
        }
    ],
    "outputs": {"content": {"type": "string", "description": "The text"}},
}


async def every(pager: Any) -> list[Any]:
    if hasattr(pager, "__aiter__"):
        return [item async for item in pager]
    return list(pager)


async def got(both: Both, **said: Any) -> Block:
    return await both(both.client(answer(200, {"data": {**BLOCK, **said}})).v2.blocks.get("gmail", workspace_id="ws"))


class TestList:
    async def test_blocks_are_listed_over_all_pages(self, both: Both) -> None:
        client = both.client(
            answer(200, {"data": [SUMMARY], "nextCursor": "c2"}),
            answer(200, {"data": [{**SUMMARY, "category": "toys", "mood": "good"}], "nextCursor": None}),
        )
        pager = client.v2.blocks.list("ws", category="tools", capability="trigger", include_sunset=True, limit=1)
        first, second = await every(pager)
        assert (type(first), first.sunset.replaced_by, first.tool_ids) == (BlockSummary, "gmail_v2", ["gmail_send"])
        assert (second.category, second.extra) == ("toys", {"mood": "good"})
        assert client.script.requests[1].url == (
            "https://sim.test/api/v2/blocks?workspaceId=ws&category=tools&capability=trigger&includeSunset=true"
            "&limit=1&cursor=c2"
        )

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"search": ""}, "search must have from 1 to 200 characters"),
            ({"category": "toys"}, "category must be '"),
            ({"capability": "magic"}, "capability must be '"),
            ({"source": "other"}, "source must be '"),
            ({"sort_order": "up"}, "sort_order must be '"),
        ],
    )
    async def test_what_the_server_refuses_is_not_sent(self, both: Both, given: Any, said: str) -> None:
        client = both.client()
        with pytest.raises(sim.InvalidInputError, match=said):
            await every(client.v2.blocks.list("ws", **given))
        assert client.script.requests == []


class TestGet:
    async def test_a_block_is_asked_for_in_its_workspace(self, both: Both) -> None:
        client = both.client(answer(200, {"data": BLOCK}))
        block = await both(client.v2.blocks.get("gmail", workspace_id="ws"))
        assert type(block) is Block
        assert client.script.requests[0].url == "https://sim.test/api/v2/blocks/gmail?workspaceId=ws"
        assert block.to_dict() == BLOCK

    async def test_a_field_tells_when_it_applies(self, both: Both) -> None:
        field = (await got(both)).input_schema[0]
        also = AlsoWhen("mode", not_=False)
        assert field.condition == When("operation", ["send", 5, True], not_=True, and_=also)
        assert field.required_when.value == "send"
        assert field.condition["not"] is True
        assert (field.min, field.max, field.options[0].has_icon) == (0, 1.5, True)

    async def test_what_a_field_depends_on_is_a_list_or_says_all_or_any(self, both: Both) -> None:
        first, second = (await got(both)).input_schema
        assert first.depends_on == ["credential"]
        assert second.depends_on == Dependencies(any=["to"])
        assert type(second.depends_on) is Dependencies
        assert (first.default_value, second.default_value) == ({"a": [1]}, ["x"])

    async def test_operations_and_tools_tell_what_they_take_and_give(self, both: Both) -> None:
        block = await got(both)
        send = block.operations["send"]
        assert (send.tool_id, send.input_schema) == ("gmail_send", block.operation_input_schema["send"])
        assert (type(send.inputs["to"]), send.inputs["to"].schema) == (ToolParameter, {"minLength": 1})
        assert type(send.outputs["id"]) is ToolOutput
        assert [type(tool) for tool in block.tools] == [Tool]
        assert block.input_definitions["to"].schema == {"type": "string"}

    async def test_triggers_tell_their_settings(self, both: Both) -> None:
        (trigger,) = (await got(both)).triggers
        label = trigger.config_fields["label"]
        assert (label.required, label.options[0].label, label.condition.value) == (False, "Inbox", 1)
        assert trigger.outputs["mail"].type == "json"

    async def test_a_condition_of_a_later_shape_stays_as_it_came(self, both: Both) -> None:
        block = await got(both, inputSchema=[{**FIELD, "condition": {"either": []}, "dependsOn": "to"}])
        assert block.input_schema[0].condition == {"either": []}
        assert block.input_schema[0].depends_on == "to"

    async def test_a_block_whose_fields_are_null_has_none(self, both: Both) -> None:
        block = await got(both, inputSchema=None)
        fields: object = block.input_schema
        assert fields is None
