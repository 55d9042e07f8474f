"""``simstudio batch``: what is printed and written where, what the ledger remembers, exit codes."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from simstudio.batch.items import prepare
from simstudio.batch.ledger import Intent, Ledger
from simstudio.cli.batch_display import Display


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


class TestRunning:
    def test_results_are_lines_on_standard_output_in_the_order_of_the_inputs(self, cli, server, work, given) -> None:
        result = cli("batch", "run", "work", given(1, 2, 4))

        assert result.exit_code == 0
        assert [(line["index"], line["state"], line["output"]) for line in lines(result.stdout)] == [
            (0, "done", {"square": 1}),
            (1, "done", {"square": 4}),
            (2, "done", {"square": 16}),
        ]

    def test_the_last_lines_of_standard_error_tell_how_it_went(self, cli, server, work, given) -> None:
        result = cli("batch", "run", "work", given(1, 2, 3, 2), "--dedup")

        first, *others = result.stderr.splitlines()
        assert first.startswith("simstudio: 4/4 finished, 3 done, 1 failed, ")
        assert [re.sub(r"[\d.,]+(e[+-]\d+)?(?= s|/s)", "N", line) for line in others] == [
            "simstudio: errors: 1 ExecutionError",
            "simstudio: not sent: 1 duplicate",
            "simstudio: time of an item: p50 N s, p95 N s",
            "simstudio: rate: N/s of N/s that the rate limit allows",
        ]

    def test_with_out_results_go_there_and_nothing_is_printed(self, cli, server, work, given, out) -> None:
        result = cli("batch", "run", "work", given(1, 2), "--out", str(out))

        assert (result.exit_code, result.stdout) == (0, "")
        assert [line["output"] for line in lines(out.read_text())] == [{"square": 1}, {"square": 4}]

    def test_with_json_the_last_line_is_the_summary(self, cli, server, work, given) -> None:
        result = cli("batch", "run", "work", given(1, 3), "--json")

        *items, last = lines(result.stdout)
        assert (result.exit_code, result.stderr, len(items)) == (1, "", 2)
        assert (last["batch"]["total"], last["batch"]["done"], last["batch"]["failed"]) == (2, 1, 1)
        assert (last["batch"]["errors"], last["batch"]["cost"]) == ({"ExecutionError": 1}, None)
        assert 0 < last["batch"]["p50"] <= last["batch"]["p95"]

    def test_a_failing_item_stops_no_other_and_the_exit_code_is_1(self, cli, server, work, given) -> None:
        result = cli("batch", "run", "work", given(2, 3, 4))

        assert result.exit_code == 1
        found = lines(result.stdout)
        assert [line["state"] for line in found] == ["done", "failed", "done"]
        assert found[1]["error"]["type"] == "ExecutionError"

    def test_stop_on_error_ends_it_with_that_error(self, cli, server, work, given) -> None:
        result = cli("batch", "run", "work", given(3, 4, 5), "--stop-on-error", "--concurrency", "1")

        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith("simstudio: error: The workflow failed: ")
        assert "simstudio: 1/3 finished, 0 done, 1 failed" in result.stderr
        assert work[5] == 0

    @pytest.mark.parametrize("mode", ["sync", "async", "stream"])
    def test_each_mode_runs_in_each_version(self, cli, server, work, given, version, mode) -> None:
        result = cli("batch", "run", "work", given(1, 2), "--mode", mode)

        assert (result.exit_code, work) == (0, Counter([1, 2]))
        assert [line["output"] for line in lines(result.stdout)] == [{"square": 1}, {"square": 4}]

    def test_unordered_gives_them_all_too(self, cli, server, work, given) -> None:
        result = cli("batch", "run", "work", given(1, 2, 4), "--unordered")

        assert sorted(line["index"] for line in lines(result.stdout)) == [0, 1, 2]

    def test_inputs_come_from_standard_input(self, cli, server, work) -> None:
        result = cli("batch", "run", "work", "-", stdin='\ufeff{"n": 1}\n\n{"n": 2}')

        assert [line["output"] for line in lines(result.stdout)] == [{"square": 1}, {"square": 4}]

    def test_an_empty_file_is_over_at_once(self, cli, server, work, given) -> None:
        result = cli("batch", "run", "work", given())

        assert (result.exit_code, result.stdout) == (0, "")

    def test_the_embedded_sandbox_runs_it_without_a_key(self, cli, tmp_path) -> None:
        (tmp_path / "in.jsonl").write_text('{"name": "Ada"}\n')

        result = cli("batch", "run", "hello", str(tmp_path / "in.jsonl"), "--sandbox")

        assert lines(result.stdout)[0]["output"] == {"message": "Hello, Ada!"}

    def test_a_longer_run_on_a_pipe_says_a_line_now_and_then(self, capsys: pytest.CaptureFixture[str]) -> None:
        from simstudio.batch.progress import Progress

        now = [0.0]
        with Display("wf", beside_results=False, clock=lambda: now[0]) as display:
            for second in range(70):
                now[0] = float(second)
                display.follow(Progress(total=20, done=max(0, min(second - 8, 9)), running=5, limit=5))

        assert capsys.readouterr().err.splitlines() == [
            "simstudio: 0/20 finished, 0 done, 0 failed; 5 of 5 running",
            "simstudio: 1/20 finished, 1 done, 0 failed; 5 of 5 running",
            "simstudio: 6/20 finished, 6 done, 0 failed; 5 of 5 running",
            "simstudio: 9/20 finished, 9 done, 0 failed; 5 of 5 running",
            "simstudio: 9/20 finished, 9 done, 0 failed; 5 of 5 running",
        ]


class TestBadInput:
    @pytest.mark.parametrize(
        "words",
        [
            ["run", "work"],
            ["run", "work", "nowhere.jsonl"],
            ["run", "work", "-", "--concurrency", "0"],
            ["run", "work", "-", "--concurrency", "many"],
            ["run", "work", "-", "--mode", "soon"],
            ["run", "work", "-", "--timeout", "0"],
            ["resume", "nowhere.sqlite"],
            ["status", "nowhere.sqlite"],
        ],
    )
    def test_what_cannot_be_understood_is_2_and_sends_nothing(self, cli, server, words) -> None:
        result = cli("batch", *words)

        assert result.exit_code == 2
        assert server.requests == []

    @pytest.mark.parametrize("source", ["file", "-"])
    @pytest.mark.parametrize(("line", "named"), [(b"{", "not JSON"), (b'"\xff"', "not UTF-8")])
    def test_an_unreadable_line_is_a_failed_item_that_names_its_place(
        self, cli, server, work, tmp_path, source, line, named
    ) -> None:
        content = b'{"n": 1}\n' + line + b'\n{"n": 2}\n'
        (tmp_path / "in.jsonl").write_bytes(content)

        path = str(tmp_path / "in.jsonl") if source == "file" else "-"
        result = cli("batch", "run", "work", path, stdin=content)

        assert result.exit_code == 1
        found = lines(result.stdout)
        assert [(item["index"], item["state"]) for item in found] == [(0, "done"), (1, "failed"), (2, "done")]
        assert f"line 2: {named}" in found[1]["error"]["message"]
        assert work == Counter([1, 2])

    def test_an_unreadable_line_ends_it_after_what_runs_when_that_is_asked_for(
        self, cli, server, work, tmp_path
    ) -> None:
        (tmp_path / "in.jsonl").write_bytes(b'{"n": 1}\n{\n{"n": 2}\n')

        result = cli("batch", "run", "work", str(tmp_path / "in.jsonl"), "--bad-lines", "fail")

        assert result.exit_code == 2
        assert "line 2: not JSON" in result.stderr
        assert work == Counter([1])

    def test_a_compressed_file_is_unpacked(self, cli, server, work, tmp_path) -> None:
        (tmp_path / "in.csv.gz").write_bytes(gzip.compress(b"n\n1\n2\n"))

        result = cli("batch", "run", "work", str(tmp_path / "in.csv.gz"))

        assert [item["input"] for item in lines(result.stdout)] == [{"n": "1"}, {"n": "2"}]
        assert "2/2 finished" in result.stderr

    def test_dead_letters_are_inputs_again_and_no_other_file(self, cli, server, work, given, tmp_path) -> None:
        letters, inputs = str(tmp_path / "failed.jsonl"), given(1, 3, 4)

        assert cli("batch", "run", "work", inputs, "--dead-letters", letters).exit_code == 1
        result = cli("batch", "run", "work", letters, "--retries", "1")
        assert [(line["input"], line["attempts"]) for line in lines(result.stdout)] == [({"n": 3}, 2)]
        refused = cli("batch", "run", "work", inputs, "--dead-letters", inputs)
        assert (refused.exit_code, "Both the inputs and the dead letters" in refused.stderr) == (2, True)
        for path in (str(tmp_path), "s3://bucket/failed.jsonl"):
            refused = cli("batch", "run", "work", inputs, "--dead-letters", path)
            assert (refused.exit_code, "error: --dead-letters is " in refused.stderr) == (2, True)

    def test_options_are_named_as_they_are_given(self, cli, work, given, tmp_path) -> None:
        (tmp_path / "rows.jsonl").write_text("[1]\n")

        flat = cli("batch", "run", "work", given(1), "--sandbox", "--flatten")
        row = cli("batch", "run", "work", str(tmp_path / "rows.jsonl"), "--sandbox", "--column", "a=b")

        assert "error: --flatten is for the file of --out; there is none." in flat.stderr
        assert "--column needs rows that are JSON objects" in row.stdout

    def test_too_many_failures_end_it(self, cli, server, work, given) -> None:
        result = cli("batch", "run", "work", given(3, 3, 4), "--max-failures", "1", "--concurrency", "1")

        assert result.exit_code == 1
        assert "2 of 2 items have no result, and at most 1 may" in result.stderr
        assert "client." not in result.stderr
        assert work[4] == 0

    def test_what_is_compressed_on_standard_input_is_named(self, cli, server, work) -> None:
        result = cli("batch", "run", "work", "-", stdin=gzip.compress(b'{"n": 1}\n'))

        assert result.exit_code == 2
        assert "Standard input is compressed with gzip: unpack it first." in result.stderr

    def test_a_number_that_json_lacks_is_that_item_s_failure(self, cli, server, work, tmp_path) -> None:
        (tmp_path / "in.jsonl").write_text('{"n": NaN}\n{"n": 2}\n')

        result = cli("batch", "run", "work", str(tmp_path / "in.jsonl"))

        assert [line["state"] for line in lines(result.stdout)] == ["failed", "done"]

    def test_no_key_is_3(self, cli, given) -> None:
        assert cli("batch", "run", "work", given(1)).exit_code == 3

    def test_an_unknown_workflow_ends_it_with_one_line(self, cli, server, given) -> None:
        result = cli("batch", "run", "nope", given(*range(50)))

        assert (result.exit_code, result.stdout) == (1, "")
        assert "Check the id" in result.stderr.splitlines()[-1]

    def test_a_file_that_is_no_ledger_is_1(self, cli, server, work, given, ledger) -> None:
        Path(ledger).write_text("not a ledger, " * 100)

        result = cli("batch", "run", "work", given(1), "--ledger", ledger)

        assert result.exit_code == 1
        assert ledger in result.stderr
        assert work.total() == 0

    def test_a_ledger_of_another_workflow_is_refused(self, cli, server, work, given, ledger) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger)

        result = cli("batch", "run", "hello", given(1), "--ledger", ledger)

        assert result.exit_code == 1
        assert "workflow 'work'" in result.stderr

    def test_a_changed_input_is_refused_in_the_words_of_the_command_line(
        self, cli, server, work, given, ledger
    ) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger)

        result = cli("batch", "run", "work", given(2), "--ledger", ledger)

        assert result.exit_code == 1
        assert "Input 0 is not the one" in result.stderr
        assert "--key" in result.stderr

    def test_results_that_cannot_be_written_are_1(self, cli, server, work, given, tmp_path) -> None:
        result = cli("batch", "run", "work", given(1), "--out", str(tmp_path / "missing" / "out.jsonl"))

        assert result.exit_code == 1
        assert "cannot be written" in result.stderr
        assert work.total() == 0


class TestGoingOn:
    def test_the_same_command_again_sends_only_what_is_not_finished(self, cli, server, work, given, ledger) -> None:
        cli("batch", "run", "work", given(1, 2), "--ledger", ledger)

        result = cli("batch", "run", "work", given(1, 2, 5), "--ledger", ledger)

        assert work == Counter([1, 2, 5])
        assert [line["output"]["square"] for line in lines(result.stdout)] == [1, 4, 25]

    def test_neither_run_nor_resume_sends_an_input_that_does_not_fit(self, cli, server, tmp_path, ledger) -> None:
        inputs = tmp_path / "in.jsonl"
        inputs.write_text('{"name": "Ada"}\n{"naem": "Bob"}\n')
        first = cli("batch", "run", "hello", str(inputs), "--ledger", ledger, "--check")
        inputs.write_text(f'{inputs.read_text()}{{"name": 5}}\n')

        result = cli("batch", "resume", ledger)

        assert (first.exit_code, result.exit_code) == (1, 1)
        assert "'naem' is no field (did you mean 'name'?)" in lines(first.stdout)[1]["error"]["message"]
        assert "'name' must be a str, not int" in lines(result.stdout)[2]["error"]["message"]
        assert [each.path for each in server.requests].count("/api/workflows/hello/execute") == 1

    def test_resume_needs_the_ledger_only(self, cli, server, work, given, ledger, out) -> None:
        cli("batch", "run", "work", given(1, 2), "--ledger", ledger, "--out", str(out), "--mode", "async")
        given(1, 2, 5)

        result = cli("batch", "resume", ledger)

        assert (result.exit_code, result.stdout, work) == (0, "", Counter([1, 2, 5]))
        assert [line["output"]["square"] for line in lines(out.read_text())] == [1, 4, 25]
        assert server.requests[-1].path.startswith("/api/jobs/"), "the mode is remembered"

    @pytest.mark.parametrize("ordered", [[], ["--unordered"]])
    def test_no_item_is_in_the_results_twice(self, cli, server, work, given, ledger, out, ordered) -> None:
        words = ["--ledger", ledger, "--out", str(out), *ordered]
        cli("batch", "run", "work", given(1, 3, 2), *words)
        work[-1] = 1  # mended

        for again in ([], [], ["--retry-failed"], []):
            cli("batch", "resume", ledger, *again)

        assert sorted((line["index"], line["state"]) for line in lines(out.read_text())) == [
            (0, "done"),
            (1, "done"),
            (2, "done"),
        ]
        assert (work[1], work[3], work[2]) == (1, 2, 1)

    def test_results_stay_in_order_when_an_earlier_one_changes(self, cli, server, work, given, ledger, out) -> None:
        cli("batch", "run", "work", given(1, 3, 2), "--ledger", ledger, "--out", str(out))
        work[-1] = 1

        cli("batch", "resume", ledger, "--retry-failed")

        assert [line["index"] for line in lines(out.read_text())] == [0, 1, 2]

    def test_what_may_have_run_is_reported_and_run_again_only_when_wanted(
        self, cli, server, work, given, ledger
    ) -> None:
        path = given(1, 2)
        with Ledger.open(ledger, workflow_id="work", mode="sync", api_version="v1") as opened:
            opened.intend([Intent(prepare(0, {"n": 1}), None)])

        result = cli("batch", "run", "work", path, "--ledger", ledger)

        assert (result.exit_code, work) == (1, Counter([2]))
        assert [line["state"] for line in lines(result.stdout)] == ["unknown", "done"]
        assert f"simstudio batch resume {ledger} --on-unknown rerun" in result.stderr

        result = cli("batch", "resume", ledger, "--on-unknown", "rerun")

        assert (result.exit_code, work) == (0, Counter([1, 2]))

    def test_resume_speaks_the_version_that_was_spoken(self, cli, server, work, given, ledger, monkeypatch) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger, "--api-version", "v2")
        given(1, 2)
        monkeypatch.setenv("SIM_API_VERSION", "v1")

        cli("batch", "resume", ledger)

        assert server.requests[-1].path == "/api/v2/workflows/work/execute"

    def test_a_key_finds_an_item_wherever_it_stands(self, cli, server, work, given, ledger, out) -> None:
        cli("batch", "run", "work", given(1, 2), "--ledger", ledger, "--out", str(out), "--key", "n")
        given(5, 2, 1)

        cli("batch", "resume", ledger)

        assert work == Counter([1, 2, 5])
        assert [(line["index"], line["key"]) for line in lines(out.read_text())] == [(0, "5"), (1, "2"), (2, "1")]

    def test_another_key_than_before_is_refused(self, cli, server, work, given, ledger) -> None:
        path = given(1)
        cli("batch", "run", "work", path, "--ledger", ledger, "--key", "n")

        result = cli("batch", "run", "work", path, "--ledger", ledger)

        assert result.exit_code == 2
        assert "--key n" in result.stderr
        assert work == Counter([1])

    def test_inputs_of_standard_input_are_to_be_given_again(self, cli, server, work, given, ledger) -> None:
        cli("batch", "run", "work", "-", "--ledger", ledger, stdin='{"n": 1}\n')

        assert cli("batch", "resume", ledger).exit_code == 2
        assert cli("batch", "resume", ledger, given(1, 2)).exit_code == 0
        assert work == Counter([1, 2])

    def test_a_batch_of_python_can_be_resumed_with_its_inputs(self, cli, server, work, given, ledger) -> None:
        with server.client() as client:
            client.workflows.map("work", [{"n": 1}], ledger=ledger).run()

        assert cli("batch", "resume", ledger).exit_code == 2
        assert cli("batch", "resume", ledger, given(1, 2)).exit_code == 0
        assert work == Counter([1, 2])

    def test_one_of_python_with_keys_of_its_own_needs_to_know_them(self, cli, server, work, given, ledger) -> None:
        with server.client() as client:
            client.workflows.map("work", [{"n": 1}], ledger=ledger, key=lambda value: value["n"]).run()

        assert "--key" in cli("batch", "resume", ledger, given(1)).stderr
        assert cli("batch", "resume", ledger, given(1), "--key", "n").exit_code == 0
        assert work == Counter([1])

    def test_without_a_ledger_results_are_written_anew(self, cli, server, work, given, out) -> None:
        for _ in range(2):
            cli("batch", "run", "work", given(1, 2), "--out", str(out))

        assert len(lines(out.read_text())) == 2


class TestLookingAtALedger:
    def test_its_status_is_json_on_a_pipe(self, cli, server, work, given, ledger) -> None:
        path = given(1, 3)
        cli("batch", "run", "work", path, "--ledger", ledger)

        (told,) = lines(cli("batch", "status", ledger).stdout)

        assert told == {
            "service": "Sim",
            "workflow": "work", "mode": "sync", "apiVersion": "v1", "inputs": path, "out": None, "total": 2,
            "sending": 0, "submitted": 0, "done": 1, "failed": 1, "unknown": 0,
        }  # fmt: skip

    @pytest.mark.usefixtures("terminal")
    def test_a_terminal_shows_it_readably_and_how_to_go_on(self, cli, server, work, given, ledger) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger)
        given(1, 2)

        result = cli("batch", "status", ledger)

        assert "work" in result.stdout
        assert "{" not in result.stdout
        assert result.stderr == f"simstudio: note: to go on: simstudio batch resume {ledger}\n"

    def test_export_writes_what_the_suffix_says(self, cli, server, work, given, ledger, tmp_path) -> None:
        cli("batch", "run", "work", given(1, 3), "--ledger", ledger)

        result = cli("batch", "export", ledger, str(tmp_path / "all.csv"))

        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"simstudio: 2 items written to {tmp_path / 'all.csv'}\n"
        with (tmp_path / "all.csv").open(newline="") as file:
            assert [row["state"] for row in csv.DictReader(file)] == ["done", "failed"]

    def test_export_writes_to_standard_output(self, cli, server, work, given, ledger, tmp_path) -> None:
        cli("batch", "run", "work", given(1, 2), "--ledger", ledger)
        cli("batch", "export", ledger, str(tmp_path / "all.csv"))
        result = cli("batch", "export", ledger, "-", "--format", "csv")
        assert result.stdout.replace("\r\n", "\n") == (tmp_path / "all.csv").read_text().replace("\r\n", "\n")
        assert "2 items written to standard output" in result.stderr

    @pytest.mark.parametrize(("options", "why"), [((), "needs --format"), (("--json", "--format", "csv"), "--json")])
    def test_standard_output_has_no_suffix_and_one_content(
        self, cli, server, work, given, ledger, options, why
    ) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger)
        result = cli("batch", "export", ledger, "-", *options)
        assert (result.exit_code, why in result.output) == (2, True)

    def test_export_writes_the_format_it_is_told(self, cli, server, work, given, ledger, tmp_path) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger)

        result = cli("batch", "export", ledger, str(tmp_path / "all.txt"), "--format", "jsonl", "--json")

        assert lines(result.stdout) == [{"items": 1, "target": str(tmp_path / "all.txt")}]
        assert lines((tmp_path / "all.txt").read_text())[0]["output"] == {"square": 1}

    def test_a_suffix_that_says_nothing_is_2(self, cli, server, work, given, ledger, tmp_path) -> None:
        cli("batch", "run", "work", given(1), "--ledger", ledger)

        assert cli("batch", "export", ledger, str(tmp_path / "all.txt")).exit_code == 2


def test_a_ledger_of_0_1_is_shown_and_says_how_to_go_on(cli, server, tmp_path: Path) -> None:
    """It remembers the options that 0.1 had."""
    path = tmp_path / "runs.sqlite"
    shutil.copy(Path(__file__).parents[1] / "batch" / "ledger_0_1_0.db", path)

    told = json.loads(cli("batch", "status", str(path), "--json").stdout)
    resumed = cli("batch", "resume", str(path))

    assert (told["workflow"], told["done"], told["inputs"]) == ("square", 4, "/home/ada/batch/inputs.jsonl")
    assert resumed.exit_code == 2
    assert "names /home/ada/batch/results.jsonl for the results" in resumed.stderr
