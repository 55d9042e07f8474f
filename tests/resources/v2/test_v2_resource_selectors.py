"""``client.v2.selectors``: a choice that does not exist, and a list that is longer than Sim reads."""

from __future__ import annotations

from simstudio.models.v2.selectors import SelectorOption
from tests.driving import answer, client


def test_a_choice_that_does_not_exist_is_none() -> None:
    made = client(answer(200, {"data": None}), answer(200, {"data": {"id": "C1", "label": "#general"}}))
    get = made.v2.selectors.get
    assert get("ws", selector_key="slack.channels", id="C0") is None
    assert get("ws", selector_key="slack.channels", id="C1") == SelectorOption("C1", "#general")


def test_a_page_tells_whether_the_list_is_cut() -> None:
    made = client(answer(200, {"data": [], "nextCursor": None, "truncated": True}))
    assert made.v2.selectors.list("ws", selector_key="slack.channels").page().extra == {"truncated": True}
