"""``client.v2.mcp_servers``: one request for the tools of a server; headers that stay or are replaced."""

from __future__ import annotations

import pytest

from simstudio import ServerError
from tests.driving import Both, answer, client
from tests.modes import both_modes
from tests.recorded import SELECTION, recording


@both_modes
async def test_tools_are_asked_for_once_because_the_server_connects_several_times(both: Both) -> None:
    refused = recording(SELECTION, "resources-0843")
    made = both.client(answer(refused.status, content=refused.body), max_retries=2)
    with pytest.raises(ServerError) as caught:
        await both(made.v2.mcp_servers.tools.list("mcp-1", workspace_id="ws").page())
    assert caught.value.status == 503
    assert len(made.script.requests) == 1


def test_headers_are_replaced_by_what_is_given_and_stay_if_nothing_is() -> None:
    found = recording(SELECTION, "resources-0850")
    made = client(*[answer(found.status, content=found.body)] * 2)
    made.v2.mcp_servers.update("mcp-1", workspace_id="ws", headers={})
    made.v2.mcp_servers.update("mcp-1", workspace_id="ws", name="CRM")
    assert [request.json() for request in made.script.requests] == [  # type: ignore[attr-defined]
        {"workspaceId": "ws", "headers": {}},
        {"workspaceId": "ws", "name": "CRM"},
    ]
