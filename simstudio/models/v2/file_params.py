"""Edits of text files: typed dicts with the wire names, which editors complete."""

from __future__ import annotations

from typing import Literal, TypedDict


class _SearchReplace(TypedDict):
    mode: Literal["search_replace"]
    search: str
    content: str


class SearchReplace(_SearchReplace, total=False):
    """Replace a text: the only occurrence, or all with ``replaceAll``."""

    replaceAll: bool


class _Occurrence(TypedDict, total=False):
    occurrence: int


class ReplaceBetween(_Occurrence):
    """Replace the lines between two anchor lines, which stay. ``occurrence`` counts equal anchors from 1."""

    mode: Literal["replace_between"]
    beforeAnchor: str
    afterAnchor: str
    content: str


class InsertAfter(_Occurrence):
    """Insert a text after an anchor line. ``occurrence`` counts equal anchors from 1."""

    mode: Literal["insert_after"]
    anchor: str
    content: str


class DeleteBetween(_Occurrence):
    """Delete the lines from an anchor line up to another one. ``occurrence`` counts equal anchors from 1."""

    mode: Literal["delete_between"]
    startAnchor: str
    endAnchor: str
