"""The secret arguments of a call, such as a password, which a server may echo in its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, quote_plus

from simstudio.core.failures import redact_error
from simstudio.transport.errors import SimStudioError
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow

T = TypeVar("T")


class SecretArguments:
    """Removes secrets from texts and bodies. No repr shows them.

    Texts of up to three characters stay: they would be found everywhere.

    Args:
        values: Texts, or mappings and sequences that hold them.
    """

    __slots__ = ("_spellings",)

    def __init__(self, values: Secret[Any]) -> None:
        spellings = {each for text in _texts(values.reveal()) if len(text) > 3 for each in _spellings_of(text)}
        self._spellings = Secret(sorted(spellings, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """Return a text without the secrets."""
        for spelling in self._spellings.reveal():
            text = text.replace(spelling, "***")
        return text

    def redact_bytes(self, content: bytes) -> bytes:
        """Return a body without the secrets."""
        for spelling in self._spellings.reveal():
            content = content.replace(spelling.encode(), b"***")
        return content


def redact_secrets(flow: Flow[T], values: Secret[Any]) -> Flow[T]:
    """Run the flow of a call with secret arguments, and remove these from its errors."""
    try:
        return (yield from flow)
    except SimStudioError as error:
        redact_error(error, SecretArguments(values))
        raise


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)


def _spellings_of(text: str) -> tuple[str, ...]:
    """A text as it is, and as it stands in JSON, in a query and in a path."""
    encoded = (encode(text, safe="", errors="replace") for encode in (quote_plus, quote))
    return text, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1], *encoded
