"""The converter of recorded exchanges into the committed cassettes."""

from __future__ import annotations

import json

import httpx
import pytest
import yaml

from simstudio.testing import make_vcr
from tests.convert_recordings import main
from tests.long_texts import expand

URL = "http://localhost:3000/api/workflows/w/execute?full=&limit=2"


def recording(**changes):
    request = {"method": "POST", "url": URL, "headers": [["X-API-Key", "sk-sim-Ab12"]], "body": '{"a": 1}'}
    response = {"status": 200, "headers": [["content-type", "application/json"]], "body": '{"ok":"é ✓"}'}
    for side, message in (("request", request), ("response", response)):
        message.update(changes.pop(side, {}))
    return {"name": "run", "request": request, "response": response, "elapsed_s": 0.1, **changes}


@pytest.fixture
def converted(tmp_path):
    """Convert recordings given by name; return the directory of the set."""

    def convert(**recordings):
        source = tmp_path / "recordings-v9"
        source.mkdir(exist_ok=True)
        for name, data in recordings.items():
            text = json.dumps(data, ensure_ascii=False)
            (source / f"{name.lstrip('_').replace('_', '-')}.json").write_text(text, encoding="utf-8")
        main([str(source), "--output", str(tmp_path / "cassettes")])
        return tmp_path / "cassettes" / "sim-v9"

    return convert


def interaction(directory, name="001-run"):
    data = yaml.safe_load((directory / f"{name}.yaml").read_text(encoding="utf-8"))
    assert data["version"] == 1
    (found,) = data["interactions"]
    return found


def test_a_request_that_names_no_body_has_none(converted):
    data = recording()
    del data["request"]["body"]

    assert interaction(converted(_001_run=data))["request"]["body"] is None


def test_a_set_that_names_a_selection_is_made_of_it(converted, tmp_path):
    (tmp_path / "cassettes" / "sim-v9").mkdir(parents=True)
    (tmp_path / "cassettes" / "sim-v9" / "SELECTED.txt").write_text("part-002-b\n", encoding="utf-8")
    found = converted(_001_a=recording(), part_002_b=recording(), part_003_c=recording())

    assert [file.name for file in found.glob("*.yaml")] == ["part-002-b.yaml"]


def test_a_recording_becomes_a_cassette(converted):
    found = interaction(converted(_001_run=recording()))

    assert found == {
        "request": {
            "method": "POST",
            "uri": "http://sim.test/api/workflows/w/execute?full=&limit=2",
            "headers": {"X-API-Key": ["REDACTED"]},
            "body": '{"a": 1}',
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": '{"ok":"é ✓"}'},
        },
    }


def test_vcrpy_replays_it(converted):
    directory = converted(_001_run=recording())

    with make_vcr(directory, record_mode="none").use_cassette("001-run"):
        response = httpx.post(URL, json={"a": 1}, headers={"X-API-Key": "other"})

    assert (response.status_code, response.reason_phrase, response.json()) == (200, "OK", {"ok": "é ✓"})


def test_the_same_input_gives_the_same_bytes(converted):
    files = {"_001_run": recording(), "_002_cut": recording(response={"body_truncated": True, "body_length": 9})}
    first = {file.name: file.read_bytes() for file in converted(**files).iterdir()}
    second = {file.name: file.read_bytes() for file in converted(**files).iterdir()}

    assert first == second
    assert set(first) == {"001-run.yaml", "SKIPPED.md"}


def test_streams_are_readable_in_the_file(converted):
    body = 'data: {"blockId":"b","chunk":"\\n1"}\n\ndata: "[DONE]"\n\n'
    directory = converted(_001_run=recording(response={"body": body}))

    assert '        data: "[DONE]"\n' in (directory / "001-run.yaml").read_text()
    assert interaction(directory)["response"]["body"]["string"] == body


@pytest.mark.parametrize(
    "body", ["a\r\n\x00\x07b", "\n\n lead", "trail \n", "ab" * 2500, "", "yes", "a: b\n# c\n", "\ufeff😀\u2028\x85"]
)
def test_awkward_texts_come_out_as_they_went_in(converted, body):
    assert interaction(converted(_001_run=recording(response={"body": body})))["response"]["body"]["string"] == body


def test_a_run_of_one_character_is_kept_by_its_length(converted):
    found = interaction(converted(_001_run=recording(response={"body": '{"text":"' + 5000 * "x" + '"}'})))
    body = found["response"]["body"]["string"]

    assert body == '{"text":"⟦5000 × x⟧"}'
    assert expand(body) == '{"text":"' + 5000 * "x" + '"}'


def test_what_the_recorder_cut_within_such_a_run_is_restored(converted):
    cut = 300 * "x" + "...[cut in the middle, 5011 characters kept before]..." + 200 * "x"
    found = interaction(converted(_001_run=recording(response={"body": f'{{"text":"{cut}"}}'})))

    assert found["response"]["body"]["string"] == '{"text":"⟦5000 × x⟧"}'


def test_of_a_request_that_the_recorder_cut_the_length_is_kept(converted):
    found = interaction(
        converted(_001_run=recording(request={"body": '{"x": "yyy...[cut, 11000009 characters in all]'}))
    )

    assert found["request"]["body"] == "⟦11000009 characters⟧"


def test_binary_bodies_come_out_as_they_went_in(converted):
    binary = {"body": "/wABAg==", "body_encoding": "base64", "headers": [["content-length", "4"]]}
    found = interaction(converted(_001_run=recording(response=binary)))["response"]

    assert found["body"]["string"] == b"\xff\x00\x01\x02"
    assert found["headers"] == {"content-length": ["4"]}


def test_keys_and_noise_are_left_out(converted):
    request = {"headers": [["authorization", "Bearer abc"], ["Cookie", "a=b"], ["Host", "localhost:3000"]]}
    noise = [["Date", "Fri"], ["Server", "x"], ["x-nextjs-cache", "HIT"], ["ETag", "1"], ["Set-Cookie", "a=b"]]
    response = {"headers": [*noise, ["x-custom", "1"], ["x-custom", "2"]], "body": "your key is sk-sim-Ab12"}
    found = interaction(converted(_001_run=recording(request=request, response=response)))

    assert found["request"]["headers"] == {"authorization": ["Bearer REDACTED"]}
    assert found["response"]["headers"] == {"x-custom": ["1", "2"]}
    assert found["response"]["body"]["string"] == "your key is REDACTED"


@pytest.mark.parametrize(("length", "kept"), [("7", {"content-length": ["7"]}), ("5", {})])
def test_a_length_stays_where_it_is_true(converted, length, kept):
    answer = {"headers": [["content-length", length]], "body": "✓é ."}

    assert interaction(converted(_001_run=recording(response=answer)))["response"]["headers"] == kept


def test_a_note_becomes_a_comment(converted):
    directory = converted(_001_run=recording(note="two\nlines: yes"))

    assert (directory / "001-run.yaml").read_text().startswith("# two lines: yes\ninteractions:\n")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"direction": "outgoing delivery FROM Sim"}, "webhook"),
        ({"note": "request.body cut from 29360289 bytes"}, "the request body was cut from 29360289 bytes"),
        ({"response": {"body_truncated": True, "body_length": 30343}}, "the response body was cut from 30343 bytes"),
        (
            {"request": {"body": '{"m": "xx... (10 MiB in all; cut here)'}},
            "cut by the recorder: “10 MiB in all; cut here”",
        ),
        ({"response": {"body": "<html>... [HTML cut]"}}, "cut by the recorder: “HTML cut”"),
        (
            {"response": {"body": '{"a":"...[cut in the middle, 14414 characters kept before]...b"}'}},
            "cut by the recorder: “cut in the middle, 14414 characters kept before”",
        ),
        ({"request": {"body": "\ufffd\ufffd"}}, "binary"),
        ({"response": {"body": "x" * 2_000_000}}, "2000000 characters"),
    ],
)
def test_what_cannot_be_replayed_is_listed_instead(converted, changes, reason):
    directory = converted(_001_run=recording(**changes))

    assert [file.name for file in directory.iterdir()] == ["SKIPPED.md"]
    assert reason in (directory / "SKIPPED.md").read_text(encoding="utf-8")


def test_a_text_that_speaks_of_cutting_is_not_cut(converted):
    assert interaction(converted(_001_run=recording(response={"body": "cut here... (not cut)."})))


def test_cassettes_without_a_recording_are_removed(converted, tmp_path):
    directory = converted(_001_run=recording(), _002_run=recording())
    (tmp_path / "recordings-v9" / "002-run.json").unlink()
    converted()

    assert [file.name for file in directory.glob("*.yaml")] == ["001-run.yaml"]


def test_the_set_can_be_named(tmp_path):
    (tmp_path / "any").mkdir()
    main([f"mine={tmp_path / 'any'}", "--output", str(tmp_path)])

    assert (tmp_path / "mine" / "SKIPPED.md").exists()


def test_a_missing_directory_is_an_error(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path / "none")])

    assert "is no directory" in capsys.readouterr().err
