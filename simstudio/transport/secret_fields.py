"""Secrets in texts that are known by the name of a field or parameter, or by their form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from simstudio.transport.secret_names import SecretRule, holds_secret, rule_of

Replace = Callable[[str], str]
"""Takes a secret, and returns the text in its place."""

_NAME = r'([^"\\]{1,80})'
# These keep the spaces of JSON, and find it within pages. Within a text in JSON, quotes are escaped.
_IN_JSON = (
    re.compile(rf'(?<!\\)("{_NAME}"\s*:\s*")((?:[^"\\]|\\.)+)(?="|\Z)'),
    re.compile(
        rf'((?<!\\)(?P<q>\\+"){_NAME}(?P=q)\s*:\s*(?P=q))((?:(?!(?<!\\)(?P=q)).)+)(?=(?P=q))',
    ),
)
_NUMBER_IN_JSON = re.compile(rf'((?<!\\)(?P<q>\\*"){_NAME}(?P=q)\s*:\s*)(-?\d[\d.eE+-]*)')
_IN_URL = re.compile(r"((?:^|[?&]|\\u0026|&amp;)([\w.-]{1,60})=)([^&\s\"'<>\\#]+)")
_IN_FORM = re.compile(r'(\bname="([^"\r\n]{1,60})"(?:\r\n[^\r\n]+){0,4}\r\n\r\n)([^\r\n]+)(?=\r\n--)')
_LINE = re.compile(r"^((?:data:)?[ \t]*)([\[{].*)$", re.MULTILINE)

_ASSIGNED = re.compile(r"""(?<![\w-])([\w-]{1,60})(["']?)\s*[:=]\s*["']([^"'\s{}<>]{8,})["']""")
# A parameter of a URL within code and templates, which have operators and expressions that look alike.
_PARAMETER = re.compile(r"((?<!&)[?&])([\w.-]{1,60})=([A-Za-z0-9._~%+/-]{4,})(?=[&#\s\"'`)\]>,;]|$)")
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
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----BEGIN )[\s\S])+?-----END [A-Z ]*PRIVATE KEY-----",
            r"(?i:\b(?:bearer|basic)\s+)([A-Za-z0-9._~+/-]{16,}=*)",
            r"\w://[^/\s:@]*:([^/\s@{}<>]+)@",
        ),
    )
)

_VAGUE = frozenset({"code", "key"})
"""Parameters that hold a secret, or something else."""


def redact_fields(text: str, replace: Replace) -> str:
    """A text without the secrets that a name or their form shows: in JSON, events, forms, URLs and pages."""
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
    return before + (replace(value) if rule_of(name).holds(value) else value)


def _redact_number(found: re.Match[str]) -> str:
    before, name, value = found[1], *found.groups()[-2:]
    return before + ("0" if rule_of(name) is SecretRule.ONE else value)


def _redact_parameter(found: re.Match[str], replace: Replace) -> str:
    before, name, value = found.groups()
    if name.lower() in _VAGUE:
        return before + replace("")  # a value such as createdAt, which other places may have, is no known secret
    return before + (replace(value) if holds_secret(name, value) else value)


def _redact_json(text: str, replace: Replace) -> str:
    """A text that is JSON, or has lines of JSON, such as events; as it was where it holds no secret."""
    if text.lstrip()[:1] in ("{", "[") and (whole := redact_document(text, replace)) is not None:
        return whole
    return _LINE.sub(lambda found: found[1] + (redact_document(found[2], replace) or found[2]), text)


def redact_document(text: str, replace: Replace) -> str | None:
    """JSON without secrets; None if it is no JSON."""
    try:
        data = json.loads(text)
        redacted = redact_value(data, replace)
        return text if redacted == data else json.dumps(redacted, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return None


def redact_value(value: Any, replace: Replace, rule: SecretRule = SecretRule.NONE, *, listed: bool = False) -> Any:
    """A value without secrets.

    Args:
        value: JSON data.
        replace: Returns the text in the place of a secret.
        rule: Rule of the name of its field, or of the name that its row gives.
        listed: Whether it is an item of a list.
    """
    if isinstance(value, str):
        if rule.holds(value):
            return replace(value)
        return (redact_document(value, replace) or value) if value[:1] in ("{", "[") else value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0 if rule.holds(value) else value
    if isinstance(value, list):
        return [redact_value(item, replace, rule.below(), listed=True) for item in value]
    if isinstance(value, dict):
        rules = rule.of_fields(value, listed=listed)
        return {key: redact_value(item, replace, rules[key]) for key, item in value.items()}
    return value


def find_keys(text: str) -> list[tuple[int, int]]:
    """Start and end of each part of a text that has the form of a key."""
    return merge_spans(match.span(match.lastindex or 0) for form in _FORMS for match in form.finditer(text))


def find_assigned(text: str, *, vague: bool = True) -> list[tuple[int, int]]:
    """Start and end of each part of a text that is assigned to the name of a secret, as in code, JSON and URLs.

    Args:
        vague: Whether the parameters ``key`` and ``code`` of a URL count.
    """
    assigned = (match.span(3) for match in _ASSIGNED.finditer(text) if rule_of(match[1]).holds(match[3]))
    parameters = (
        match.span(3)
        for match in _PARAMETER.finditer(text)
        if holds_secret(match[2], match[3]) and (vague or match[2].lower() not in _VAGUE)
    )
    return merge_spans([*assigned, *parameters])


def merge_spans(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Starts and ends in their order, of which none overlap."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans
