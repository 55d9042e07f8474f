"""Results that hold a secret do not show it: ``client.v2.secrets`` and ``client.v2.credentials``."""

from __future__ import annotations

import pickle

from tests.driving import answer, client

SECRET = {
    "name": "CRM_TOKEN",
    "scope": "workspace",
    "role": "admin",
    "createdAt": "2026-08-22T10:00:00.000Z",
    "updatedAt": "2026-08-22T10:00:00.000Z",
    "description": None,
    "unredacted": True,
    "value": "Zebra4711",
}


def test_the_value_of_a_readable_secret_is_read_but_not_shown() -> None:
    page = client(answer(200, {"data": [SECRET], "nextCursor": None})).v2.secrets.list("ws").page()
    (found,) = page.items
    assert (found.value, found["value"], found.to_dict()) == ("Zebra4711", "Zebra4711", SECRET)
    assert pickle.loads(pickle.dumps(found)) == found
    assert "Zebra4711" not in repr(page)
    assert "name='CRM_TOKEN'" in repr(page)


def test_the_address_that_connects_an_account_is_not_shown() -> None:
    link = {"authorizationUrl": "https://sim.test/authorize?draftId=Zebra4711", "expiresAt": "2026-08-22T10:15:00.000Z"}
    made = client(answer(200, {"data": link}))
    found = made.v2.credentials.connections.create("ws", provider_id="google-email", display_name="Inbox")
    assert found.authorization_url == link["authorizationUrl"]
    assert "Zebra4711" not in repr(found)
    assert "expires_at" in repr(found)
