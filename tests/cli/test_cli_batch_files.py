"""``simstudio batch`` and its files: none takes the place of another, and no two batches write into one."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from simstudio.batch.ledger import Ledger
from simstudio.batch.result_lines import ResultLines
from simstudio.batch.results import encode
from simstudio.cli.batch_settings import Note, Settings
from simstudio.core.disk import PartialFile
from simstudio.errors import ResultsError


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


_LINE = (
    b'{"index": 0, "key": "%s", "state": "done", "input": %s, "output": 4, "error": null, "attempts": 1, '
    b'"elapsed": 0.1, "run_id": null}\n'
)


@pytest.fixture
def finished(cli, server, work, given, ledger) -> str:
    """The ledger of a batch that is finished."""
    assert cli("batch", "run", "work", given(1, 2), "--ledger", ledger).exit_code == 0
    return ledger


class TestOneFileForTwoThings:
    """What is written would destroy what is read: that is refused before anything is touched."""

    @pytest.mark.parametrize("spelling", ["itself", "another way", "an address", "a symbolic link", "a hard link"])
    @pytest.mark.parametrize("remembered", [True, False])
    def test_results_in_the_place_of_the_inputs(
        self, cli, server, work, given, ledger, tmp_path, spelling, remembered
    ) -> None:
        path = Path(given(1, 2))
        before = path.read_bytes()
        (tmp_path / "folder").mkdir()
        others = {"another way": tmp_path / "folder" / ".." / path.name, "itself": path, "an address": path}
        out = others.get(spelling, tmp_path / "link")
        if spelling == "a symbolic link":
            out.symlink_to(path)
        elif spelling == "a hard link":
            out.hardlink_to(path)

        read = path.as_uri() if spelling == "an address" else str(path)
        result = cli("batch", "run", "work", read, "--out", str(out), *(["--ledger", ledger] * remembered))

        assert (result.exit_code, path.read_bytes(), work.total()) == (2, before, 0)
        assert "--out" in result.stderr
        assert "inputs" in result.stderr
        assert not Path(ledger).exists()

    def test_results_in_the_place_of_what_standard_input_is(self, started, server, work, given) -> None:
        path = Path(given(1, 2))
        before = path.read_bytes()

        with path.open("rb") as file:
            process = started("batch", "run", "work", "-", "--out", str(path), stdin=file)
            said = process.communicate()[1].decode()

        assert (process.returncode, path.read_bytes()) == (2, before)
        assert "standard input" in said, said

    @pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-lock", "-journal"])
    def test_results_in_the_place_of_the_ledger(self, cli, finished, given, work, suffix) -> None:
        result = cli("batch", "run", "work", given(1, 2, 5), "--ledger", finished, "--out", finished + suffix)

        assert (result.exit_code, work.total()) == (2, 2)
        assert "the ledger" in result.stderr
        assert json.loads(cli("batch", "status", finished).stdout)["done"] == 2

    def test_results_and_a_ledger_in_one_file_that_is_not_there_yet(self, cli, server, work, given, tmp_path) -> None:
        path = str(tmp_path / "both")

        result = cli("batch", "run", "work", given(1), "--ledger", path, "--out", f"{tmp_path}/./both")

        assert (result.exit_code, Path(path).exists()) == (2, False)

    def test_a_ledger_in_the_place_of_the_inputs(self, cli, server, work, given) -> None:
        path = given()

        result = cli("batch", "run", "work", path, "--ledger", path)

        assert (result.exit_code, Path(path).read_bytes()) == (2, b"")

    @pytest.mark.parametrize("option", ["--out", "--ledger"])
    def test_the_shared_rate_in_the_place_of_anything(self, cli, server, work, given, tmp_path, option) -> None:
        path = str(tmp_path / "one")

        result = cli("batch", "run", "work", given(1), option, path, "--shared", path)

        assert (result.exit_code, Path(path).exists()) == (2, False)
        assert "--shared" in result.stderr

    def test_a_resume_with_results_in_the_place_of_the_ledger(self, cli, finished) -> None:
        before = Path(finished).read_bytes()

        assert cli("batch", "resume", finished, "--out", finished).exit_code == 2
        assert Path(finished).read_bytes() == before

    def test_a_resume_with_results_in_the_place_of_the_inputs_it_remembers(self, cli, finished, given) -> None:
        path = given(1, 2)

        assert cli("batch", "resume", finished, "--out", path).exit_code == 2
        assert len(lines(Path(path).read_text())) == 2

    def test_what_is_no_plain_file_may_be_named_twice(self, cli, server, work) -> None:
        if not Path("/dev/null").exists():
            pytest.skip("this system has no /dev/null")

        assert cli("batch", "run", "work", "-", "--out", "/dev/null", stdin="").exit_code == 0


class TestExport:
    def test_not_in_the_place_of_the_inputs_of_the_ledger(self, cli, finished, given) -> None:
        path = given(1, 2)
        before = Path(path).read_bytes()

        result = cli("batch", "export", finished, path)

        assert (result.exit_code, Path(path).read_bytes()) == (2, before)
        assert "inputs" in result.stderr

    def test_not_in_the_place_of_the_results_which_a_batch_may_be_writing(
        self, cli, server, work, given, ledger, out
    ) -> None:
        cli("batch", "run", "work", given(1, 2), "--ledger", ledger, "--out", str(out))
        before = out.read_bytes()

        result = cli("batch", "export", ledger, str(out))

        assert (result.exit_code, out.read_bytes()) == (2, before)
        assert "results" in result.stderr

    def test_of_csv_its_lines_are_kept_apart_as_well(self, cli, server, work, tmp_path) -> None:
        path = tmp_path / "out.csv.part.jsonl"
        path.write_text('{"n": 1}\n')

        assert cli("batch", "run", "work", str(path), "--out", str(tmp_path / "out.csv")).exit_code == 2
        assert path.read_text() == '{"n": 1}\n'


class TestTwoBatches:
    def test_a_file_written_anew_stays_its_batch_s(self, cli, server, work, given, ledger, out) -> None:
        """Unordered results are written to a new file when a batch goes on; that one is locked, too."""
        words = ["--ledger", ledger, "--out", str(out), "--unordered"]
        cli("batch", "run", "work", given(1, 2), *words)
        taken: list[str] = []

        def look(self: ResultLines, item: Any) -> None:
            added(self, item)
            with pytest.raises(ResultsError) as found:
                ResultLines(out, encode, ordered=False, goes_on=False)
            taken.append(str(found.value))

        added = ResultLines.add
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ResultLines, "add", look)
            assert cli("batch", "run", "work", given(1, 2, 5), *words).exit_code == 0

        assert len(taken) == 3
        assert len(lines(out.read_text())) == 3

    def test_the_second_is_refused_before_it_sends_anything(
        self, started, cli, server, sandbox, gate, given, tmp_path, out
    ) -> None:
        process = started("batch", "run", "gated", given(1), "--out", str(out), "--ledger", str(tmp_path / "a"))
        assert gate.begun.wait(30)
        sent = len(server.requests)

        result = cli("batch", "run", "gated", given(2), "--out", str(out), "--ledger", str(tmp_path / "b"))

        assert (result.exit_code, result.stdout) == (1, "")
        assert str(out) in result.stderr
        assert [request.path for request in server.requests[sent:] if "execute" in request.path] == []
        gate.opened.set()
        process.communicate()
        assert [line["input"] for line in lines(out.read_text())] == [{"n": 1}]

    @pytest.mark.parametrize("ordered", [[], ["--unordered"]])
    def test_results_of_another_ledger_are_not_mixed_with(
        self, cli, server, work, given, tmp_path, out, ordered
    ) -> None:
        for name, numbers in (("a", (1, 2, 4)), ("b", (5, 6))):
            words = ["--out", str(out), "--ledger", str(tmp_path / name), *ordered]
            assert cli("batch", "run", "work", given(*numbers), *words).exit_code == 0

        assert sorted(line["input"]["n"] for line in lines(out.read_text())) == [5, 6]

    def test_a_batch_that_fails_at_once_costs_no_results(self, cli, server, given, out) -> None:
        out.write_text("what an earlier batch brought\n")

        assert cli("batch", "run", "nope", given(1), "--out", str(out)).exit_code == 1
        assert out.read_text() == "what an earlier batch brought\n"


class TestWhoMayReadResults:
    def mode(self, path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    def test_those_who_may_read_any_new_file(self, cli, server, work, given, out, umask) -> None:
        cli("batch", "run", "work", given(1), "--out", str(out))

        assert self.mode(out) == 0o666 & ~umask

    @pytest.mark.parametrize("ordered", [[], ["--unordered"]])
    def test_those_whom_its_owner_let(self, cli, server, work, given, ledger, out, ordered, monkeypatch) -> None:
        words = ["--ledger", ledger, "--out", str(out), *ordered]
        cli("batch", "run", "work", given(1), *words)
        out.chmod(0o604)
        complete, seen = PartialFile.replace_target, []

        def watched(part: PartialFile) -> None:
            seen.append(self.mode(part.path))
            complete(part)

        monkeypatch.setattr(PartialFile, "replace_target", watched)
        cli("batch", "run", "work", given(1, 2), *words)

        assert self.mode(out) == 0o604
        assert seen == [0o600] * len(ordered), "results out of order are written anew"


def test_a_ledger_that_is_named_by_a_link_is_guarded_where_it_is(cli, finished, given, tmp_path) -> None:
    link = tmp_path / "link"
    link.symlink_to(finished)

    assert cli("batch", "run", "work", given(1), "--ledger", str(link), "--out", f"{finished}-wal").exit_code == 2
    with sqlite3.connect(finished) as db:
        assert db.execute("SELECT count(*) FROM entries").fetchone() == (2,)
    db.close()


class TestResultsThatOnlyTheLedgerNames:
    """A ledger may come from anybody: what it names for results is written only where nothing else would be lost."""

    @pytest.fixture
    def begun(self, cli, server, work, given, ledger, out) -> str:
        """The ledger of a batch with results in ``out``: 1 is done, 3 failed."""
        cli("batch", "run", "work", given(1, 3), "--ledger", ledger, "--out", str(out))
        work[-1] = 1  # mended
        return ledger

    FOREIGN = (
        b"ssh-ed25519 AAAA me@home\n",
        b"a token without a line end",
        b"\n",
        b"[]\n",
        b"{}\n",
        b'{"index": 0, "key": "0"}\n',
        _LINE % (b"0", b"2"),  # of another input
        _LINE % (b"7", b'{"n": 1}'),  # of another key
    )

    @pytest.mark.parametrize("foreign", FOREIGN)
    @pytest.mark.parametrize("results", ["before", "none"])
    def test_a_file_with_another_line_is_left_as_it_is(self, cli, server, begun, out, foreign, results) -> None:
        out.write_bytes((out.read_bytes() if results == "before" else b"") + foreign)
        before, sent = out.read_bytes(), len(server.requests)

        result = cli("batch", "resume", begun, "--unordered")

        assert (result.exit_code, out.read_bytes(), len(server.requests)) == (2, before, sent)
        assert f"{out} for the results, and line {3 if results == 'before' else 1} of that file" in result.stderr

    def test_the_command_to_paste_goes_on_elsewhere(self, cli, begun, out, work) -> None:
        out.write_text("mine\n")
        Path(begun).with_suffix(".results.jsonl").write_text("mine, too\n")

        said = cli("batch", "resume", begun, "--retry-failed").stderr
        words = shlex.split(said.partition("To go on: ")[2])
        assert cli(*words[1:]).exit_code == 0

        elsewhere = Path(begun).with_suffix(".results-2.jsonl")
        assert words == ["simstudio", "batch", "resume", begun, "--retry-failed", "--out", str(elsewhere)]
        assert [line["output"]["square"] for line in lines(elsewhere.read_text())] == [1, 9]
        assert out.read_text() == "mine\n"

    def test_a_line_of_this_batch_is_none_of_these(self, cli, begun, out) -> None:
        out.write_bytes(_LINE % (b"0", b'{"n": 1}'))

        assert cli("batch", "resume", begun, "--retry-failed").exit_code == 0

    def test_what_is_no_plain_file_is_not_opened(self, cli, begun, out) -> None:
        out.unlink()
        os.mkfifo(out)

        result = cli("batch", "resume", begun)

        assert result.exit_code == 2
        assert "is no plain file" in result.stderr

    def test_all_that_is_missing_is_in_one_command(self, cli, server, begun, out, monkeypatch) -> None:
        out.write_text("mine\n")
        monkeypatch.delenv("SIM_BASE_URL")

        said = cli("batch", "resume", begun, "--retry-failed").stderr

        assert cli(*shlex.split(said.partition("To go on: ")[2])[1:]).exit_code == 0

    def test_named_by_this_call_it_is_written_anew(self, cli, begun, out) -> None:
        out.write_text("mine\n")

        assert cli("batch", "resume", begun, "--out", str(out), "--retry-failed").exit_code == 0
        assert len(lines(out.read_text())) == 2

    @pytest.mark.parametrize("ordered", [[], ["--unordered"]])
    @pytest.mark.parametrize("cut", [1, 9, 12, 60])
    def test_a_last_line_that_was_cut_off_is_no_other(self, cli, begun, out, ordered, cut) -> None:
        first, second = out.read_bytes().splitlines(keepends=True)
        out.write_bytes(first + second[:cut])

        assert cli("batch", "resume", begun, "--retry-failed", *ordered).exit_code == 0
        assert len(lines(out.read_text())) == 2

    @pytest.mark.parametrize(
        ("name", "flat"),
        [("out.csv", []), ("out.csv.gz", ["--flatten"]), ("out.jsonl.gz", []), ("out.parquet", ["--flatten"])],
    )
    def test_of_other_formats_its_own_is_known_and_another_left_as_it_is(
        self, cli, server, work, given, ledger, tmp_path, name, flat
    ) -> None:
        made, foreign = tmp_path / name, tmp_path / f"foreign-{name}"
        cli("batch", "run", "work", given(1, 3), "--ledger", ledger, "--out", str(made), *flat)
        cli("batch", "run", "work", given(1, 4), "--ledger", f"{ledger}2", "--out", str(foreign), *flat)
        given(1, 3)
        work[-1] = 1  # mended

        assert cli("batch", "resume", ledger, "--retry-failed").exit_code == 0
        for content in (foreign.read_bytes(), b"mine\n", b""):
            made.write_bytes(content)
            sent = len(server.requests)
            result = cli("batch", "resume", ledger)
            assert (result.exit_code, made.read_bytes(), len(server.requests)) == (2, content, sent)
            assert f"names {made} for the results, and " in result.stderr

    def test_one_that_is_gone_is_made_again(self, cli, begun, out) -> None:
        out.unlink()

        assert cli("batch", "resume", begun, "--retry-failed").exit_code == 0
        assert len(lines(out.read_text())) == 2

    @pytest.mark.parametrize("where", ["elsewhere/results.jsonl", "here/.profile", "here/.d/a.jsonl", "here/run.sh"])
    @pytest.mark.parametrize("content", [None, b"", b'{"index": 0, "key'])
    def test_a_new_file_is_made_beside_the_ledger_only(
        self, cli, server, work, given, tmp_path, monkeypatch, where, content
    ) -> None:
        """A shell would run what a line of JSON holds, were it written to a start-up file."""
        here = tmp_path / "here"
        (here / ".d").mkdir(parents=True)
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(here)
        ledger, target = str(here / "runs.sqlite"), tmp_path / where
        cli("batch", "run", "work", given(1), "--ledger", ledger, "--out", str(target))
        target.unlink(missing_ok=True)  # run.sh was refused: no suffix of results
        if content is not None:
            target.write_bytes(content)
        sent = len(server.requests)

        result = cli("batch", "resume", ledger, given(1, 2))

        assert (result.exit_code, len(server.requests)) == (2, sent)
        assert (target.read_bytes() if target.exists() else None) == content
        assert cli(*shlex.split(result.stderr.partition("To go on: ")[2])[1:]).exit_code == 0

    def test_a_file_of_json_that_begins_alike_is_left_as_it_is(self, cli, begun, out) -> None:
        """It has no line end, and is whole all the same."""
        out.write_bytes(b'{"index": "my-index", "host": "db.test"}')

        assert cli("batch", "resume", begun, "--unordered").exit_code == 2
        assert out.read_bytes() == b'{"index": "my-index", "host": "db.test"}'

    def test_a_refused_input_that_was_mended_is_no_other(self, cli, server, work, tmp_path, ledger, out) -> None:
        path = tmp_path / "in.jsonl"
        path.write_text('{"n": NaN}\n')
        cli("batch", "run", "work", str(path), "--ledger", ledger, "--out", str(out))
        before = out.read_bytes()
        path.write_text('{"n": 1}\n')
        cli("batch", "resume", ledger)
        out.write_bytes(before)  # as when the process was killed before it wrote the result

        assert cli("batch", "resume", ledger).exit_code == 0
        assert [line["state"] for line in lines(out.read_text())] == ["done"]


class TestInputsThatOnlyTheLedgerNames:
    """A ledger cannot have any file of this machine sent: it must know an input of it, or lie beside it."""

    @pytest.fixture
    def here(self, tmp_path, monkeypatch) -> Path:
        here = tmp_path / "here"
        (here / ".d").mkdir(parents=True)
        monkeypatch.chdir(here)
        return here

    @pytest.fixture
    def hostile(self, cli, server, work, given, here) -> Callable[[Path], str]:
        """A ledger that names other inputs than those that it was made with."""

        def make(inputs: Path) -> str:
            ledger = str(here / "runs.sqlite")
            cli("batch", "run", "work", given(1), "--ledger", ledger)
            with Ledger.open(ledger, workflow_id="work", mode="sync", api_version="v1") as opened:
                told = attrs.asdict(Note.of(opened).latest)
                Note(Settings(**{**told, "inputs": str(inputs)}), None).keep(opened)
            return ledger

        return make

    @pytest.mark.parametrize("place", ["secrets.json", "here/.d/secrets.json", "here/.secrets"])
    @pytest.mark.parametrize("content", ['{"n": 7, "token": "s3cret"}', "no JSON: s3cret\n", ""])
    def test_are_not_sent_where_it_knows_none_of_them(self, cli, server, hostile, tmp_path, place, content) -> None:
        victim = tmp_path / place
        victim.write_text(content)
        ledger, sent = hostile(victim), len(server.requests)

        result = cli("batch", "resume", ledger)

        assert (result.exit_code, len(server.requests)) == (2, sent)
        again = f"simstudio batch resume {ledger} {victim}"
        assert result.stderr.endswith(f"has no input that is in that file. To go on: {again}\n")
        assert "s3cret" not in result.stderr

    @pytest.mark.parametrize("content", ['{"n": 1}\n{"n": 2}\n', '{"n": 1}\nno JSON\n'])
    def test_are_sent_where_it_knows_one(self, cli, hostile, tmp_path, content, work) -> None:
        (tmp_path / "elsewhere.jsonl").write_text(content)

        result = cli("batch", "resume", hostile(tmp_path / "elsewhere.jsonl"))

        assert "has no input" not in result.stderr

    def test_are_sent_from_beside_it(self, cli, hostile, here, work) -> None:
        (here / "other.jsonl").write_text('{"n": 1}\n{"n": 5}\n')

        assert cli("batch", "resume", hostile(here / "other.jsonl")).exit_code == 0
        assert work[5] == 1

    def test_a_link_is_where_it_leads_to(self, cli, server, hostile, here, tmp_path) -> None:
        (tmp_path / "secret").write_text('{"n": 7}\n')
        (here / "inputs.jsonl").symlink_to(tmp_path / "secret")
        ledger, sent = hostile(here / "inputs.jsonl"), len(server.requests)

        assert cli("batch", "resume", ledger).exit_code == 2
        assert len(server.requests) == sent

    def test_a_database_of_the_rate_is_named_by_the_call_too(self, cli, server, hostile, here, tmp_path) -> None:
        ledger = hostile(tmp_path / "inputs.jsonl")
        with Ledger.open(ledger, workflow_id="work", mode="sync", api_version="v1") as opened:
            told = attrs.asdict(Note.of(opened).latest)
            Note(Settings(**{**told, "options": {"shared": str(tmp_path / "cookies.sqlite")}}), None).keep(opened)

        result = cli("batch", "resume", ledger)

        assert (result.exit_code, (tmp_path / "cookies.sqlite").exists()) == (2, False)
        assert f"--shared {tmp_path / 'cookies.sqlite'}" in result.stderr


class TestFewerInputsThanTheLedgerKnows:
    """Whoever wrote them may have died: what is there already is not thrown away for that."""

    @pytest.fixture
    def complete(self, cli, server, work, given, ledger, out) -> Path:
        """The results of a batch of four that is finished."""
        assert cli("batch", "run", "work", given(1, 2, 4, 5), "--ledger", ledger, "--out", str(out)).exit_code == 0
        return out

    @pytest.mark.parametrize("ordered", [[], ["--unordered"]])
    @pytest.mark.parametrize("count", [0, 2])
    def test_results_are_kept_and_it_is_said(self, cli, complete, ledger, ordered, count) -> None:
        before = complete.read_bytes()

        result = cli("batch", "resume", ledger, "-", *ordered, stdin='{"n": 1}\n{"n": 2}\n' if count else "")

        assert (result.exit_code, complete.read_bytes()) == (1, before)
        assert f"simstudio: the ledger has 4 items, the inputs were {count}: " in result.stderr
        assert result.stderr.endswith(
            f"give all of them with simstudio batch resume {ledger} INPUTS; results of the others were kept\n"
        )

    def test_a_file_that_was_cut_off_is_no_better(self, cli, complete, given, ledger) -> None:
        before = complete.read_bytes()
        given(1)

        assert cli("batch", "resume", ledger).exit_code == 1
        assert complete.read_bytes() == before

    def test_nor_is_another_file_of_results_emptied(self, cli, complete, ledger, tmp_path) -> None:
        other = tmp_path / "other.jsonl"
        other.write_text("what another batch brought\n")

        assert cli("batch", "resume", ledger, "-", "--out", str(other), stdin="").exit_code == 1
        assert other.read_text() == "what another batch brought\n"

    @pytest.mark.parametrize("ordered", [[], ["--unordered"]])
    def test_where_an_earlier_result_changes_the_others_are_kept_too(
        self, cli, server, work, given, ledger, out, ordered
    ) -> None:
        cli("batch", "run", "work", given(3, 1, 2), "--ledger", ledger, "--out", str(out), *ordered)
        work[-1] = 1  # mended
        given(3)

        result = cli("batch", "resume", ledger, "--retry-failed", *ordered)

        assert result.exit_code == 1
        found = lines(out.read_text())
        assert sorted((line["index"], line["state"]) for line in found) == [(0, "done"), (1, "done"), (2, "done")]

    def test_failures_of_others_are_kept_out_of_order(self, cli, server, work, given, ledger, out) -> None:
        words = ["--ledger", ledger, "--out", str(out), "--unordered"]
        cli("batch", "run", "work", given(1, 2, 3), *words)
        given(1)

        cli("batch", "resume", ledger)

        found = lines(out.read_text())
        assert sorted((line["index"], line["state"]) for line in found) == [(0, "done"), (1, "done"), (2, "failed")]

    def test_by_keys_in_another_order_the_others_are_kept(self, cli, server, work, given, ledger, out) -> None:
        cli("batch", "run", "work", given(1, 2, 4), "--ledger", ledger, "--out", str(out), "--key", "n")
        given(4, 1)

        assert cli("batch", "resume", ledger).exit_code == 1
        assert [line["key"] for line in lines(out.read_text())] == ["4", "1", "2"]

    def test_the_ledger_still_knows_where_all_of_them_are(self, cli, complete, ledger, work) -> None:
        before = complete.read_bytes()
        cli("batch", "resume", ledger, "-", stdin="")

        assert cli("batch", "resume", ledger).exit_code == 0
        assert complete.read_bytes() == before

    def test_with_json_it_is_the_error(self, cli, complete, ledger) -> None:
        result = cli("batch", "resume", ledger, "-", "--json", stdin="")

        (told,) = lines(result.stdout)
        assert (result.exit_code, told["batch"]["done"], told["error"]["type"]) == (1, 0, "FewerInputs")

    def test_one_that_was_refused_and_is_mended_is_not_missed(self, cli, server, work, tmp_path, ledger, out) -> None:
        path = tmp_path / "in.jsonl"
        path.write_text('{"n": 1}\n{"m": 2}\n')
        cli("batch", "run", "work", str(path), "--ledger", ledger, "--out", str(out), "--key", "n")
        path.write_text('{"n": 1}\n{"n": 2}\n')

        result = cli("batch", "resume", ledger)

        assert (result.exit_code, len(lines(out.read_text()))) == (0, 2), result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no current directory")
def test_a_current_directory_that_is_gone_is_2_and_one_line(cli, server, tmp_path, monkeypatch) -> None:
    (tmp_path / "in.jsonl").write_text("1")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    result = cli("batch", "run", "work", str(tmp_path / "in.jsonl"), "--out", "out.jsonl")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "The current directory is gone" in result.stderr
