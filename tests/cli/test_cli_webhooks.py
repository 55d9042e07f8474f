"""``simstudio webhooks verify``: a stored delivery, and what its exit code says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from simstudio.cli.failures import CommandError
from simstudio.cli.invocation import Invocation
from simstudio.cli.webhooks import verify
from simstudio.webhooks import sign
from tests.frames import leaks
from tests.webhooks.deliveries import SECRET, TEST_BUTTON, UNSIGNED

BODY = '{"order": 7}'


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_WEBHOOK_SECRET", SECRET)


@pytest.fixture
def stored(tmp_path: Path):
    """Store a delivery; give the words that name its files."""

    def store(body: str | bytes, headers: dict[str, str] | str) -> list[str]:
        (tmp_path / "body").write_bytes(body if isinstance(body, bytes) else body.encode())
        lines = (
            headers if isinstance(headers, str) else "".join(f"{name}: {value}\n" for name, value in headers.items())
        )
        (tmp_path / "headers").write_text(lines)
        return ["webhooks", "verify", str(tmp_path / "body"), "--headers", str(tmp_path / "headers")]

    return store


class TestAVerifiedDelivery:
    def test_it_is_a_json_line_on_a_pipe(self, cli, stored) -> None:
        result = cli(*stored(TEST_BUTTON.body, TEST_BUTTON.headers), "--tolerance", "none")

        assert (result.exit_code, result.stderr) == (0, "")
        assert json.loads(result.stdout) == json.loads(TEST_BUTTON.body)

    @pytest.mark.usefixtures("terminal")
    def test_it_is_a_table_on_a_terminal(self, cli, stored) -> None:
        shown = cli(*stored(TEST_BUTTON.body, TEST_BUTTON.headers), "--tolerance", "none").stdout

        assert "workflow.execution.completed (a test)" in shown
        assert json.loads(TEST_BUTTON.body)["data"]["executionId"] in shown

    @pytest.mark.usefixtures("terminal")
    def test_of_a_webhook_block_the_terminal_shows_the_payload(self, cli, stored) -> None:
        assert '"order": 7' in cli(*stored(BODY, sign(BODY, SECRET, family="webhook"))).stdout

    @pytest.mark.usefixtures("terminal")
    def test_what_is_wrong_with_its_body_is_a_note(self, cli, stored) -> None:
        result = cli(*stored("no json", sign("no json", SECRET)))

        assert (result.exit_code, "no json" in result.stdout) == (0, True)
        assert "note: The body is not JSON: " in result.stderr

    def test_on_a_pipe_a_body_that_is_no_json_is_text(self, cli, stored) -> None:
        assert json.loads(cli(*stored(b"\xff", sign(b"\xff", SECRET))).stdout) == "\ufffd"

    def test_its_body_may_come_on_standard_input_and_its_headers_as_options(self, cli) -> None:
        headers = [word for name, value in sign(BODY, SECRET).items() for word in ("--header", f"{name}:{value}")]

        result = cli("webhooks", "verify", "-", *headers, stdin=BODY)

        assert (result.exit_code, json.loads(result.stdout)) == (0, {"order": 7})

    def test_its_headers_may_be_a_json_object(self, cli, stored) -> None:
        assert cli(*stored(BODY, json.dumps(sign(BODY, SECRET)))).exit_code == 0

    def test_its_headers_may_begin_with_a_request_line(self, cli, stored) -> None:
        signed = "".join(f"{name}: {value}\n" for name, value in sign(BODY, SECRET).items())

        assert cli(*stored(BODY, f"POST /hook HTTP/1.1\n{signed}\n")).exit_code == 0

    def test_of_a_data_drain_a_pipe_gets_the_rows(self, cli, stored) -> None:
        body = f"{BODY}\n{BODY}\n"
        headers = sign(body, SECRET, family="drain", signature_header="X-My-Sig")

        result = cli(*stored(body, headers), "--signature-header", "x-my-sig")

        assert (result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]) == (0, [{"order": 7}] * 2)

    @pytest.mark.usefixtures("terminal")
    def test_the_test_of_a_data_drain_is_said_to_be_one(self, cli, stored) -> None:
        body = '{"sim":"connection-test"}\n'

        assert "data drain (a test)" in cli(*stored(body, sign(body, SECRET, family="drain"))).stdout

    def test_the_secret_of_the_option_wins(self, cli, stored) -> None:
        assert cli(*stored(BODY, sign(BODY, "whsec-test-other")), "--secret", "whsec-test-other").exit_code == 0

    def test_its_body_is_read_byte_for_byte_from_a_pipe(self, started, stored) -> None:
        body = '{"text": "Žofia"}\r\n'.encode()
        words = stored(b"", sign(body, SECRET))
        process = started("webhooks", "verify", "-", *words[3:], stdin=subprocess.PIPE)

        printed, said = process.communicate(body)

        assert (process.returncode, said, json.loads(printed)) == (0, b"", {"text": "Žofia"})


OLD = sign(BODY, SECRET, timestamp_ms=1_000)
NEW = sign(BODY, SECRET, timestamp_ms=9_999_999_999_999)


class TestADeliveryThatIsNotToBeTrusted:
    @pytest.mark.parametrize(
        ("body", "headers", "kind"),
        [
            (UNSIGNED.body, lambda: UNSIGNED.headers, "MissingSignatureError"),
            (BODY, lambda: sign(BODY, "whsec-test-other"), "InvalidSignatureError"),
            (BODY + " ", lambda: sign(BODY, SECRET), "InvalidSignatureError"),
            (BODY, lambda: OLD, "TimestampTooOldError"),
            (BODY, lambda: NEW, "TimestampTooNewError"),
        ],
        ids=lambda value: value if isinstance(value, str) and value.endswith("Error") else "",
    )
    def test_it_is_1_and_json_names_the_reason(self, cli, stored, body: Any, headers: Any, kind: str) -> None:
        result = cli(*stored(body, headers()), "--json")

        assert (result.exit_code, result.stderr) == (1, "")
        assert json.loads(result.stdout)["error"]["type"] == kind

    def test_without_json_it_is_one_line_on_standard_error(self, cli, stored) -> None:
        result = cli(*stored(BODY, OLD))

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("simstudio: error: The delivery was signed ")
        assert result.stderr.endswith("For a stored delivery, --tolerance none checks no time.\n")

    def test_without_headers_the_options_that_give_them_are_named(self, cli) -> None:
        result = cli("webhooks", "verify", "-", stdin=BODY)

        assert result.exit_code == 1
        assert "Give --header NAME:VALUE, or --headers FILE." in result.stderr

    def test_a_signature_that_comes_twice_is_not_chosen_from(self, cli, stored) -> None:
        forged = "t=1000,v1=" + "0" * 64

        result = cli(*stored(BODY, sign(BODY, SECRET)), "-H", f"Sim-Signature:{forged}", "--json")

        assert json.loads(result.stdout)["error"]["type"] == "InvalidSignatureError"

    def test_the_tolerance_is_seconds(self, cli, stored) -> None:
        assert cli(*stored(BODY, OLD), "--tolerance", "1e12").exit_code == 0

    def test_the_secret_is_never_shown(self, cli, stored) -> None:
        result = cli(*stored(f"no json: {SECRET}", sign(f"no json: {SECRET}", "whsec-test-other")))

        assert result.exit_code == 1
        assert SECRET not in result.stdout + result.stderr

    def test_a_secret_of_a_letter_or_two_leaves_the_message_as_it_is(self, cli, stored) -> None:
        assert "***" not in cli(*stored(BODY, sign(BODY, "other")), "--secret", "e").stderr


class TestWhatCannotBeRead:
    def test_no_secret_is_2_and_names_the_variable(self, cli, stored, monkeypatch) -> None:
        monkeypatch.delenv("SIM_WEBHOOK_SECRET")

        result = cli(*stored(BODY, OLD))

        assert (result.exit_code, result.stdout) == (2, "")
        assert "SIM_WEBHOOK_SECRET" in result.stderr

    @pytest.mark.parametrize("tolerance", ["-1", "nan", "inf", "soon", ""])
    def test_a_tolerance_is_seconds_or_none(self, cli, stored, tolerance: str) -> None:
        assert cli(*stored(BODY, OLD), "--tolerance", tolerance).exit_code == 2

    @pytest.mark.parametrize("header", ["sim-signature", "sim signature: x", ": x", ""])
    def test_a_header_option_is_a_name_and_a_value(self, cli, stored, header: str) -> None:
        assert cli(*stored(BODY, OLD), "--header", header).exit_code == 2

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "has no headers"),
            ("no header", "line 1 of"),
            ("a: b\nno header", "line 2 of"),
            ("{", "is no JSON"),
            ('[["a", "b"]]', "holds no JSON object"),
            ('{"a": 1}', "is not text"),
        ],
    )
    def test_a_file_that_holds_no_headers_is_refused_with_the_reason(self, cli, stored, text: str, problem: str):
        result = cli(*stored(BODY, text))

        assert result.exit_code == 2
        assert problem in result.stderr

    def test_a_body_that_is_not_there_is_refused_by_name(self, cli, tmp_path: Path) -> None:
        result = cli("webhooks", "verify", str(tmp_path / "nope"), "-H", "a:b")

        assert result.exit_code == 2
        assert "nope cannot be read: No such file" in result.stderr

    def test_body_and_headers_cannot_both_be_standard_input(self, cli) -> None:
        assert cli("webhooks", "verify", "-", "--headers", "-", stdin=BODY).exit_code == 2


def test_help_is_what_the_group_alone_prints(cli) -> None:
    assert "verify" in cli("webhooks").stdout


def test_no_frame_of_a_refused_delivery_holds_the_secret_or_its_signature(stored) -> None:
    headers = sign(BODY, f"{SECRET} of another")

    with pytest.raises(CommandError) as caught:
        verify.main(stored(BODY, headers)[2:], standalone_mode=False, obj=Invocation())

    signature = headers["sim-signature"].rpartition("v1=")[2]
    assert leaks(caught.value, SECRET, signature) == []
