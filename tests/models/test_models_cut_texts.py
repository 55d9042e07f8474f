"""Texts that Sim cut after 15,000 UTF-16 code units: recognised, located, restored."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio.core.conversion import structure
from simstudio.models.cut_texts import find_cut_texts, restore_cut_texts
from simstudio.models.v1.logs import ExecutionData
from simstudio.models.v1.logs import LogEntry as LogEntryV1
from simstudio.models.v2.logs import LogDetails, LogEntry

KEPT = 15_000


def cut(text: str) -> str:
    """The text as a JavaScript server cuts it."""
    units = text.encode("utf-16-le", "surrogatepass")
    begin = units[: 2 * KEPT].decode("utf-16-le", "surrogatepass")
    return f"{begin}... [truncated {len(units) // 2 - KEPT} chars]"


ASCII = "x" * 20_000
UMLAUTS = "ä" * 20_000
EMOJI = "🙂" * 10_000
SPLIT = "x" + EMOJI  # the cut falls into a surrogate pair


@pytest.mark.parametrize("text", [ASCII, UMLAUTS, EMOJI, SPLIT], ids=["ASCII", "umlauts", "emoji", "split pair"])
def test_a_cut_text_is_recognised_and_restored(text: str) -> None:
    assert find_cut_texts(cut(text)) == ("",)
    assert restore_cut_texts(cut(text), text) == (text, ())


def test_half_of_a_pair_may_arrive_as_a_replacement_character() -> None:
    arrived = cut(SPLIT).replace("\ud83d", "\ufffd")
    assert restore_cut_texts(arrived, SPLIT) == (SPLIT, ())


@pytest.mark.parametrize(
    "text",
    [
        "x" * 15_000,
        "x" * 15_001,
        "x" * 14_999 + "... [truncated 1 chars]",
        "x" * 15_001 + "... [truncated 1 chars]",
        "x" * 15_000 + "... [truncated 0 chars]",
        "x" * 15_000 + "... [truncated 1 chars] ",
        "x" * 15_000 + "... [truncated 1 chars]\n",
        "x" * 15_000 + "... [truncated 1,000 chars]",
        "x" * 15_000 + "... [truncated]",
        "x" * 15_000 + "… [truncated 1 chars]",
        "🙂" * 15_000 + "... [truncated 1 chars]",
        "... [truncated 1 chars]",
        "[TRUNCATED]",
    ],
)
def test_no_other_text_is_taken_for_one(text: str) -> None:
    assert find_cut_texts({"text": text}) == ()


def test_the_paths_lead_into_the_output() -> None:
    text = cut(ASCII)
    output = {"a": text, "rows": [{"text": "short"}, {"text": text, "n": 1}], "": [text], "same": {"a": None}}
    assert find_cut_texts(output) == ("a", "rows[1].text", "[0]")
    assert find_cut_texts([text]) == ("[0]",)
    assert find_cut_texts(None) == ()


@pytest.mark.parametrize(
    "whole",
    [None, {}, {"text": 5}, {"text": ASCII[:-1]}, {"text": ASCII + "x"}, {"text": "y" + ASCII[1:]}, [ASCII], "text"],
)
def test_what_is_not_the_whole_of_it_does_not_replace_it(whole: Any) -> None:
    output = {"text": cut(ASCII)}
    restored, missed = restore_cut_texts(output, whole)
    assert restored is output
    assert missed == ("text",)


def test_only_cut_texts_are_replaced_and_the_output_stays_as_it_is() -> None:
    output = {"a": cut(ASCII), "b": [cut(UMLAUTS), 1], "c": "own"}
    before = {**output, "b": list(output["b"])}
    restored, missed = restore_cut_texts(output, {"a": ASCII, "b": [UMLAUTS, 2], "c": "other", "d": 1})
    assert restored == {"a": ASCII, "b": [UMLAUTS, 1], "c": "own"}
    assert (missed, output) == ((), before)


def test_a_whole_text_that_ends_like_a_cut_one_is_whole() -> None:
    own = "x" * KEPT + "... [truncated 7 chars]"
    assert restore_cut_texts({"text": cut(own)}, {"text": own}) == ({"text": own}, ())
    assert restore_cut_texts({"text": own}, {"text": own}) == ({"text": own}, ("text",))


@pytest.mark.parametrize("kind", [LogEntryV1, ExecutionData, LogEntry, LogDetails])
def test_logs_say_what_is_cut_in_them(kind: type[Any]) -> None:
    assert structure({"finalOutput": {"text": cut(ASCII)}}, kind).truncated == ("text",)
    assert structure({}, kind).truncated == ()
