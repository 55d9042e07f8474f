"""Secrets of a workflow: how they are recognised, and their placeholders in files.

A text or a number is a secret

* if its setting, key, row or variable has the name of a secret, or of several, such as ``apiKey``, ``tokens`` or
  ``password`` (:mod:`~simstudio.transport.secret_names`); so is what a list or an object of that name holds;
* if Sim's own export leaves it out, and it is no id of a workspace resource;
* and a part of a text, if it has the form of a key: ``sk-…``, ``ghp_…``, a JSON web token, a private key,
  ``Bearer …``, a password in a URL; or if it is assigned to such a name, in code, JSON or the query of a URL (there to
  ``key`` and ``code`` as well).

``${secret:1}`` stands in its place, numbered within the text. References (``{{NAME}}``, ``<block.field>``) are no
secrets and stay. A push keeps what the server has at the same place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from simstudio.transport.secret_fields import find_assigned, find_keys, merge_spans
from simstudio.workflow_files.document import Document
from simstudio.workflow_files.places import Json, Path, Place, rewrite, texts
from simstudio.workflow_files.references import is_reference

PLACEHOLDER = re.compile(r"\$\{secret:(\d+)\}")

_REFERENCES = re.compile(r"\{\{[^{}]*\}\}|<[\w.\[\]-]+>")
_SCHEME = re.compile(r"\s*(bearer|basic|token)?[\s:]*", re.IGNORECASE)


@attrs.frozen
class Secrets:
    """The secrets of one workflow, by path; its ``repr`` shows none."""

    _held: Mapping[Path, tuple[str | float, ...]] = attrs.field(factory=dict, repr=False)

    def settle(self, document: Document, present: Document | None) -> tuple[Document, list[str]]:
        """Leave a placeholder only where the workflow has a secret; elsewhere its text stays as it is, or is empty.

        Args:
            document: With the ids of the workflow's blocks.
            present: The workflow as the server has it; None if it is new.

        Returns:
            The document, and the places that are empty.
        """
        known = {} if present is None else texts(present)
        empty: list[str] = []

        def settle_text(text: str | float, place: Place) -> Json:
            if not isinstance(text, str):
                return text
            held = len(self._held.get(place.path, ()))
            numbers = [int(number) for number in PLACEHOLDER.findall(text)]
            if all(1 <= number <= held for number in numbers):
                return text
            if PLACEHOLDER.fullmatch(text) and known.get(place.path):
                return known[place.path]
            empty.append(place.title)
            return PLACEHOLDER.sub(lambda found: found[0] if 1 <= int(found[1]) <= held else "", text)

        return rewrite(document, settle_text), empty

    def restore(self, document: Document) -> Document:
        """Put the secrets back into a settled document."""

        def restore_text(text: str | float, place: Place) -> Json:
            held = self._held.get(place.path)
            if held is None or not isinstance(text, str):
                return text
            whole = PLACEHOLDER.fullmatch(text)
            if whole is not None:
                return held[int(whole[1]) - 1]  # a number comes back as one
            return PLACEHOLDER.sub(lambda found: str(held[int(found[1]) - 1]), text)

        return rewrite(document, restore_text)


def redact(document: Document, exported: Document | None = None) -> tuple[Document, Secrets]:
    """Replace the secrets of a workflow.

    Args:
        document: The workflow with its secrets.
        exported: The same workflow as Sim exports it, without what Sim takes for a secret.
    """
    held: dict[Path, tuple[str | float, ...]] = {}
    shown = None if exported is None else texts(exported)

    def replace_text(text: str | float, place: Place) -> str:
        if not isinstance(text, str):
            held[place.path] = (text,)
            return "${secret:1}"
        spans = _spans(text, place, cleared=shown is not None and place.is_setting and not shown.get(place.path))
        if spans:
            held[place.path] = tuple(text[start:end] for start, end in spans)
        for number, (start, end) in reversed(list(enumerate(spans, start=1))):
            text = f"{text[:start]}${{secret:{number}}}{text[end:]}"
        return text

    return rewrite(document, replace_text), Secrets(held)


def clear_secrets(document: Document) -> list[str]:
    """The places of a file at which somebody has written a secret."""
    found: list[str] = []

    def note(text: str | float, place: Place) -> Json:
        if not isinstance(text, str) or not all(
            PLACEHOLDER.fullmatch(text, *span) for span in _spans(text, place, vague=False)
        ):
            found.append(place.title)
        return text

    rewrite(document, note)
    return found


def _spans(text: str, place: Place, *, cleared: bool = False, vague: bool = True) -> list[tuple[int, int]]:
    if is_reference(place) or _SCHEME.fullmatch(_REFERENCES.sub("", text)):
        return []
    if cleared or place.rule.holds(text):
        return [(0, len(text))]
    # A text that happens to look like a placeholder becomes one.
    placeholders = [match.span() for match in PLACEHOLDER.finditer(text)]
    return merge_spans([*placeholders, *find_keys(text), *find_assigned(text, vague=vague)])
