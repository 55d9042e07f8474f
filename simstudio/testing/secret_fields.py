"""Secrets in recorded texts that are known by the name of a field or parameter, or by their form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from math import isfinite
from typing import Any

from simstudio.workflow_files.places import label_of
from simstudio.workflow_files.secrets import find_keys, names_a_secret, split_words

Replace = Callable[[str], str]
"""Takes a secret, and returns the text in its place."""

_WORDS = "key|token|secret|passw|passphrase|authorization|cookie|credential|service_account|connectionstring"
_VALUE = r'((?:[^"\\]|\\.)+)'
# These keep the spaces of JSON, and find it within pages. Within a text in JSON, quotes are escaped.
_IN_JSON = (
    re.compile(rf'(?<!\\)("([^"\\]{{0,60}}(?:{_WORDS})[^"\\]{{0,20}})"\s*:\s*"){_VALUE}(?=")', re.IGNORECASE),
    re.compile(
        rf'((?<!\\)(?P<q>\\+")([^"\\]{{0,60}}(?:{_WORDS})[^"\\]{{0,20}})(?P=q)\s*:\s*(?P=q))'
        r"((?:(?!(?<!\\)(?P=q)).)+)(?=(?P=q))",
        re.IGNORECASE,
    ),
)
_NUMBER_IN_JSON = re.compile(
    rf'((?<!\\)(?P<q>\\*")([^"\\]{{0,60}}(?:{_WORDS})[^"\\]{{0,20}})(?P=q)\s*:\s*)(-?\d[\d.eE+-]*)', re.IGNORECASE
)
_IN_URL = re.compile(r"((?:^|[?&]|\\u0026|&amp;)([\w.-]{1,60})=)([^&\s\"'<>\\#]+)")
_IN_FORM = re.compile(r'(\bname="([^"\r\n]{1,60})"(?:\r\n[^\r\n]+){0,4}\r\n\r\n)([^\r\n]+)(?=\r\n--)')
_LINE = re.compile(r"^((?:data:)?[ \t]*)([\[{].*)$", re.MULTILINE)

_NO_SECRETS = frozenset({"hostedapikey", "mountedsecrets"})
"""Names that end like that of a secret: whether Sim provides a key for a tool, and which secrets code may read."""
_TEXTS = frozenset({"credentials", "serviceaccountjson"})
"""Names of texts that hold secrets; objects below them are about credentials of a workspace."""
_COUNTS = frozenset(
    (
        "after", "cached", "completion", "input", "max", "min", "output", "per", "prompt", "reasoning",
        "thinking", "total", "used", "window",
    )
)  # fmt: skip
"""Words before ``tokens`` that make it a number of tokens of a model."""
_ABOUT = frozenset(
    (
        "at", "by", "count", "description", "href", "id", "ids", "in", "kind", "label", "length", "mode",
        "name", "number", "placeholder", "provider", "required", "scope", "scopes", "status", "title", "total",
        "type", "types", "uri", "url", "version", "visibility",
    )
)  # fmt: skip
"""Last words of names that tell about a secret, and do not hold it."""
_SCHEMA_TYPES = frozenset(("array", "boolean", "integer", "json", "null", "number", "object", "string"))
_NUMBER = re.compile(r"[\d\s.,_]*")
_PARAMETERS = frozenset(
    {
        "auth",
        "awsaccesskeyid",
        "googleaccessid",
        "keypairid",
        "ossaccesskeyid",
        "policy",
        "sig",
        "signature",
        "xamzcredential",
        "xamzsignature",
        "xgoogcredential",
        "xgoogsignature",
    }
)

_VAGUE = frozenset({"code", "key"})
"""Parameters that hold a secret, or something else."""


def redact_fields(text: str, replace: Replace) -> str:
    """A text without the secrets that a name or their form tells: JSON, events, forms, URLs and pages."""
    for pattern in _IN_JSON:
        text = pattern.sub(lambda found: _redact_field(found, replace), text)
    text = _NUMBER_IN_JSON.sub(_redact_number, text)
    text = _redact_json(text, replace)
    text = _IN_URL.sub(lambda found: _redact_parameter(found, replace), text)
    text = _IN_FORM.sub(lambda found: _redact_field(found, replace), text)
    for start, end in reversed(find_keys(text)):
        text = text[:start] + replace(text[start:end]) + text[end:]
    return text


def _redact_field(found: re.Match[str], replace: Replace) -> str:
    before, name, value = found[1], *found.groups()[-2:]
    return before + (replace(value) if _rule(name).holds_text(value) else value)


def _redact_number(found: re.Match[str]) -> str:
    before, name, value = found[1], *found.groups()[-2:]
    return before + ("0" if _rule(name) is _Rule.ONE else value)


def _redact_parameter(found: re.Match[str], replace: Replace) -> str:
    before, name, value = found.groups()
    if _squeeze(name) in _VAGUE:
        return before + replace("")  # a value such as createdAt, which other places may have, is no known secret
    is_secret = _rule(name).holds_text(value) or _squeeze(name) in _PARAMETERS
    return before + (replace(value) if is_secret else value)


def _redact_json(text: str, replace: Replace) -> str:
    """A text that is JSON, or has lines of JSON, such as events; as it was where it holds no secret."""
    if text.lstrip()[:1] in ("{", "[") and (whole := _redact_document(text, replace)) is not None:
        return whole
    return _LINE.sub(lambda found: found[1] + (_redact_document(found[2], replace) or found[2]), text)


def _redact_document(text: str, replace: Replace) -> str | None:
    """JSON without secrets; None if it is no JSON."""
    try:
        data = json.loads(text)
        redacted = _redact_value(data, _Rule.NONE, replace)
        return text if redacted == data else json.dumps(redacted, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None


def _redact_value(value: Any, rule: _Rule, replace: Replace, *, listed: bool = False) -> Any:
    """A value without secrets.

    Args:
        value: The value.
        rule: Rule of the name of its field, or of the name that its row gives.
        replace: Returns the text in the place of a secret.
        listed: Whether it is an item of a list.
    """
    if isinstance(value, str):
        if rule.holds_text(value):
            return replace(value)
        return (_redact_document(value, replace) or value) if value[:1] in ("{", "[") else value
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("JSON has no such number")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0 if rule is _Rule.ONE else value
    if isinstance(value, list):
        return [_redact_value(item, rule.below(), replace, listed=True) for item in value]
    if isinstance(value, dict):
        rules = _rules_of_fields(value, rule, listed=listed)
        return {key: _redact_value(item, rules[key], replace) for key, item in value.items()}
    return value


def _rules_of_fields(value: dict[str, Any], rule: _Rule, *, listed: bool) -> dict[str, _Rule]:
    """The rules of an object's fields: each by its own name, else by the name of what the object is in.

    Items of a list are records: of what has no secret name, only the field ``value``, or else ``key``, is a secret.
    """
    below = rule.below()
    other = _Rule.NONE if listed or rule.is_about(value) else below
    names = {key: key.lower() for key in value}
    holder = "value" if "value" in names.values() else "key"
    rules = {key: _rule(key) or (_Rule.NONE if _ABOUT.intersection(split_words(key)[-1:]) else other) for key in value}
    for key, name in names.items():
        if name == holder:
            rules[key] = (_rule(label_of(value) or "") if name == "value" else _Rule.NONE) or rules[key] or below
    return rules


class _Rule(Enum):
    """A rule: what the name of a field says of its value."""

    NONE = 0
    TEXT = 1
    """A text is a secret, and so is each text in a list."""
    ONE = 2
    """Texts and numbers are secrets, and so are those in lists and objects."""
    MANY = 3
    """As ``ONE`` in a list or an object; a number, or a text of digits, tells how many there are."""
    TOKENS = 4
    """Texts are secrets, also in lists and objects; numbers, and the object that has some, count tokens of a model."""

    def __bool__(self) -> bool:
        return self is not _Rule.NONE

    def holds_text(self, value: str) -> bool:
        """Whether this text is a secret."""
        counts = self in (_Rule.MANY, _Rule.TOKENS) and _NUMBER.fullmatch(value)
        return bool(self and value and not counts)

    def below(self) -> _Rule:
        """The rule of what is in a list or an object."""
        return _Rule.ONE if self is _Rule.MANY else self

    def is_about(self, value: dict[str, Any]) -> bool:
        """Whether an object tells about secrets, or counts tokens, so that its fields are known by their own names."""
        counts = self is _Rule.TOKENS and any(type(each) in (int, float) for each in value.values())
        return self is _Rule.TEXT or counts or str(value.get("type")) in _SCHEMA_TYPES


@lru_cache
def _rule(name: str) -> _Rule:
    squeezed, words = _squeeze(name), split_words(name)
    if squeezed in _NO_SECRETS or not words:
        return _Rule.NONE
    if squeezed in _TEXTS:
        return _Rule.TEXT
    if names_a_secret(name):
        return _Rule.ONE
    if not words[-1].endswith("s") or not names_a_secret("_".join(words)[:-1]):
        return _Rule.NONE
    if words[-1] == "tokens":
        return _Rule.NONE if _COUNTS.intersection(words) else _Rule.TOKENS
    return _Rule.MANY


def _squeeze(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
