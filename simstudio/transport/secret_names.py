"""Names of fields, parameters, headers and settings that hold secrets: one rule for all that hides them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ENDINGS = (
    "apikey", "secretkey", "privatekey", "accesskey", "accesskeyid", "signingkey", "encryptionkey", "authkey",
    "connectionstring", "password", "passwd", "passphrase", "secret", "authorization", "cookie",
)  # fmt: skip
_NO_TOKENS = frozenset(("page", "next", "previous", "continuation", "sync", "cursor"))
"""Words before ``token`` that make it a position in a list."""
_VALUES = frozenset(("value", "hash"))
"""Last words of names that are left out of account, as are numbers: ``client_secret_value``, ``password2``."""
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
_PARAMETERS = frozenset(
    (
        "auth", "awsaccesskeyid", "code", "googleaccessid", "key", "keypairid", "ossaccesskeyid", "pass", "policy",
        "sig", "signature", "xamzcredential", "xamzsignature", "xgoogcredential", "xgoogsignature",
    )
)  # fmt: skip
"""Parameters of URLs that hold secrets, besides those whose names would in JSON."""
_SCHEMA_TYPES = frozenset(("array", "boolean", "integer", "json", "null", "number", "object", "string"))
_NUMBER = re.compile(r"[\d\s.,_]*")


class SecretRule(Enum):
    """The meaning of a field's name for its value."""

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
        return self is not SecretRule.NONE

    def holds(self, value: object) -> bool:
        """Whether this text or number is a secret."""
        if isinstance(value, str):
            counts = self in (SecretRule.MANY, SecretRule.TOKENS) and _NUMBER.fullmatch(value)
            return bool(self and value and not counts)
        return self is SecretRule.ONE and isinstance(value, (int, float)) and not isinstance(value, bool)

    def below(self) -> SecretRule:
        """The rule of what is in a list or an object."""
        return SecretRule.ONE if self is SecretRule.MANY else self

    def of_fields(self, value: Mapping[str, Any], *, listed: bool = False) -> dict[str, SecretRule]:
        """The rules of the fields of an object: each by its own name, else by the name of what the object is in.

        Items of a list are records: of what has no secret name, only the field ``value``, or else ``key``, is a secret.

        Args:
            listed: Whether the object is an item of a list.
        """
        below = self.below()
        other = SecretRule.NONE if listed or self._is_about(value) else below
        rules = {key: rule_of(key) for key in value}
        if other:
            rules = {key: rule or (SecretRule.NONE if _is_about(key) else other) for key, rule in rules.items()}
        names = {key: key.lower() for key in value}
        holder = "value" if "value" in names.values() else "key"
        for key, name in names.items():
            if name == holder:
                label = label_of(value) if name == "value" else None
                rules[key] = rule_of(label or "") or rules[key] or below
        return rules

    def _is_about(self, value: Mapping[str, Any]) -> bool:
        """Return whether an object describes secrets, or counts tokens: its fields are known by their own names."""
        counts = self is SecretRule.TOKENS and any(type(each) in (int, float) for each in value.values())
        return self is SecretRule.TEXT or counts or str(value.get("type")) in _SCHEMA_TYPES


@lru_cache(maxsize=1024)
def rule_of(name: str) -> SecretRule:
    """The rule of a field, a header or a setting.

    Example:
        >>> [rule_of(name).name for name in ("X-API-Key", "bot_token", "apiKeys", "tokens", "maxTokens", "pageToken")]
        ['ONE', 'ONE', 'MANY', 'TOKENS', 'NONE', 'NONE']
    """
    words = split_words(name)
    squeezed = "".join(words)
    if squeezed in _NO_SECRETS:
        return SecretRule.NONE
    if squeezed in _TEXTS:
        return SecretRule.TEXT
    while words and (words[-1] in _VALUES or words[-1].isdigit()):
        words = words[:-1]
    if not words:
        return SecretRule.NONE
    if _names_one(words):
        return SecretRule.ONE
    if not words[-1].endswith("s") or not _names_one([*words[:-1], words[-1][:-1]]):
        return SecretRule.NONE
    if words[-1] == "tokens":
        return SecretRule.NONE if _COUNTS.intersection(words) else SecretRule.TOKENS
    return SecretRule.MANY


def _is_about(name: str) -> bool:
    """Return whether a field describes a secret, such as its version."""
    return bool(_ABOUT.intersection(split_words(name)[-1:]))


def holds_secret(parameter: str, value: str) -> bool:
    """Whether this value of a parameter of a URL is a secret.

    Example:
        >>> holds_secret("key", "AIza"), holds_secret("X-Amz-Signature", "ab12"), holds_secret("page", "2")
        (True, True, False)
    """
    return rule_of(parameter).holds(value) or re.sub(r"[^a-z]", "", parameter.lower()) in _PARAMETERS


def label_of(value: Mapping[str, Any]) -> str | None:
    """The name of a row's value: ``{"Key": "Authorization", "Value": …}``, ``{"name": "token", "value": …}``."""
    for key, item in value.items():
        if key.lower() in ("key", "name") and isinstance(item, str) and item:
            return item
    return None


def split_words(name: str) -> list[str]:
    """The words of a name, in lower case.

    Example:
        >>> split_words("X-API-Key"), split_words("botToken2")
        (['x', 'api', 'key'], ['bot', 'token', '2'])
    """
    return [word.lower() for word in _WORD.findall(name)]


def _names_one(words: list[str]) -> bool:
    """Whether these words name one secret."""
    if words[-1] == "token":
        return not _NO_TOKENS.intersection(words)
    return "".join(words).endswith(_ENDINGS)
