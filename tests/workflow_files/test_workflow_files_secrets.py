"""Which texts of a workflow are secrets, and what stands in their place."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio.workflow_files.document import Document, write_document
from simstudio.workflow_files.secrets import Secrets, clear_secrets, redact

KEY = "hunter2"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc"


def holding(value: Any, name: str = "prompt", kind: str = "long-input") -> Document:
    block = {"id": "b", "name": "Agent", "type": "agent", "subBlocks": {name: {"type": kind, "value": value}}}
    return {"name": "w", "description": None, "folder": "/", "blocks": [block], "edges": [], "variables": []}


def value_of(document: Document) -> Any:
    (setting,) = document["blocks"][0]["subBlocks"].values()
    return setting["value"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("apiKey", KEY),
        ("X-API-Key", KEY),
        ("bot_token", KEY),
        ("clientSecret", KEY),
        ("connectionString", KEY),
        ("headers", [{"id": "r", "cells": {"Key": "Authorization", "Value": f"Bearer {KEY}"}}]),
        ("tools", [{"type": "mail", "params": {"password": KEY, "to": "ada@example.com"}}]),
        ("fields", [{"name": "token", "value": KEY}]),
        ("body", f'{{"password": "{KEY}-long"}}'),
        ("apiKeys", KEY),
        ("apiKeys", [KEY, KEY, {"key": KEY, "name": "ci"}]),
        ("config", {"secrets": {"DB": KEY, "PIN": 471147}, "retries": 3}),
        ("password", 471147),
        ("tokens", {"a": {"b": KEY}}),
        ("url", f"https://x/f?page=2&key={KEY}&code={KEY}"),
        ("url", f"https://x/f?access_token={KEY}&key={{{{MAPS}}}}"),
        ("prompt", "Use sk-proj-0123456789abcdef please"),
        ("code", "const token = 'ghp_0123456789abcdef0123'"),
        ("code", f"fetch(url, {{headers: {{A: 'Bearer {JWT}'}}}})"),
        ("url", f"postgres://ada:{KEY}@db/x"),
        ("prompt", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"),
    ],
)
def test_a_secret_is_not_in_the_file_and_comes_back(name: str, value: Any) -> None:
    document = holding(value, name)

    shown, secrets = redact(document)

    text = write_document(shown) + repr(secrets)
    assert "${secret:1}" in text
    assert not any(secret in text for secret in (KEY, "0123456789abcdef", JWT, "471147"))
    assert secrets.restore(secrets.settle(shown, shown)[0]) == document
    assert bool(clear_secrets(document)) is ("?page" not in str(value))
    assert not clear_secrets(shown)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("apiKey", "{{OPENAI_KEY}}", "short-input"),
        ("apiKey", "<start.key>", "short-input"),
        ("headers", [{"cells": {"Key": "Authorization", "Value": "Bearer {{TOKEN}}"}}], "table"),
        ("apiKey", "", "short-input"),
        ("maxTokens", "4096", "short-input"),
        ("pageToken", "abc", "short-input"),
        ("credential", "cred-1", "oauth-input"),
        ("prompt", "What is the secret of a long life?", "long-input"),
        ("url", "https://example.com/a:b@c", "short-input"),
        ("url", "https://example.com/f?key={{MAPS}}&code=<start.code>", "short-input"),
        ("usage", {"tokens": {"prompt": 12, "model": "gpt"}, "secrets": 3, "totalTokens": 9}, "code"),
        ("tokens", 4096, "slider"),
        ("code", "const nextPageToken = 'abcdefghij'", "code"),
        ("code", "fetch(`https://x/f?token=${token}&api_key=${keys[0]}`)", "code"),
        ("code", 'get(f"https://x/f?token={token}&password=%s" % word)', "code"),
        ("code", "ready&&token=refresh(); open?key=first:key=second", "code"),
        ("url", "https://x/f?token=<start.token>&code=12", "short-input"),
        ("schema", {"properties": {"token": {"type": "string", "description": "A token"}}}, "code"),
    ],
)
def test_what_is_no_secret_stays(name: str, value: Any, kind: str) -> None:
    document = holding(value, name, kind)

    assert redact(document)[0] == document


def test_what_sim_s_export_leaves_out_is_a_secret_unless_it_is_an_id_of_the_workspace() -> None:
    exported = holding(None, "channelHook")

    assert value_of(redact(holding(KEY, "channelHook"), exported)[0]) == "${secret:1}"
    assert value_of(redact(holding("kb-1", "kb", "knowledge-base-selector"), holding(None, "kb"))[0]) == "kb-1"


def test_a_variable_is_a_secret_by_its_name() -> None:
    variables = [{"name": "apiKey", "type": "string", "value": KEY}, {"name": "model", "type": "string", "value": KEY}]

    shown, _ = redact({**holding("x"), "variables": variables})

    assert [each["value"] for each in shown["variables"]] == ["${secret:1}", KEY]


def test_a_text_that_looks_like_a_placeholder_comes_back() -> None:
    document = holding("say ${secret:7} and sk-0123456789abcdef0")

    shown, secrets = redact(document)

    assert value_of(shown) == "say ${secret:1} and ${secret:2}"
    assert secrets.restore(shown) == document


class TestPlaceholder:
    def test_follows_a_row_that_has_moved(self) -> None:
        rows = [{"id": "a", "cells": {"Key": "X", "Value": "1"}}, {"id": "b", "cells": {"Key": "token", "Value": KEY}}]
        shown, secrets = redact(holding(rows, "headers"))
        moved = holding(value_of(shown)[::-1], "headers")

        assert value_of(secrets.restore(moved)) == rows[::-1]

    def test_of_a_number_that_became_a_reference_is_no_more(self) -> None:
        _, secrets = redact(holding(471147, "password"))

        assert value_of(secrets.restore(holding("{{PIN}}", "password"))) == "{{PIN}}"

    def test_is_empty_where_the_server_has_nothing(self) -> None:
        settled, empty = Secrets().settle(holding("${secret:1}", "apiKey"), holding("", "apiKey"))

        assert (value_of(settled), empty) == ("", ["Agent › apiKey"])

    def test_leaves_a_reference_that_the_server_has(self) -> None:
        settled, empty = Secrets().settle(holding("${secret:1}", "apiKey"), holding("{{KEY}}", "apiKey"))

        assert (value_of(settled), empty) == ("{{KEY}}", [])
