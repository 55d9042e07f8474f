"""Secrets of a workflow: how they are recognised, and what stands in their place in a file.

A text is a secret

* if the name of its setting, key, row or variable ends in a word such as ``apiKey``, ``password`` or ``token``;
* if Sim's own export leaves it out, and it is no id of a workspace resource;
* and a part of a text, if it has the form of a key: ``sk-…``, ``ghp_…``, a JSON web token, a private key,
  ``Bearer …``, a password in a URL, a text that is assigned to ``password`` or the like.

``${secret:1}`` stands in its place, numbered within the text. References (``{{NAME}}``, ``<block.field>``) are no
secrets and stay. A push keeps what the server has at the same place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from simstudio.workflow_files.document import Document
from simstudio.workflow_files.places import Path, Place, rewrite, texts
from simstudio.workflow_files.references import is_reference

PLACEHOLDER = re.compile(r"\$\{secret:(\d+)\}")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ENDINGS = (
    "apikey", "secretkey", "privatekey", "accesskey", "accesskeyid", "signingkey", "encryptionkey", "authkey",
    "connectionstring", "password", "passwd", "passphrase", "secret", "authorization", "cookie",
)  # fmt: skip
_NO_SECRETS = frozenset(("page", "next", "previous", "continuation", "sync", "cursor"))
"""Words before ``token`` that make it a position in a list."""
_REFERENCES = re.compile(r"\{\{[^{}]*\}\}|<[\w.\[\]-]+>")
_SCHEME = re.compile(r"\s*(bearer|basic|token)?[\s:]*", re.IGNORECASE)
_FORMS = tuple(
    map(
        re.compile,
        (
            r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}",
            r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|npm_|whsec_|xox[abeprs]-)[A-Za-z0-9_-]{16,}",
            r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
            r"\bAIza[0-9A-Za-z_-]{35}",
            r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
            r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]+?-----END [A-Z ]*PRIVATE KEY-----",
            r"(?i:\b(?:bearer|basic)\s+)([A-Za-z0-9._~+/-]{16,}=*)",
            r"\w://[^/\s:@]*:([^/\s@{}<>]+)@",
        ),
    )
)
_ASSIGNED = re.compile(r"""(?i:(?:api[-_]?key|password|secret|token)["']?\s*[:=]\s*["'])([^"'\s{}<>]{8,})["']""")


@attrs.frozen
class Secrets:
    """The secrets of one workflow, by path; its ``repr`` shows none."""

    _held: Mapping[Path, tuple[str, ...]] = attrs.field(factory=dict, repr=False)

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

        def settle_text(text: str, place: Place) -> str:
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

        def restore_text(text: str, place: Place) -> str:
            held = self._held.get(place.path, ())
            return PLACEHOLDER.sub(lambda found: held[int(found[1]) - 1], text) if held else text

        return rewrite(document, restore_text)


def redact(document: Document, exported: Document | None = None) -> tuple[Document, Secrets]:
    """Replace the secrets of a workflow.

    Args:
        document: The workflow with its secrets.
        exported: The same workflow as Sim exports it, without what Sim takes for a secret.
    """
    held: dict[Path, tuple[str, ...]] = {}
    shown = None if exported is None else texts(exported)

    def replace_text(text: str, place: Place) -> str:
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

    def note(text: str, place: Place) -> str:
        secrets = [text[start:end] for start, end in _spans(text, place, cleared=False)]
        if not all(map(PLACEHOLDER.fullmatch, secrets)):
            found.append(place.title)
        return text

    rewrite(document, note)
    return found


def _spans(text: str, place: Place, *, cleared: bool) -> list[tuple[int, int]]:
    if is_reference(place) or not text.strip() or _SCHEME.fullmatch(_REFERENCES.sub("", text)):
        return []
    if cleared or names_a_secret(place.name):
        return [(0, len(text))]
    # A text that happens to look like a placeholder becomes one.
    placeholders = [match.span() for match in PLACEHOLDER.finditer(text)]
    return _merge([*placeholders, *find_keys(text), *(match.span(1) for match in _ASSIGNED.finditer(text))])


def find_keys(text: str) -> list[tuple[int, int]]:
    """Start and end of each part of a text that has the form of a key."""
    return _merge([match.span(match.lastindex or 0) for form in _FORMS for match in form.finditer(text)])


def _merge(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def names_a_secret(name: str) -> bool:
    """Whether a name is that of a secret.

    Example:
        >>> [names_a_secret(name) for name in ("apiKey", "X-API-Key", "bot_token", "maxTokens", "pageToken")]
        [True, True, True, False, False]
    """
    words = split_words(name)
    if words[-1:] == ["token"]:
        return not _NO_SECRETS.intersection(words)
    return "".join(words).endswith(_ENDINGS)


def split_words(name: str) -> list[str]:
    """The words of a name, in lower case.

    Example:
        >>> split_words("X-API-Key"), split_words("botToken2")
        (['x', 'api', 'key'], ['bot', 'token', '2'])
    """
    return [word.lower() for word in _WORD.findall(name)]
