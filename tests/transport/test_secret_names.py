"""What the names of fields, headers, settings and parameters say: one rule for logs, cassettes, files and telemetry."""

from __future__ import annotations

from pathlib import Path

import pytest

import simstudio
from simstudio.transport.secret_names import SecretRule, holds_secret, rule_of

RULES = {
    SecretRule.ONE: (
        "apiKey", "API_KEY", "X-API-Key", "bot_token", "botToken2", "clientSecret", "client_secret_value", "password",
        "passwordHash", "connection_string", "Proxy-Authorization", "Set-Cookie", "sslpassword",
    ),
    SecretRule.MANY: ("apiKeys", "access_keys", "secrets", "passwords", "cookies"),
    SecretRule.TOKENS: ("tokens", "bot_tokens"),
    SecretRule.TEXT: ("credentials", "service_account_json"),
    SecretRule.NONE: (
        "", "_", "value", "hash", "2", "key", "code", "secretary", "monkey", "keyword", "author", "credential",
        "credentialId", "nextPageToken", "pageTokens", "maxTokens", "total_tokens", "hostedApiKey", "idempotency-key",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param((rule, name), id=name) for rule, names in RULES.items() for name in names]
)
def test_rule_of_a_name(name: tuple[SecretRule, str]) -> None:
    assert rule_of(name[1]) is name[0]


def test_parameters_of_urls() -> None:
    secret = ("key", "code", "sig", "pass", "auth", "X-Amz-Signature", "access_token", "password")
    assert [name for name in secret if not holds_secret(name, "abc")] == []
    assert [name for name in ("page", "ssl", "keys", "tokens_max") if holds_secret(name, "abc")] == []


@pytest.mark.parametrize("word", ["passphrase", "passwd", "apikey|", "api[-_]?key"])
def test_no_other_module_has_a_rule_of_its_own(word: str) -> None:
    root = Path(simstudio.__file__).parent
    holders = {path.stem for path in root.rglob("*.py") if word in path.read_text(encoding="utf-8")}
    assert holders <= {"secret_names", "files"}  # files names /etc/passwd
