"""Secrets in recorded texts that are known by the name of a field or parameter, or by their form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from typing import Any

from simstudio.workflow_files.places import label_of
from simstudio.workflow_files.secrets import find_keys, names_a_secret

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
_IN_URL = re.compile(r"((?:^|[?&]|\\u0026|&amp;)([\w.-]{1,60})=)([^&\s\"'<>\\#]+)")
_IN_FORM = re.compile(r'(\bname="([^"\r\n]{1,60})"(?:\r\n[^\r\n]+){0,4}\r\n\r\n)([^\r\n]+)(?=\r\n--)')
_LINE = re.compile(r"^((?:data:)?[ \t]*)([\[{].*)$", re.MULTILINE)

_FIELDS = frozenset({"credentials", "serviceaccountjson"})
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


def redact_fields(text: str, replace: Replace) -> str:
    """A text without the secrets that a name or their form tells: JSON, events, forms, URLs and pages."""
    for pattern in _IN_JSON:
        text = pattern.sub(lambda found: _redact_field(found, replace), text)
    text = _redact_json(text, replace)
    text = _IN_URL.sub(lambda found: _redact_parameter(found, replace), text)
    text = _IN_FORM.sub(lambda found: _redact_field(found, replace), text)
    for start, end in reversed(find_keys(text)):
        text = text[:start] + replace(text[start:end]) + text[end:]
    return text


def _redact_field(found: re.Match[str], replace: Replace) -> str:
    before, name, value = found[1], *found.groups()[-2:]
    return before + (replace(value) if _is_secret(name) else value)


def _redact_parameter(found: re.Match[str], replace: Replace) -> str:
    before, name, value = found.groups()
    is_secret = _is_secret(name) or _squeeze(name) in _PARAMETERS
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
        redacted = _redact_value(data, "", replace)
        return text if redacted == data else json.dumps(redacted, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None


def _redact_value(value: Any, name: str, replace: Replace) -> Any:
    """A value without secrets; ``name`` is that of its field, or what its row calls it."""
    if isinstance(value, str):
        if value and _is_secret(name):
            return replace(value)
        return (_redact_document(value, replace) or value) if value[:1] in ("{", "[") else value
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("JSON has no such number")
    if isinstance(value, list):
        return [_redact_value(item, name, replace) for item in value]
    if isinstance(value, dict):
        label = label_of(value) or name
        return {
            key: _redact_value(item, label if key.lower() == "value" else key, replace) for key, item in value.items()
        }
    return value


@lru_cache
def _is_secret(name: str) -> bool:
    return names_a_secret(name) or _squeeze(name) in _FIELDS


def _squeeze(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
