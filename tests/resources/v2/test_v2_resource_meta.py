"""``client.v2.meta``: whether v2 is on."""

from __future__ import annotations

import pytest

from simstudio.models.v2.meta import Meta
from tests.driving import Both, answer


@pytest.mark.parametrize("enabled", [True, False])
async def test_a_server_tells_whether_v2_is_on_and_what_the_key_is(both: Both, enabled: bool) -> None:
    client = both.client(answer(200, {"data": {"v2Enabled": enabled, "keyType": "personal", "expiresAt": None}}))
    meta = await both(client.v2.meta.get())
    assert isinstance(meta, Meta)
    assert (meta.v2_enabled, meta.key_type, meta.expires_at) == (enabled, "personal", None)
    assert client.script.requests[0].url == "https://sim.test/api/v2/meta"


async def test_a_kind_of_key_that_is_not_known_stays_text(both: Both) -> None:
    client = both.client(answer(200, {"data": {"v2Enabled": True, "keyType": "robot", "expiresAt": "2027-01-01"}}))
    meta = await both(client.v2.meta.get())
    assert (meta.key_type, meta.expires_at) == ("robot", "2027-01-01")


async def test_a_word_in_place_of_true_stays_a_word(both: Both) -> None:
    meta = await both(both.client(answer(200, {"data": {"v2Enabled": "yes", "keyType": "x"}})).v2.meta.get())
    assert meta.v2_enabled == "yes"
