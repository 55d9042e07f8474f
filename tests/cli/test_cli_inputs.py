"""From ``--input``, ``--input-json`` and ``--file`` to what the server receives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox import SandboxServer


@pytest.fixture
def sent(cli, server: SandboxServer):
    """What a command line sent as the body of the execution."""

    def run(*words: str, stdin: str | bytes | None = None) -> Any:
        result = cli("run", "hello", *words, stdin=stdin)
        assert result.exit_code == 0, result.stderr
        return server.requests[-1].json

    return run


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1.5", 1.5),
        ("true", True),
        ("null", None),
        ('"3"', "3"),
        ('[1, "a"]', [1, "a"]),
        ('{"b": {}}', {"b": {}}),
        ("Ada", "Ada"),
        ("", ""),
        ("a=b", "a=b"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("{open", "{open"),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_value_is_json_where_it_is_valid_json_and_text_where_not(sent, text: str, value: Any) -> None:
    assert sent("--input", f"key={text}") == {"key": value}


def test_a_dot_in_a_key_is_a_dot(sent) -> None:
    assert sent("--input", "a.b=1") == {"a.b": 1}


def test_the_last_value_of_a_key_wins(sent) -> None:
    assert sent("--input", "a=1", "--input", "a=2") == {"a": 2}


def test_without_any_the_input_is_empty(sent) -> None:
    assert sent() == {}


@pytest.mark.parametrize("text", ["name", "=Ada", ""])
def test_an_input_without_key_or_equals_sign_is_refused(cli, server: SandboxServer, text: str) -> None:
    result = cli("run", "hello", "--input", text)

    assert result.exit_code == 2
    assert "is not KEY=VALUE" in result.stderr


class TestJSON:
    def test_it_comes_from_a_file(self, sent, tmp_path: Path) -> None:
        (tmp_path / "in.json").write_bytes(b'\xef\xbb\xbf{"name": "Bj\xc3\xb6rn"}')

        assert sent("--input-json", str(tmp_path / "in.json")) == {"name": "Björn"}

    def test_it_comes_from_standard_input(self, sent) -> None:
        assert sent("--input-json", "-", stdin='{"name": "Ada"}') == {"name": "Ada"}

    def test_single_inputs_win_over_its_keys(self, sent) -> None:
        assert sent("--input-json", "-", "--input", "b=3", stdin='{"a": 1, "b": 2}') == {"a": 1, "b": 3}

    def test_any_json_value_is_an_input(self, sent) -> None:
        assert sent("--input-json", "-", stdin="[1, 2]") == {"input": [1, 2]}

    def test_a_value_that_is_no_object_takes_no_fields(self, cli, server: SandboxServer) -> None:
        result = cli("run", "hello", "--input-json", "-", "--input", "a=1", stdin="[1]")

        assert result.exit_code == 2
        assert "holds no JSON object" in result.stderr

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "is empty"),
            (b"{", "is no JSON"),
            (b'{"n": NaN}', "NaN is no JSON value"),
            ('{"a": 1}'.encode("utf-16"), "is not UTF-8"),
            (b"[" * 100_000, "nests too deeply"),
        ],
    )
    def test_what_is_no_json_is_refused_with_the_reason(self, cli, server, content: bytes, problem: str) -> None:
        result = cli("run", "hello", "--input-json", "-", stdin=content)

        assert result.exit_code == 2
        assert problem in result.stderr
        assert result.stderr.count("\n") == 1
        assert server.requests == []

    def test_a_file_that_cannot_be_read_is_refused_by_name(self, cli, server, tmp_path: Path) -> None:
        result = cli("run", "hello", "--input-json", str(tmp_path / "missing.json"))

        assert result.exit_code == 2
        assert "missing.json cannot be read: No such file" in result.stderr


class TestFiles:
    def test_one_is_sent_as_an_object_with_its_name_and_type(self, sent, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("hi")

        (file,) = sent("--file", f"documents={tmp_path / 'a.txt'}").values()

        assert file == {"type": "file", "data": "data:text/plain;base64,aGk=", "name": "a.txt", "mime": "text/plain"}

    def test_several_of_one_field_make_a_list(self, sent, tmp_path: Path) -> None:
        for name in ("a.txt", "b.txt"):
            (tmp_path / name).write_text(name)

        body = sent("-f", f"docs={tmp_path / 'a.txt'}", "-f", f"docs={tmp_path / 'b.txt'}", "-i", "n=1")

        assert [file["name"] for file in body["docs"]] == ["a.txt", "b.txt"]
        assert body["n"] == 1

    def test_a_field_with_a_value_takes_none(self, cli, server, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("hi")

        result = cli("run", "hello", "-i", "doc=1", "-f", f"doc={tmp_path / 'a.txt'}")

        assert result.exit_code == 2
        assert "the field 'doc' has a value already" in result.stderr

    @pytest.mark.parametrize("text", ["doc=missing.txt", "doc=.", "doc=", "doc"])
    def test_what_is_no_file_is_refused(self, cli, server, text: str) -> None:
        assert cli("run", "hello", "--file", text).exit_code == 2
        assert server.requests == []


def test_input_that_the_client_refuses_is_a_usage_error(cli, server: SandboxServer) -> None:
    result = cli("run", "hello", "--input", "stream=true", "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["type"] == "InvalidInputError"
    assert server.requests == []
