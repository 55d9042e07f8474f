"""The known defects of the original that are about files, by their numbers in the notes on the service."""

from __future__ import annotations

import json
import tempfile
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import simstudio
from simstudio import InvalidInputError
from simstudio.sandbox.services.speedpix import SpeedPixServer
from simstudio.services.speedpix import (
    FileOutput,
    SpeedPixException,
    SpeedPixNotFoundError,
    SpeedPixPermissionDeniedError,
)
from tests.modes import both_modes
from tests.services.speedpix.helpers import (
    HOST,
    fetch,
    keys,
    output_of,
    replay,
    run,
    sample,
)


def error_of(mode: str, name: str, script: Any, **options: Any) -> Any:
    """What a script against a sample's answers raises."""
    with pytest.raises(SpeedPixException) as caught:
        replay(mode, name, script, **options)
    return caught.value


# --- 3 to 6: texts that named files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"), [("39", "{here}/secret.txt"), ("40", "secret.txt"), ("40", "./secret.txt")]
)
def test_3_a_text_that_names_no_media_file_below_the_root_is_text(
    mode: str, number: str, text: str, here: Path, server: SpeedPixServer
):
    text = text.format(here=here)

    output = run(mode, lambda client: client.run("echo", {"prompt": text}), **keys(server))

    assert output == {"prompt": text}
    assert server.sandbox.uploads == {}


def test_3_a_bare_name_of_a_media_file_is_uploaded_by_both_clients(
    mode: str, here: Path
):  # 37 "38_input_path_bare_async"
    _, (asked, put, run) = replay(
        mode, "38_input_path_bare_async", lambda client: client.run("wf", {"image": "in.png"}, wait=False)
    )

    assert json.loads(asked.body) == {"contentType": "image/png", "originalFilename": "in.png"}
    assert put.body == (here / "in.png").read_bytes()
    assert json.loads(run.body)["inputs"] == {"image": "https://speedpix.test/get/obj-1?sig=1"}


def test_4_both_clients_take_the_same_texts_for_paths(here: Path, server: SpeedPixServer):
    texts = ["in.png", "./in.png", f"{here}/in.png", "sub/in.png", "../here/in.png", "./nothing.png", "/imagine a cat"]

    for text in texts:
        for mode in ("sync", "async"):
            run(mode, lambda client, text=text: client.run("echo", {"v": text}, wait=False), **keys(server))
    bodies = [json.loads(request.body) for request in server.requests if request.path == "/scc/comfy_prompt"]
    uploaded = ["http" in body["inputs"]["v"] for body in bodies]

    assert uploaded[::2] == uploaded[1::2] == [True, True, True, False, True, False, False]


def test_4_a_tilde_is_expanded(mode: str, here: Path, server: SpeedPixServer, monkeypatch: pytest.MonkeyPatch):  # 42
    monkeypatch.setenv("HOME", str(here))

    run(mode, lambda client: client.run("echo", {"image": "~/in.png"}, wait=False), **keys(server))

    assert list(server.sandbox.uploads.values()) == [(here / "in.png").read_bytes()]


def test_4_a_mistyped_path_is_not_sent_in_silence(mode: str, here: Path, server: SpeedPixServer, caplog: Any):
    output = run(mode, lambda client: client.run("echo", {"image": "./inn.png"}), **keys(server))

    assert output == {"image": "./inn.png"}
    assert "names no file: it is sent as text" in caplog.text


@pytest.mark.parametrize("text", ["长" * 300, "/" + "长" * 5000 + ".png", "./a\0b.png"])
def test_5_no_text_crashes_the_look_for_files(mode: str, text: str, here: Path, server: SpeedPixServer):  # 46
    assert run(mode, lambda client: client.run("echo", {"prompt": text}), **keys(server)) == {"prompt": text}


def test_6_a_refused_upload_is_an_error_and_nothing_is_run(mode: str, here: Path):  # 52 "34_files_sign_error"
    error = error_of_upload(mode, lambda client: client.run("wf", {"image": "./in.png"}, wait=False))

    assert (error.err_code, error.err_message, error.invoke_id) == ("NO", "quota", "inv-1")


def error_of_upload(mode: str, script: Any) -> Any:
    assert sample("52").interactions[0] == sample("34").interactions[0]
    return error_of(mode, "34_files_sign_error", script)


def test_6_a_text_s_file_beyond_the_limit_of_base64_is_an_error(mode: str, here: Path):  # 49
    Path("big.png").write_bytes(b"y" * (1024 * 1024 + 1))

    for image in ("./big.png", Path("big.bin"), BytesIO(b"y" * (1024 * 1024 + 1))):
        with pytest.raises(InvalidInputError, match="base64 takes files up to 1,048,576"):
            run(
                mode,
                lambda client, image=image: client.run("wf", {"image": image}, file_encoding_strategy="base64"),
            )


def test_6_a_text_that_names_no_media_file_is_sent_whatever_the_strategy(mode: str, here: Path):  # 49
    _, (sent,) = replay(
        mode,
        "49_input_base64_too_big_str",
        lambda client: client.predictions.create("wf", {"image": "./big.bin"}, file_encoding_strategy="base64"),
    )

    assert json.loads(sent.body)["inputs"] == {"image": "./big.bin"}


# --- 7: files in memory, and what cannot seek -------------------------------------------------------------------------


class Pipe:
    """A stream that can be read once."""

    name = "pipe.png"

    def __init__(self, content: bytes) -> None:
        self._rest = content

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


@both_modes
def test_7_a_stream_that_cannot_seek_is_uploaded(mode: str, server: SpeedPixServer):
    pipe: Any = Pipe(b"x" * 3_000_000)

    file = run(mode, lambda client: client.files.create(pipe), **keys(server))

    assert (file.name, file.content_type, file.size) == ("pipe.png", "image/png", 3_000_000)
    assert list(server.sandbox.uploads.values()) == [b"x" * 3_000_000]


@pytest.mark.parametrize("outcome", ["sent", "refused"])
@pytest.mark.parametrize("how", ["file", "url", "base64"])
def test_7_the_copy_of_a_stream_that_cannot_seek_is_closed(
    how: str, outcome: str, server: SpeedPixServer, monkeypatch: pytest.MonkeyPatch
):
    copies: list[Any] = []
    make = tempfile.SpooledTemporaryFile
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda **options: copies.append(make(**options)) or copies[0])
    if outcome == "refused":
        server.sandbox.faults.add(status=403, times=None)
    pipe: Any = Pipe(b"x")

    def script(client: Any) -> Any:
        if how == "file":
            return client.files.create(pipe)
        return client.run("echo", {"a": pipe}, file_encoding_strategy=how, wait=False)

    with nullcontext() if outcome == "sent" else pytest.raises(SpeedPixPermissionDeniedError):
        run("sync", script, **keys(server))

    assert [copy.closed for copy in copies] == [True]


def test_7_a_caller_s_file_stays_where_it_was(mode: str, here: Path, server: SpeedPixServer):
    with Path("in.png").open("rb") as file:
        file.seek(5)
        run(mode, lambda client: client.files.create(file), **keys(server))

        assert file.tell() == 5
    assert list(server.sandbox.uploads.values()) == [Path("in.png").read_bytes()]


@both_modes
def test_7_an_upload_that_broke_is_sent_again_from_its_start(mode: str, here: Path, server: SpeedPixServer):
    server.sandbox.faults.add(status=503, path="/bucket/*")

    run(mode, lambda client: client.files.create(BytesIO(b"abc")), **keys(server))

    assert [request.body for request in server.requests if request.method == "PUT"] == [b"abc", b"abc"]


# --- 8, 9: downloads --------------------------------------------------------------------------------------------------


def saving(client: Any) -> Any:
    return fetch(client, FileOutput(f"{HOST}/dl/none.png"), "save", "kept.png")


@both_modes
def test_8_a_failed_download_leaves_the_file_as_it_was(mode: str, here: Path):  # 63
    Path("kept.png").write_bytes(b"before")

    error = error_of(mode, "63_output_save_truncates", saving)

    assert isinstance(error, SpeedPixNotFoundError)
    assert Path("kept.png").read_bytes() == b"before"
    assert sorted(path.name for path in here.iterdir()) == ["big.bin", "in.png", "kept.png", "secret.txt"]


def test_9_a_missing_file_is_an_error_of_ours(mode: str):  # 60
    error = error_of(mode, "60_output_404", lambda client: fetch(client, FileOutput(f"{HOST}/dl/none.png"), "read"))

    assert isinstance(error, SpeedPixNotFoundError)
    assert isinstance(error, simstudio.NotFoundError)
    assert error.status == 404


@both_modes
def test_9_both_clients_follow_redirects(mode: str):  # 62
    assert sample("62").interactions[0]["response"] == sample("61").interactions[0]["response"]

    content, _ = replay(mode, "61", lambda client: fetch(client, FileOutput(f"{HOST}/dl/redir"), "read"))

    assert content == b"PNGDATA"


def test_9_large_content_is_not_kept_and_no_repr_shows_any(server: SpeedPixServer):
    small, large = server.sandbox.store(b"secret content", "a.txt"), server.sandbox.store(b"x" * 1_500_000, "b.bin")
    with server.client() as client:
        for url, gets in ((small, 1), (large, 2)):
            before = len(server.requests)
            output = output_of(client, url)
            assert output.read() == output.read()
            assert len(server.requests) - before == gets
            assert "content" not in repr(output)


@both_modes
@pytest.mark.parametrize(("size", "gets"), [(1_000_000, 1), (1_500_000, 2)], ids=["kept", "too large"])
def test_9_what_was_read_is_saved_without_a_second_download_if_it_was_kept(
    mode: str, size: int, gets: int, server: SpeedPixServer, tmp_path: Path
):
    content = b"x" * size
    url = server.sandbox.store(content, "a.bin")

    def script(client: Any) -> Any:
        output = output_of(client, url)
        yield fetch(client, output, "read")
        return (yield fetch(client, output, "save", tmp_path / "a.bin"))

    assert run(mode, script, **keys(server)).read_bytes() == content
    assert len(server.requests) == gets


def answer(server: SpeedPixServer, call: str, data: Any, status: int = 10) -> None:
    """Let the next question be answered so."""
    server.sandbox.faults.add(status=200, body={"status": status, "data": data}, path=f"/scc/{call}")


def test_55_bytes_are_uploaded_under_the_name_that_is_given_for_them(mode: str, server: SpeedPixServer):
    file = run(mode, lambda client: client.files.create(b"abc", "a.png"), **keys(server))

    assert (file.name, list(server.sandbox.uploads.values())) == ("a.png", [b"abc"])
