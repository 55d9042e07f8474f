"""Paths of folders, as callers give them and as they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio import InvalidInputError
from tests.driving import answer, client

FOLDER = {"name": "a", "path": "/a", "parentPath": "/", "createdAt": "2026", "updatedAt": "2026"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("/Sales/New%20leads", "/Sales/New%20leads"),
        ("Sales", "Sales"),
        ("/Sales/New leads", "/Sales/New%20leads"),
        ("/Übersicht/100%", "/%C3%9Cbersicht/100%25"),
        (["Sales", "New leads"], "/Sales/New%20leads"),
        (["50/50", "a%20b"], "/50%2F50/a%2520b"),
        ([], "/"),
    ],
)
def test_a_path_is_sent_encoded(given: Any, sent: str) -> None:
    caller = client(answer(201, {"data": FOLDER}))
    caller.v2.files.folders.create("ws", path=given)
    assert caller.script.requests[0].json() == {"workspaceId": "ws", "path": sent}


def test_paths_in_a_query_are_encoded_each() -> None:
    caller = client(answer(200, content=b"zip"))
    caller.v2.files.bulk_download("ws", folder_paths=["/a, b", ["c", "d e"]])
    assert caller.script.requests[0].url.endswith("&folderPaths=%2Fa%252C%2520b%2C%2Fc%2Fd%2520e")


@pytest.mark.parametrize("given", [[""], ["a", 1], b"/a", None, "\ud800"])
def test_what_is_no_path_is_refused(given: Any) -> None:
    caller = client()
    with pytest.raises(InvalidInputError, match=r"^path "):
        caller.v2.files.folders.create("ws", path=given)
