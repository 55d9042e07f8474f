"""``simstudio api``: any route, and what is printed of its answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox import Sandbox, SandboxServer

USAGE = "/api/users/me/usage-limits"


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


class TestSending:
    def test_the_method_s_case_does_not_matter(self, cli, server: SandboxServer) -> None:
        result = cli("api", "get", USAGE)

        assert (result.exit_code, result.stderr) == (0, "")
        assert server.requests[-1].method == "GET"

    def test_query_and_headers_are_sent(self, cli, server: SandboxServer) -> None:
        cli("api", "GET", f"{USAGE}?a=1", "--query", "b=x=y", "-q", "c=2", "-q", "c=3", "--header", "X-Mine: one")

        sent = server.requests[-1]
        assert sent.query == "a=1&b=x%3Dy&c=2&c=3"
        assert sent.headers["x-mine"] == "one"

    @pytest.mark.parametrize("way", ["itself", "file", "pipe"])
    def test_the_body_is_json_itself_or_of_a_file_or_of_a_pipe(self, cli, server, tmp_path: Path, way: str) -> None:
        body = '{"name": "Ada", "n": [1, null]}'
        (tmp_path / "body.json").write_text(body)
        word = {"itself": body, "file": f"@{tmp_path / 'body.json'}", "pipe": "-"}[way]

        result = cli("api", "POST", "/api/workflows/hello/execute", "--data", word, stdin=body)

        assert json.loads(result.stdout)["output"] == {"message": "Hello, Ada!"}
        assert server.requests[-1].json == json.loads(body)

    @pytest.mark.parametrize(
        "words",
        [
            ["--data", "{"],
            ["--data", "@missing.json"],
            ["--data", "NaN"],
            ["--query", "a"],
            ["--query", "=a"],
            ["--header", "a"],
            ["--header", "a b: c"],
            ["--paginate", "--data", "{}"],
            ["--timeout", "0"],
        ],
    )
    def test_what_cannot_be_understood_is_2_and_nothing_is_sent(self, cli, server: SandboxServer, words) -> None:
        assert cli("api", "GET", USAGE, *words).exit_code == 2
        assert server.requests == []

    @pytest.mark.parametrize("words", [[], ["GET"], ["G3T", USAGE], ["GET", "https://elsewhere.example/api"]])
    def test_a_method_and_a_path_are_needed(self, cli, server: SandboxServer, words: list[str]) -> None:
        assert cli("api", *words).exit_code == 2
        assert server.requests == []

    def test_a_body_option_names_itself_when_it_is_no_json(self, cli, server: SandboxServer) -> None:
        result = cli("api", "POST", USAGE, "--data", "{")

        assert "--data" in result.stderr
        assert result.stderr.count("\n") == 1


class TestPrinting:
    def test_json_is_one_line_on_a_pipe(self, cli, server: SandboxServer) -> None:
        printed = cli("api", "GET", USAGE).stdout

        assert printed.count("\n") == 1
        assert json.loads(printed)["usage"]["plan"] == "free"

    @pytest.mark.usefixtures("terminal")
    def test_json_is_indented_on_a_terminal(self, cli, server: SandboxServer) -> None:
        assert cli("api", "GET", USAGE).stdout.startswith('{\n  "')

    def test_what_is_no_json_goes_to_a_pipe_byte_for_byte(self, started, sandbox: Sandbox, server) -> None:
        content = bytes(range(256))
        sandbox.faults.add(status=200, body=content, headers={"content-type": "image/png"})
        process = started("api", "GET", USAGE)

        assert process.communicate() == (content, b"")
        assert process.returncode == 0

    @pytest.mark.usefixtures("terminal")
    @pytest.mark.parametrize("content", [b"\x1b[31mred", b"\x89PNG\xff"])
    def test_what_a_terminal_cannot_show_is_not_shown_to_it(self, cli, sandbox: Sandbox, server, content) -> None:
        sandbox.faults.add(status=200, body=content, headers={"content-type": "image/png"})

        result = cli("api", "GET", USAGE)

        assert (result.exit_code, result.stdout) == (1, "")
        assert "Give --output FILE." in result.stderr

    @pytest.mark.usefixtures("terminal")
    def test_text_is_shown_to_a_terminal(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=200, body=b"a,b\n1,2", headers={"content-type": "text/csv"})

        assert cli("api", "GET", USAGE).stdout == "a,b\n1,2\n"

    def test_with_json_what_is_none_is_a_failure(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=200, body=b"a,b", headers={"content-type": "text/csv"})

        result = cli("api", "GET", USAGE, "--json")

        assert (result.exit_code, "--output FILE" in json.loads(result.stdout)["error"]["message"]) == (1, True)

    def test_a_file_gets_the_body_byte_for_byte_and_standard_output_nothing(self, cli, sandbox, server, tmp_path):
        sandbox.faults.add(status=200, body=b'{"a":  1}\n')

        result = cli("api", "GET", USAGE, "--output", str(tmp_path / "out"))

        assert (result.exit_code, result.stdout) == (0, "")
        assert (tmp_path / "out").read_bytes() == b'{"a":  1}\n'

    def test_with_json_it_says_what_it_wrote(self, cli, server, tmp_path: Path) -> None:
        (said,) = lines(cli("api", "GET", USAGE, "--output", str(tmp_path / "out"), "--json").stdout)

        assert said["output"] == str(tmp_path / "out")
        assert said["bytes"] == (tmp_path / "out").stat().st_size

    def test_a_file_that_cannot_be_written_is_1(self, cli, server, tmp_path: Path) -> None:
        result = cli("api", "GET", USAGE, "--output", str(tmp_path / "no" / "out"))

        assert result.exit_code == 1
        assert "cannot be written" in result.stderr

    def test_an_empty_answer_prints_nothing(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=204, body=b"")

        result = cli("api", "DELETE", USAGE)

        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")

    def test_an_error_tells_status_and_request_id(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=404, body={"error": "no such thing"}, headers={"x-request-id": "req-1"})

        result = cli("api", "GET", "/api/nothing")

        assert (result.exit_code, result.stdout) == (1, "")
        assert "no such thing (HTTP 404, GET /api/nothing, request id req-1)" in result.stderr

    def test_with_json_an_error_tells_them_too(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=404, body={"error": "no such thing"}, headers={"x-request-id": "req-1"})

        error = lines(cli("api", "GET", "/api/nothing", "--json").stdout)[-1]["error"]

        assert (error["status"], error["requestId"]) == (404, "req-1")

    def test_the_key_is_never_shown(self, cli, sandbox: Sandbox, server) -> None:
        sandbox.faults.add(status=404, body={"error": f"who is {sandbox.api_key}"})

        result = cli("api", "GET", "/api/nothing")

        assert sandbox.api_key not in result.stdout + result.stderr


class TestPaging:
    def answer(self, sandbox: Sandbox, *bodies: Any) -> None:
        for body in bodies:
            sandbox.faults.add(status=200, body=body)

    def test_cursors_are_followed_to_their_end_past_short_and_empty_pages(self, cli, sandbox, server) -> None:
        self.answer(
            sandbox,
            {"data": [{"n": 1}, {"n": 2}], "nextCursor": "c1"},
            {"data": [], "nextCursor": "c2"},
            {"data": [{"n": 3}], "nextCursor": None},
        )

        result = cli("api", "GET", "/api/v2/things?limit=2&search=a%20b", "--paginate")

        assert [item["n"] for item in lines(result.stdout)] == [1, 2, 3]
        assert [sent.query for sent in server.requests] == [
            "limit=2&search=a+b",
            "limit=2&search=a+b&cursor=c1",
            "limit=2&search=a+b&cursor=c2",
        ]

    def test_it_goes_on_from_a_cursor_that_is_given(self, cli, sandbox, server) -> None:
        self.answer(sandbox, {"data": [1], "nextCursor": "c2"}, {"data": [2]})

        cli("api", "GET", "/api/v2/things?cursor=c1", "--paginate")

        assert [sent.query for sent in server.requests] == ["cursor=c1", "cursor=c2"]

    def test_offsets_are_followed_as_well(self, cli, sandbox, server) -> None:
        self.answer(
            sandbox,
            {"success": True, "data": {"rows": [1, 2], "rowCount": 2, "totalCount": 3, "limit": 2, "offset": 0}},
            {"success": True, "data": {"rows": [3], "rowCount": 1, "totalCount": 3, "limit": 2, "offset": 2}},
        )

        result = cli("api", "GET", "/api/v1/tables/t/rows?limit=2", "--paginate")

        assert lines(result.stdout) == [1, 2, 3]
        assert [sent.query for sent in server.requests] == ["limit=2", "limit=2&offset=2"]

    def test_totals_that_are_text_count_too(self, cli, sandbox, server) -> None:
        """v1 sends the total of a knowledge base's documents as text (296-v1-documents-list.yaml)."""
        self.answer(
            sandbox,
            {"data": {"documents": [1], "pagination": {"total": "2", "limit": 1, "offset": 0}}},
            {"data": {"documents": [2], "pagination": {"total": "2", "limit": 1, "offset": 1}}},
        )

        assert lines(cli("api", "GET", "/api/v1/knowledge/k/documents", "--paginate").stdout) == [1, 2]

    def test_a_list_without_pages_is_printed_whole(self, cli, sandbox, server) -> None:
        self.answer(sandbox, {"success": True, "data": {"files": [1, 2], "totalCount": 2}})

        assert lines(cli("api", "GET", "/api/v1/files", "--paginate").stdout) == [1, 2]

    @pytest.mark.parametrize("cursors", ["aa", "aba"])
    def test_a_list_without_an_end_is_a_failure_after_what_it_brought(self, cli, sandbox, server, cursors) -> None:
        self.answer(sandbox, *[{"data": [n], "nextCursor": cursor} for n, cursor in enumerate(cursors)])

        result = cli("api", "GET", "/api/v2/things", "--paginate")

        assert (result.exit_code, lines(result.stdout)) == (1, list(range(len(cursors))))
        assert "no end" in result.stderr

    @pytest.mark.parametrize("body", [{"data": {"id": "x"}}, {"data": {"a": [], "b": []}}, [1], b'"text"'])
    def test_what_is_no_list_is_a_failure(self, cli, sandbox, server, body: Any) -> None:
        self.answer(sandbox, body)

        result = cli("api", "GET", "/api/v2/things", "--paginate")

        assert (result.exit_code, result.stdout) == (1, "")
        assert "--paginate" in result.stderr
