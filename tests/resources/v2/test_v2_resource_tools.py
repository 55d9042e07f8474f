"""``client.v2.tools``: what they send, and what they make of answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

import simstudio as sim
from simstudio.models.v2.tools import Tool, ToolResult, ToolSummary
from tests.driving import Both, answer

SUMMARY = {
    "id": "gmail_send",
    "name": "Send",
    "description": "Sends a mail",
    "version": "1.0",
    "hostedApiKey": "none",
    "oauth": {"required": True, "provider": "google-email", "requiredScopes": ["send"]},
}
TOOL = {
    **SUMMARY,
    "params": {
        "to": {"type": "string", "required": True, "visibility": "user-or-llm"},
        "cc": {"type": "array", "default": [], "items": {"type": "string"}},
    },
    "outputs": {
        "id": {"type": "string", "optional": True},
        "mails": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}},
        "file": {"type": "file", "nullable": True, "fileConfig": {"mimeType": "text/plain", "extension": "txt"}},
    },
}
SUCCESS = {"toolId": "gmail_send", "status": "succeeded", "output": {"id": "m"}, "error": None}


async def every(pager: Any) -> list[Any]:
    if hasattr(pager, "__aiter__"):
        return [item async for item in pager]
    return list(pager)


def sent(client: Any) -> tuple[str, str, Any]:
    """Verb, address and body of the one request."""
    (request,) = client.script.requests
    return request.method, request.url.removeprefix("https://sim.test"), json.loads(request.content or b"null")


class TestLooking:
    async def test_tools_are_listed_over_all_pages(self, both: Both) -> None:
        plain = {"id": "http_request", "name": "HTTP", "description": "", "hostedApiKey": "sometimes"}
        client = both.client(
            answer(200, {"data": [SUMMARY], "nextCursor": "c2"}), answer(200, {"data": [plain], "nextCursor": None})
        )
        pager = client.v2.tools.list("ws", search="s", hosted_api_key="none", oauth_provider="google-email", limit=1)
        first, second = await every(pager)
        assert (type(first), first.oauth.required_scopes) == (ToolSummary, ["send"])
        assert (second.oauth, second.version, second.hosted_api_key) == (None, None, "sometimes")
        assert client.script.requests[1].url == (
            "https://sim.test/api/v2/tools?workspaceId=ws&search=s&hostedApiKey=none&oauthProvider=google-email"
            "&limit=1&cursor=c2"
        )

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"search": "x" * 201}, "search must have from 1 to 200 characters"),
            ({"hosted_api_key": "maybe"}, "hosted_api_key must be '"),
            ({"sort_by": "size"}, "sort_by must be '"),
            ({"limit": 0}, "limit must be from 1 to 100"),
        ],
    )
    async def test_what_the_server_refuses_is_not_sent(self, both: Both, given: Any, said: str) -> None:
        client = both.client()
        with pytest.raises(sim.InvalidInputError, match=said):
            await every(client.v2.tools.list("ws", **given))
        assert client.script.requests == []

    async def test_a_tool_tells_what_it_takes_and_gives(self, both: Both) -> None:
        client = both.client(answer(200, {"data": TOOL}))
        tool = await both(client.v2.tools.get("gmail_send", workspace_id="ws"))
        assert sent(client) == ("GET", "/api/v2/tools/gmail_send?workspaceId=ws", None)
        assert type(tool) is Tool
        assert (tool.params["to"].required, tool.params["to"].visibility) == (True, "user-or-llm")
        assert (tool.params["cc"].default, tool.params["cc"].items_) == ([], {"type": "string"})
        assert tool.outputs["mails"].items_.properties == {"id": {"type": "string"}}
        assert (tool.outputs["file"].file_config.extension, tool.outputs["id"].optional) == ("txt", True)
        assert tool.outputs["mails"]["items"]["type"] == "object"


class TestExecute:
    async def test_what_is_given_is_sent_and_nothing_else(self, both: Both) -> None:
        client = both.client(answer(200, {"data": SUCCESS}), answer(200, {"data": SUCCESS}))
        given = {"to": "a@example.com"}
        result = await both(
            client.v2.tools.execute(
                "gmail_send", workspace_id="ws", input=given, credential_id="c", timeout_seconds=60, timeout=90
            )
        )
        assert type(result) is ToolResult
        assert (result.succeeded, result.output, result.error) == (True, {"id": "m"}, None)
        await both(client.v2.tools.execute("gmail_send", workspace_id="ws"))
        first, second = client.script.requests
        assert (first.method, first.url) == ("POST", "https://sim.test/api/v2/tools/gmail_send/execute")
        assert json.loads(first.content) == {
            "workspaceId": "ws",
            "input": given,
            "credentialId": "c",
            "timeoutSeconds": 60,
        }
        assert json.loads(second.content) == {"workspaceId": "ws"}

    async def test_the_client_waits_as_long_as_it_is_told(self, both: Both) -> None:
        client = both.client(answer(200, {"data": SUCCESS}), answer(200, {"data": SUCCESS}))
        await both(client.v2.tools.execute("t", workspace_id="ws", timeout=4711))
        await both(client.v2.tools.execute("t", workspace_id="ws"))
        assert [request.budget.total for request in client.script.requests] == [4711, 30.0]

    async def test_a_tool_that_failed_is_a_result(self, both: Both) -> None:
        failed = {"toolId": "t", "status": "failed", "output": None, "error": {"message": "no such mail"}}
        result = await both(both.client(answer(200, {"data": failed})).v2.tools.execute("t", workspace_id="ws"))
        assert (result.succeeded, result.error.message, result.output) == (False, "no such mail", None)

    @pytest.mark.parametrize("status", [429, 500, 503])
    async def test_it_is_never_run_again_by_itself(self, both: Both, status: int) -> None:
        client = both.client(answer(status, {"error": {"code": "X", "message": "later"}}), max_retries=5)
        with pytest.raises(sim.APIStatusError):
            await both(client.v2.tools.execute("t", workspace_id="ws"))
        assert len(client.script.requests) == 1

    async def test_an_input_that_is_no_object_is_not_sent(self, both: Both) -> None:
        client = both.client()
        with pytest.raises(sim.InvalidInputError, match="input must be"):
            await both(client.v2.tools.execute("t", workspace_id="ws", input=["to"]))
        assert client.script.requests == []
