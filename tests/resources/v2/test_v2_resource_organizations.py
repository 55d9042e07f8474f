"""``client.v2.organizations``: what the catalogue's tests do not see."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from simstudio.models.v2.access_requests import AccessItem, AccessTarget
from simstudio.models.v2.permission_groups import PermissionGroup
from simstudio.models.v2.sso import SsoProvider
from tests.driving import answer, client

ITEM = {
    "target": {"kind": "feature", "configKey": "hideTablesTab"},
    "label": "Tables",
    "state": "requestable",
    "reason": None,
    "pendingRequestId": None,
}


def sent(made: Any) -> Any:
    """The JSON body of the last request."""
    return json.loads(made.script.requests[-1].content)


def test_a_day_is_sent_without_a_time() -> None:
    made = client(answer(200, {"data": {}}))
    made.v2.organizations.usage.summary(
        "org", preset="custom", start_date=date(2026, 1, 1), end_date="2026-01-31", timezone="Europe/Berlin"
    )
    query = made.script.requests[0].url.partition("?")[2]
    assert query == "preset=custom&startDate=2026-01-01&endDate=2026-01-31&timezone=Europe%2FBerlin"


def test_the_target_of_a_request_is_one_that_was_discovered() -> None:
    made = client(answer(200, {"data": [ITEM], "nextCursor": None}), answer(201, {"data": {}}))
    (item,) = made.v2.organizations.access_requests.discover("org")
    assert isinstance(item, AccessItem)
    made.v2.organizations.access_requests.create("org", target=item.target)
    assert sent(made) == {"target": ITEM["target"]}


def test_the_target_of_a_request_may_be_constructed() -> None:
    made = client(answer(201, {"data": {}}))
    made.v2.organizations.access_requests.create("org", target=AccessTarget("integration", id="slack"), reason="Chat")
    assert sent(made) == {"target": {"kind": "integration", "id": "slack"}, "reason": "Chat"}


def test_the_settings_of_a_group_have_their_wire_names() -> None:
    config = {"disableOAuthAppAccess": True, "hideApiKeysTab": False, "allowedIntegrations": ["slack"]}
    made = client(answer(200, {"data": {"config": config}}))
    group = made.v2.organizations.permission_groups.update("org", "group", config={"disableOAuthAppAccess": True})
    assert isinstance(group, PermissionGroup)
    assert (group.config.disable_oauth_app_access, group.config.hide_api_keys_tab) == (True, False)
    assert sent(made) == {"config": {"disableOAuthAppAccess": True}}


@pytest.mark.parametrize("config", [{"clientId": "c", "clientSecret": "Zebra4711"}, '{"clientSecret": "Zebra4711"}'])
def test_the_configuration_of_a_provider_is_in_no_repr(config: Any) -> None:
    made = client(answer(200, {"data": {"providerId": "okta", "oidcConfig": config}}))
    provider = made.v2.organizations.sso.providers.get("org", "okta")
    assert isinstance(provider, SsoProvider)
    assert provider.oidc_config == config
    assert "okta" in repr(provider)
    assert "Zebra4711" not in repr(provider)
